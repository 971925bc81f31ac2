/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls with numbers that do not exist, pointers that lead nowhere, and
 * counts that are too large: the exact error each time, and nothing written
 * where nothing belongs (CP1, CP2, CP3, CP5, EV1, TR5, TR6).
 */
#include <gl/trap.h>

#include "../attack.h"

#include <xen/physdev.h>

#define SELF DOMID_SELF

struct call {
	const char *name;
	uint8_t nr;
	uint8_t at;		/* which argument is the pointer */
	bool null_ok;		/* NULL means something */
	bool out;		/* must be writable */
	uint64_t a[5];
	uint64_t seed[2];	/* what a read-only argument starts with */
};

#define CALL(n, ...) { #n, __HYPERVISOR_##n, __VA_ARGS__ }
#define SUB(n, op, ...) { #op, __HYPERVISOR_##n, __VA_ARGS__ }

static const struct call calls[] = {
	CALL(set_trap_table, 0, true, false, { 0 }, { 0 }),
	CALL(mmu_update, 0, false, false, { 0, 1, 0, SELF }, { 0 }),
	SUB(mmu_update, mmu_update_done, 2, true, true, { 0, 0, 0, SELF }, { 0 }),
	CALL(mmuext_op, 0, false, false, { 0, 1, 0, SELF }, { 0 }),
	SUB(mmuext_op, mmuext_done, 2, true, true, { 0, 0, 0, SELF }, { 0 }),
	CALL(set_gdt, 0, false, false, { 0, 512 }, { 0 }),
	SUB(memory_op, XENMEM_increase_reservation, 1, false, false, { 0 }, { 0 }),
	SUB(memory_op, XENMEM_decrease_reservation, 1, false, false, { 1 }, { 0 }),
	SUB(memory_op, XENMEM_populate_physmap, 1, false, false, { 6 }, { 0 }),
	SUB(memory_op, XENMEM_exchange, 1, false, false, { 11 }, { 0 }),
	SUB(memory_op, XENMEM_current_reservation, 1, false, false, { 3 }, { 0 }),
	SUB(memory_op, XENMEM_maximum_reservation, 1, false, false, { 4 }, { 0 }),
	SUB(memory_op, XENMEM_machphys_mapping, 1, false, true, { 12 }, { 0 }),
	SUB(memory_op, XENMEM_memory_map, 1, false, true, { 9 }, { 1, 0 }),
	CALL(multicall, 0, false, true, { 0, 1 }, { __HYPERVISOR_xen_version }),
	CALL(event_channel_op_compat, 0, false, false, { 0 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_bind_interdomain, 1, false, false, { 0 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_bind_virq, 1, false, true, { 1 },
	    { VIRQ_DEBUG }),
	SUB(event_channel_op, EVTCHNOP_bind_pirq, 1, false, false, { 2 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_close, 1, false, false, { 3 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_send, 1, false, false, { 4 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_status, 1, false, true, { 5 }, { SELF }),
	SUB(event_channel_op, EVTCHNOP_alloc_unbound, 1, false, true, { 6 },
	    { SELF | SELF << 16 }),
	SUB(event_channel_op, EVTCHNOP_bind_ipi, 1, false, true, { 7 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_bind_vcpu, 1, false, false, { 8 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_unmask, 1, false, false, { 9 }, { 0 }),
	SUB(event_channel_op, EVTCHNOP_reset, 1, false, false, { 10 }, { 0 }),
	SUB(xen_version, XENVER_extraversion, 1, false, true, { 1 }, { 0 }),
	SUB(xen_version, XENVER_compile_info, 1, false, true, { 2 }, { 0 }),
	SUB(xen_version, XENVER_capabilities, 1, false, true, { 3 }, { 0 }),
	SUB(xen_version, XENVER_changeset, 1, false, true, { 4 }, { 0 }),
	SUB(xen_version, XENVER_platform_parameters, 1, false, true, { 5 }, { 0 }),
	SUB(xen_version, XENVER_get_features, 1, false, true, { 6 }, { 0 }),
	SUB(xen_version, XENVER_guest_handle, 1, false, true, { 8 }, { 0 }),
	SUB(xen_version, XENVER_commandline, 1, false, true, { 9 }, { 0 }),
	CALL(console_io, 2, false, false, { CONSOLEIO_write, 64 }, { 0 }),
	CALL(physdev_op, 1, false, false, { PHYSDEVOP_set_iopl }, { 0 }),
	CALL(physdev_op_compat, 0, false, false, { 0 }, { 0 }),
	SUB(vcpu_op, VCPUOP_get_runstate_info, 2, false, true, { 4 }, { 0 }),
	SUB(vcpu_op, VCPUOP_register_runstate_memory_area, 2, false, false, { 5 }, { 0 }),
	SUB(vcpu_op, VCPUOP_set_periodic_timer, 2, false, false, { 6 }, { 0 }),
	SUB(vcpu_op, VCPUOP_set_singleshot_timer, 2, false, false, { 8 }, { 0 }),
	SUB(vcpu_op, VCPUOP_register_vcpu_info, 2, false, false, { 10 }, { 0 }),
	SUB(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 2, false, false, { 13 }, { 0 }),
	SUB(sched_op, SCHEDOP_shutdown, 1, false, false, { 2 }, { 0 }),
	SUB(sched_op, SCHEDOP_poll, 1, false, false, { 3 }, { 0 }),
	SUB(callback_op, CALLBACKOP_register, 1, false, false, { 0 }, { 0 }),
	SUB(callback_op, CALLBACKOP_unregister, 1, false, false, { 1 }, { 0 }),
	SUB(arch_7, SHAREOP_batch, 1, false, true, { 1, 0, 1 }, { 0 }),
	SUB(arch_7, SHAREOP_unshare, 1, false, true, { 2, 0, 1 }, { 0 }),
	SUB(arch_7, SHAREOP_info, 1, false, true, { 3, 0, 96 }, { 0 }),
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static uint64_t page, crossing, table, held;

static long make(const struct call *c, uint64_t pointer)
{
	uint64_t a[5];

	memcpy(a, c->a, sizeof(a));
	a[c->at] = pointer;
	return raw_call(c->nr, a[0], a[1], a[2], a[3], a[4]);
}

static void expect(const struct call *c, uint64_t pointer, long want)
{
	long got = make(c, pointer);

	if (got != want)
		gl_test_fail("%s at %lx gave %ld, not %ld", c->name, pointer,
			     got, want);
}

/* CP1 */
static void test_pointers(void)
{
	const uint64_t bad[] = {
		8, 0x7fffffffffffUL, 0x800000000000UL, HV_BASE - 8, HV_BASE,
		HV_BASE + 8, 0xffff828000100000UL, 0xffff830000000000UL,
		HV_END - 8, HV_END - 1, 0x8000000000000000UL, ~7UL, ~0UL,
		FAR_VA, crossing,
	};

	for (unsigned int i = 0; i < CALLS; i++) {
		for (unsigned int k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
			expect(&calls[i], bad[k], -XEN_EFAULT);
		if (!calls[i].null_ok)
			expect(&calls[i], 0, -XEN_EFAULT);
	}
}

/* CP1: outputs into a read-only page, a page table, a shared page. */
static void test_read_only(void)
{
	static uint64_t before[PAGE_WORDS];

	memcpy(before, (void *)table, GL_PAGE_BYTES);
	for (unsigned int i = 0; i < CALLS; i++) {
		if (!calls[i].out)
			continue;
		gl_test_equal(unprotect(page), 0);
		memset((void *)page, 0, GL_PAGE_BYTES);
		memcpy((void *)page, calls[i].seed, sizeof(calls[i].seed));
		gl_test_equal(protect(page), 0);
		expect(&calls[i], page, -XEN_EFAULT);
		gl_test_check(!memcmp((void *)page, calls[i].seed, 16));
		if (calls[i].seed[0])
			continue;	/* what is there would matter */
		gl_test_check(make(&calls[i], held) < 0);
		if (calls[i].nr != __HYPERVISOR_arch_7)
			make(&calls[i], table);
	}
	gl_test_check(!memcmp((void *)table, before, GL_PAGE_BYTES));
	gl_test_check(pattern_intact(held, 77));
	gl_test_equal(unprotect(page), 0);
}

/* CP2: the bytes on both sides stay; all bytes of an output are set. */
static void test_canaries(void)
{
	static const struct { uint8_t nr, op; uint64_t bytes, a2; } outs[] = {
		{ __HYPERVISOR_xen_version, 1, 16, 0 },
		{ __HYPERVISOR_xen_version, 2, 144, 0 },
		{ __HYPERVISOR_xen_version, 3, 1024, 0 },
		{ __HYPERVISOR_xen_version, 4, 64, 0 },
		{ __HYPERVISOR_xen_version, 5, 8, 0 },
		{ __HYPERVISOR_xen_version, 8, 16, 0 },
		{ __HYPERVISOR_xen_version, 9, 1024, 0 },
		{ __HYPERVISOR_memory_op, 12, 24, 0 },
		{ __HYPERVISOR_arch_7, SHAREOP_info, 96, 96 },
		{ __HYPERVISOR_arch_7, SHAREOP_info, 96, 4096 },
	};
	uint8_t *p = (uint8_t *)page;

	for (unsigned int i = 0; i < sizeof(outs) / sizeof(outs[0]); i++) {
		/*
		 * The end of the page, then nothing: not a byte more is
		 * touched.
		 */
		uint8_t *at = p + GL_PAGE_BYTES - outs[i].bytes;
		unsigned int stale = 0, run = 0;

		memset(p, 0xa5, GL_PAGE_BYTES);
		gl_test_equal(raw_call(outs[i].nr, outs[i].op, (uint64_t)at,
				       outs[i].a2, 0, 0), 0);
		for (uint8_t *b = p; b < at; b++)
			stale += *b != 0xa5;
		for (uint8_t *b = at; b < p + GL_PAGE_BYTES; b++)
			run += *b == 0xa5;
		if (stale || run > outs[i].bytes / 8)
			gl_test_fail("call %u op %u: %u bytes before, %u not set",
				     outs[i].nr, outs[i].op, stale, run);
	}
}

static void test_numbers(void)
{
	static const uint8_t none[] = { 11, 27, 38, 43, 44, 45, 46, 47, 48, 49,
		50, 51, 52, 53, 54, 56, 57, 63, 64, 100, 127 };
	static const uint64_t huge[] = { 128, 1UL << 31, 1UL << 32,
		(1UL << 32) + 17, 1UL << 63, ~0UL };
	static const uint8_t with_ops[] = { __HYPERVISOR_memory_op,
		__HYPERVISOR_event_channel_op, __HYPERVISOR_sched_op,
		__HYPERVISOR_callback_op, __HYPERVISOR_physdev_op,
		__HYPERVISOR_xen_version, __HYPERVISOR_console_io,
		__HYPERVISOR_sched_op_compat };
	unsigned int i;

	for (i = 0; i < sizeof(none); i++)
		gl_test_equal(raw_call(none[i], FAR_VA, ~0UL, 1, 0, 0),
			      -XEN_ENOSYS);
	for (i = 0; i < sizeof(huge) / 8; i++)
		gl_test_equal(raw_call(huge[i], 0, 0, 0, 0, 0), -XEN_ENOSYS);
	for (i = 0; i < sizeof(with_ops); i++) {
		gl_test_equal(raw_call(with_ops[i], 60, page, 0, 0, 0),
			      -XEN_ENOSYS);
		gl_test_equal(raw_call(with_ops[i], ~0UL, page, 0, 0, 0),
			      -XEN_ENOSYS);
	}
	gl_test_equal(raw_call(__HYPERVISOR_kexec_op, page, 0, 0, 0, 0),
		      -XEN_EPERM);
	gl_test_equal(raw_call(__HYPERVISOR_vcpu_op, 999, 0, page, 0, 0),
		      -XEN_ENOSYS);
	gl_test_equal(raw_call(__HYPERVISOR_vcpu_op, 3, 1, 0, 0, 0),
		      -XEN_ENOENT);
	gl_test_equal(raw_call(__HYPERVISOR_vcpu_op, 3, ~0UL, 0, 0, 0),
		      -XEN_ENOENT);
	gl_test_equal(raw_call(__HYPERVISOR_arch_7, 5, 0, 0, 0, 0),
		      -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_arch_7, ~0UL, 0, 0, 0, 0),
		      -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_update_va_mapping_otherdomain,
			       page, 0, 0, 1, 0), -XEN_ESRCH);
}

/*
 * CP3, CP1: counts that cannot be; requests before the unmapped page are
 * counted exactly.
 */
static void test_counts(void)
{
	uint64_t end = page + GL_PAGE_BYTES;
	struct mmuext_op *op = (void *)(end - 3 * sizeof(*op));
	static unsigned int done;

	for (unsigned int i = 0; i < 3; i++)
		op[i] = (struct mmuext_op){ .cmd = MMUEXT_TLB_FLUSH_LOCAL };
	for (uint64_t count = 0x7fffffff; count < 1UL << 40; count <<= 1) {
		done = 99;
		gl_test_equal(raw_call(__HYPERVISOR_mmuext_op, (uint64_t)op,
				       count, (uint64_t)&done, SELF, 0),
			      count >> 32 ? -XEN_EINVAL : -XEN_EFAULT);
		if (count == 0x7fffffff)
			gl_test_equal(done, 3);
		gl_test_equal(raw_call(__HYPERVISOR_mmu_update, end, count, 0,
				       SELF, 0),
			      count >> 32 ? -XEN_EINVAL : -XEN_EFAULT);
	}
	gl_test_equal(hypercall_mmuext_op(op, 3, NULL, 1), -XEN_EPERM);
	gl_test_equal(raw_call(__HYPERVISOR_mmu_update, page, 1, 0, 1, 0),
		      -XEN_EPERM);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, page, 7169, 0, 0, 0),
		      -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, page, 1UL << 31, 0, 0, 0),
		      -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, page, ~0UL, 0, 0, 0),
		      -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_console_io, 0, 1UL << 31, crossing,
			       0, 0), -XEN_EFAULT);
	for (uint64_t n = 0; n < 64; n++) {
		uint64_t count = n ? 512UL << n : 0;

		gl_test_equal(raw_call(__HYPERVISOR_arch_7, SHAREOP_batch,
				       page, count, 0, 0), -XEN_EINVAL);
		gl_test_equal(raw_call(__HYPERVISOR_arch_7, SHAREOP_unshare,
				       page, count, 0, 0), -XEN_EINVAL);
	}
	gl_test_equal(offer_batch((void *)page, 513), -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_arch_7, SHAREOP_batch, page, 1, 1,
			       0), -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_arch_7, SHAREOP_info, page, 95, 0,
			       0), -XEN_EINVAL);
}

/* EV1 */
static void test_poll(void)
{
	static evtchn_port_t ports[200];
	struct sched_poll poll = { .nr_ports = 1 };

	poll.ports.p = ports;
	for (uint64_t port = 4096; port < 1UL << 32; port <<= 1) {
		ports[0] = (evtchn_port_t)port;
		gl_test_equal(hypercall_sched_op(SCHEDOP_poll, &poll),
			      -XEN_EINVAL);
	}
	ports[0] = 0;
	poll.nr_ports = 129;
	gl_test_equal(hypercall_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
	poll.nr_ports = 1U << 31;
	gl_test_equal(hypercall_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
	poll.nr_ports = 2;
	poll.ports.p = (void *)(crossing - 3);
	gl_test_equal(hypercall_sched_op(SCHEDOP_poll, &poll), -XEN_EFAULT);
}

/* CP5 */
static void test_multicall(void)
{
	struct multicall_entry *e = (void *)page;
	uint64_t end = page + GL_PAGE_BYTES;

	e[0] = e[1] = e[2] = (struct multicall_entry){ .op = 99 };
	e[1].op = __HYPERVISOR_multicall;
	e[1].args[0] = page;
	e[1].args[1] = 3;
	e[2].op = __HYPERVISOR_xen_version;
	gl_test_equal(hypercall_multicall(e, 3), 0);
	gl_test_equal(e[0].result, -XEN_ENOSYS);
	gl_test_equal(e[1].result, -XEN_EINVAL);
	gl_test_check((long)e[2].result > 0);
	gl_test_equal(hypercall_multicall(e, 0), 0);
	gl_test_equal(hypercall_multicall(NULL, 0), 0);

	e = (void *)(end - sizeof(*e));
	*e = (struct multicall_entry){ .op = 99 };
	gl_test_equal(hypercall_multicall(e, 1U << 31), -XEN_EFAULT);
	gl_test_equal(e->result, -XEN_ENOSYS);
	gl_test_equal(raw_call(__HYPERVISOR_multicall, 0x7fffffffff00UL,
			       0xffffffff, 0, 0, 0), -XEN_EFAULT);

	/* The list's own page is shared by its first entry. */
	e = (void *)page;
	e[0] = e[1] = (struct multicall_entry){ .op = __HYPERVISOR_arch_7 };
	e[0].args[1] = e[1].args[1] = page;
	e[0].result = 4711;
	gl_test_equal(hypercall_multicall(e, 2), -XEN_EFAULT);
	gl_test_equal(e[0].result, 4711);
	gl_test_equal(unshare(page), SHARE_DONE);
	e[0].result = 1;
}

/* PT12, TR5, TR6: addresses that are kept and used later. */
static void test_addresses(void)
{
	static const uint64_t bad[] = { HV_BASE, HV_BASE + 8, HV_END - 1,
		HV_BASE - 1, 0x800000000000UL, 1UL << 63,
		0xffff830000000000UL };

	for (unsigned int i = 0; i < sizeof(bad) / 8; i++) {
		uint64_t va = bad[i];
		bool canonical = va >= HV_BASE && va < HV_END;
		struct trap_info traps[2] = { { .vector = 3, .address = va } };
		struct callback_register reg = { .type = 0, .address = va };
		uint64_t area = va;

		gl_test_equal(hypercall_set_trap_table(traps), -XEN_EINVAL);
		gl_test_equal(hypercall_callback_op(0, &reg), -XEN_EINVAL);
		gl_test_equal(raw_call(__HYPERVISOR_set_callbacks, va, 0, 0, 0,
				       0), -XEN_EINVAL);
		gl_test_equal(hypercall_update_va_mapping(va, 0, 0),
			      -XEN_EINVAL);
		gl_test_equal(hypercall_vcpu_op(5, 0, &area), -XEN_EFAULT);
		gl_test_equal(hypercall_vcpu_op(13, 0, &area), -XEN_EFAULT);
		gl_test_equal(offer(va & ~4095UL), -XEN_EINVAL);
		gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 0, va, 0, 0,
				       0), -XEN_EPERM);
		for (unsigned int s = 0; s < 3; s++)
			if (!canonical)
				gl_test_equal(raw_call(
					__HYPERVISOR_set_segment_base, s, va,
					0, 0, 0), -XEN_EINVAL);
		ext_op(MMUEXT_INVLPG_LOCAL, va, 0);
		ext_op(MMUEXT_INVLPG_ALL, va, 0);
		hypercall_update_va_mapping(page, 0, va | UVMF_INVLPG);
		unprotect(page);
	}
	gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 8, 0, 0, 0, 0),
		      -XEN_ENODEV);
	gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 7, 1 << 13, 0, 0, 0),
		      -XEN_EPERM);
	gl_test_equal(raw_call(__HYPERVISOR_get_debugreg, 8, 0, 0, 0, 0),
		      -XEN_ENODEV);
	gl_test_equal(raw_call(__HYPERVISOR_set_segment_base, 9, 0, 0, 0, 0),
		      -XEN_EINVAL);
}

/*
 * Areas that the hypervisor writes on its own, laid over what must not change.
 */
static void test_areas(void)
{
	static uint8_t harmless[128] __attribute__((aligned(64)));
	static uint64_t before[PAGE_WORDS];
	uint64_t at[] = { table, held, FAR_VA, crossing, (uint64_t)harmless };

	memcpy(before, (void *)table, GL_PAGE_BYTES);
	for (unsigned int i = 0; i < 5; i++) {
		gl_test_equal(hypercall_vcpu_op(5, 0, &at[i]), 0);
		gl_test_equal(hypercall_vcpu_op(13, 0, &at[i]), 0);
		for (unsigned int n = 0; n < 20; n++)
			gl_yield();
	}
	gl_test_check(!memcmp((void *)table, before, GL_PAGE_BYTES));
	gl_test_check(pattern_intact(held, 77));
}

static volatile unsigned int debug_traps;

static bool debug_trap(struct gl_regs *regs)
{
	debug_traps++;
	return true;
}

/*
 * A breakpoint on the guest's own data, which the hypervisor then writes (TR2's
 * kin).
 */
static void test_breakpoint(void)
{
	gl_trap_handler_set(TRAP_debug, debug_trap);
	gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 0, page, 0, 0, 0), 0);
	gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 7, 0xf0003, 0, 0, 0),
		      0);
	for (unsigned int i = 0; i < 10; i++)
		gl_test_equal(hypercall_xen_version(1, (void *)page), 0);
	*(volatile uint64_t *)page = 1;
	gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 7, 0, 0, 0, 0), 0);
	gl_printf("breakpoint: %u traps\n", debug_traps);
}

void gl_main(void)
{
	page = gl_pages_alloc(2);
	if (!page)
		gl_test_error("no memory");
	gl_unmap_page(page + GL_PAGE_BYTES);
	crossing = page + GL_PAGE_BYTES - 1;
	table = gl_start_info->pt_base;
	held = must_alloc();
	pattern_fill(held, 77);
	must_share(held);

	test_numbers();
	test_pointers();
	test_read_only();
	test_canaries();
	test_counts();
	test_poll();
	test_multicall();
	test_addresses();
	test_areas();
	test_breakpoint();
	audit("bad hypercalls");
	gl_test_done();
}
