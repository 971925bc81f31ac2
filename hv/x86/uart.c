/* SPDX-License-Identifier: MIT */
/*
 * The serial ports: a 16550 at COM1 for the log, one at COM2 for the operator's
 * control channel; 115200 8N1, polled, no interrupts.  A machine without one
 * reads 0xff everywhere; output is then dropped.  Nothing here waits.  One CPU
 * at a time calls uart_put() for a port (debug/outbuf.c, ctl/control.c);
 * uart_read() is called from one place for each.
 */
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/insn.h"

/* registers, from the port's first one on */
#define REG_DATA	0
#define REG_IER		1
#define REG_FCR		2
#define REG_LCR		3
#define REG_MCR		4
#define REG_LSR		5
#define LSR_DATA_READY	0x01
#define LSR_THR_EMPTY	0x20
#define FIFO_BYTES	16

static struct {
	const uint16_t at;
	bool present;		/* constant once the port is open */
} ports[UART_PORTS] = {
	[UART_CONSOLE] = { .at = 0x3f8 },
	[UART_CONTROL] = { .at = 0x2f8 },
};

bool uart_open(enum uart_port port)
{
	uint16_t at = ports[port].at;

	outb(at + REG_IER, 0);
	outb(at + REG_LCR, 0x80);	/* divisor latch */
	outb(at + REG_DATA, 1);
	outb(at + REG_IER, 0);
	outb(at + REG_LCR, 0x03);	/* 8N1 */
	/*
	 * FIFO on, cleared, 14 bytes deep: at 1 QEMU lets one byte in at a
	 * time.
	 */
	outb(at + REG_FCR, 0xc7);
	outb(at + REG_MCR, 0x03);	/* DTR, RTS */
	ports[port].present = inb(at + REG_LSR) != 0xff;
	return ports[port].present;
}

size_t uart_put(enum uart_port port, const char *bytes, size_t count)
{
	size_t i, n = MIN(count, (size_t)FIFO_BYTES);
	uint16_t at = ports[port].at;

	if (!ports[port].present)
		return count;
	if (!(inb(at + REG_LSR) & LSR_THR_EMPTY))
		return 0;
	for (i = 0; i < n; i++)
		outb(at + REG_DATA, bytes[i]);
	return n;
}

int uart_read(enum uart_port port)
{
	uint16_t at = ports[port].at;

	if (!ports[port].present || !(inb(at + REG_LSR) & LSR_DATA_READY))
		return -1;
	return inb(at + REG_DATA);
}
