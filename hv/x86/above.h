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
 * The ways in from a guest (entry.asm, trap.c): interrupts are off, `regs` are
 * the running vCPU's own, nothing on the CPU's stack is needed any more
 * (entry.asm, ENTRY1), and the functions do not return.  pv/entry.c
 */
/* Exception or int n; regs->vector, error_code; CR2 is live. */
void guest_trap(struct regs *regs) noreturn;
void guest_syscall(struct regs *regs) noreturn;	/* `syscall` */
/* `sysenter`; rip and rsp are not known */
void guest_sysenter(struct regs *regs) noreturn;
/*
 * iretq raised this exception because it refused a selector or rip in the
 * running vCPU's regs; the regs are unchanged.
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
 * Copies from or to a reference (abi/xencomm.h), which stands in place of an
 * address.  guestref_copy(): 0, or -EFAULT, when a part may have been copied.
 * guestref_range_ok(): does the reference cover so many bytes?  No lock is
 * held.  pv/xencomm.c
 */
int guestref_copy(void *hv, uint64_t ref, size_t bytes, bool to_guest);
bool guestref_range_ok(uint64_t ref, uint64_t bytes);

#endif
