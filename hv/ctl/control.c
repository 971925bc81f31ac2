/* SPDX-License-Identifier: MIT */
/*
 * The control channel itself: bytes in, lines of commands, lines of answers,
 * bytes out.
 *
 * There may be several: the operator's on the serial port, and those of clients
 * in the first domain (sessions.c).  All of it is the boot CPU's, from one
 * timer; so nothing here has a lock.  The timer looks every IDLE_NS, and every
 * BUSY_NS while something goes on; a look moves a bounded number of bytes and
 * makes a bounded number of steps.  The port makes no interrupts, so nobody at
 * its other end can make a storm of them.
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

#include "ctl/channel.h"
#include "ctl/follow.h"
#include "ctl/sessions.h"
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

#define ROOM		(5 * CONTROL_ANSWER_MAX)
/* of one look */
#define READ_MOST	256
#define PUT_MOST	512
#define STEPS_MOST	16

#define RESET		'\003'	/* Ctrl-C */

/* All of these: boot CPU. */
static struct timer timer;
static struct channel *serial;	/* NULL: no port is open */
static struct control_usage used;	/* of all channels */
static uint64_t active_ns;	/* when something last moved on one */
struct channel *channel;

/* --- out --- */

static uint32_t room(void)
{
	return OUT_BYTES - (channel->out.head - channel->out.tail);
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
		channel->out.text[channel->out.head++ % OUT_BYTES] = line[i];
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
	size_t done = 0, at, n, took;

	while (channel->out.head != channel->out.tail && done < most) {
		at = channel->out.tail % OUT_BYTES;
		n = MIN(channel->out.head - channel->out.tail, OUT_BYTES - at);
		took = channel->port->put(channel, channel->out.text + at,
					  MIN(n, most - done));
		if (!took)
			break;
		channel->out.tail += took;
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
	channel->in.bytes = 0;
	channel->in.too_long = channel->in.bad_byte = false;
	control_watch(0);
	follow_end();
	greet();
}

static void line_ended(void)
{
	channel->in.text[channel->in.bytes] = '\0';
	if (channel->in.bad_byte)
		control_error("-", -EINVAL, "a line has printable ASCII and blanks only");
	else if (channel->in.too_long)
		control_error("-", -E2BIG, "a line has %u bytes at most",
			      CONTROL_LINE_MAX - 1);
	else if (channel->in.bytes)
		commands_run(channel->in.text);
	channel->in.bytes = 0;
	channel->in.too_long = channel->in.bad_byte = false;
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
		channel->in.bad_byte = true;
	else if (channel->in.bytes == CONTROL_LINE_MAX - 1)
		channel->in.too_long = true;
	else if (channel->in.bytes || c != ' ')
		channel->in.text[channel->in.bytes++] = c;
	return false;
}

/* Up to the end of one line, or for as long as there is something. */
static bool read_line(unsigned int *budget)
{
	int c;

	while (*budget && (c = channel->port->read(channel)) >= 0) {
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
	channel->step = next;
}

void control_watch(uint64_t seconds)
{
	channel->watch.period_ns = seconds * NS_PER_S;
	channel->watch.due_ns = now_ns();
	channel->watch.missed = 0;
	channel->watch.begun = false;
}

uint64_t control_missed(void)
{
	return channel->watch.missed;
}

/* Is an update due?  Those whose time has passed meanwhile are left out. */
static bool watch_due(void)
{
	uint64_t now = now_ns(), periods;

	if (!channel->watch.period_ns || now < channel->watch.due_ns)
		return false;
	periods = (now - channel->watch.due_ns) / channel->watch.period_ns;
	channel->watch.missed += periods;	/* CONTROL3 */
	channel->watch.due_ns += (periods + 1) * channel->watch.period_ns;
	return true;
}

/* One step of what there is to do; false: there is nothing. */
static bool work(unsigned int *budget)
{
	if (channel->step) {
		enum control_next next = channel->step();

		if (next == CONTROL_DONE)
			channel->step = NULL;
		return next != CONTROL_LATER;
	}
	if (watch_due()) {
		figures_update_begin(!channel->watch.begun);
		channel->watch.begun = true;
		channel->step = figures_update;
		return true;
	}
	/* A guest that prints without end keeps no command out (CONTROL5). */
	return read_line(budget) || follow_say();	/* CONTROL1 */
}

/* --- channels --- */

bool channel_init(struct channel *c, const struct channel_port *port)
{
	c->port = port;
	return figures_init(c);
}

void channel_restart(struct channel *c)
{
	channel = c;
	c->step = NULL;
	c->out.head = c->out.tail = 0;
	reset();
}

void channel_look(struct channel *c)
{
	uint64_t start = now_ns();
	unsigned int budget = READ_MOST, steps;

	channel = c;
	for (steps = 0; steps < STEPS_MOST && room() >= ROOM; steps++)
		if (!work(&budget))
			break;
	if (pump(PUT_MOST))
		active_ns = now_ns();
	used.ns += now_ns() - start;
}

void control_used(struct control_usage *usage)
{
	*usage = used;
}

/* --- the serial port, and all of them --- */

static size_t serial_put(struct channel *c, const char *bytes, size_t count)
{
	return uart_put(UART_CONTROL, bytes, count);
}

static int serial_read(struct channel *c)
{
	return uart_read(UART_CONTROL);
}

static bool serial_start(void)
{
	static const struct channel_port port = { serial_put, serial_read, false };
	static struct channel c;

	if (!uart_open(UART_CONTROL)) {
		log_warn("control: there is no second serial port; no channel");
		return false;
	}
	if (!channel_init(&c, &port) || !starting_init()) {
		log_warn("control: no memory; no channel");
		return false;
	}
	serial = &c;
	log_info("control: on the second serial port, protocol %u",
		 CONTROL_PROTOCOL);
	channel_restart(serial);
	return true;
}

void control_poll(void)
{
	if (serial)
		channel_look(serial);
	sessions_look();
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

void control_start(bool on_serial, bool in_first_domain)
{
	bool any = false;

	if (on_serial)
		any |= serial_start();
	if (in_first_domain)
		any |= sessions_start();
	if (!any)
		return;
	timer_init(&timer, expired, NULL);
	timer_set(&timer, now_ns() + IDLE_NS);
}

void control_end(void)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	if (!serial)
		return;
	channel = serial;
	/* Whoever ended the last guest is told so. */
	if (channel->step && room() >= ROOM)
		channel->step();
	if (room() >= ROOM)
		control_say("bye");
	while (channel->out.head != channel->out.tail && now_ns() < end)
		if (!pump(PUT_MOST))
			port_spin();
}
