/* SPDX-License-Identifier: MIT */
/*
 * An iret frame that the CPU refuses gives #GP with the selector's error code
 * and the frame's cs, as on Xen; no failsafe callback is set here.
 */
#include <gl/trap.h>

#include "../attack.h"

#define CS		0xe030UL
#define SS		0xe02bUL

static uint64_t gps, error, rip, cs, back_rip, back_rsp;

static bool on_gp(struct gl_regs *regs)
{
	gps++;
	error = regs->error_code;
	rip = regs->rip;
	cs = regs->cs;
	regs->rip = back_rip;
	regs->rsp = back_rsp;
	regs->cs = CS;
	regs->ss = SS;
	return true;
}

static void iret_to(uint64_t to_cs, uint64_t to_ss)
{
	gps = error = rip = cs = 0;
	__asm__ volatile("mov %%rsp, %[back_rsp]\n\tlea 1f(%%rip), %%rax\n\tmov %%rax, %[back_rip]\n\t"
			 "mov %%rsp, %%r10\n\t"
			 "push %[ss]\n\tpush %%r10\n\tpush $2\n\t"
			 "push %[cs]\n\tpush %%rax\n\t"
			 "push $0\n\tpush $0\n\tpush $0\n\tpush $0\n\t"
			 "mov $23, %%eax\n\tsyscall\n"
			 "1:"
			 : [back_rip] "=m"(back_rip), [back_rsp] "=m"(back_rsp)
			 : [ss] "r"(to_ss), [cs] "r"(to_cs)
			 : "rax", "rcx", "r10", "r11", "memory");
}

static void refused(uint64_t to_cs, uint64_t to_ss, uint64_t selector)
{
	iret_to(to_cs, to_ss);
	gl_test_equal(gps, 1);
	gl_test_equal(error, selector);
	gl_test_equal(cs & 0xffff, to_cs);
}

void gl_main(void)
{
	gl_trap_handler_set(TRAP_gp_fault, on_gp);
	iret_to(CS, SS);
	gl_test_equal(gps, 0);
	refused(0x1000, SS, 0x1000);
	refused(CS, 0x1000, 0x1000);
	refused(0xc, SS, 0xc);
	gl_test_done();
}
