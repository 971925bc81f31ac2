/* SPDX-License-Identifier: MIT */
/*
 * Guest consoles.
 *
 * Output: a domain writes to the ring in its console page, or calls console_io.
 * Both end as whole lines in the log.  The ring is drained when the guest
 * notifies the port and whenever a vCPU leaves its CPU (sched_leave()), that is
 * at the latest after a slice; so no timer has to look for output, and the work
 * is charged to the guest that wrote.  A line without an end is printed after a
 * second of silence.
 *
 * Rate: each byte that a guest writes takes a token.  Tokens come at the rate
 * that the operator set (`console-rate`), and RATE_SAVED seconds' worth can be
 * saved up.  A guest without tokens waits until a timer says that there is
 * room: its ring stays as it is, and a vCPU that called console_io sleeps.  So
 * no guest keeps the others from the serial line or the log (CP9).  A guest
 * also waits while the log is full and the terminal reads.  If the terminal
 * does not read, lines that do not fit are lost (debug/outbuf.c).
 *
 * Input: the boot CPU reads the serial line every 10 ms, and every ms for a
 * while after it found something; whole lines go to the operator's commands
 * first, then to the domains with the focus that take lines.  A line that is
 * too long comes in pieces.  Domains that take keys get each key at once, as it
 * is.
 *
 * The first domain has no ring: it writes by console_io, what is typed waits
 * here until it reads it by console_io, and VIRQ_CONSOLE tells it.
 *
 * CONSOLE1  The guest writes anything to the ring at any time.  The
 *           hypervisor's own indices are kept here and only copied to the ring;
 *           the guest's are read once for each drain; if the distance between
 *           two indices is more than the ring holds, we start afresh at the
 *           guest's index.
 * CONSOLE2  One drain moves at most one ring (2048 bytes).
 * CONSOLE3  The page is held by a general and a WRITABLE reference
 *           (ringpage.h).
 * CONSOLE4  d->console is set and cleared under LOCK_DOMAIN, and all of it
 *           belongs to that lock.  Terminal controls of a guest do not reach
 *           the log.
 * CONSOLE5  while a guest waits for room, its room_timer is armed or just
 *           firing.
 * CONSOLE6  a vCPU that sleeps in console_io has set call_waits, and wanted to
 *           sleep, under LOCK_DOMAIN; only room_expired() takes that back, and
 *           then wakes all of them.
 */
#include <port.h>
#include <errno.h>

#include <xen/io/console.h>

#include "debug/log.h"
#include "dom/console.h"
#include "dom/evtchn.h"
#include "dom/privilege.h"
#include "dom/ringpage.h"
#include "dom/sched.h"
#include "lib/printable.h"
#include "mm/objpool.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define LINE_MAX	256
#define FLUSH_AFTER_NS	1000000000UL
#define INPUT_EVERY_NS	10000000UL
#define INPUT_SOON_NS	1000000UL
#define INPUT_LASTS_NS	100000000UL
#define INPUT_BATCH	256
#define OPERATOR_KEY	0x1d	/* Ctrl-] */
#define CHUNK		128
#define TYPED_MAX	1024u	/* a power of two */

#define RATE_SAVED	4	/* seconds */
/* a guest that ran out goes on when it has tokens for so many bytes */
#define RATE_ROOM	512
/* tokens for the end of a line: the domain's name before it is printed, too */
#define LINE_COST	32
#define NS_PER_S	1000000000UL
#define LOG_FULL_NS	10000000UL	/* until we ask the log again */

typedef struct xencons_interface ring_t;

struct line {
	char text[LINE_MAX];
	uint32_t bytes;
};

/* What was typed for the first domain, which has not read it yet. */
struct typed {
	char text[TYPED_MAX];
	uint32_t prod, cons;	/* run freely */
};

/* LOCK_DOMAIN */
struct console {
	ring_t *ring;		/* NULL: the first domain's */
	struct frame *frame;	/* CONSOLE3 */
	uint32_t port;
	uint32_t out_cons, in_prod; /* CONSOLE1 */
	struct line from_ring, from_call;
	struct timer flush_timer; /* a line without an end waits */
	/* bytes that may be printed; the last line may overdraw it */
	int64_t tokens;
	uint64_t filled_ns;	/* when tokens were added */
	/* ran out of tokens, and has fewer than RATE_ROOM */
	bool held;
	bool call_waits;	/* a console_io sleeps for it (CONSOLE6) */
	struct timer room_timer; /* CONSOLE5 */
	bool raw;		/* takes keys, not lines */
	/* its ring is full, and the log says so already */
	bool input_lost;
	struct typed *typed;	/* the first domain's; else NULL */
};

/* bytes a second; 0: no limit; constant after boot */
static uint64_t rate;

bool (*console_operator_line)(const char *line);
void (*console_printed)(const struct domain *d, const char *text, size_t bytes);

/* --- lines: LOCK_DOMAIN held --- */

static void printed(struct domain *d, const char *text, size_t bytes) needs_lock(&d->lock)
{
	log_guest(d->id, d->name, text, bytes);
	if (console_printed)
		console_printed(d, text, bytes);
}

static void line_flush(struct domain *d, struct line *l) needs_lock(&d->lock)
{
	if (l->bytes)
		printed(d, l->text, l->bytes);
	l->bytes = 0;
}

/* A full line goes out; a character that is not whole begins the next. */
static void line_break(struct domain *d, struct line *l) needs_lock(&d->lock)
{
	size_t left = printable_utf8_unfinished(l->text, l->bytes);

	l->bytes -= left;
	printed(d, l->text, l->bytes);
	memmove(l->text, l->text + l->bytes, left);
	l->bytes = left;
}

static void line_add(struct domain *d, struct line *l, char c)
	needs_lock(&d->lock)
{
	if (c == '\n') {
		if (!l->bytes) /* an empty line is a line, too */
			printed(d, "", 0);
		line_flush(d, l);
		return;
	}
	if (c == '\r' || c == '\0')
		return;
	if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
		c = '.'; /* CONSOLE4 */
	l->text[l->bytes++] = c;
	if (l->bytes == LINE_MAX)
		line_break(d, l);
}

/* --- rate: LOCK_DOMAIN held --- */

void console_set_rate(uint64_t bytes)
{
	rate = bytes;
}

static int64_t tokens_most(void)
{
	return (int64_t)(rate * RATE_SAVED);
}

static void tokens_add(struct console *c)
{
	uint64_t now = now_ns(), ns = now - MIN(c->filled_ns, now), more;

	if (ns >= RATE_SAVED * NS_PER_S) {
		c->tokens = tokens_most();
		c->filled_ns = now;
		return;
	}
	more = ns * rate / NS_PER_S;
	c->tokens = MIN(c->tokens + (int64_t)more, tokens_most());
	/* The time for a part of a byte counts the next time. */
	c->filled_ns += more * NS_PER_S / rate;
}

/* May the guest print now?  If not, room_timer will tell it when it may. */
static bool has_room(struct console *c)
{
	int64_t wanted = MIN((int64_t)RATE_ROOM, tokens_most());

	if (!log_has_room()) {
		timer_set(&c->room_timer, now_ns() + LOG_FULL_NS);
		return false;
	}
	if (!rate)
		return true;
	tokens_add(c);
	if (c->tokens >= (c->held ? wanted : 1)) {
		c->held = false;
		return true;
	}
	c->held = true;
	/*
	 * One byte's time more than needed, lest rounding leaves the last byte
	 * a nanosecond short.
	 */
	timer_set(&c->room_timer, c->filled_ns +
		  (uint64_t)(wanted - c->tokens + 1) * NS_PER_S / rate);
	return false;
}

/* One character is printed; false: it was the last for now. */
static bool token_take(struct console *c, char ch)
{
	c->tokens -= ch == '\n' ? LINE_COST : 1;
	return log_has_room() && (!rate || c->tokens > 0);
}

static void room_expired(void *arg)
{
	struct domain *d = arg;
	bool waits;
	uint32_t i;

	spin_lock(&d->lock);
	waits = d->console && d->console->call_waits;
	if (waits)
		d->console->call_waits = false;
	spin_unlock(&d->lock);
	console_drain(d);
	for (i = 0; waits && i < d->vcpu_count; i++)
		sched_wake(d->vcpu[i]);
}

static void flush_later(struct console *c)
{
	if (c->from_ring.bytes || c->from_call.bytes)
		timer_set(&c->flush_timer, now_ns() + FLUSH_AFTER_NS);
}

static void flush_expired(void *arg)
{
	struct domain *d = arg;

	spin_lock(&d->lock);
	if (d->console) {
		line_flush(d, &d->console->from_ring);
		line_flush(d, &d->console->from_call);
	}
	spin_unlock(&d->lock);
}

/* --- the ring, guest to log --- */

static bool ring_has_output(const struct console *c)
{
	return c->ring && READ_ONCE(c->ring->out_prod) != c->out_cons;
}

/* Take from the ring as much as there is room for; false if it was empty. */
static bool ring_drain(struct domain *d, struct console *c) needs_lock(&d->lock)
{
	bool room = true;
	ring_t *ring = c->ring;
	uint32_t prod = atomic_load_acquire(&ring->out_prod);

	if (prod == c->out_cons)
		return false;
	if (prod - c->out_cons > sizeof(ring->out))
		c->out_cons = prod; /* CONSOLE1 */
	/* CONSOLE2.  On its way out a domain may overdraw. */
	while (c->out_cons != prod && (room || !d->console || has_room(c))) {
		uint32_t at = MASK_XENCONS_IDX(c->out_cons, ring->out);
		char ch = READ_ONCE(ring->out[at]);

		line_add(d, &c->from_ring, ch);
		c->out_cons++;
		room = token_take(c, ch);
	}
	atomic_store_release(&ring->out_cons, c->out_cons);
	return true;
}

void console_drain(struct domain *d)
{
	struct console *c;
	uint32_t port = 0;

	spin_lock(&d->lock);
	c = d->console;
	if (c && ring_has_output(c) && has_room(c) && ring_drain(d, c)) {
		flush_later(c);
		port = c->port;
	}
	spin_unlock(&d->lock);
	if (port)
		evtchn_set_pending(d, port); /* there is room again */
}

/* --- life --- */

struct frame *console_ring_frame(const struct domain *d)
{
	return d->console ? d->console->frame : NULL;
}

static void console_start(struct domain *d, struct console *c)
{
	timer_init(&c->flush_timer, flush_expired, d);
	timer_init(&c->room_timer, room_expired, d);
	c->tokens = tokens_most();
	c->filled_ns = now_ns();
	spin_lock(&d->lock);
	d->console = c;
	spin_unlock(&d->lock);
}

int console_init(struct domain *d, struct frame *ring_frame, uint32_t port)
{
	struct console *c = obj_alloc(sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	rc = ringpage_get(d, ring_frame);
	if (rc) {
		obj_free(c, sizeof(*c));
		return rc;
	}
	c->frame = ring_frame;
	c->ring = mfn_to_virt(frame_to_mfn(ring_frame));
	c->port = port;
	c->out_cons = READ_ONCE(c->ring->out_prod);
	c->in_prod = READ_ONCE(c->ring->in_cons);
	console_start(d, c);
	return 0;
}

int console_init_first(struct domain *d)
{
	struct console *c = obj_alloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->typed = obj_alloc(sizeof(*c->typed));
	if (!c->typed) {
		obj_free(c, sizeof(*c));
		return -ENOMEM;
	}
	c->raw = true;
	console_start(d, c);
	return 0;
}

int console_init_served(struct domain *d)
{
	struct console *c = obj_alloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	console_start(d, c);
	return 0;
}

void console_fini(struct domain *d)
{
	struct console *c;

	spin_lock(&d->lock);
	c = d->console;
	d->console = NULL; /* CONSOLE4: from here on it is ours */
	if (c) {
		if (c->ring)
			ring_drain(d, c);
		line_flush(d, &c->from_ring);
		line_flush(d, &c->from_call);
	}
	spin_unlock(&d->lock);
	if (!c)
		return;
	timer_cancel(&c->flush_timer);
	timer_cancel(&c->room_timer);
	if (c->frame)
		ringpage_put(c->frame);
	if (c->typed)
		obj_free(c->typed, sizeof(*c->typed));
	obj_free(c, sizeof(*c));
}

/* --- console_io --- */

/*
 * Print a piece of console_io's text, or as much as there is room for; returns
 * how many bytes.  None: the vCPU sleeps (CONSOLE5, CONSOLE6).
 */
static uint64_t write_piece(struct domain *d, struct console *c,
			    const char *text, uint64_t bytes)
	needs_lock(&d->lock)
{
	bool room = has_room(c);
	uint64_t i;

	for (i = 0; i < bytes && room; i++) {
		line_add(d, &c->from_call, text[i]);
		room = token_take(c, text[i]);
	}
	if (!i) {
		c->call_waits = true;
		sched_block(current_vcpu());
	}
	flush_later(c);
	return i;
}

/*
 * Print a piece of the text at va: returns how many bytes, 0 at the end,
 * -EFAULT, or -EAGAIN: no room.
 */
static int write_chunk(struct domain *d, uint64_t va, uint64_t count)
{
	uint64_t bytes = MIN(count, (uint64_t)CHUNK);
	char buf[CHUNK];

	if (!bytes)
		return 0;
	if (copy_from_guest(buf, va, bytes))
		return -EFAULT;
	spin_lock(&d->lock);
	if (d->console)
		bytes = write_piece(d, d->console, buf, bytes);
	spin_unlock(&d->lock);
	return bytes ? (int)bytes : -EAGAIN;
}

/* How far it is its caller knows: several vCPUs may write at once. */
static long console_write(struct domain *d, uint64_t *count, uint64_t *va)
{
	int n;

	if (!guest_arg_ok(*va, *count))
		return -EFAULT;
	while ((n = write_chunk(d, *va, *count)) > 0) {
		*va += n;
		*count -= n;
		if (sched_preempt_pending())
			return -ERESTART;
	}
	return n == -EAGAIN ? -ERESTART : n;
}

/* What was typed for the first domain: at most `bytes`; how many. */
static uint32_t typed_take(struct domain *d, char *buf, uint64_t bytes)
{
	struct typed *t;
	uint32_t n = 0;

	spin_lock(&d->lock);
	t = d->console ? d->console->typed : NULL;
	while (t && n < bytes && t->cons != t->prod)
		buf[n++] = t->text[t->cons++ % TYPED_MAX];
	spin_unlock(&d->lock);
	return n;
}

/*
 * How many bytes were read.  What cannot be stored is lost, as it would be on
 * Xen.
 */
static long console_read(struct domain *d, uint64_t count, uint64_t va)
{
	char buf[CHUNK];
	uint64_t done = 0;
	uint32_t n;

	/* A guest's input comes by its ring. */
	if (privilege_check(d, PRIV_CONSOLE, CONSOLEIO_read))
		return 0;
	while (done < count &&
	       (n = typed_take(d, buf, MIN(count - done, (uint64_t)CHUNK)))) {
		if (copy_to_guest(va + done, buf, n))
			return -EFAULT;
		done += n;
	}
	return (long)done;
}

/* Xen's count is a 32 bit number. */
long op_console_io(unsigned long cmd, uint64_t *count, uint64_t *va)
{
	struct domain *d = current_vcpu()->domain;

	*count = (uint32_t)*count;
	switch (cmd) {
	case CONSOLEIO_write:
		return console_write(d, count, va);
	case CONSOLEIO_read:
		return console_read(d, *count, *va);
	default:
		return -ENOSYS;
	}
}

/* --- input: only the boot CPU --- */

static struct timer input_timer;
static uint64_t input_last_ns;	/* when something was typed */
static char focus[DOMAIN_NAME_MAX] = "all";

static struct {
	struct line line;	/* NUL terminated when it is handed on */
	/* the last byte was CR: a line feed now belongs to it */
	bool after_cr;
	bool in_pieces;		/* the line's beginning has been handed on */
	bool for_operator;	/* it began with OPERATOR_KEY */
} typed;

void console_set_focus(const char *who)
{
	(void)str_copy(focus, sizeof(focus), who);
	memset(&typed, 0, sizeof(typed));
}

void console_set_raw(struct domain *d)
{
	spin_lock(&d->lock);
	if (d->console)
		d->console->raw = true;
	spin_unlock(&d->lock);
}

static void say_input_lost(struct domain *d, struct console *c, bool lost)
	needs_lock(&d->lock)
{
	if (lost && !c->input_lost)
		log_warn("console: %s does not read: what is typed for it is lost",
			 d->name);
	c->input_lost = lost;
}

/* Append what fits; a full ring loses the rest. LOCK_DOMAIN held. */
static uint32_t ring_feed(struct console *c, const char *text, uint32_t bytes)
{
	ring_t *ring = c->ring;
	uint32_t cons = atomic_load_acquire(&ring->in_cons);
	uint32_t i;

	if (c->in_prod - cons > sizeof(ring->in))
		c->in_prod = cons; /* CONSOLE1 */
	for (i = 0; i < bytes && c->in_prod - cons < sizeof(ring->in); i++) {
		uint32_t at = MASK_XENCONS_IDX(c->in_prod, ring->in);

		WRITE_ONCE(ring->in[at], text[i]);
		c->in_prod++;
	}
	atomic_store_release(&ring->in_prod, c->in_prod);
	return i;
}

/* The same for the first domain.  LOCK_DOMAIN held. */
static uint32_t typed_feed(struct typed *t, const char *text, uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes && t->prod - t->cons < TYPED_MAX; i++)
		t->text[t->prod++ % TYPED_MAX] = text[i];
	return i;
}

static bool has_focus(const struct domain *d)
{
	if (strcmp(focus, "none") == 0)
		return false;
	return strcmp(focus, "all") == 0 || strcmp(focus, d->name) == 0;
}

struct input {
	const char *text;
	uint32_t bytes;
	bool raw;		/* for whom it is */
};

/* A console that the first domain serves gets its input there. */
static bool takes(const struct console *c, const struct input *in)
{
	return c && c->raw == in->raw && (c->ring || c->typed);
}

/* All of it that d takes; false: it takes nothing of this kind. */
static bool give(struct domain *d, const struct input *in)
{
	uint32_t port = 0, fed = 0;
	bool virq = false, taken;
	struct console *c;

	spin_lock(&d->lock);
	c = d->console;
	taken = takes(c, in);
	if (taken) {
		fed = c->ring ? ring_feed(c, in->text, in->bytes) :
				typed_feed(c->typed, in->text, in->bytes);
		port = fed ? c->port : 0;
		virq = fed && !c->ring;
		say_input_lost(d, c, fed < in->bytes);
	}
	spin_unlock(&d->lock);
	if (port)
		evtchn_set_pending(d, port);
	if (virq)
		evtchn_virq(d->vcpu[0], VIRQ_CONSOLE);
	return taken;
}

static void feed_domain(struct domain *d, void *arg)
{
	if (has_focus(d))
		(void)give(d, arg);
}

bool console_type(struct domain *d, const char *text, uint32_t bytes)
{
	return give(d, &(struct input){ text, bytes, false }) || give(d, &(struct input){ text, bytes, true });
}

static void feed(const char *text, uint32_t bytes, bool raw)
{
	struct input in = { text, bytes, raw };

	domain_for_each(feed_domain, &in);
}

/* --- the operator's lines --- */

struct name_search {
	const char *name;
	bool found;
};

static void compare_name(struct domain *d, void *arg)
{
	struct name_search *s = arg;

	s->found = s->found || strcmp(s->name, d->name) == 0;
}

static void change_focus(const char *who)
{
	struct name_search s = { .name = who };

	s.found = !strcmp(who, "all") || !strcmp(who, "none");
	domain_for_each(compare_name, &s);
	if (!s.found) {
		log_warn("focus: no domain is called %s", who);
		return;
	}
	(void)str_copy(focus, sizeof(focus), who);
	log_info("focus: %s", focus);
}

static bool known_to_operator(const char *text)
{
	return console_operator_line && console_operator_line(text);
}

static void operator_typed(const char *text)
{
	if (!strncmp(text, "focus ", 6))
		change_focus(text + 6);
	else if (text[0] && !known_to_operator(text))
		log_warn("not a command: %s (there are: focus NAME|all|none, snapshot)",
			 text);
}

/* --- keys --- */

/*
 * A whole line: for the operator or for guests, which get it with its newline.
 */
static void line_typed(struct line *l)
{
	bool whole = !typed.in_pieces;

	l->text[l->bytes] = '\0';
	if (typed.for_operator) {
		operator_typed(l->text);
	} else if (!whole || !known_to_operator(l->text)) {
		l->text[l->bytes++] = '\n';
		feed(l->text, l->bytes, false);
	}
	l->bytes = 0;
	typed.in_pieces = typed.for_operator = false;
}

/* There is no room for more of the line; no command is that long. */
static void line_full(struct line *l)
{
	if (typed.for_operator) {
		log_warn("the command is too long");
		typed.for_operator = false;
	} else {
		feed(l->text, l->bytes, false);
	}
	typed.in_pieces = true;
	l->bytes = 0;
}

static void line_key(struct line *l, char c)
{
	if (c == '\n' || c == '\r') {
		line_typed(l);
	} else if (c == '\b' || c == 0x7f) {
		l->bytes -= l->bytes > 0;
	} else {
		if (l->bytes == LINE_MAX - 1)
			line_full(l);
		l->text[l->bytes++] = c;
	}
}

static void char_typed(char c)
{
	bool same_end = c == '\n' && typed.after_cr;

	typed.after_cr = c == '\r';
	if (c == OPERATOR_KEY) {
		typed.line.bytes = 0;
		typed.for_operator = true;
		return;
	}
	if (!typed.for_operator && !same_end)
		feed(&c, 1, true);
	if (!same_end)
		line_key(&typed.line, c);
}

void console_poll_input(void)
{
	for (unsigned int i = 0; i < INPUT_BATCH; i++) {
		int c = uart_read(UART_CONSOLE);

		if (c < 0)
			return;
		input_last_ns = now_ns();
		char_typed((char)c);
	}
}

static void input_expired(void *arg)
{
	uint64_t now, wait = INPUT_EVERY_NS;

	console_poll_input();
	now = now_ns();
	if (log_pump() || now < input_last_ns + INPUT_LASTS_NS)
		wait = INPUT_SOON_NS;
	/*
	 * At multiples of `wait`, however long the work took: no guest can
	 * measure the others by it.
	 */
	timer_set(&input_timer, (now / wait + 1) * wait);
}

void console_input_start(void)
{
	timer_init(&input_timer, input_expired, NULL);
	timer_set(&input_timer, now_ns() + INPUT_EVERY_NS);
}
