/* SPDX-License-Identifier: MIT */
/*
 * See pause.h.
 *
 * PAUSE1  Count and vCPUs change under LOCK_DOMAIN, so what the vCPUs were told
 *         last is what the count says.  sched.c does the rest (SCHED6).
 * PAUSE2  A paused domain gets events, and its timers fire: a vCPU that sleeps
 *         becomes PAUSED and runs when the pause ends.  Its grants, ports and
 *         pages are there for others as ever.
 */
#include <port.h>
#include <errno.h>

#include "dom/pause.h"
#include "dom/sched.h"

/* LOCK_DOMAIN. */
static void each_vcpu(struct domain *d, void (*fn)(struct vcpu *v))
	needs_lock(&d->lock)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++)
		fn(d->vcpu[i]);
}

int pause_begin(struct domain *d)
{
	bool room;

	spin_lock(&d->lock);
	room = d->paused < PAUSES_MAX;
	if (room) {
		WRITE_ONCE(d->paused, d->paused + 1);
		each_vcpu(d, sched_pause);
	}
	spin_unlock(&d->lock);
	return room ? 0 : -E2BIG;
}

bool pause_whole(const struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++)
		if (READ_ONCE(d->vcpu[i]->run) == RUN_RUNNING)
			return false;
	return true;
}

int pause_end(struct domain *d)
{
	bool was;

	spin_lock(&d->lock);
	was = d->paused;
	if (was)
		WRITE_ONCE(d->paused, d->paused - 1);
	if (was && !d->paused) {
		d->setup.started = true;	/* before it runs */
		each_vcpu(d, sched_resume);
	}
	spin_unlock(&d->lock);
	return was ? 0 : -EINVAL;
}
