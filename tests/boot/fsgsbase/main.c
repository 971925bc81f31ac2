/* SPDX-License-Identifier: MIT */
/* FSGSBASE, if the machine has it: by CR4 of the guest. */
#include <gl/sched.h>
#include <gl/trap.h>

#include "../attack.h"

#define CR4_FSGSBASE	(1UL << 16)

static uint64_t uds;

static bool on_ud(struct gl_regs *regs)
{
	uds++;
	regs->rip += 5;
	return true;
}

/* By ud2a; "xen"; cpuid: what the hypervisor tells. */
static bool is_told(void)
{
	uint32_t a = 7, b, c = 0, d;

	__asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
			 : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b & 1;
}

static uint64_t fs_base(void)
{
	uint64_t base = 0;

	__asm__ volatile("rdfsbase %0" : "+a"(base) : : "memory");
	return base;
}

static void used(void)
{
	uint64_t cr4;

	(void)fs_base();
	gl_test_equal(uds, 1);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_FSGSBASE));
	__asm__ volatile("wrfsbase %0" : : "a"(0x12345000UL) : "memory");
	for (unsigned int i = 0; i < 3; i++) {
		raw_call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
		gl_test_equal(fs_base(), 0x12345000);
	}
	gl_test_equal(uds, 1);
}

void gl_main(void)
{
	gl_trap_handler_set(TRAP_invalid_op, on_ud);
	if (is_told())
		used();
	gl_printf("FSGSBASE is %s\n", is_told() ? "there" : "absent");
	gl_test_done();
}
