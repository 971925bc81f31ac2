/* links: hv/pv/hypercall.c hv/pv/op_physdev.c tests/port/port.c tests/fake/fake_pv.c */
/* SPDX-License-Identifier: MIT */
/*
 * The way of registers through a hypercall (CALL1, CALL2), the table's holes,
 * and the old forms of calls.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>
#include <xen/physdev.h>
#include <xen/sched.h>

#include "abi/xencomm.h"
#include "fake/fake_pv.h"
#include "pv/physdev.h"
#include "unit/suite.h"

#define VA	0x700000UL

static struct vcpu *v;
static struct hypercall_args seen;
static long answer;
static bool ended;	/* a call that went on */
static uint64_t old_cmd, old_arg;
static uint32_t memory[8];

/* All handlers of the table: note the arguments, give `answer`. */
static long handler(struct hypercall_args *args)
{
	seen = *args;
	if (answer == -ERESTART || ended)
		for (unsigned int i = 0; i < 6; i++)
			args->a[i] += 100;
	if (ended)
		args->regs = REGS_ARGS;
	return answer;
}

#define HANDLER(name) \
	long name(struct hypercall_args *args) { return handler(args); }
HANDLER(op_set_trap_table)
HANDLER(op_mmu_update)
HANDLER(op_set_gdt)
HANDLER(op_stack_switch)
HANDLER(op_set_callbacks)
HANDLER(op_fpu_taskswitch)
HANDLER(op_set_debugreg)
HANDLER(op_get_debugreg)
HANDLER(op_update_descriptor)
HANDLER(op_memory)
HANDLER(op_grant_table)
HANDLER(op_multicall)
HANDLER(op_update_va_mapping)
HANDLER(op_xen_version)
HANDLER(op_vm_assist)
HANDLER(op_set_segment_base)
HANDLER(op_mmuext)
HANDLER(op_callback)
HANDLER(op_share)
HANDLER(op_domctl)
HANDLER(op_sysctl)
HANDLER(op_platform)
HANDLER(op_xsm)

long op_xencomm(struct hypercall_args *args)
{
	return handler(args) + 1000;
}

long op_iret(struct hypercall_args *args)
{
	current_vcpu()->regs.rax = 0xabcd;
	args->regs = REGS_NEW;
	return -ERESTART;	/* even so */
}

long op_set_timer(uint64_t timeout_ns) { return timeout_ns; }
long op_vcpu(unsigned long cmd, uint64_t id, uint64_t arg) { return cmd + id + arg; }
long op_console_io(unsigned long cmd, uint64_t *n, uint64_t *va) { return *n; }
long op_sched_shutdown(uint64_t reason)
{
	old_arg = reason;
	return reason == SHUTDOWN_suspend ? -ENOSYS : 0;
}

static long note_old(uint64_t cmd, uint64_t arg)
{
	old_cmd = cmd;
	old_arg = arg;
	return 7;
}

long op_sched(unsigned long cmd, uint64_t arg) { return note_old(cmd, arg); }
long op_event_channel(uint64_t *cmd, uint64_t arg) { return note_old(*cmd, arg); }

long physdev_device(uint64_t cmd, uint64_t va)
{
	old_cmd = cmd;
	old_arg = va;
	return cmd == PHYSDEVOP_eoi ? 3 : -ENOSYS;
}

static void setup(void)
{
	v = fake_pv_reset();
	fake_memory_add(VA, memory, sizeof(memory), true);
	v->regs.rdi = 1;
	v->regs.rsi = 2;
	v->regs.rdx = 3;
	v->regs.r10 = 4;
	v->regs.r8 = 5;
	v->regs.r9 = 6;
	answer = 0;
	ended = false;
	memset(&seen, 0, sizeof(seen));
}

static long enter(uint64_t nr)
{
	v->regs.rax = nr;
	hypercall_enter(v);
	return (long)v->regs.rax;
}

START_TEST(arguments_and_result)
{
	struct regs before = v->regs;

	answer = -EBUSY;
	ck_assert_int_eq(enter(__HYPERVISOR_mmu_update), -EBUSY);
	for (unsigned int i = 0; i < 6; i++)
		ck_assert_uint_eq(seen.a[i], i + 1);
	before.rax = v->regs.rax;
	/* CALL1 */
	ck_assert_int_eq(memcmp(&before, &v->regs, sizeof(before)), 0);
}
END_TEST

START_TEST(restart)
{
	uint64_t rip = v->regs.rip;

	answer = -ERESTART;
	ck_assert_int_eq(enter(__HYPERVISOR_mmu_update), __HYPERVISOR_mmu_update);
	ck_assert_uint_eq(v->regs.rip, rip - 2);
	ck_assert_uint_eq(v->regs.rdi, 101);
	ck_assert_uint_eq(v->regs.rsi, 102);
	ck_assert_uint_eq(v->regs.rdx, 103);
	ck_assert_uint_eq(v->regs.r10, 104);
	ck_assert_uint_eq(v->regs.r8, 105);
	ck_assert_uint_eq(v->regs.r9, 106);
}
END_TEST

/* AGAIN1 */
START_TEST(arguments_of_the_last_part)
{
	uint64_t rip = v->regs.rip;

	ended = true;
	ck_assert_int_eq(enter(__HYPERVISOR_domctl), 0);
	ck_assert_uint_eq(v->regs.rip, rip);
	ck_assert_uint_eq(v->regs.rsi, 102);
	ck_assert_uint_eq(v->regs.rdx, 103);
}
END_TEST

START_TEST(iret_replaces)
{
	uint64_t rip = v->regs.rip;

	ck_assert_int_eq(enter(__HYPERVISOR_iret), 0xabcd);
	ck_assert_uint_eq(v->regs.rip, rip);
	ck_assert_uint_eq(v->regs.rdi, 1);
}
END_TEST

/* Hypercall 55 is two parts: sharing, and buffers of xencomm. */
START_TEST(our_own_call)
{
	answer = 5;
	ck_assert_int_eq(enter(__HYPERVISOR_arch_7), 5);
	v->regs.rdi = XENCOMMOP_register;
	ck_assert_int_eq(enter(__HYPERVISOR_arch_7), 1005);
	v->regs.rdi = XENCOMMOP_unregister;
	ck_assert_int_eq(enter(__HYPERVISOR_arch_7), 1005);
}
END_TEST

START_TEST(holes)
{
	static const uint64_t none[] = {
		11, 28, 31, 34, 38, 39, 40, 41, 42, 43, 48, 54, 56, 57,
		0xffff, 1UL << 32, (1UL << 32) + 1, ~0UL,
	};

	for (size_t i = 0; i < ARRAY_COUNT(none); i++)
		ck_assert_int_eq(enter(none[i]), -ENOSYS);
	ck_assert_int_eq(enter(__HYPERVISOR_kexec_op), -EPERM);
	answer = 5;
	ck_assert_int_eq(enter(55), 5);
}
END_TEST

START_TEST(iopl)
{
	v->regs.rdi = PHYSDEVOP_set_iopl;
	v->regs.rsi = VA;
	memory[0] = 1;
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op), 0);
	ck_assert_uint_eq(v->iopl, 1UL << 12);
	memory[0] = 4;
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op), -EINVAL);
	v->regs.rsi = VA + sizeof(memory);
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op), -EFAULT);
	v->regs.rdi = 28;
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op), -ENOSYS);
	v->regs.rdi = PHYSDEVOP_eoi;
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op), 3);
	ck_assert_uint_eq(old_arg, VA + sizeof(memory));
}
END_TEST

static long iobitmap(uint64_t bits, uint32_t ports)
{
	memcpy(memory, &bits, sizeof(bits));
	memory[2] = ports;
	v->regs.rdi = PHYSDEVOP_set_iobitmap;
	v->regs.rsi = VA;
	return enter(__HYPERVISOR_physdev_op);
}

START_TEST(iobitmap_is_noted)
{
	ck_assert_int_eq(iobitmap(0x1000, 65537), -EINVAL);
	ck_assert_int_eq(iobitmap(HV_VIRT_START, 10), -EINVAL);
	ck_assert_int_eq(iobitmap(HV_VIRT_START - 8191, 0), -EINVAL);
	ck_assert_int_eq(iobitmap(0x7fffffffe001, 1), -EINVAL);
	ck_assert_uint_eq(v->iobitmap_ports, 0);
	ck_assert_int_eq(iobitmap(0x1000, 65536), 0);
	ck_assert_uint_eq(v->iobitmap_va, 0x1000);
	ck_assert_uint_eq(v->iobitmap_ports, 65536);
	ck_assert_int_eq(iobitmap(0, 0), 0);
	v->regs.rdi = PHYSDEVOP_set_iobitmap;
	v->regs.rsi = VA + sizeof(memory);
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op), -EFAULT);
}
END_TEST

START_TEST(old_forms)
{
	v->regs.rdi = 0;
	ck_assert_int_eq(enter(__HYPERVISOR_sched_op_compat), 7);
	v->regs.rdi = 2;
	v->regs.rsi = 3;
	ck_assert_int_eq(enter(__HYPERVISOR_sched_op_compat), 0);
	ck_assert_uint_eq(old_arg, 3);
	/* to suspend is refused as by the newer form */
	v->regs.rdi = 2;
	v->regs.rsi = SHUTDOWN_suspend;
	ck_assert_int_eq(enter(__HYPERVISOR_sched_op_compat), -ENOSYS);
	v->regs.rdi = 9;
	ck_assert_int_eq(enter(__HYPERVISOR_sched_op_compat), -ENOSYS);
	memory[0] = 4;
	v->regs.rdi = VA;
	ck_assert_int_eq(enter(__HYPERVISOR_event_channel_op_compat), 7);
	ck_assert_uint_eq(old_cmd, 4);
	ck_assert_uint_gt(old_arg, VA);
	memory[0] = 10;		/* EVTCHNOP_reset is no old one */
	ck_assert_int_eq(enter(__HYPERVISOR_event_channel_op_compat), -ENOSYS);
	memory[0] = PHYSDEVOP_set_iopl;
	memory[offsetof(struct physdev_op, u) / 4] = 3;
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op_compat), 0);
	ck_assert_uint_eq(v->iopl, 3UL << 12);
	v->regs.rdi = 0;
	ck_assert_int_eq(enter(__HYPERVISOR_physdev_op_compat), -EFAULT);
	ck_assert_int_eq(enter(__HYPERVISOR_event_channel_op_compat), -EFAULT);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("hypercall");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, arguments_and_result);
	tcase_add_test(tc, restart);
	tcase_add_test(tc, arguments_of_the_last_part);
	tcase_add_test(tc, iret_replaces);
	tcase_add_test(tc, our_own_call);
	tcase_add_test(tc, holes);
	tcase_add_test(tc, iopl);
	tcase_add_test(tc, iobitmap_is_noted);
	tcase_add_test(tc, old_forms);
	return suite_run();
}
