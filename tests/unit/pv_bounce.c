/* links: hv/pv/bounce.c tests/port/port.c tests/fake/fake_pv.c */
/* SPDX-License-Identifier: MIT */
/* Bounce frames, word by word as Xen's ABI has them, and BOUNCE1-BOUNCE3. */
#include <check.h>
#include <port.h>
#include <string.h>

#include "fake/fake_pv.h"
#include "pv/bounce.h"
#include "unit/suite.h"

#define TOP_FROM_USER	FAKE_KERNEL_SP

static struct vcpu *v;

static void setup(void)
{
	v = fake_pv_reset();
	v->regs.rcx = 0xc0c0;
	v->regs.r11 = 0x1111;
}

static void user_mode(void)
{
	v->kernel_mode = false;
	v->regs.cs = 0x33;
	v->regs.ss = 0x2b;
	v->regs.rip = 0x401000;
	v->regs.rsp = 0x7fff12345678;
}

static uint64_t word(unsigned int i)
{
	return fake_stack_word(v->regs.rsp + 8 * i);
}

/* rip, cs, rflags, rsp, ss from word `at` on. */
static void check_tail(unsigned int at, uint64_t rip, uint64_t cs,
		       uint64_t rflags, uint64_t rsp, uint64_t ss)
{
	ck_assert_uint_eq(word(at), rip);
	ck_assert_uint_eq(word(at + 1), cs);
	ck_assert_uint_eq(word(at + 2), rflags);
	ck_assert_uint_eq(word(at + 3), rsp);
	ck_assert_uint_eq(word(at + 4), ss);
}

static void check_handler(uint64_t rip)
{
	ck_assert_uint_eq(v->regs.rip, rip);
	ck_assert_uint_eq(v->regs.cs, 0xe033);
	ck_assert_uint_eq(v->regs.ss, 0xe02b);
	ck_assert_uint_eq(v->regs.rcx, rip);
	ck_assert_uint_eq(v->regs.r11, v->regs.rflags);
	ck_assert(v->kernel_mode);
	ck_assert_uint_eq(fake_pv.crashes, 0);
}

START_TEST(exception_in_kernel)
{
	uint64_t rip = v->regs.rip, rsp = v->regs.rsp;

	ck_assert(!bounce_pending(v));
	bounce_exception(v, VEC_UD, false, 0);
	ck_assert(bounce_pending(v));
	check_handler(FAKE_HANDLER(VEC_UD));
	ck_assert_uint_eq(v->regs.rsp, (rsp & ~15UL) - 7 * 8);
	ck_assert_uint_eq(word(0), 0xc0c0);
	ck_assert_uint_eq(word(1), 0x1111);
	check_tail(2, rip, 0xe030, RFLAGS_IF | RFLAGS_MBS, rsp, 0xe02b);
	ck_assert_uint_eq(fake_pv.mode_changes, 0);
	ck_assert(!v->trap.pending);
}
END_TEST

START_TEST(exception_with_error_from_user)
{
	user_mode();
	fake_pv.info.evtchn_upcall_mask = 1;
	bounce_exception(v, VEC_GP, true, 0x1234);
	bounce_pending(v);
	check_handler(FAKE_HANDLER(VEC_GP));
	ck_assert_uint_eq(v->regs.rsp, TOP_FROM_USER - 8 * 8);
	ck_assert_uint_eq(word(2), 0x1234);
	check_tail(3, 0x401000, 0x33 | 1UL << 32, RFLAGS_MBS, 0x7fff12345678,
		   0x2b);
	ck_assert_uint_eq(fake_pv.mode_changes, 1);
}
END_TEST

START_TEST(page_fault_hides_user_bit_of_kernel)
{
	bounce_page_fault(v, 0xdead000, 7);
	bounce_pending(v);
	ck_assert_uint_eq(fake_pv.info.arch.cr2, 0xdead000);
	ck_assert_uint_eq(word(2), 3);

	setup();
	user_mode();
	bounce_page_fault(v, 0xbeef000, 7);
	bounce_pending(v);
	ck_assert_uint_eq(fake_pv.info.arch.cr2, 0xbeef000);
	ck_assert_uint_eq(word(2), 7);
}
END_TEST

START_TEST(flags_are_cleared_for_the_handler)
{
	v->regs.rflags |= RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC |
			  RFLAGS_VM | RFLAGS_IOPL | RFLAGS_DF | RFLAGS_CF;
	bounce_exception(v, VEC_DE, false, 0);
	bounce_pending(v);
	ck_assert_uint_eq(v->regs.rflags,
			  RFLAGS_IF | RFLAGS_MBS | RFLAGS_DF | RFLAGS_CF);
	ck_assert(word(4) & RFLAGS_TF);
	ck_assert(!(word(4) & RFLAGS_IOPL));
}
END_TEST

START_TEST(architectural_iopl_is_shown)
{
	fake_pv.domain.vm_assist = 1u << VMASST_TYPE_architectural_iopl;
	v->iopl = 1UL << 12;
	bounce_exception(v, VEC_DE, false, 0);
	bounce_pending(v);
	ck_assert_uint_eq(word(4) & RFLAGS_IOPL, 1UL << 12);
}
END_TEST

START_TEST(upcall_mask_set_by_flag)
{
	v->traps[VEC_PF].flags = 4;
	bounce_page_fault(v, 0x1000, 0);
	bounce_pending(v);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 1);
	ck_assert_uint_eq(word(4) >> 32, 0);	/* cs: the mask before */
}
END_TEST

START_TEST(event_upcall)
{
	uint64_t rip = v->regs.rip, rsp = v->regs.rsp;

	fake_pv.info.evtchn_upcall_pending = 1;
	ck_assert(bounce_pending(v));
	check_handler(FAKE_EVENT_CB);
	check_tail(2, rip, 0xe030, RFLAGS_IF | RFLAGS_MBS, rsp, 0xe02b);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 1);
	rip = v->regs.rip;
	ck_assert(!bounce_pending(v));	/* masked now */
	ck_assert_uint_eq(v->regs.rip, rip);
}
END_TEST

/*
 * Both pending: the event's frame is on top and returns to the exception's
 * handler.
 */
START_TEST(exception_then_event)
{
	fake_pv.info.evtchn_upcall_pending = 1;
	bounce_exception(v, VEC_BP, false, 0);
	bounce_pending(v);
	check_handler(FAKE_EVENT_CB);
	ck_assert_uint_eq(word(2), FAKE_HANDLER(VEC_BP));
}
END_TEST

START_TEST(one_exception_a_fault)
{
	bounce_exception(v, VEC_UD, false, 0);
	bounce_exception(v, VEC_GP, true, 8);
	bounce_pending(v);
	check_handler(FAKE_HANDLER(VEC_UD));
	bounce_pending(v);
	check_handler(FAKE_HANDLER(VEC_UD));
}
END_TEST

START_TEST(system_call)
{
	user_mode();
	v->regs.rflags |= RFLAGS_DF | RFLAGS_TF;
	v->regs.rcx = v->regs.r11 = 0;
	bounce_syscall(v);
	check_handler(FAKE_SYSCALL_CB);
	ck_assert_uint_eq(v->regs.rflags, RFLAGS_IF | RFLAGS_MBS);
	ck_assert_uint_eq(word(0), 0x401000);
	ck_assert_uint_eq(word(1),
			  RFLAGS_IF | RFLAGS_MBS | RFLAGS_DF | RFLAGS_TF);
	check_tail(2, 0x401000, 0x33,
		   RFLAGS_IF | RFLAGS_MBS | RFLAGS_DF | RFLAGS_TF,
		   0x7fff12345678, 0x2b);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(system_call_without_handler)
{
	user_mode();
	v->syscall_cb.address = 0;
	bounce_syscall(v);
	bounce_pending(v);
	check_handler(FAKE_HANDLER(VEC_UD));
	ck_assert_uint_eq(word(2), 0x400ffe);	/* at the syscall */
}
END_TEST

START_TEST(failsafe)
{
	user_mode();
	v->segs = (struct guest_segs){ .ds = 1, .es = 2, .fs = 3, .gs = 4 };
	bounce_failsafe(v);
	check_handler(FAKE_FAILSAFE_CB);
	ck_assert_uint_eq(v->regs.rsp, (TOP_FROM_USER - 11 * 8));
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(word(2 + i), i + 1);
	check_tail(6, 0x401000, 0x33, RFLAGS_IF | RFLAGS_MBS, 0x7fff12345678,
		   0x2b);
}
END_TEST

/* Selectors that could not be loaded: after the exception, before the event. */
START_TEST(failsafe_in_turn)
{
	v->segs_refused = true;
	v->segs.ds = 0x123;
	bounce_exception(v, VEC_BP, false, 0);
	bounce_pending(v);
	check_handler(FAKE_FAILSAFE_CB);
	ck_assert_uint_eq(word(2), 0x123);
	ck_assert_uint_eq(word(6), FAKE_HANDLER(VEC_BP));
	bounce_pending(v);
	check_handler(FAKE_FAILSAFE_CB);	/* once */
}
END_TEST

/* VC3, BOUNCE4: after the exception, before the event; one at a time. */
START_TEST(nmi)
{
	v->nmi_pending = true;
	v->traps[VEC_NMI].flags = 4;
	fake_pv.info.evtchn_upcall_pending = 1;
	bounce_exception(v, VEC_BP, false, 0);
	bounce_pending(v);
	check_handler(FAKE_HANDLER(VEC_NMI));
	ck_assert_uint_eq(word(2), FAKE_HANDLER(VEC_BP));
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 1);
	ck_assert(!v->nmi_pending && v->nmi_masked);
	v->nmi_pending = true;
	v->regs.rip = 0x1234;
	bounce_pending(v);
	ck_assert_uint_eq(v->regs.rip, 0x1234);
	v->nmi_masked = false;
	bounce_pending(v);
	check_handler(FAKE_HANDLER(VEC_NMI));
}
END_TEST

START_TEST(nmi_without_handler)
{
	uint64_t rip = v->regs.rip;

	v->nmi_pending = true;
	v->traps[VEC_NMI].address = 0;
	bounce_pending(v);
	ck_assert_uint_eq(v->regs.rip, rip);
	ck_assert(!v->nmi_pending && !v->nmi_masked);
	ck_assert_uint_eq(fake_pv.crashes, 0);
}
END_TEST

/* TR7, BOUNCE2: whatever the stack is, only the domain ends. */
START_TEST(bad_stacks)
{
	static const uint64_t bad[] = {
		0, 8, 64, 0x1000, 0x7fffffffffff, 0x800000000000,
		0xfffeffffffffffff, HV_VIRT_START, HV_VIRT_START + 64,
		HV_VIRT_END, HV_VIRT_END + 8, ~0UL, FAKE_STACK_BASE + 16,
	};

	v->regs.rsp = bad[_i / 2];
	if (_i & 1) {
		user_mode();
		v->kernel_sp = bad[_i / 2];
	}
	bounce_exception(v, VEC_GP, true, 0);
	fake_pv.info.evtchn_upcall_pending = 1;
	bounce_pending(v);
	ck_assert_uint_eq(fake_pv.crashes, 1);
	ck_assert(strstr(fake_pv.crash, "no stack for #GP"));
}
END_TEST

START_TEST(no_handler)
{
	uint64_t rip = v->regs.rip;

	v->traps[VEC_PF].address = 0;
	bounce_page_fault(v, 0x1000, 2);
	bounce_pending(v);
	ck_assert_uint_eq(fake_pv.crashes, 1);
	ck_assert(strstr(fake_pv.crash, "no handler for #PF"));
	ck_assert_uint_eq(v->regs.rip, rip);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("bounce");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, exception_in_kernel);
	tcase_add_test(tc, exception_with_error_from_user);
	tcase_add_test(tc, page_fault_hides_user_bit_of_kernel);
	tcase_add_test(tc, flags_are_cleared_for_the_handler);
	tcase_add_test(tc, architectural_iopl_is_shown);
	tcase_add_test(tc, upcall_mask_set_by_flag);
	tcase_add_test(tc, event_upcall);
	tcase_add_test(tc, exception_then_event);
	tcase_add_test(tc, one_exception_a_fault);
	tcase_add_test(tc, system_call);
	tcase_add_test(tc, system_call_without_handler);
	tcase_add_test(tc, failsafe);
	tcase_add_test(tc, failsafe_in_turn);
	tcase_add_test(tc, nmi);
	tcase_add_test(tc, nmi_without_handler);
	tcase_add_loop_test(tc, bad_stacks, 0, 26);
	tcase_add_test(tc, no_handler);
	return suite_run();
}
