/* SPDX-License-Identifier: MIT */
/*
 * See wallclock.h.
 *
 * WALL1  the time of day of our time 0 changes only in whole seconds, and only
 *        when the chip and our clock differ by two or more: both round down, so
 *        a difference of one means nothing.
 * WALL2  it changes only when two looks in a row, CONFIRM_NS apart, find the
 *        same difference: one nonsense reading moves no clock.
 * WALL3  a domain that was built with the old time gets the new one at the next
 *        look, which compares every domain's.
 */
#include <port.h>

#include "debug/log.h"
#include "dom/domain.h"
#include "dom/timer.h"
#include "dom/wallclock.h"
#include "x86/cpu.h"
#include "x86/rtc.h"

#define NS_PER_S	1000000000UL
#define LOOK_NS		(2 * NS_PER_S)
/* an update of the chip lasts 2 ms */
#define AGAIN_NS	(5 * NS_PER_S / 1000)
#define CONFIRM_NS	(NS_PER_S / 4)
#define BUSY_LOOKS	8	/* so many in a row: no chip, or a broken one */

static uint64_t boot_seconds;	/* one writer: where the timer is; WALL1 */
/* what the last look found; the timer's, WALL2 */
static int64_t suspected;
static unsigned int busy_looks;	/* in a row; the timer's */
static struct timer look_timer;

uint64_t wallclock_boot_seconds(void)
{
	return READ_ONCE(boot_seconds);
}

static uint64_t seconds_up(void)
{
	return now_ns() / NS_PER_S;
}

void wallclock_init(void)
{
	uint64_t now = rtc_seconds();

	if (!now) {
		log_warn("no clock chip (RTC) that keeps the time: %s",
			 (now = refclock_kvm_seconds()) ?
			 "it is the hypervisor's below" :
			 "the guests' wall clock starts in 1970");
		now = MAX(now, seconds_up());
	}
	WRITE_ONCE(boot_seconds, now - seconds_up());
}

/* The guest may write its shared info, so the version is what we make it. */
static void publish(struct shared_info *s, uint64_t seconds)
{
	uint32_t version = READ_ONCE(s->wc_version) | 1;

	atomic_store_relaxed(&s->wc_version, version);
	atomic_fence();
	WRITE_ONCE(s->wc_sec, (uint32_t)seconds);
	WRITE_ONCE(s->wc_sec_hi, (uint32_t)(seconds >> 32));
	WRITE_ONCE(s->wc_nsec, 0);
	atomic_store_release(&s->wc_version, version + 1);
}

void wallclock_fill(struct shared_info *s)
{
	publish(s, wallclock_boot_seconds());
}

/* A RUNNING domain has a shared info, and keeps it while its lock is held. */
static void tell(struct domain *d, void *arg)
{
	uint64_t seconds = wallclock_boot_seconds();
	struct shared_info *s;

	spin_lock(&d->lock);
	s = d->shared_info;
	if (READ_ONCE(d->state) == DOM_RUNNING &&
	    (READ_ONCE(s->wc_sec) != (uint32_t)seconds ||
	     READ_ONCE(s->wc_sec_hi) != (uint32_t)(seconds >> 32)))
		publish(s, seconds);
	spin_unlock(&d->lock);
}

/* Do the chip and our clock differ?  True: it seems so, look again soon. */
static bool follow(uint64_t chip)
{
	uint64_t ours = wallclock_boot_seconds() + seconds_up();
	int64_t ahead = chip ? (int64_t)(chip - ours) : 0;
	int64_t before = suspected;

	suspected = 0;
	if (ahead > -2 && ahead < 2)
		return false; /* WALL1 */
	if (!before || ahead - before > 1 || before - ahead > 1) {
		suspected = ahead;
		return true; /* WALL2 */
	}
	log_info("the clock chip is %ld s %s: the guests' wall clock follows",
		 ahead < 0 ? -ahead : ahead, ahead < 0 ? "behind" : "ahead");
	WRITE_ONCE(boot_seconds, wallclock_boot_seconds() + (uint64_t)ahead);
	return false;
}

/* Returns when to look again. */
static uint64_t look_once(void)
{
	bool again;

	if (rtc_busy())
		return ++busy_looks % BUSY_LOOKS ? AGAIN_NS : LOOK_NS;
	busy_looks = 0;
	again = follow(rtc_seconds());
	domain_for_each(tell, NULL); /* WALL3 */
	return again ? CONFIRM_NS : LOOK_NS;
}

static void look(void *arg)
{
	timer_set(&look_timer, now_ns() + look_once());
}

/* A chip that could not be read at boot may be there later. */
void wallclock_start(void)
{
	timer_init(&look_timer, look, NULL);
	timer_set(&look_timer, now_ns() + LOOK_NS);
}
