/* SPDX-License-Identifier: MIT */
/*
 * What x86/ asks of the layers above.  An above.h is the only header that may
 * declare what its own layer does not define; `make lint T=upcalls` compares it
 * with the objects.
 */
#ifndef HV_X86_ABOVE_H
#define HV_X86_ABOVE_H

#include "x86/cpu.h"

/*
 * The ways in from a guest (entry.asm, trap.c): interrupts are off, the CPU's
 * stack holds nothing but `regs`, which are the running vCPU's, and they do not
 * return.  pv/entry.c
 */
/* Exception or int n; regs->vector, error_code; CR2 is live. */
void guest_trap(struct regs *regs) noreturn;
void guest_syscall(struct regs *regs) noreturn;	/* `syscall` */
/* `sysenter`; rip and rsp are not known */
void guest_sysenter(struct regs *regs) noreturn;
/*
 * iretq refused the selectors or rip in the running vCPU's regs, which are
 * unchanged, with this exception.
 */
void guest_iret_failed(uint32_t vector, uint32_t error_code) noreturn;
/* after an interrupt that came from a guest */
void guest_resume(void) noreturn;

/*
 * Timer or reschedule, from a guest or idle; EOI is done; interrupts are off;
 * must return.  dom/sched.c
 */
void cpu_interrupt(enum vector vector);

/*
 * A fault of the hypervisor on a guest address, in a copy, before the exception
 * table is tried; no lock is held.  True: retry the access.  pv/sharefault.c
 */
bool guest_access_fault(uint64_t va, uint32_t error_code);

/*
 * A copy from or to a reference (abi/xencomm.h), in place of an address: 0 or
 * -EFAULT, after some of it may have been copied.  And: may all of it be
 * referenced?  No lock is held.  pv/xencomm.c
 */
int guestref_copy(uint64_t ref, void *hv, size_t bytes, bool to_guest);
bool guestref_range_ok(uint64_t ref, uint64_t bytes);

#endif
