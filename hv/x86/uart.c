/* SPDX-License-Identifier: MIT */
/*
 * The serial line: a 16550 at COM1, 115200 8N1, polled.  A machine without one
 * reads 0xff everywhere; output is then dropped.  Callers hold LOCK_LOG for
 * output; uart_read() is called from one place.
 */
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/insn.h"

#define COM1		0x3f8
#define REG_DATA	(COM1 + 0)
#define REG_IER		(COM1 + 1)
#define REG_FCR		(COM1 + 2)
#define REG_LCR		(COM1 + 3)
#define REG_MCR		(COM1 + 4)
#define REG_LSR		(COM1 + 5)
#define LSR_DATA_READY	0x01
#define LSR_THR_EMPTY	0x20
#define FIFO_BYTES	16
#define WAIT_LOOPS	200000	/* far above the time that 16 bytes take */

static bool uart_present;

void uart_init(void)
{
	outb(REG_IER, 0);
	outb(REG_LCR, 0x80);	/* divisor latch */
	outb(REG_DATA, 1);
	outb(REG_IER, 0);
	outb(REG_LCR, 0x03);	/* 8N1 */
	outb(REG_FCR, 0x07);	/* FIFO on, cleared */
	outb(REG_MCR, 0x03);	/* DTR, RTS */
	uart_present = inb(REG_LSR) != 0xff;
}

static void wait_for_room(void)
{
	unsigned int i;

	for (i = 0; i < WAIT_LOOPS; i++) {
		if (inb(REG_LSR) & LSR_THR_EMPTY)
			return;
		cpu_pause();
	}
}

void uart_write(const char *bytes, size_t count)
{
	size_t i;

	if (!uart_present)
		return;
	for (i = 0; i < count; i++) {
		if (i % FIFO_BYTES == 0)
			wait_for_room();
		outb(REG_DATA, bytes[i]);
	}
}

int uart_read(void)
{
	if (!uart_present || !(inb(REG_LSR) & LSR_DATA_READY))
		return -1;
	return inb(REG_DATA);
}
