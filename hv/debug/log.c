/* SPDX-License-Identifier: MIT */
/*
 * The log.  A line is made in a buffer on the stack and passes printable(),
 * whoever chose its words.  Then it goes, under LOCK_LOG, into the ring
 * (outbuf.c) that feeds the serial line.  A line longer than the buffer on the
 * stack is cut and ends in "...".  A CPU that panics does not wait for the
 * lock: the lock's holder may be stopped, or may be this very CPU.
 */
#include <port.h>

#include "debug/log.h"
#include "debug/outbuf.h"
#include "lib/fmt.h"
#include "lib/printable.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/spinlock.h"

#define LINE_BYTES 512
/* offered to the device at a time */
#define PUMP_BYTES (2 * LINE_BYTES)

unsigned int log_level = 2;

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_LOG);
static bool async;	/* set once, before the first guest */

static locks_unchecked bool lock_log(void) takes_lock_if_true(&log_lock)
{
	if (READ_ONCE(panic_cpu))
		return false;
	spin_lock(&log_lock);
	return true;
}

static void say_lost(void)
{
	bool locked = lock_log();

	outbuf_say_lost();
	if (locked)
		spin_unlock(&log_lock);
}

bool log_pump(void)
{
	outbuf_pump(PUMP_BYTES);
	if (outbuf_lost())
		say_lost();
	return outbuf_waiting();
}

bool log_has_room(void)
{
	return outbuf_has_room();
}

uint32_t log_read(uint32_t *at, char *to, uint32_t most)
{
	uint32_t n;

	spin_lock(&log_lock);
	n = outbuf_read(at, to, most);
	spin_unlock(&log_lock);
	return n;
}

void log_start_async(void)
{
	async = true;
}

void log_drain(void)
{
	outbuf_drain();
	say_lost();
	outbuf_drain();
}

static locks_unchecked void write_line(enum out_kind kind, char *line, size_t length)
{
	bool locked;

	if (length > LINE_BYTES - 2) {
		length = LINE_BYTES - 2;
		memcpy(line + length - 3, "...", 3);
	}
	printable(line, length);
	line[length++] = '\n';
	locked = lock_log();
	outbuf_put(locked ? kind : OUT_PANIC, line, length);
	if (locked)
		spin_unlock(&log_lock);
	if (async && locked)
		log_pump();
	else
		outbuf_drain();
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
	write_line(OUT_OWN, line, n);
}

void log_stat(const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_line(OUT_OWN, line, n);
}

void log_guest(unsigned int domid, const char *name, const char *text,
	       size_t bytes)
{
	char line[LINE_BYTES];

	write_line(OUT_GUEST, line,
		   fmt_snprintf(line, sizeof(line), "(d%u %s) %.*s", domid,
				name, (int)bytes, text));
}
