/* SPDX-License-Identifier: MIT */
/*
 * Run time by domain.  Takes LOCK_ACCOUNT.  Each domain has its own lock, so no
 * CPU waits here for another domain.
 *
 * ACCT1  vtime = (all that the domain's vCPUs ran up to counted_ns + what was
 *        forfeit) / weight, rounded down.  Nothing is lost by rounding
 *        (vtime_rest).  vtime only grows, so a value read at any time is a
 *        lower bound of the present one.  Running vCPUs count while they run:
 *        else a domain would be ahead by a slice for each CPU that it runs on,
 *        without showing it.
 * ACCT2  a cap: all grants up to now are at most the budgets of all periods up
 *        to now, since a slice takes its whole length from the budget when it
 *        begins, and gives back what it did not use.  A slice that overran (a
 *        long hypercall) leaves a debt, which later periods pay.  So in n
 *        periods a domain runs for at most n budgets, give or take one slice
 *        for each CPU.
 * ACCT3  a domain with any budget left is granted at least SCHED_GRANT_MIN_NS,
 *        so it makes progress even with the smallest cap.
 * ACCT4  budgets do not add up: a period begins with at most one budget,
 *        whatever was left of the period before.
 */
#include <port.h>

#include "dom/sched_account.h"

/* No debt is so old, and with the largest cap so many budgets are a number. */
#define PERIODS_MOST	(1UL << 20)

/* LOCK_ACCOUNT held.  CPUs' clocks differ a little: time does not go back. */
static void count(struct sched_account *a, uint64_t now) needs_lock(&a->lock)
{
	uint64_t ran;

	if (now <= a->counted_ns)
		return;
	ran = (now - a->counted_ns) * a->running;
	a->counted_ns = now;
	WRITE_ONCE(a->ran_ns, a->ran_ns + ran);
	ran += a->vtime_rest; /* ACCT1 */
	WRITE_ONCE(a->vtime, a->vtime + ran / a->weight);
	a->vtime_rest = ran % a->weight;
}

uint64_t sched_account_vtime(struct sched_account *a, uint64_t now)
{
	uint64_t vtime;

	if (!READ_ONCE(a->running))
		return READ_ONCE(a->vtime);
	spin_lock(&a->lock);
	count(a, now);
	vtime = a->vtime;
	spin_unlock(&a->lock);
	return vtime;
}

void sched_account_raise(struct sched_account *a, uint64_t floor)
{
	if (READ_ONCE(a->vtime) >= floor)
		return;
	spin_lock(&a->lock);
	WRITE_ONCE(a->vtime, MAX(a->vtime, floor));
	spin_unlock(&a->lock);
}

static int64_t budget(const struct sched_account *a) needs_lock(&a->lock)
{
	return (int64_t)(SCHED_PERIOD_NS / 100 * a->cap);
}

/* Periods may have begun since. LOCK_ACCOUNT held. */
static void refill(struct sched_account *a, uint64_t now) needs_lock(&a->lock)
{
	uint64_t period = now / SCHED_PERIOD_NS;

	if (period <= a->period)
		return;
	a->left_ns += (int64_t)MIN(period - a->period, PERIODS_MOST) * budget(a);
	a->left_ns = MIN(a->left_ns, budget(a)); /* ACCT4 */
	a->period = period;
}

/* Of `want`, what the budget has.  LOCK_ACCOUNT held. */
static uint64_t budget_take(struct sched_account *a, uint64_t now, uint64_t want)
	needs_lock(&a->lock)
{
	uint64_t granted = 0;

	refill(a, now);
	if (a->left_ns > 0)
		granted = MIN(want, MAX((uint64_t)a->left_ns,
					SCHED_GRANT_MIN_NS)); /* ACCT3 */
	a->left_ns -= (int64_t)granted; /* ACCT2 */
	return granted;
}

uint64_t sched_account_begin(struct sched_account *a, uint64_t now,
			     uint64_t want)
{
	spin_lock(&a->lock);
	count(a, now);
	if (a->cap)
		want = budget_take(a, now, want);
	if (want)
		WRITE_ONCE(a->running, a->running + 1);
	spin_unlock(&a->lock);
	return want;
}

void sched_account_end(struct sched_account *a, uint64_t now, uint64_t granted,
		       uint64_t ran)
{
	spin_lock(&a->lock);
	count(a, now);
	WRITE_ONCE(a->running, a->running - 1);
	if (a->cap) {
		refill(a, now);
		a->left_ns += (int64_t)granted - (int64_t)ran; /* ACCT2 */
		a->left_ns = MIN(a->left_ns, budget(a));
	}
	spin_unlock(&a->lock);
}

/*
 * What ran up to now counts by the old weight (ACCT1).  A budget that begins or
 * ends in a slice errs by that slice (ACCT2).
 */
void sched_account_set(struct sched_account *a, uint64_t now, uint32_t weight,
		       uint32_t cap)
{
	spin_lock(&a->lock);
	count(a, now);
	a->vtime_rest = 0;
	if (weight)
		WRITE_ONCE(a->weight, weight);
	WRITE_ONCE(a->cap, cap);
	spin_unlock(&a->lock);
}

void sched_account_get(struct sched_account *a, uint32_t *weight, uint32_t *cap)
{
	spin_lock(&a->lock);
	*weight = a->weight;
	*cap = a->cap;
	spin_unlock(&a->lock);
}

uint64_t sched_account_opens(uint64_t now)
{
	return (now / SCHED_PERIOD_NS + 1) * SCHED_PERIOD_NS;
}
