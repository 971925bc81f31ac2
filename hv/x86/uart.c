/* SPDX-License-Identifier: MIT */
/*
 * The serial line: a 16550 at COM1, 115200 8N1, polled.  A machine without one
 * reads 0xff everywhere; output is then dropped.  Nothing here waits.  One CPU
 * at a time calls uart_put() (debug/outbuf.c); uart_read() is called from one
 * place.
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

static bool uart_present;

void uart_init(void)
{
	outb(REG_IER, 0);
	outb(REG_LCR, 0x80);	/* divisor latch */
	outb(REG_DATA, 1);
	outb(REG_IER, 0);
	outb(REG_LCR, 0x03);	/* 8N1 */
	/*
	 * FIFO on, cleared, 14 bytes deep: at 1 QEMU lets one byte in at a
	 * time.
	 */
	outb(REG_FCR, 0xc7);
	outb(REG_MCR, 0x03);	/* DTR, RTS */
	uart_present = inb(REG_LSR) != 0xff;
}

size_t uart_put(const char *bytes, size_t count)
{
	size_t i, n = MIN(count, (size_t)FIFO_BYTES);

	if (!uart_present)
		return count;
	if (!(inb(REG_LSR) & LSR_THR_EMPTY))
		return 0;
	for (i = 0; i < n; i++)
		outb(REG_DATA, bytes[i]);
	return n;
}

int uart_read(void)
{
	if (!uart_present || !(inb(REG_LSR) & LSR_DATA_READY))
		return -1;
	return inb(REG_DATA);
}
