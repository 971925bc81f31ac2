/* SPDX-License-Identifier: MIT */
/*
 * Leaving the machine.
 *
 * exit=qemu writes QEMU_CODE_BASE + code to the isa-debug-exit device at port
 * 0xf4, for which QEMU's own exit status is that times 2 + 1: EXIT_OK gives 33,
 * EXIT_ERROR 35, EXIT_PANIC 37, EXIT_LOST 39.  QEMU leaves with 1 when it
 * cannot start, and with 0 after a power-off or a reset: so a good end needs a
 * status that QEMU never gives by itself.
 */
#include "debug/log.h"
#include "x86/exit.h"
#include "x86/init.h"
#include "x86/insn.h"

#define QEMU_EXIT_PORT	0xf4
#define QEMU_CODE_BASE	16	/* bench/harness/machine.h has it too */

static enum exit_mode exit_mode = EXITMODE_HALT;	/* set once at boot */

void exit_set_mode(enum exit_mode mode)
{
	exit_mode = mode;
}

static void reboot(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = { 0, 0 };

	outb(0x64, 0xfe);	/* keyboard controller: pulse the reset line */
	delay_us(100000);
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
}

void exit_machine(enum exit_code code)
{
	static bool leaving;

	__asm__ volatile("cli");
	if (!leaving) {		/* else it is a fault while writing */
		leaving = true;
		log_drain();
	}
	if (exit_mode == EXITMODE_QEMU)
		outl(QEMU_EXIT_PORT, QEMU_CODE_BASE + code);
	if (exit_mode == EXITMODE_REBOOT)
		reboot();
	while (log_pump())	/* the operator may still come and read */
		cpu_pause();
	for (;;)
		__asm__ volatile("hlt");
}
