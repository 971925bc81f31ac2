/* SPDX-License-Identifier: MIT */
/*
 * First C code after an entry: interrupts are served here or passed up as
 * cpu_interrupt(); exceptions of guests go up as they are; after an exception
 * of its own the hypervisor goes on at the fixup, or panics.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/above.h"
#include "x86/extable.h"
#include "x86/guestcopy.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/tlb.h"

#define FIRST_EXTERNAL	32

/* NMIs that were not a request to stop; any CPU, inexact */
uint64_t trap_nmi_count;
/* interrupts that nobody asked for; any CPU, inexact */
static uint64_t stray_count;
bool (*trap_device)(uint32_t vector);

static void interrupt(uint32_t vector)
{
	bool known;

	switch (vector) {
	case VEC_TIMER:
	case VEC_RESCHED:
		lapic_eoi();
		cpu_interrupt(vector);
		break;
	case VEC_TLB:
		lapic_eoi();
		break;		/* answered below */
	case VEC_SPURIOUS:
		break;		/* has no EOI */
	default:
		/* A line is masked before its EOI: else it comes once more. */
		known = trap_device && trap_device(vector);
		lapic_eoi();
		if (!known && stray_count++ == 0)
			log_warn("stray interrupt, vector %u", vector);
	}
	tlb_answer();
}

void trap_from_guest(struct regs *regs)
{
	uint32_t vector = regs->vector;

	if (likely(vector < FIRST_EXTERNAL) || vector == VEC_INT80 ||
	    vector == VEC_HYPERCALL_INT)
		guest_trap(regs);
	interrupt(vector);
	guest_resume();
}

/*
 * True: a page fault in the copy code, on a guest's address, whose cause the
 * layer above has mended; try the access again.
 */
static bool guest_fault_fixed(const struct regs *regs)
{
	uint64_t va = read_cr2();

	return regs->vector == VEC_PF && extable_is_guestcopy(regs->rip) &&
	       guest_range_ok(va, 1) &&
	       guest_access_fault(va, regs->error_code);
}

void trap_from_hv(struct regs *regs)
{
	uint64_t fixup;

	if (regs->vector >= FIRST_EXTERNAL) {
		interrupt(regs->vector);
		return;
	}
	if (guest_fault_fixed(regs))
		return;
	fixup = extable_find(regs->rip);
	if (!fixup)
		panic_trap(regs);
	regs->rip = fixup;
}

static void stop_if_panic(void)
{
	uint32_t who = atomic_load(&panic_cpu);

	while (who && who != this_cpu()->id + 1)
		__asm__ volatile("cli; hlt");
}

/*
 * #DB of the hypervisor: a guest's breakpoint on its own data, or a step into a
 * syscall.  No harm; go on.  Only `sysenter` leaves TF on; it stays on until
 * the stub has saved it.
 */
static void debug_ignore(struct regs *regs)
{
	debugreg_write(6, 0);
	if (regs->rip < (uintptr_t)sysenter_entry ||
	    regs->rip >= (uintptr_t)sysenter_flags_saved)
		regs->rflags &= ~RFLAGS_TF;
}

void trap_ist(struct regs *regs)
{
	switch (regs->vector) {
	case VEC_NMI:
		stop_if_panic();
		trap_nmi_count++;
		break;
	case VEC_DB:
		debug_ignore(regs);
		break;
	default:
		panic_trap(regs);
	}
}
