/* SPDX-License-Identifier: MIT */
/*
 * The log.  A line is made in a buffer on the stack and written under LOCK_LOG.
 * Lines longer than the buffer are cut and end in "...".  A CPU that panics does
 * not wait for the lock: its holder may be stopped, or be itself.
 */
#include <port.h>

#include "debug/log.h"
#include "lib/fmt.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/spinlock.h"

#define LINE_BYTES 512

unsigned int log_level = 2;

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_LOG);

static bool lock_log(void)
{
	if (READ_ONCE(panic_cpu))
		return false;
	spin_lock(&log_lock);
	return true;
}

static void write_line(char *line, size_t length)
{
	bool locked;

	if (length > LINE_BYTES - 2) {
		length = LINE_BYTES - 2;
		memcpy(line + length - 3, "...", 3);
	}
	line[length++] = '\n';
	locked = lock_log();
	uart_write(line, length);
	if (locked)
		spin_unlock(&log_lock);
}

void log_at(unsigned int level, const char *fmt, ...)
{
	static const char *const prefix[] = { "error: ", "warning: ", "", "" };
	char line[LINE_BYTES];
	size_t n;
	va_list ap;

	if (level > log_level)
		return;
	n = fmt_snprintf(line, sizeof(line), "pasture: %s",
			 prefix[MIN(level, 3U)]);
	va_start(ap, fmt);
	n += fmt_vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	write_line(line, n);
}

void log_stat(const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_line(line, n);
}

void log_guest(unsigned int domid, const char *name, const char *text,
	       size_t bytes)
{
	char prefix[64];
	bool locked;
	int n;

	n = fmt_snprintf(prefix, sizeof(prefix), "(d%u %s) ", domid, name);
	locked = lock_log();
	uart_write(prefix, MIN((size_t)n, sizeof(prefix) - 1));
	uart_write(text, bytes);
	uart_write("\n", 1);
	if (locked)
		spin_unlock(&log_lock);
}
