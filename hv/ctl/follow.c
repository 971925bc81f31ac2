/* SPDX-License-Identifier: MIT */
/*
 * See follow.h.  Guests print on all CPUs; the channel is the boot CPU's.  So
 * lines wait in a ring between them.
 *
 * FOLLOW1  No guest waits for the channel: a line that has no room is lost, and
 *          how many were is said before the next one that has.
 * FOLLOW2  A line is in the ring whole, or not at all.
 */
#include <port.h>

#include "ctl/channel.h"
#include "ctl/follow.h"
#include "dom/console.h"

#define BYTES	8192u	/* a power of two */

static struct spinlock lock = SPINLOCK_INIT(LOCK_FOLLOW);
/* All under lock. */
static struct {
	char text[BYTES];
	uint32_t head, tail;	/* run freely; lines end in NUL */
	uint64_t lost;
} ring;
static struct {
	bool on;
	domid_hv_t id;
	const struct channel *by;	/* boot CPU */
} who;		/* lock to change; boot CPU reads without */

/* From any CPU, with the domain's lock. */
static void guest_printed(const struct domain *d, const char *text, size_t bytes)
{
	size_t i;

	if (likely(!READ_ONCE(who.on)))
		return;
	spin_lock(&lock);
	if (who.on && who.id == d->id && bytes + 1 <= BYTES - (ring.head - ring.tail)) {
		for (i = 0; i < bytes; i++)
			ring.text[ring.head++ % BYTES] = text[i];
		ring.text[ring.head++ % BYTES] = '\0';
	} else if (who.on && who.id == d->id) {
		ring.lost++;		/* FOLLOW1 */
	}
	spin_unlock(&lock);
}

static void set(bool on, domid_hv_t id)
{
	console_printed = guest_printed;
	spin_lock(&lock);
	who.on = on;
	who.id = id;
	who.by = channel;
	ring.head = ring.tail = 0;
	ring.lost = 0;
	spin_unlock(&lock);
}

void follow_begin(const struct domain *d)
{
	set(true, d->id);
}

void follow_end(void)
{
	if (who.on && who.by == channel)
		set(false, 0);
}

/* The next line, cut where it is longer; false: there is none. */
static bool take(char *line, size_t size, uint64_t *lost)
{
	size_t n = 0;
	bool found;
	char c;

	spin_lock(&lock);
	found = ring.head != ring.tail;
	while (ring.head != ring.tail && (c = ring.text[ring.tail++ % BYTES]))
		if (n + 1 < size)
			line[n++] = c;
	line[n] = '\0';
	*lost = ring.lost;
	ring.lost = 0;
	spin_unlock(&lock);
	return found;
}

static bool is_gone(domid_hv_t id)
{
	struct domain *d = domain_find(id);

	if (d)
		domain_put(d);
	return !d;
}

bool follow_say(void)
{
	char line[CONTROL_ANSWER_MAX / 2];
	bool gone, found;
	uint64_t lost;

	if (!who.on || who.by != channel)
		return false;
	gone = is_gone(who.id);		/* first: what it printed is there */
	found = take(line, sizeof(line), &lost);
	if (lost)
		control_say("lost id=%u lines=%lu", who.id, lost);
	if (found)
		control_say("console id=%u text=%s", who.id, line);
	if (!found && gone) {
		control_say("closed id=%u", who.id);
		follow_end();
	}
	return found || lost || gone;
}
