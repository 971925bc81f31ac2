/* SPDX-License-Identifier: MIT */
/*
 * A guest that plays with its reservation: exchanges with forged arguments,
 * frames given back while they are in use, the quota, other domains' numbers
 * (ME1-ME7, ME9, ME11, PT6, SH32).
 */
#include "../attack.h"

#define PAIRS 64

static struct xen_memory_reservation list_of(uint64_t *list, uint64_t count,
					     unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = count, .extent_order = order, .domid = DOMID_SELF,
	};

	r.extent_start.p = list;
	return r;
}

static long reserve(unsigned int op, uint64_t *list, uint64_t count,
		    unsigned int order)
{
	struct xen_memory_reservation r = list_of(list, count, order);

	return hypercall_memory_op(op, &r);
}

static long give(uint64_t mfn)
{
	return reserve(XENMEM_decrease_reservation, &mfn, 1, 0);
}

static uint64_t tot_pages(void)
{
	domid_t self = DOMID_SELF;

	return (uint64_t)hypercall_memory_op(XENMEM_current_reservation, &self);
}

static long exchange(uint64_t *in, uint64_t ins, unsigned int in_order,
		     uint64_t *out, uint64_t outs, unsigned int out_order,
		     uint64_t done)
{
	struct xen_memory_exchange x = {
		.in = list_of(in, ins, in_order),
		.out = list_of(out, outs, out_order),
		.nr_exchanged = done,
	};

	return hypercall_memory_op(XENMEM_exchange, &x);
}

/* ME1, ME2, ME9: nothing of ours may go. */
static void test_arguments(void)
{
	static uint64_t in[4], out[4];
	uint64_t va = must_alloc(), before = tot_pages();
	struct xen_memory_reservation r;
	uint64_t *hv = (uint64_t *)HV_BASE;

	in[0] = gl_virt_to_mfn(va);
	out[0] = gl_virt_to_pfn(va);
	gl_unmap_page(va);
	gl_test_equal(exchange(in, 1, 0, hv, 1, 0, 0), -XEN_EFAULT);
	gl_test_equal(exchange(hv, 1, 0, out, 1, 0, 0), -XEN_EFAULT);
	gl_test_equal(exchange(in, 1, 0, (void *)FAR_VA, 1, 0, 0), -XEN_EFAULT);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, 2), -XEN_EINVAL);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, ~0UL), -XEN_EINVAL);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, 1), 0);	/* all done */
	gl_test_equal(exchange(in, 1, 0, out, 2, 0, 0), -XEN_EINVAL);
	gl_test_equal(exchange(in, 1, 1, out, 1, 0, 0), -XEN_EINVAL);
	gl_test_equal(exchange(in, 1, 10, out, 1, 10, 0), -XEN_EPERM);
	gl_test_equal(exchange(in, 1, 64, out, 1, 64, 0), -XEN_EPERM);
	gl_test_check(exchange(in, 1UL << 33, 0, out, 1UL << 33, 0, 0) < 0);
	gl_test_check(exchange(in, ~0UL, 0, out, ~0UL, 0, 0) < 0);
	gl_test_check(exchange(in, 1UL << 61, 3, out, 1UL << 61, 3, 0) < 0);
	gl_test_equal(tot_pages(), before);
	for (unsigned int op = 0; op <= 6; op += op ? 5 : 1) {
		gl_test_equal(reserve(op, hv, 1, 0), 0);
		gl_test_equal(reserve(op, in, 1, 10), 0);
		gl_test_equal(reserve(op, in, 1, 64), 0);
		gl_test_equal(reserve(op, in, ~0UL, 0), 0);
		gl_test_equal(reserve(op, in, 1UL << 57, 0), 0);
		gl_test_equal(reserve(op, (void *)(HV_BASE - 4096), 1, 0), 0);
		gl_test_equal(reserve(op, (void *)FAR_VA, 1, 0), 0);
		r = list_of(in, 1, 0);
		r.domid = 1;
		gl_test_equal(hypercall_memory_op(op, &r), -XEN_EPERM);
		/* Forged progress: nothing is left to do. */
		gl_test_check(raw_call(__HYPERVISOR_memory_op, op | ~63UL,
				       (uint64_t)&r, 0, 0, 0) != 0);
	}
	gl_test_equal(tot_pages(), before);
	gl_test_equal(unprotect(va), 0);
}

/* A pair of frames next to each other, unmapped. */
static uint64_t find_pair(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t va = gl_pages_alloc(2);

		if (!va)
			break;
		if (gl_virt_to_mfn(va) + 1 != gl_virt_to_mfn(va + 4096))
			continue;
		gl_unmap_page(va);
		gl_unmap_page(va + 4096);
		return va;
	}
	gl_test_error("no pair of frames");
}

/* ME1: the new pages cannot be told.  None may be lost: the end counts them. */
static void test_output(void)
{
	static uint64_t in[1];
	uint64_t list = must_alloc(), before = tot_pages();
	uint64_t *out = (uint64_t *)list;

	for (unsigned int i = 0; i < PAIRS; i++) {
		uint64_t va = find_pair();

		in[0] = gl_virt_to_mfn(va);
		out[0] = gl_virt_to_pfn(va);
		out[1] = gl_virt_to_pfn(va + 4096);
		gl_test_equal(protect(list), 0);
		gl_test_equal(exchange(in, 1, 1, out, 2, 0, 0), -XEN_EFAULT);
		gl_test_equal(unprotect(list), 0);
		/* The old ones are gone (SH32). */
		gl_test_equal(map_at(va, in[0], GL_PTE_KERNEL_RO), -XEN_EPERM);
	}
	gl_test_equal(tot_pages(), before);
	audit("exchanges without output");
}

/*
 * PT6, ME4: what is used may be given up, but is not reused before its last
 * use.
 */
static void test_in_use(void)
{
	static uint64_t in[2], out[2];
	uint64_t va = must_alloc(), mfn = gl_virt_to_mfn(va);
	uint64_t before = tot_pages();

	/* Exchange takes only what nobody uses. */
	in[0] = in[1] = mfn;
	out[0] = out[1] = gl_virt_to_pfn(va);
	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, 0), -XEN_EBUSY);
	gl_test_equal(protect(va), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, mfn, 0), 0);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, 0), -XEN_EBUSY);
	gl_unmap_page(va);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, 0), -XEN_EBUSY);
	gl_test_equal(exchange(in, 2, 0, out, 2, 0, 0), -XEN_EBUSY);

	/* Given back while pinned: it stays until the pin goes. */
	gl_test_equal(give(mfn), 1);
	gl_test_equal(give(mfn), 0);
	gl_test_equal(tot_pages(), before);
	gl_test_equal(exchange(in, 1, 0, out, 1, 0, 0), -XEN_EBUSY);
	gl_test_equal(map_at(va, mfn, GL_PTE_KERNEL), -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
	gl_test_equal(tot_pages(), before - 1);
	gl_test_equal(map_at(va, mfn, GL_PTE_KERNEL_RO), -XEN_EPERM);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, mfn, 0), -XEN_EPERM);

	/*
	 * Given back while mapped: no sharing of it, and gone with the mapping.
	 */
	va = must_alloc();
	mfn = gl_virt_to_mfn(va);
	gl_test_equal(give(mfn), 1);
	*(volatile uint64_t *)va = 5;
	gl_test_equal(offer(va), -XEN_EBUSY);
	gl_test_equal(*(volatile uint64_t *)va, 5);
	gl_unmap_page(va);
	gl_test_equal(tot_pages(), before - 2);
	gl_test_equal(map_at(va, mfn, GL_PTE_KERNEL_RO), -XEN_EPERM);
	audit("pages given up in use");
}

/* ME11, ME4: tables, the loaded base, special pages, a shared page. */
static void test_special(void)
{
	uint64_t va = must_alloc(), mfn, before;
	uint64_t info = gl_start_info->shared_info >> GL_PAGE_SHIFT;

	memset((void *)va, 3, GL_PAGE_BYTES);
	mfn = must_share(va);
	before = tot_pages();
	gl_test_equal(give(mfn), 0);
	gl_test_equal(give(info), 0);
	gl_test_equal(tot_pages(), before);
	/* Our top table: given up, in use, and we go on. */
	gl_test_equal(give(gl_virt_to_mfn(gl_start_info->pt_base)), 1);
	gl_test_equal(tot_pages(), before);
	if (!gl_is_dom0()) {
		gl_test_equal(give(gl_start_info->console.domU.mfn), 1);
		gl_printf("the console's frame was given up\n");
	}
	gl_test_equal(unshare(va), SHARE_DONE);
}

/* ME5, ME6, ME7 */
static void test_quota(void)
{
	static uint64_t list[4096];
	domid_t self = DOMID_SELF;
	uint64_t max = (uint64_t)hypercall_memory_op(XENMEM_maximum_reservation,
						     &self);
	uint64_t room = max - tot_pages(), va = must_alloc();
	long got = reserve(XENMEM_increase_reservation, list, 4096, 0);

	gl_test_equal(got, room);
	gl_test_equal(tot_pages(), max);
	gl_test_equal(reserve(XENMEM_increase_reservation, list + 4000, 1, 0),
		      0);
	gl_test_equal(reserve(XENMEM_populate_physmap, list + 4000, 1, 0), 0);
	for (long i = 0; i < got; i++) {
		const uint64_t *p = (const uint64_t *)FAR_VA;

		gl_test_equal(gl_map_page(FAR_VA, list[i], GL_PTE_KERNEL_RO), 0);
		for (unsigned int k = 0; k < PAGE_WORDS; k++)
			if (p[k])
				gl_test_fail("new frame %lx has %lx", list[i],
					     p[k]);
		gl_unmap_page(FAR_VA);
	}
	gl_test_equal(reserve(XENMEM_decrease_reservation, list, got, 0), got);
	gl_test_equal(tot_pages(), max - got);
	/* For ever, without a list: up to the quota and no further. */
	gl_test_equal(reserve(XENMEM_increase_reservation, NULL, 1UL << 40, 0),
		      got);
	gl_test_equal(tot_pages(), max);
	/* With nothing left a break is refused, and harmless. */
	memset((void *)va, 9, GL_PAGE_BYTES);
	must_share(va);
	gl_test_equal(reserve(XENMEM_increase_reservation, NULL, 9, 0), 1);
	gl_test_equal(unshare(va), SHARE_NO_MEMORY);
	gl_test_equal(*(volatile uint8_t *)va, 9);
}

void gl_main(void)
{
	uint64_t va = must_alloc();

	if (gl_map_page(FAR_VA, gl_virt_to_mfn(va), GL_PTE_KERNEL_RO))
		gl_test_error("no page table");
	gl_unmap_page(FAR_VA);
	test_arguments();
	test_output();
	test_in_use();
	test_quota();
	test_special();
	audit("reservations");
	gl_test_done();
}
