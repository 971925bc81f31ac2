/* SPDX-License-Identifier: MIT */
/*
 * What granting, mapping and unmapping cost, in instructions: one page a call
 * and 32.  The domain grants to itself, so that one guest does, here and as
 * Xen's first domain.
 */
#include <gl/grant.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/start.h>

#include "../bench.h"

#define PAGES 32

static struct gnttab_map_grant_ref map[PAGES];
static struct gnttab_unmap_grant_ref unmap[PAGES];
static struct gl_page *to[PAGES];
static uint64_t page[PAGES];
static grant_ref_t ref[PAGES];
static domid_t self;

static void grant_and_end(void *arg)
{
	(void)gl_grant_end((grant_ref_t)gl_grant_page(self, page[0], false));
}

static void maps_fill(unsigned int count, uint32_t flags)
{
	for (unsigned int i = 0; i < count; i++)
		map[i] = (struct gnttab_map_grant_ref){
			.host_addr = to[i]->va, .flags = flags, .ref = ref[i],
			.dom = self,
		};
}

static void unmaps_fill(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (map[i].status)
			gl_panic("map: status %d", map[i].status);
		unmap[i] = (struct gnttab_unmap_grant_ref){
			.host_addr = to[i]->va, .handle = map[i].handle,
		};
	}
}

static void check(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (unmap[i].status)
			gl_panic("unmap: status %d", unmap[i].status);
}

static void lower(uint64_t *best, uint64_t value)
{
	if (value < *best)
		*best = value;
}

/* The smallest of BENCH_ROUNDS of each. */
static void pair(const char *name, unsigned int count, uint32_t flags)
{
	uint64_t best_map = ~0UL, best_unmap = ~0UL, start;

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		maps_fill(count, flags);
		start = bench_now();
		hypercall_grant_table_op(GNTTABOP_map_grant_ref, map, count);
		lower(&best_map, bench_now() - start);
		unmaps_fill(count);
		start = bench_now();
		hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, unmap,
					 count);
		lower(&best_unmap, bench_now() - start);
		check(count);
	}
	gl_printf("BENCH map_%s %lu\n", name, best_map);
	gl_printf("BENCH unmap_%s %lu\n", name, best_unmap);
}

static void copy_page(void *arg)
{
	struct gnttab_copy op = {
		.source = { .u.ref = ref[0], .domid = self },
		.dest = { .u.gmfn = gl_virt_to_mfn(page[1]),
			  .domid = DOMID_SELF },
		.len = GL_PAGE_BYTES, .flags = GNTCOPY_source_gref,
	};

	hypercall_grant_table_op(GNTTABOP_copy, &op, 1);
	if (op.status)
		gl_panic("copy: status %d", op.status);
}

void gl_main(void)
{
	long rc = gl_grant_init(1);

	self = gl_domid();
	if (rc || gl_foreign_init(PAGES))
		gl_panic("no grants: %ld", rc);
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = gl_page_alloc();
		to[i] = gl_foreign_alloc();
	}
	bench("grant", grant_and_end, NULL);
	for (unsigned int i = 0; i < PAGES; i++)
		ref[i] = (grant_ref_t)gl_grant_page(self, page[i], false);
	pair("rw_1", 1, GNTMAP_host_map);
	pair("rw_32", PAGES, GNTMAP_host_map);
	pair("ro_1", 1, GNTMAP_host_map | GNTMAP_readonly);
	pair("ro_32", PAGES, GNTMAP_host_map | GNTMAP_readonly);
	bench("copy", copy_page, NULL);
	gl_printf("BENCH END\n");
}
