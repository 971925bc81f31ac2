/* SPDX-License-Identifier: MIT */
/*
 * The control channel itself: bytes in, lines of commands, lines of answers,
 * bytes out.
 *
 * All of it is the boot CPU's, from one timer; so nothing here has a lock.  The
 * timer looks every IDLE_NS, and every BUSY_NS while something goes on; a look
 * moves a bounded number of bytes and makes a bounded number of steps.  The
 * port makes no interrupts, so nobody at its other end can make a storm of
 * them.
 *
 * CONTROL1  One command at a time, and one answer to each: no byte is read
 *           while an answer is not whole.  Who asks faster than he is answered
 *           waits, in the port.
 * CONTROL2  Nothing waits for the client.  An answer is made while there is
 *           room for ROOM bytes more, and goes on when the client has read some
 *           of it; so no line of an answer is lost, and who stops reading stops
 *           his own channel only.
 * CONTROL3  A watch whose client does not keep up leaves whole updates out, and
 *           says how many.
 * CONTROL4  A line that is too long, or has a byte that is no printable ASCII,
 *           is one error, however long it is; nothing of it is obeyed.
 * CONTROL5  The key RESET drops what was typed of a line, ends a watch, and is
 *           answered by the greeting: a client that comes when another has gone
 *           begins with it.
 */
#include <port.h>
#include <errno.h>
#include <stdarg.h>

#include "ctl/control.h"
#include "ctl/follow.h"
#include "ctl/starting.h"
#include "debug/log.h"
#include "dom/timer.h"
#include "lib/fmt.h"
#include "lib/printable.h"
#include "x86/cpu.h"

#define IDLE_NS		10000000UL
#define BUSY_NS		1000000UL
#define BUSY_LASTS_NS	100000000UL
#define NS_PER_S	1000000000UL
/* of the client, when the machine ends */
#define PATIENCE_NS	500000000UL

#define OUT_BYTES	16384u	/* a power of two */
#define ROOM		(5 * CONTROL_ANSWER_MAX)
/* of one look */
#define READ_MOST	256
#define PUT_MOST	512
#define STEPS_MOST	16

#define RESET		'\003'	/* Ctrl-C */

/* All of these: boot CPU. */
static struct timer timer;
static bool is_open;
static struct control_usage used;
static uint64_t active_ns;	/* when something last moved */

static struct {
	char text[CONTROL_LINE_MAX];
	uint32_t bytes;
	bool too_long, bad_byte; /* CONTROL4 */
} in;

static struct {
	char text[OUT_BYTES];
	uint32_t head, tail;	/* run freely */
} out;

static control_step step;	/* NULL: no answer is under way */

static struct {
	uint64_t period_ns;	/* 0: none */
	uint64_t due_ns, missed;
	bool begun;		/* its first update was said */
} watch;

/* --- out --- */

static uint32_t room(void)
{
	return OUT_BYTES - (out.head - out.tail);
}

/* CONTROL2: there is room, whoever asks. */
static void put_line(char *line, size_t bytes)
{
	size_t i;

	bytes = MIN(bytes, (size_t)CONTROL_ANSWER_MAX - 1);
	printable(line, bytes);
	line[bytes++] = '\n';
	ASSERT(bytes <= room());
	for (i = 0; i < bytes; i++)
		out.text[out.head++ % OUT_BYTES] = line[i];
	used.lines++;
}

void control_say(const char *fmt, ...)
{
	char line[CONTROL_ANSWER_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	put_line(line, n);
}

/* `ok COMMAND WORDS` or `error COMMAND CODE WORDS`. */
static void put_end(const char *head, const char *command, const char *fmt,
		    va_list ap)
{
	char line[CONTROL_ANSWER_MAX];
	size_t n = fmt_snprintf(line, sizeof(line), "%s %.32s ", head, command);

	n += fmt_vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	put_line(line, n);
}

void control_ok(const char *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_end("ok", command, fmt, ap);
	va_end(ap);
}

static const char *error_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EINVAL, "EINVAL" }, { ESRCH, "ESRCH" }, { E2BIG, "E2BIG" },
		{ ENOSYS, "ENOSYS" }, { ENOMEM, "ENOMEM" }, { EEXIST, "EEXIST" },
		{ EBUSY, "EBUSY" }, { EPERM, "EPERM" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(names); i++)
		if (names[i].error == -error)
			return names[i].name;
	return "EIO";
}

void control_error(const char *command, int error, const char *fmt, ...)
{
	char head[40];
	va_list ap;

	fmt_snprintf(head, sizeof(head), "error %s", error_name(error));
	va_start(ap, fmt);
	put_end(head, command, fmt, ap);
	va_end(ap);
}

/* Give the port what it takes now; true: it took something. */
static bool pump(size_t most)
{
	size_t done = 0, n, took;

	while (out.head != out.tail && done < most) {
		n = MIN(out.head - out.tail, OUT_BYTES - out.tail % OUT_BYTES);
		took = uart_put(UART_CONTROL, out.text + out.tail % OUT_BYTES,
				MIN(n, most - done));
		if (!took)
			break;
		out.tail += took;
		done += took;
	}
	used.bytes += done;
	return done;
}

/* --- in --- */

static void greet(void)
{
	control_say("hello pasture protocol=%u", CONTROL_PROTOCOL);
}

static void reset(void)
{
	in.bytes = 0;
	in.too_long = in.bad_byte = false;
	control_watch(0);
	follow_end();
	greet();
}

static void line_ended(void)
{
	in.text[in.bytes] = '\0';
	if (in.bad_byte)
		control_error("-", -EINVAL, "a line has printable ASCII and blanks only");
	else if (in.too_long)
		control_error("-", -E2BIG, "a line has %u bytes at most",
			      CONTROL_LINE_MAX - 1);
	else if (in.bytes)
		commands_run(in.text);
	in.bytes = 0;
	in.too_long = in.bad_byte = false;
}

/* One byte; true: a line, or the greeting, was answered. */
static bool byte_came(char c)
{
	if (c == RESET) {
		reset();
		return true;
	}
	if (c == '\n' || c == '\r') {
		line_ended();
		return true;
	}
	if (c == '\t')
		c = ' ';
	if (c < ' ' || c > '~')
		in.bad_byte = true;
	else if (in.bytes == CONTROL_LINE_MAX - 1)
		in.too_long = true;
	else if (in.bytes || c != ' ')
		in.text[in.bytes++] = c;
	return false;
}

/* Up to the end of one line, or for as long as there is something. */
static bool read_line(unsigned int *budget)
{
	int c;

	while (*budget && (c = uart_read(UART_CONTROL)) >= 0) {
		--*budget;
		used.bytes++;
		active_ns = now_ns();
		if (byte_came((char)c))
			return true;
	}
	return false;
}

/* --- work --- */

void control_go_on(control_step next)
{
	step = next;
}

void control_watch(uint64_t seconds)
{
	watch.period_ns = seconds * NS_PER_S;
	watch.due_ns = now_ns();
	watch.missed = 0;
	watch.begun = false;
}

uint64_t control_missed(void)
{
	return watch.missed;
}

/* Is an update due?  Those whose time has passed meanwhile are left out. */
static bool watch_due(void)
{
	uint64_t now = now_ns(), periods;

	if (!watch.period_ns || now < watch.due_ns)
		return false;
	periods = (now - watch.due_ns) / watch.period_ns;
	watch.missed += periods;	/* CONTROL3 */
	watch.due_ns += (periods + 1) * watch.period_ns;
	return true;
}

/* One step of what there is to do; false: there is nothing. */
static bool work(unsigned int *budget)
{
	if (step) {
		enum control_next next = step();

		if (next == CONTROL_DONE)
			step = NULL;
		return next != CONTROL_LATER;
	}
	if (watch_due()) {
		figures_update_begin(!watch.begun);
		watch.begun = true;
		step = figures_update;
		return true;
	}
	/* A guest that prints without end keeps no command out (CONTROL5). */
	return read_line(budget) || follow_say();	/* CONTROL1 */
}

void control_poll(void)
{
	uint64_t start = now_ns();
	unsigned int budget = READ_MOST, steps;

	for (steps = 0; steps < STEPS_MOST && room() >= ROOM; steps++)
		if (!work(&budget))
			break;
	if (pump(PUT_MOST))
		active_ns = now_ns();
	used.ns += now_ns() - start;
}

static void expired(void *arg)
{
	uint64_t now, wait = IDLE_NS;

	control_poll();
	now = now_ns();
	if (now < active_ns + BUSY_LASTS_NS)
		wait = BUSY_NS;
	/* At multiples, as dom/console.c does. */
	timer_set(&timer, (now / wait + 1) * wait);
}

void control_used(struct control_usage *usage)
{
	*usage = used;
}

void control_start(void)
{
	if (!uart_open(UART_CONTROL)) {
		log_warn("control: there is no second serial port; no channel");
		return;
	}
	if (!figures_init() || !starting_init()) {
		log_warn("control: no memory; no channel");
		return;
	}
	is_open = true;
	log_info("control: on the second serial port, protocol %u",
		 CONTROL_PROTOCOL);
	greet();
	timer_init(&timer, expired, NULL);
	timer_set(&timer, now_ns() + IDLE_NS);
}

void control_end(void)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	if (!is_open)
		return;
	if (room() >= ROOM)
		control_say("bye");
	while (out.head != out.tail && now_ns() < end)
		if (!pump(PUT_MOST))
			port_spin();
}
