/* SPDX-License-Identifier: MIT */
/*
 * The end of a hypervisor that found itself wrong.  The first CPU that comes
 * here stops the others by NMI, writes what it knows without taking locks, and
 * leaves.  A second fault while panicking leaves at once.
 */
#include <port.h>

#include "debug/log.h"
#include "lib/fmt.h"
#include "x86/init.h"
#include "x86/insn.h"

#define TRACE_DEPTH	12
/* more than any of our stacks */
#define TRACE_SPAN	(16 * PAGE_SIZE)

uint32_t panic_cpu;	/* atomic: id + 1 of the CPU that panics */

/* Other CPUs stop in their NMI handler; a second panic here gives up. */
static void claim(void)
{
	uint32_t none = 0;
	uint32_t me = this_cpu()->id + 1;

	if (atomic_cas(&panic_cpu, &none, me)) {
		lapic_stop_others();
		return;
	}
	if (none == me)
		exit_machine(EXIT_PANIC);
	for (;;)
		__asm__ volatile("hlt");
}

static void show_locks(void)
{
	const struct percpu *cpu = this_cpu();
	char line[8 * MAX_LOCKS_HELD] = "none";
	unsigned int i, n = 0;

	for (i = 0; i < cpu->lock_depth && i < MAX_LOCKS_HELD; i++)
		n += fmt_snprintf(line + n, sizeof(line) - n, "%u ",
				  cpu->lock_levels[i]);
	log_stat("  lock levels held: %s", line);
}

/* Return addresses along the frame pointers, as long as they look sane. */
static void show_trace(uint64_t rip, const uint64_t *frame)
{
	uintptr_t first = (uintptr_t)__builtin_frame_address(0);
	unsigned int i;

	log_stat("  at 0x%016lx", rip);
	for (i = 0; i < TRACE_DEPTH; i++) {
		if ((uintptr_t)frame < first || (uintptr_t)frame % 8 ||
		    (uintptr_t)frame - first > TRACE_SPAN || !frame[1])
			return;
		log_stat("     0x%016lx", frame[1]);
		first = (uintptr_t)(frame + 1);
		frame = (const uint64_t *)frame[0];
	}
}

static void show_control(void)
{
	log_stat("  cr0 %lx cr2 %lx cr3 %lx cr4 %lx gs %lx", read_cr0(),
		 read_cr2(), read_cr3(), read_cr4(), rdmsr(MSR_GS_BASE));
	show_locks();
}

static void show_regs(const struct regs *r)
{
	log_stat("  rip %lx cs %lx rflags %lx rsp %lx ss %lx", r->rip, r->cs,
		 r->rflags, r->rsp, r->ss);
	log_stat("  rax %lx rbx %lx rcx %lx rdx %lx", r->rax, r->rbx, r->rcx,
		 r->rdx);
	log_stat("  rsi %lx rdi %lx rbp %lx r8 %lx", r->rsi, r->rdi, r->rbp,
		 r->r8);
	log_stat("  r9 %lx r10 %lx r11 %lx r12 %lx", r->r9, r->r10, r->r11,
		 r->r12);
	log_stat("  r13 %lx r14 %lx r15 %lx", r->r13, r->r14, r->r15);
}

void panic(const char *fmt, ...)
{
	char message[256];
	va_list ap;

	claim();
	va_start(ap, fmt);
	fmt_vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	log_stat("pasture: panic on CPU %u: %s", this_cpu()->id, message);
	show_control();
	show_trace((uintptr_t)__builtin_return_address(0),
		   *(uint64_t **)__builtin_frame_address(0));
	exit_machine(EXIT_PANIC);
}

void panic_trap(const struct regs *r)
{
	claim();
	log_stat("pasture: panic on CPU %u: exception %u, error code %x",
		 this_cpu()->id, r->vector, r->error_code);
	show_regs(r);
	show_control();
	show_trace(r->rip, (const uint64_t *)r->rbp);
	exit_machine(EXIT_PANIC);
}
