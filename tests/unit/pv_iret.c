/* links: hv/pv/iret.c tests/port/port.c tests/fake/fake_pv.c */
/* SPDX-License-Identifier: MIT */
/*
 * The iret hypercall: IRET1 (only ring 3 state can be chosen), IRET2 (all or
 * nothing), the upcall mask.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_pv.h"
#include "pv/bounce.h"
#include "pv/hypercall.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"

static struct vcpu *v;
static struct iret_context frame;
static struct hypercall_args args;

/* For iret_after_tcg_fault(); tests/unit/pv_traps.c tests it. */
void bounce_exception(struct vcpu *to, unsigned int vector, bool has_error,
		      uint32_t error_code)
{
	ck_abort_msg("iret bounces nothing");
}

static void setup(void)
{
	v = fake_pv_reset();
	memset(&args, 0, sizeof(args));
	frame = (struct iret_context){
		.rax = 1, .r11 = 2, .rcx = 3, .flags = 0, .rip = 0x401000,
		.cs = 0x33, .rflags = RFLAGS_IF | RFLAGS_CF, .rsp = 0x7ffe0000,
		.ss = 0x2b,
	};
	v->regs.vector = VEC_SYSCALL;
}

static long do_iret(void)
{
	ck_assert_int_eq(copy_to_guest(v->regs.rsp, &frame, sizeof(frame)), 0);
	return op_iret(&args);
}

START_TEST(to_user)
{
	v->nmi_masked = true;
	ck_assert_int_eq(do_iret(), 0);
	ck_assert_int_eq(args.regs, REGS_NEW);
	ck_assert(!v->nmi_masked);
	ck_assert(!v->kernel_mode);
	ck_assert_uint_eq(v->regs.rax, 1);
	ck_assert_uint_eq(v->regs.r11, 2);
	ck_assert_uint_eq(v->regs.rcx, 3);
	ck_assert_uint_eq(v->regs.rip, 0x401000);
	ck_assert_uint_eq(v->regs.cs, 0x33);
	ck_assert_uint_eq(v->regs.rflags, RFLAGS_IF | RFLAGS_CF | RFLAGS_MBS);
	ck_assert_uint_eq(v->regs.rsp, 0x7ffe0000);
	ck_assert_uint_eq(v->regs.ss, 0x2b);
	ck_assert_uint_ne(v->regs.vector, VEC_SYSCALL);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 0);
}
END_TEST

START_TEST(to_kernel)
{
	frame.cs = 0xe030;
	frame.ss = 0xe028;
	frame.rflags = 0;
	ck_assert_int_eq(do_iret(), 0);
	ck_assert(v->kernel_mode);
	ck_assert_uint_eq(fake_pv.mode_changes, 0);
	ck_assert_uint_eq(v->regs.cs, 0xe033);
	ck_assert_uint_eq(v->regs.ss, 0xe02b);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 1);
	ck_assert(v->regs.rflags & RFLAGS_IF);
}
END_TEST

START_TEST(in_syscall)
{
	frame.flags = VGCF_in_syscall;
	ck_assert_int_eq(do_iret(), 0);
	ck_assert_uint_eq(v->regs.vector, VEC_SYSCALL);
	ck_assert_uint_eq(v->regs.rcx, v->regs.rip);
	ck_assert_uint_eq(v->regs.r11, v->regs.rflags);
}
END_TEST

/* A frame whose rax is that of -ERESTART is no restart. */
START_TEST(any_rax)
{
	frame.rax = (uint64_t)-ERESTART;
	ck_assert_int_ne(do_iret(), -ERESTART);
	ck_assert_int_eq(args.regs, REGS_NEW);
	ck_assert_uint_eq(v->regs.rax, (uint64_t)-ERESTART);
}
END_TEST

START_TEST(hostile_frames)
{
	srand(1);
	for (unsigned int i = 0; i < 20000; i++) {
		/* all but what ring 3 has, IF and bit 1 */
		uint64_t forbidden = ~0x254fd7UL;

		setup();
		for (unsigned int b = 0; b < sizeof(frame); b++)
			((uint8_t *)&frame)[b] = rand();
		ck_assert_int_eq(do_iret(), 0);
		ck_assert_uint_eq(v->regs.cs & ~0xffffUL, 0);
		ck_assert_uint_eq(v->regs.ss & ~0xffffUL, 0);
		ck_assert_uint_eq(v->regs.cs & 3, 3);
		ck_assert_uint_eq(v->regs.ss & 3, 3);
		ck_assert_uint_eq(v->regs.rflags & forbidden, 0);
		ck_assert_uint_eq(v->regs.rflags & (RFLAGS_IF | RFLAGS_MBS),
				  RFLAGS_IF | RFLAGS_MBS);
		ck_assert_uint_eq(v->kernel_mode, (frame.cs & 3) != 3);
	}
}
END_TEST

START_TEST(architectural_iopl)
{
	fake_pv.domain.vm_assist = 1u << VMASST_TYPE_architectural_iopl;
	frame.rflags |= RFLAGS_IOPL;
	ck_assert_int_eq(do_iret(), 0);
	ck_assert_uint_eq(v->iopl, RFLAGS_IOPL);
	ck_assert_uint_eq(v->regs.rflags & RFLAGS_IOPL, 0);
}
END_TEST

START_TEST(no_user_table)
{
	struct regs before = v->regs;

	v->user_l4 = INVALID_MFN;
	ck_assert_int_ne(do_iret(), 0);
	ck_assert_uint_eq(fake_pv.crashes, 1);
	ck_assert_int_eq(memcmp(&before, &v->regs, sizeof(before)), 0);
	ck_assert(v->kernel_mode);
}
END_TEST

START_TEST(no_frame)
{
	v->regs.rsp = FAKE_STACK_BASE + 2 * PAGE_SIZE - 16;	/* half of it */
	ck_assert_int_ne(op_iret(&args), 0);
	ck_assert_uint_eq(fake_pv.crashes, 1);
	v->regs.rsp = HV_VIRT_START;
	op_iret(&args);
	ck_assert_uint_eq(fake_pv.crashes, 2);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("iret");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, to_user);
	tcase_add_test(tc, to_kernel);
	tcase_add_test(tc, in_syscall);
	tcase_add_test(tc, any_rax);
	tcase_add_test(tc, hostile_frames);
	tcase_add_test(tc, architectural_iopl);
	tcase_add_test(tc, no_user_table);
	tcase_add_test(tc, no_frame);
	return suite_run();
}
