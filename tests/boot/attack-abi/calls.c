/* SPDX-License-Identifier: MIT */
/* Other calls: ME1-ME4, ME9, ME11, PR4, CP3, CP5, EV1, EV5, TR5, TR6. */
#include "attack_abi.h"

/* --- memory_op --- */

static struct xen_memory_reservation reservation(uint64_t *list, uint64_t n)
{
	struct xen_memory_reservation r = { .nr_extents = n, .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, (unsigned long *)list);
	return r;
}

static long decrease(uint64_t mfn)
{
	struct xen_memory_reservation r = reservation(&mfn, 1);

	return hypercall_memory_op(XENMEM_decrease_reservation, &r);
}

/* ME1: an exchange whose arrays lie in the hypervisor. */
static long me1_exchange_into_hypervisor(void)
{
	struct xen_memory_exchange x = { .in.nr_extents = 1, .out.nr_extents = 1,
		.in.domid = DOMID_SELF, .out.domid = DOMID_SELF };

	set_xen_guest_handle(x.in.extent_start, (unsigned long *)HV_BASE);
	set_xen_guest_handle(x.out.extent_start, (unsigned long *)HV_BASE);
	return hypercall_memory_op(XENMEM_exchange, &x);
}

static long me1_forged_nr_exchanged(void)
{
	uint64_t in = 0, out = 0;
	struct xen_memory_exchange x = { .nr_exchanged = ~0UL };

	x.in = reservation(&in, 1);
	x.out = reservation(&out, 1);
	return hypercall_memory_op(XENMEM_exchange, &x);
}

/* ME2: orders that are none. */
static long me2_order(void)
{
	uint64_t pfn = 0;
	struct xen_memory_reservation r = reservation(&pfn, 1);

	r.extent_order = 63;
	return hypercall_memory_op(XENMEM_populate_physmap, &r);
}

/*
 * ME3: flags that mean nothing here are ignored, and are no way to more memory.
 */
static long me3_flags(void)
{
	uint64_t pfn = 0;
	struct xen_memory_reservation r = reservation(&pfn, 0);

	r.mem_flags = ~0u;
	return hypercall_memory_op(XENMEM_increase_reservation, &r);
}

/* ME4: a pinned table is given back: not free before its last use. */
static long me4_pinned_table(void)
{
	uint64_t va, mfn = table_page(&va), got;
	long r;

	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, mfn, 0), 0);
	r = decrease(mfn);
	gl_test_check(gl_probe_read(va, &got) && !got);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
	if (!r)
		table_free(va);	/* else it went with its last mapping */
	return r;
}

/* ME9: in another domain's name. */
static long me9_foreign(void)
{
	uint64_t pfn = 0;
	struct xen_memory_reservation r = reservation(&pfn, 1);

	r.domid = 0x7e57;
	return hypercall_memory_op(XENMEM_decrease_reservation, &r);
}

/* ME11: the hypervisor's page is not ours to give. */
static long me11_shared_info(void)
{
	return decrease(gl_start_info->shared_info >> 12);
}

/* --- continuations, multicalls --- */

/* PR4: "a continuation" of nothing, and one that would go beyond the array. */
static long pr4_forged_count(void)
{
	struct mmu_update req = { 0 };

	return hypercall_mmu_update(&req, 0x80000000, NULL, DOMID_SELF);
}

static long pr4_forged_memory_op(void)
{
	uint64_t pfn = 0;
	struct xen_memory_reservation r = reservation(&pfn, 1);

	return hypercall_memory_op(XENMEM_decrease_reservation | 5 << 6, &r);
}

static long cp3_no_requests(void)
{
	return hypercall_mmu_update(NULL, 0, NULL, DOMID_SELF);
}

static long cp5_nested(void)
{
	struct multicall_entry inner, outer;

	memset(&inner, 0, sizeof(inner));
	memset(&outer, 0, sizeof(outer));
	inner.op = __HYPERVISOR_xen_version;
	outer.op = __HYPERVISOR_multicall;
	outer.args[0] = (unsigned long)&inner;
	outer.args[1] = 1;
	gl_test_equal(hypercall_multicall(&outer, 1), 0);
	return (long)outer.result;
}

static long cp5_count_2_31(void)
{
	return raw_call(__HYPERVISOR_multicall, FAR_VA, 1UL << 31, 0, 0, 0);
}

static long cp5_read_only_list(void)
{
	uint64_t va = must_alloc();
	struct multicall_entry *e = (struct multicall_entry *)va;
	long r;

	memset(e, 0, sizeof(*e));
	e->op = __HYPERVISOR_xen_version;
	gl_test_equal(protect(va), 0);
	r = hypercall_multicall(e, 1);
	gl_test_equal(unprotect(va), 0);
	gl_page_free(va);
	return r;
}

/* --- events, areas, registers --- */

static long ev1_send(uint32_t port)
{
	struct evtchn_send send = { .port = port };

	return hypercall_event_channel_op(EVTCHNOP_send, &send);
}

static long ev1_send_4096(void) { return ev1_send(4096); }
static long ev1_send_all_ones(void) { return ev1_send(~0u); }

static long ev1_bind_virq(void)
{
	struct evtchn_bind_virq b = { .virq = 1000 };

	return hypercall_event_channel_op(EVTCHNOP_bind_virq, &b);
}

/* EV5: an area that crosses its page, and one in a page table. */
static long vcpu_info(uint64_t mfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info info = { .mfn = mfn, .offset = offset };

	return hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info);
}

static long ev5_crossing(void) { return vcpu_info(gl_virt_to_mfn(gl_start_info->pt_base), 4090); }
static long ev5_in_a_table(void) { return vcpu_info(L4_MFN, 0) < 0; }

static long tr5_base(unsigned int which, uint64_t base)
{
	return raw_call(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

static long tr5_fs(void) { return tr5_base(SEGBASE_FS, 1UL << 47); }
static long tr5_gs_user(void) { return tr5_base(SEGBASE_GS_USER, 1UL << 63); }

static long tr6_dr0(void)
{
	return raw_call(__HYPERVISOR_set_debugreg, 0, 0xffff830000000000, 0, 0, 0);
}

static long tr6_dr4(void) { return raw_call(__HYPERVISOR_set_debugreg, 4, 0, 0, 0, 0); }

const struct attack call_attacks[] = {
	{ "ME1-exchange-arrays-in-hypervisor", me1_exchange_into_hypervisor, -XEN_EFAULT },
	{ "ME1-forged-nr_exchanged", me1_forged_nr_exchanged, -XEN_EINVAL },
	{ "ME2-order-63", me2_order, 0 },
	{ "ME3-all-mem_flags", me3_flags, 0 },
	{ "ME4-decrease-pinned-table", me4_pinned_table, 1 },
	{ "ME9-foreign-domain", me9_foreign, -XEN_EPERM },
	{ "ME11-decrease-shared-info", me11_shared_info, 0 },
	{ "PR4-forged-mmu_update-count", pr4_forged_count, 0 },
	{ "PR4-forged-memory_op-start", pr4_forged_memory_op, 5 },
	{ "CP3-no-requests-no-array", cp3_no_requests, 0 },
	{ "CP5-nested-multicall", cp5_nested, -XEN_EINVAL },
	{ "CP5-count-2^31", cp5_count_2_31, -XEN_EFAULT },
	{ "CP5-read-only-list", cp5_read_only_list, -XEN_EFAULT },
	{ "EV1-send-4096", ev1_send_4096, -XEN_EINVAL },
	{ "EV1-send-all-ones", ev1_send_all_ones, -XEN_EINVAL },
	{ "EV1-bind-virq-1000", ev1_bind_virq, -XEN_EINVAL },
	{ "EV5-vcpu_info-crosses-page", ev5_crossing, -XEN_EINVAL },
	{ "EV5-vcpu_info-in-page-table", ev5_in_a_table, 1 },
	{ "TR5-FS-base-not-canonical", tr5_fs, -XEN_EINVAL },
	{ "TR5-GS-base-not-canonical", tr5_gs_user, -XEN_EINVAL },
	{ "TR6-DR0-in-hypervisor", tr6_dr0, -XEN_EPERM },
	{ "TR6-DR4-is-DR6", tr6_dr4, 0 },
	{ 0 },
};
