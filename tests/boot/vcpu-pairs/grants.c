/* SPDX-License-Identifier: MIT */
/*
 * What another domain grants (giver(), the same kernel): both vCPUs map and
 * unmap it.
 */
#include <gl/trap.h>

#include "pairs.h"

#define EACH	8
#define ALL	(2 * EACH)
#define OVER	0x0e4dUL	/* the user needs the page no more */

static uint64_t window[ALL], look;
static grant_handle_t handle[ALL];
static int16_t status[ALL];
static domid_t giver_id;
static volatile bool gone;
static uint64_t sum;

void giver(domid_t user)
{
	uint64_t va = must_alloc();
	long ref;

	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(gl_grant_init(1), 0);
	ref = gl_grant_page(user, va, false);
	gl_test_equal(ref, GL_GRANT_FIRST);
	while (*(volatile uint64_t *)va != OVER || gl_grant_end((grant_ref_t)ref))
		gl_yield();
	gl_test_done();
}

static int16_t map(unsigned int i)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = window[i], .flags = GNTMAP_host_map,
		.ref = GL_GRANT_FIRST, .dom = giver_id,
	};

	gl_test_equal(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	handle[i] = op.handle;
	return op.status;
}

static int16_t unmap(unsigned int i)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = window[i], .handle = handle[i],
	};

	gl_test_equal(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
	return op.status;
}

static void windows_make(void)
{
	giver_id = (domid_t)gl_cmdline_u64("giver", 0);
	look = granted_page(giver_id, GL_GRANT_FIRST);
	for (unsigned int i = 0; i < ALL; i++)
		window[i] = must_alloc();
}

static void map_one(unsigned int n)
{
	gone = false;
	if (map(0))
		wrong("it cannot be mapped");
}

/* --- GT2: one handle, both unmap it --- */

static void unmap_both(unsigned int me, unsigned int n)
{
	status[me] = unmap(0);
}

static void one_won(unsigned int n)
{
	if (!status[0] + !status[1] != 1)
		wrong("unmapped by both, or none: %d, %d", status[0], status[1]);
}

/* --- GT4: handles that both take and give back --- */

static void map_some(unsigned int me, unsigned int n)
{
	for (unsigned int i = me * EACH; i < (me + 1) * EACH; i++) {
		status[i] = map(i);
		if (i % 2 && !status[i - 1] && unmap(i - 1))
			wrong("a handle of its own is none");
	}
}

static void all_apart(unsigned int n)
{
	for (unsigned int i = 1; i < ALL; i += 2)
		for (unsigned int k = 1; k < i; k += 2)
			if (handle[i] == handle[k])
				wrong("a handle was given twice");
	for (unsigned int i = 1; i < ALL; i += 2)
		if (status[i] || unmap(i))
			wrong("a mapping failed, or its end");
}

/* --- EV5: areas of both, on a page that is not ours any more --- */

static void area_comes(unsigned int n)
{
	map_one(n);
	areas_at(window[0] + 64 * (n % 32));
	if (unmap(0))
		wrong("it is not unmapped");
	sum = sum_of(look);
}

static void area_gone(unsigned int n)
{
	if (sum != sum_of(look))
		wrong("an area was written on a page that is not ours");
}

/* --- TL7: unmapped: then nobody writes --- */

static void write_and_unmap(unsigned int me, unsigned int n)
{
	if (me) {
		for (uint64_t i = 1; gl_probe_write(window[0] + 8 * (i % PAGE_WORDS), i); i++)
			;
		gone = true;
		return;
	}
	if (unmap(0))
		wrong("it is not unmapped");
	sum = sum_of(look);
}

static void no_late_write(unsigned int n)
{
	if (!gone || sum != sum_of(look))
		wrong("a page changed that is not mapped writable");
	if (n == REPEATS - 1)
		*(volatile uint64_t *)look = OVER;
}

const struct pair grant_pairs[] = {
	{ "GT2", windows_make, map_one, unmap_both, one_won },
	{ "GT4", NULL, NULL, map_some, all_apart },
	{ "EV5 foreign", NULL, area_comes, switches, area_gone },
	{ "TL7", NULL, map_one, write_and_unmap, no_late_write },
	{ NULL, NULL, NULL, NULL, NULL },
};
