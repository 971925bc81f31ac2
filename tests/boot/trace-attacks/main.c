/* SPDX-License-Identifier: MIT */
/*
 * The trace buffer from inside: events of what this guest does, in order, with
 * times of its own clock; wrap-around with an exact count of the lost; and the
 * attacks on pages that the hypervisor shares (PT10, PT11, ME11): no other use
 * than mapping them read-only.  mfn=FRAME: another domain's trace buffer, to be
 * refused.
 */
#include <gl/trace.h>
#include <gl/timer.h>
#include <gl/share_setup.h>

#include "../attack.h"

static struct gl_trace trace;
static struct trace_record r;
static struct shareop_trace at;

static void find(void)
{
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_trace,
						  (uint64_t)&at, sizeof(at), 0),
		      0);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_trace, (uint64_t)&at,
						  sizeof(at) - 1, 0),
		      -XEN_EINVAL);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_trace, (uint64_t)&at,
						  sizeof(at), 1), -XEN_EINVAL);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_trace, HV_BASE,
						  sizeof(at), 0), -XEN_EFAULT);
	gl_printf("trace buffer: frame %lx, %u pages\n", at.mfn, at.pages);
}

static void expect(uint16_t event, uint16_t result, uint64_t name)
{
	uint64_t before = r.time_ns;

	if (!gl_trace_next(&trace, &r)) {
		gl_test_fail("no record where event %u was expected", event);
		return;
	}
	if (r.event != event || r.result != result ||
	    (name != ~0UL && r.name != name))
		gl_test_fail("record %lu: event %u result %u name %lx, not %u %u %lx",
			     r.seq - 1, r.event, r.result, r.name, event,
			     result, name);
	gl_test_check(r.time_ns >= before && r.time_ns <= gl_now_ns());
}

static void events(struct gl_share *share)
{
	uint64_t a = must_alloc(), b = must_alloc(), c = must_alloc();
	uint64_t pfn;

	expect(TRACE_BUILT, 0, 0);
	gl_test_check(!gl_trace_next(&trace, &r));
	pattern_fill(a, 1);
	pattern_fill(b, 1);
	pattern_fill(c, 2);
	/* Hit and miss look the same. */
	gl_test_equal(gl_share_page(share, a), 0);
	expect(TRACE_OFFER, SHARE_DONE, a);
	gl_test_equal(r.mfn, gl_virt_to_mfn(a));
	gl_test_equal(gl_share_page(share, b), 0);
	expect(TRACE_OFFER, SHARE_DONE, b);
	gl_test_equal(gl_share_page(share, c), 0);
	expect(TRACE_OFFER, SHARE_DONE, c);
	gl_test_equal(offer(a), -XEN_EEXIST);
	expect(TRACE_OFFER, SHARE_ALREADY, a);
	gl_test_equal(offer(FAR_VA), -XEN_ENOENT);
	expect(TRACE_OFFER, SHARE_NOT_MAPPED, FAR_VA);
	/* The kernel breaks it; the hypervisor does; a mapping goes. */
	pfn = gl_mfn_to_pfn(gl_virt_to_mfn(a));
	*(volatile uint64_t *)a = 5;
	expect(TRACE_BREAK, 0, pfn);
	gl_test_equal(gl_share_unshare(share, b), 0);
	expect(TRACE_UNSHARE, SHARE_DONE, b);
	gl_test_equal(r.mfn, gl_virt_to_mfn(b));
	pfn = gl_mfn_to_pfn(gl_virt_to_mfn(c));
	gl_test_equal(gl_unmap_page(c), 0);
	expect(TRACE_DROP, 0, pfn);
	gl_test_check(!gl_trace_next(&trace, &r));
	gl_test_equal(trace.lost, 0);
}

static void wrap(void)
{
	uint64_t records = trace.header->records, first = trace.next, n;

	for (n = 0; n < records + 100; n++)
		offer(FAR_VA + (n % 256) * GL_PAGE_BYTES);
	for (n = 100; n < records + 100; n++)
		expect(TRACE_OFFER, SHARE_NOT_MAPPED,
		       FAR_VA + (n % 256) * GL_PAGE_BYTES);
	gl_test_check(!gl_trace_next(&trace, &r));
	gl_test_equal(trace.lost, 100);
	gl_test_equal(trace.next, first + records + 100);
}

/* What may be done with a frame that is the hypervisor's: `rc` each. */
static void other_uses(const char *what, uint64_t mfn, long rc)
{
	uint64_t list = must_alloc(), out = mfn;
	struct xen_memory_reservation res = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .nr_extents = 1, .domid = DOMID_SELF },
	};
	struct vcpu_register_vcpu_info info = { .mfn = mfn };
	uint64_t gdt[1] = { mfn };

	gl_printf("%s: frame %lx\n", what, mfn);
	for (unsigned int cmd = MMUEXT_PIN_L1_TABLE;
	     cmd <= MMUEXT_PIN_L4_TABLE; cmd++)
		gl_test_equal(ext_op(cmd, mfn, 0), rc);
	gl_test_equal(ext_op(MMUEXT_NEW_BASEPTR, mfn, 0), rc);
	gl_test_equal(ext_op(MMUEXT_NEW_USER_BASEPTR, mfn, 0), rc);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), rc);
	gl_test_equal(ext_op(MMUEXT_CLEAR_PAGE, mfn, 0), rc);
	gl_test_equal(ext_op(MMUEXT_COPY_PAGE, mfn, gl_virt_to_mfn(list)), rc);
	gl_test_equal(pte_set(mfn << 12 | MMU_MACHPHYS_UPDATE, 1), rc);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, (uint64_t)gdt, 512, 0, 0,
			       0), rc);
	gl_test_equal(hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info),
		      rc);
	set_xen_guest_handle(res.extent_start, &out);
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &res),
		      0);
	set_xen_guest_handle(x.in.extent_start, &out);
	set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)list);
	gl_test_equal(hypercall_memory_op(XENMEM_exchange, &x), rc);
	gl_page_free(list);
}

static void attack_own(void)
{
	struct shareop_info before = info_get();
	uint64_t i;

	for (i = 0; i < at.pages; i++) {
		gl_test_equal(map_at((uint64_t)trace.header + i * 4096,
				     at.mfn + i, GL_PTE_KERNEL), -XEN_EPERM);
		gl_test_equal(pte_set((at.mfn + i) << 12, 1), -XEN_EPERM);
		gl_test_equal(offer((uint64_t)trace.header + i * 4096),
			      -XEN_EPERM);
	}
	other_uses("own trace buffer", at.mfn, -XEN_EPERM);
	other_uses("shared info", gl_start_info->shared_info >> 12,
		   -XEN_EPERM);
	gl_test_equal(trace.header->magic, TRACE_MAGIC);
	gl_test_equal(info_get().tot_pages, before.tot_pages);
}

static bool is_mine(uint64_t mfn)
{
	for (uint64_t pfn = 0; pfn < gl_pages_total(); pfn++)
		if (gl_pfn_to_mfn(pfn) == mfn)
			return true;
	return false;
}

/*
 * The other instance's pages: built alike, so a few frames around ours are
 * among them.
 */
static void attack_others(void)
{
	unsigned int refused = 0;
	long rc;

	gl_test_equal(gl_map_page(FAR_VA, gl_virt_to_mfn((uint64_t)&trace &
							 ~4095UL),
				  GL_PTE_KERNEL_RO), 0);
	for (uint64_t mfn = at.mfn - 64; mfn < at.mfn + 64; mfn++) {
		if (is_mine(mfn) || mfn - at.mfn < at.pages ||
		    mfn == gl_start_info->shared_info >> 12)
			continue;
		rc = map_at(FAR_VA, mfn, GL_PTE_KERNEL_RO);
		if (rc == -XEN_EINVAL)	/* not RAM */
			continue;
		gl_test_equal(rc, -XEN_EPERM);
		refused++;
	}
	gl_printf("%u frames of others refused\n", refused);
	gl_test_check(refused > 8);
}

void gl_main(void)
{
	struct gl_share *share = gl_share_setup(8);

	find();
	gl_test_equal(gl_trace_open(&trace), 0);
	if (gl_test_failures)
		gl_test_done();
	events(share);
	wrap();
	attack_own();
	attack_others();
	audit("attacks on heap pages");
	gl_test_done();
}
