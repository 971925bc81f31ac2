/* SPDX-License-Identifier: MIT */
/*
 * Grants attacked from inside: on the CPU, with real TLBs.  The domain grants
 * to itself (tests/unit/pv_grant*.c has the same between domains, recounted).
 * After each attack the whole machine is audited.
 */
#include <gl/grant.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/trap.h>

#include "attack.h"

#define HOST	GNTMAP_host_map
#define DEV	GNTMAP_device_map
#define RDONLY	GNTMAP_readonly

static domid_t self;
static uint64_t page;		/* granted */
/* where it is mapped by grant: its own frame was given back */
static uint64_t at;
static grant_ref_t rw, ro;
static struct grant_entry_v1 *const table = (void *)GL_GRANT_VA;

static int16_t map(uint64_t host, uint32_t flags, grant_ref_t ref, domid_t dom,
		   struct gnttab_map_grant_ref *op)
{
	*op = (struct gnttab_map_grant_ref){
		.host_addr = host, .flags = flags, .ref = ref, .dom = dom,
		.status = 99,
	};
	gl_test_equal(hypercall_grant_table_op(GNTTABOP_map_grant_ref, op, 1),
		      0);
	return op->status;
}

static int16_t unmap(uint64_t host, uint64_t dev, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = host, .dev_bus_addr = dev, .handle = handle,
		.status = 99,
	};

	gl_test_equal(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op,
					       1), 0);
	return op.status;
}

static uint16_t in_use(grant_ref_t ref)
{
	return table[ref].flags & (GTF_reading | GTF_writing);
}

/* TL7, GT5: after an unmap no translation is left, though it was just used. */
static void stale_translation(void)
{
	struct gnttab_map_grant_ref op;
	uint64_t word;

	gl_test_equal(map(at, HOST, rw, self, &op), 0);
	gl_test_check(pattern_intact(at, 1));
	gl_test_check(gl_probe_write(at, pattern_word(1, 0)));
	gl_test_equal(in_use(rw), GTF_reading | GTF_writing);
	gl_test_equal(unmap(at, 0, op.handle), 0);
	gl_test_check(!gl_probe_read(at, &word));
	gl_test_check(!gl_probe_write(at, 0));
	gl_test_equal(in_use(rw), 0);
	/* Read-only is read-only. */
	gl_test_equal(map(at, HOST, ro, self, &op), GNTST_general_error);
	gl_test_equal(map(at, HOST | RDONLY, ro, self, &op), 0);
	gl_test_check(gl_probe_read(at, &word));
	gl_test_check(!gl_probe_write(at, 0));
	gl_test_equal(unmap(at, 0, op.handle), 0);
	gl_test_equal(unmap(at, 0, op.handle), GNTST_bad_handle); /* GT2 */
	audit("stale translations");
}

/* GT1, GT17, GT18 */
static void host_and_device(void)
{
	uint64_t maddr = gl_virt_to_mfn(page) << GL_PAGE_SHIFT;
	struct gnttab_map_grant_ref op;

	gl_test_equal(map(at, 0, rw, self, &op), GNTST_bad_gntref);
	gl_test_equal(map(at, HOST | DEV, rw, self, &op), 0);
	gl_test_equal(op.dev_bus_addr, maddr);
	gl_test_equal(unmap(0, maddr + 16, op.handle), GNTST_bad_dev_addr);
	gl_test_equal(unmap(0, 0, op.handle), 0);
	gl_test_equal(unmap(at, 0, op.handle), 0);
	gl_test_check(unmap(at, 0, op.handle) < 0);
	gl_test_equal(in_use(rw), GTF_reading | GTF_writing);
	audit("half an unmap");
	gl_test_equal(unmap(0, maddr, op.handle), 0);
	gl_test_equal(in_use(rw), 0);
	gl_test_equal(map(at, DEV, rw, self, &op), 0);
	gl_test_equal(gl_pte_read(at) & GL_PTE_PRESENT, 0);
	gl_test_equal(unmap(0, maddr, op.handle), 0);
	audit("host and device");
}

/* GT6, GT20: entries rewritten behind the hypervisor's back, and by grants. */
static void rewritten(void)
{
	uint64_t other = must_alloc(), word;
	struct gnttab_map_grant_ref op, second;

	gl_test_equal(map(at, HOST, rw, self, &op), 0);
	gl_test_equal(map_at(at, gl_virt_to_mfn(other), GL_PTE_KERNEL), 0);
	gl_test_equal(in_use(rw), 0);
	gl_test_equal(unmap(at, 0, op.handle), GNTST_bad_handle);
	gl_test_check(gl_probe_read(at, &word));
	audit("an entry rewritten");
	gl_test_equal(map(at, HOST, rw, self, &op), 0);
	gl_test_equal(map(at, HOST | RDONLY, ro, self, &second), 0);
	gl_test_equal(in_use(rw), 0);
	gl_test_equal(in_use(ro), GTF_reading);
	gl_test_equal(unmap(at, 0, second.handle), 0);
	gl_test_equal(in_use(ro), 0);
	audit("a grant over a grant");
	gl_page_free(other);
}

/* GT7, GT13, GT15 */
static void bad_arguments(void)
{
	uint64_t pte = gl_pte_maddr(at);
	uint64_t l4 = gl_virt_to_mfn(gl_start_info->pt_base) << GL_PAGE_SHIFT;
	const uint64_t hosts[] = { pte + 4, pte + 1, l4, l4 + 8, ~0UL,
		gl_virt_to_mfn(page) << GL_PAGE_SHIFT, 0, 1UL << 52,
		gl_start_info->shared_info };
	const uint64_t vas[] = { HV_BASE, HV_END - 8, 1UL << 47, FAR_VA, ~0UL };
	const grant_ref_t refs[] = { 512, 1u << 31, ~0u };
	const domid_t doms[] = { 0x7ff0, 0x7fff, 999, 0 };
	const uint32_t frames[] = { 0xfffffff0, 0xffffffff,
		(uint32_t)(gl_start_info->shared_info >> GL_PAGE_SHIFT) };
	struct gnttab_map_grant_ref op;
	uint32_t frame = table[rw].frame;
	unsigned int i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		gl_test_check(map(hosts[i], HOST | GNTMAP_contains_pte, rw,
				  self, &op) < 0);
	for (i = 0; i < sizeof(vas) / sizeof(vas[0]); i++)
		gl_test_check(map(vas[i], HOST, rw, self, &op) < 0);
	for (i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		gl_test_equal(map(at, HOST, refs[i], self, &op),
			      GNTST_bad_gntref);
		gl_test_equal(unmap(at, 0, refs[i]), GNTST_bad_handle);
	}
	for (i = 0; i < sizeof(doms) / sizeof(doms[0]); i++)
		if (doms[i] != self)
			gl_test_equal(map(at, HOST, rw, doms[i], &op),
				      GNTST_bad_domain);
	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		table[rw].frame = frames[i];
		gl_test_equal(map(at, HOST, rw, self, &op),
			      GNTST_general_error);
	}
	/* a table, writable */
	table[rw].frame = (uint32_t)(l4 >> GL_PAGE_SHIFT);
	gl_test_equal(map(at, HOST, rw, self, &op), GNTST_general_error);
	table[rw].frame = frame;
	gl_test_equal(in_use(rw), 0);
	audit("bad arguments");
}

/* GT8 */
static void changed_while_pinned(void)
{
	struct gnttab_map_grant_ref op, second;
	struct grant_entry_v1 was = table[rw];
	uint64_t at2 = must_alloc();

	gl_test_equal(gl_frame_return(at2), 0);
	gl_test_equal(map(at, HOST, rw, self, &op), 0);
	table[rw].frame = (uint32_t)gl_virt_to_mfn(gl_start_info->pt_base);
	gl_test_equal(map(at2, HOST, rw, self, &second), 0);
	gl_test_check(pattern_intact(at2, 1));
	gl_test_equal(unmap(at2, 0, second.handle), 0);
	table[rw] = (struct grant_entry_v1){ 0 };
	gl_test_equal(map(at2, HOST, rw, self, &second), GNTST_general_error);
	gl_test_equal(unmap(at, 0, op.handle), 0);
	was.flags = GTF_permit_access;
	table[rw] = was;
	gl_test_equal(gl_frame_regain(at2), 0);
	gl_page_free(at2);
	audit("an entry changed while in use");
}

/* GT22, SH4: both ways. */
static void sharing(void)
{
	struct gnttab_map_grant_ref op;
	uint64_t shared = must_alloc();
	long ref;

	gl_test_equal(map(at, HOST | RDONLY, ro, self, &op), 0);
	gl_test_equal(offer(page), -XEN_EBUSY);
	gl_test_equal(offer(at), -XEN_EBUSY);
	gl_test_equal(unmap(at, 0, op.handle), 0);
	pattern_fill(shared, 7);
	must_share(shared);
	ref = gl_grant_page(self, shared, true);
	gl_test_equal(map(at, HOST | RDONLY, (grant_ref_t)ref, self, &op),
		      GNTST_bad_page);
	gl_test_equal(gl_grant_end((grant_ref_t)ref), 0);
	gl_test_equal(unshare(shared), SHARE_DONE);
	audit("grants and sharing");
}

void gl_main(void)
{
	if (gl_grant_init(1))
		gl_test_error("no grants");
	self = gl_domid();
	page = must_alloc();
	at = must_alloc();
	gl_test_equal(gl_frame_return(at), 0);
	pattern_fill(page, 1);
	rw = (grant_ref_t)gl_grant_page(self, page, false);
	ro = (grant_ref_t)gl_grant_page(self, page, true);
	stale_translation();
	host_and_device();
	rewritten();
	bad_arguments();
	changed_while_pinned();
	if (!gl_is_dom0())	/* real Xen has no such call */
		sharing();
	gl_test_check(pattern_intact(page, 1));
	gl_test_done();
}
