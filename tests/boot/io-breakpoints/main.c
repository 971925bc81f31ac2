/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints on I/O ports, as on Xen: refused without CR4.DE; with it dr7
 * reads as it was written, and an access that is emulated meets them.
 */
#include <gl/trap.h>
#include <xen/physdev.h>

#include "../attack.h"

#define DR7	0xe0602UL	/* breakpoint 0: four ports from dr0 on */
#define CR4_DE	8UL

static uint64_t gps, dbs;

static bool on_gp(struct gl_regs *regs)
{
	gps++;
	regs->rip += 3;		/* a mov to dr7 */
	return true;
}

static bool on_db(struct gl_regs *regs)
{
	(void)regs;
	dbs++;
	return true;
}

static uint64_t dr6(void)
{
	uint64_t value;

	__asm__ volatile("mov %%dr6, %0" : "=r"(value));
	return value;
}

static void dr7_set(void)
{
	__asm__ volatile("mov %0, %%dr7" : : "a"(DR7) : "memory");
}

static void cr4_set(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value));
}

static void port_read(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("in %1, %0" : "=a"(value) : "d"(port)
			 : "memory");
}

static void with_de(uint64_t cr4)
{
	uint64_t value;

	cr4_set(cr4 | CR4_DE);
	dr7_set();
	gl_test_equal(gps, 0);
	__asm__ volatile("mov %%dr7, %0" : "=r"(value));
	gl_test_equal(value, DR7);
	port_read(0x64);
	gl_test_equal(dbs, 0);
	port_read(0x63);
	gl_test_equal(dbs, 1);
	gl_test_equal(dr6() & 0xf, 1);
}

void gl_main(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint64_t cr4;

	gl_trap_handler_set(TRAP_gp_fault, on_gp);
	gl_trap_handler_set(TRAP_debug, on_db);
	gl_test_equal(raw_call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl,
			       (uintptr_t)&iopl, 0, 0, 0), 0);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%dr0" : : "r"(0x60UL));
	with_de(cr4);
	cr4_set(cr4);
	dr7_set();
	gl_test_equal(gps, 1);
	gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, 7, DR7, 0, 0, 0), -1);
	port_read(0x60);
	gl_test_equal(dbs, 1);
	gl_test_done();
}
