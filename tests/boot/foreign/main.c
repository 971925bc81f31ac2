/* SPDX-License-Identifier: MIT */
/*
 * Foreign mappings by a first domain of our own (FOR1-FOR6).  It finds the
 * letter of each guest (tests/boot/foreign-guests) by that guest's grant table,
 * maps what the letter names, writes, is refused what it must be, unmaps; one
 * guest dies with its pages mapped, and at the end the first domain dies with
 * another's.
 */
#include <gl/grant.h>
#include <gl/trap.h>

#include <xen/domctl.h>
#include <xen/memory.h>

#include "../foreign-guests/letter.h"

/* where the guests' frames are mapped */
#define MAPS	0x00005a5a00000000UL
#define LAST	4			/* number of the last guest */

static long domctl(struct xen_domctl *op, unsigned int cmd, unsigned int dom)
{
	*op = (struct xen_domctl){
		.cmd = cmd, .domain = dom,
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
	};
	return raw_call(__HYPERVISOR_domctl, (uint64_t)op, 0, 0, 0, 0);
}

/* Its shared info's frame; 0: there is no such domain any more. */
static uint64_t info_frame(unsigned int dom)
{
	struct xen_domctl op;

	if (domctl(&op, XEN_DOMCTL_getdomaininfo, dom) || op.domain != dom)
		return 0;
	return op.u.getdomaininfo.shared_info_frame;
}

/* What has shut down stays until it is destroyed. */
static void wait_and_destroy(unsigned int dom)
{
	struct xen_domctl op;

	while (!domctl(&op, XEN_DOMCTL_getdomaininfo, dom) && op.domain == dom) {
		if (op.u.getdomaininfo.flags & XEN_DOMINF_shutdown)
			gl_test_equal(domctl(&op, XEN_DOMCTL_destroydomain, dom), 0);
		gl_sleep_ns(1000000);
	}
}

static uint64_t map_va(unsigned int i)
{
	return MAPS + i * GL_PAGE_BYTES;
}

static long map(unsigned int dom, unsigned int i, uint64_t mfn, uint64_t flags)
{
	struct mmu_update req = {
		gl_pte_maddr(map_va(i)), mfn << GL_PAGE_SHIFT | flags };
	struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
	long r = hypercall_mmu_update(&req, 1, NULL, dom);

	hypercall_mmuext_op(&flush, 1, NULL, DOMID_SELF);
	return r;
}

static uint64_t grant_table_frame(unsigned int dom)
{
	struct xen_mem_acquire_resource r = {
		.domid = dom, .type = XENMEM_resource_grant_table, .nr_frames = 1,
	};
	uint64_t frame = 0;

	set_xen_guest_handle(r.frame_list, (xen_pfn_t *)&frame);
	gl_test_equal(hypercall_memory_op(XENMEM_acquire_resource, &r), 0);
	return frame;
}

/* The letter of `dom`, mapped at place 1; its grant table at place 0. */
static struct letter *letter_of(unsigned int dom)
{
	const volatile struct grant_entry_v1 *e;

	while (!info_frame(dom))
		gl_sleep_ns(1000000);
	gl_test_equal(map(dom, 0, grant_table_frame(dom), GL_PTE_KERNEL), 0);
	e = (void *)map_va(0);
	while (!(e[GL_GRANT_FIRST].flags & GTF_permit_access))
		gl_sleep_ns(1000000);
	gl_test_equal(map(dom, 1, e[GL_GRANT_FIRST].frame, GL_PTE_KERNEL), 0);
	return (struct letter *)map_va(1);
}

/* Our own table's frame, another's, none, bits, tables, shares (FOR2, FOR3). */
static void refusals(unsigned int dom)
{
	uint64_t own = gl_virt_to_mfn(must_alloc()), entry;

	gl_test_equal(map(dom, 2, own, GL_PTE_KERNEL), -XEN_EPERM);
	gl_test_equal(map(dom, 2, 1UL << 30, GL_PTE_KERNEL), -XEN_EINVAL);
	gl_test_equal(map(dom, 2, letter->plain, GL_PTE_KERNEL | 0x10), -XEN_EINVAL);
	gl_test_equal(map(DOMID_SELF, 2, letter->plain, GL_PTE_KERNEL), -XEN_EPERM);
	gl_test_equal(map(0x7000, 2, letter->plain, GL_PTE_KERNEL), -XEN_ESRCH);
	gl_test_equal(map(0, 2, letter->plain, GL_PTE_KERNEL), -XEN_ESRCH);
	gl_test_equal(map(dom, 2, letter->table, GL_PTE_KERNEL), -XEN_EBUSY);
	gl_test_equal(map(dom, 2, letter->table, GL_PTE_KERNEL_RO), 0);
	entry = ((volatile uint64_t *)map_va(2))[0];
	gl_test_check(!gl_probe_write(map_va(2), 0));
	gl_test_equal(((volatile uint64_t *)map_va(2))[0], entry);
	gl_test_equal(map(dom, 2, letter->shared, GL_PTE_KERNEL), -XEN_EBUSY);
	gl_test_equal(map(dom, 2, letter->shared, GL_PTE_KERNEL_RO), -XEN_EBUSY);
	audit("refusals");
}

/* It dies while its pages are mapped here: they stay until the last goes. */
static void mapped_dies_first(unsigned int dom)
{
	struct shared_info *info = (void *)map_va(4);
	unsigned int i;

	letter = letter_of(dom);
	gl_test_equal(map(dom, 3, letter->kept, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(map(dom, 4, info_frame(dom), GL_PTE_KERNEL), 0);
	letter->state = LETTER_END;
	wait_and_destroy(dom);
	audit("its end");
	gl_test_check(pattern_intact(map_va(3), 3));
	letter->state = 77;
	info->arch.max_pfn = 77;
	gl_test_equal(map(dom, 5, letter->kept, GL_PTE_KERNEL), -XEN_ESRCH);
	for (i = 0; i < 5; i++)
		gl_test_equal(gl_unmap_page(map_va(i)), 0);
	audit("the last unmap");
}

static void with_letter(unsigned int dom)
{
	volatile uint64_t *plain = (void *)map_va(3);

	letter = letter_of(dom);
	letter_wait(LETTER_READY);
	refusals(dom);
	gl_test_equal(map(dom, 3, letter->plain, GL_PTE_KERNEL), 0);
	for (unsigned int k = 0; k < PAGE_WORDS; k++)
		gl_test_equal(plain[k], pattern_word(1, k));
	plain[WORD] = WRITTEN;
	gl_test_equal(map(dom, 3, letter->plain, GL_PTE_KERNEL_RO), 0);
	letter->state = LETTER_WRITTEN;
	letter_wait(LETTER_LOOKED);
	gl_test_equal(gl_unmap_page(map_va(3)), 0);
	letter->state = LETTER_UNMAPPED;
	letter_wait(LETTER_OFFERED);
	/* The frame that was offered is nobody's now, or somebody else's. */
	gl_test_equal(map(dom, 3, letter->plain, GL_PTE_KERNEL), -XEN_EPERM);
}

/* Its share is broken for us, under its running vCPUs. */
static void with_breaks(unsigned int dom)
{
	volatile uint64_t *page = (void *)map_va(7);

	letter = letter_of(dom);
	letter_wait(LETTER_READY);
	gl_test_equal(map(dom, 7, letter->shared, GL_PTE_KERNEL), 0);
	for (unsigned int k = 0; k < PAGE_WORDS; k++)
		gl_test_equal(page[k], pattern_word(1, k));
	page[WORD] = WRITTEN;
	letter->state = LETTER_WRITTEN;
	letter_wait(LETTER_LOOKED);
	audit("a break of another's share");
}

/* Places for entries: of pages of our own, so that there are tables. */
static void places_make(void)
{
	uint64_t mfn = gl_virt_to_mfn(must_alloc());

	for (unsigned int i = 0; i < 8; i++)
		gl_test_equal(gl_map_page(map_va(i), mfn, GL_PTE_KERNEL_RO), 0);
}

void gl_main(void)
{
	places_make();
	with_letter(gl_cmdline_u64("letter", 0));
	with_breaks(gl_cmdline_u64("breaks", 0));
	mapped_dies_first(gl_cmdline_u64("letter", 0));
	for (unsigned int dom = gl_cmdline_u64("wait", 0); dom <= LAST; dom++)
		wait_and_destroy(dom);
	gl_test_done();
}
