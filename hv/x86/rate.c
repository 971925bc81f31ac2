/* SPDX-License-Identifier: MIT */
/*
 * See rate.h.
 *
 * RATE1  a moment is: "the count became `ticks` not before `before` and not
 *        after `after`": the TSC is read before each look at the count and
 *        after it, and the change happened between two looks.  An interruption
 *        anywhere, of any length, widens the moment and never makes it untrue.
 * RATE2  so two moments bound the rate from both sides, and so does the
 *        intersection of all such bounds.
 * RATE3  a gap in which the count may have wrapped around ends the run, and
 *        nothing of the gap is used.
 */
#include <port.h>

#include "x86/cpu.h"
#include "x86/rate.h"

/* done when low and high are closer than one part in this */
#define EXACT		8192
#define GOOD		1024	/* after some runs, that will do */
#define RUNS_MAX	50
#define RUNS_GOOD	4
#define ANCHORS		16
/* TSC ticks: 4 s and more of any TSC above 128 MHz */
#define GAP_MAX		(1UL << 29)

struct moment {
	uint64_t ticks, before, after;
};

/* The last look at the clock. */
struct watch {
	const struct ref_clock *c;
	uint64_t raw, ticks, before;
};

enum outcome { FOUND, LOST, STILL };

static enum outcome watch_start(struct watch *w, const struct ref_clock *c)
{
	c->start();
	w->c = c;
	w->ticks = 0;
	w->before = tsc_read();
	w->raw = c->read();
	return w->raw == REF_LOST ? LOST : FOUND;
}

static enum outcome next_moment(struct watch *w, struct moment *m)
{
	uint64_t before, after, raw, step = 0;
	uint32_t i;

	for (i = 0; i < w->c->patience && !step; i++) {
		before = tsc_read();
		raw = w->c->read();
		after = tsc_read();
		if (raw == REF_LOST || after - w->before > GAP_MAX)
			return LOST; /* RATE3 */
		step = (raw + w->c->turn - w->raw) % w->c->turn;
		if (step > w->c->turn / 2)
			return LOST; /* it went back: a bad read */
		w->ticks += step;
		*m = (struct moment){ w->ticks, w->before, after }; /* RATE1 */
		w->raw = raw;
		w->before = before;
	}
	return step ? FOUND : STILL;
}

/*
 * The narrowest of the first few moments, within the first hundredth of a
 * second.
 */
static enum outcome find_anchor(struct watch *w, struct moment *anchor)
{
	enum outcome o = next_moment(w, anchor);
	uint64_t end = w->ticks + w->c->hz / 100;
	struct moment m;
	unsigned int i;

	for (i = 1; i < ANCHORS && o == FOUND && w->ticks < end; i++) {
		o = next_moment(w, &m);
		if (o == FOUND &&
		    m.after - m.before < anchor->after - anchor->before)
			*anchor = m;
	}
	return o;
}

static bool closer_than(const struct rate *r, uint64_t parts)
{
	return r->low >= r->high || r->high - r->low <= r->high / parts;
}

static void narrow(struct rate *r, const struct moment *a,
		   const struct moment *m, uint64_t hz)
{
	uint64_t ticks = m->ticks - a->ticks;

	if (!ticks)
		return; /* a later moment than the first became the anchor */
	if (m->before > a->after)
		r->low = MAX(r->low, (m->before - a->after) * hz / ticks);
	r->high = MIN(r->high, (m->after - a->before) * hz / ticks + 1);
}

/* For a second at most. */
static enum outcome run(const struct ref_clock *c, struct rate *r)
{
	struct watch w;
	struct moment anchor, m;
	enum outcome o = watch_start(&w, c);

	if (o == FOUND)
		o = find_anchor(&w, &anchor);
	while (o == FOUND && !closer_than(r, EXACT) &&
	       w.ticks - anchor.ticks < c->hz) {
		o = next_moment(&w, &m);
		if (o == FOUND)
			narrow(r, &anchor, &m, c->hz);
	}
	return o;
}

static bool is_bounded(const struct rate *r)
{
	return r->low && r->high != ~0UL;
}

bool rate_measure(const struct ref_clock *c, struct rate *r)
{
	unsigned int i;

	*r = (struct rate){ 0, ~0UL };
	for (i = 1; i <= RUNS_MAX && !closer_than(r, EXACT); i++) {
		if (run(c, r) == STILL)
			return false;
		if (i >= RUNS_GOOD && is_bounded(r) && closer_than(r, GOOD))
			break;
	}
	return is_bounded(r);
}

uint64_t rate_middle(const struct rate *r)
{
	return MIN(r->low, r->high) + (MAX(r->low, r->high) -
				       MIN(r->low, r->high)) / 2;
}

unsigned int rate_ppm(const struct rate *r)
{
	uint64_t width = MAX(r->low, r->high) - MIN(r->low, r->high);

	return width / 2 * 1000 / (rate_middle(r) / 1000 ?: 1);
}

/*
 * What is told is rounded, and a quartz differs from its name: 1 part in 500.
 */
bool rate_agrees(const struct rate *r, uint64_t hz)
{
	return hz + hz / 500 >= MIN(r->low, r->high) &&
	       hz - hz / 500 <= MAX(r->low, r->high);
}

/* --- a timer, by the TSC --- */

#define COUNT_PARTS	512	/* of a second: how long a sample is */
#define COUNT_TRIES	20
#define COUNT_MAX	(1UL << 30)	/* times a TSC's Hz: 64 bits */

/*
 * The timer's start and the last look at it each lie between two reads of the
 * TSC, so it ran for at least `inner` and at most `outer` TSC ticks; the count
 * is rounded by one of its own ticks to each side.  A sample that took so long
 * that the timer may have run out is not used.
 */
static bool countdown_sample(const struct countdown *c, uint64_t tsc_hz,
			     uint64_t wait, struct rate *r)
{
	uint64_t t[4], ticks, inner, outer;

	t[0] = tsc_read();
	c->start(c->from);
	t[1] = tsc_read();
	do
		t[2] = tsc_read();
	while (t[2] - t[1] < wait);
	ticks = c->from - c->left();
	t[3] = tsc_read();
	inner = t[2] - t[1];
	outer = t[3] - t[0];
	if (ticks < COUNT_MAX && ticks) {
		r->low = MAX(r->low, (ticks - 1) * tsc_hz / outer);
		r->high = MIN(r->high, (ticks + 1) * tsc_hz / inner + 1);
	}
	return ticks;
}

bool rate_of_countdown(const struct countdown *c, uint64_t tsc_hz,
		       struct rate *r)
{
	unsigned int i;

	*r = (struct rate){ 0, ~0UL };
	for (i = 0; i < COUNT_TRIES && !closer_than(r, GOOD); i++)
		if (!countdown_sample(c, tsc_hz, tsc_hz / COUNT_PARTS, r))
			return false;
	return is_bounded(r);
}

/* --- told --- */

#define LEAF_TSC	0x15
#define LEAF_FREQUENCY	0x16
#define LEAF_HV		0x40000000u
#define LEAF_HV_STEP	0x100u		/* KVM below another one's leaves */
#define LEAF_HV_TSC	0x10u
#define HYPERVISOR_BIT	(1u << 31)
#define KVM_NEW_CLOCK	(1u << 3)

/*
 * Leaf LEAF_TSC: the TSC runs at ebx / eax times the crystal's Hz, which is in
 * ecx.  Where ecx is 0, the TSC runs at the base frequency of leaf
 * LEAF_FREQUENCY.
 */
uint64_t rate_told_by_cpuid(cpuid_fn ask)
{
	uint32_t r[4], base[4] = { 0 };

	ask(0, 0, r);
	if (r[0] < LEAF_TSC)
		return 0;
	if (r[0] >= LEAF_FREQUENCY)
		ask(LEAF_FREQUENCY, 0, base);
	ask(LEAF_TSC, 0, r);
	if (!r[0] || !r[1])
		return 0;
	if (r[2])
		return (uint64_t)r[2] * r[1] / r[0] / 1000;
	return (base[0] & 0xffff) * 1000UL;
}

static uint32_t hypervisor_last(cpuid_fn ask, uint32_t first)
{
	uint32_t r[4];

	ask(1, 0, r);
	if (!(r[2] & HYPERVISOR_BIT))
		return 0;
	ask(first, 0, r);
	return r[0];
}

uint64_t rate_told_by_hypervisor(cpuid_fn ask)
{
	uint32_t last = hypervisor_last(ask, LEAF_HV), r[4];

	if (last < LEAF_HV + LEAF_HV_TSC || last > LEAF_HV + 0xffff)
		return 0;
	ask(LEAF_HV + LEAF_HV_TSC, 0, r);
	return r[0];
}

uint32_t rate_kvm_leaf(cpuid_fn ask)
{
	uint32_t first, r[4];

	for (first = LEAF_HV; first <= LEAF_HV + LEAF_HV_STEP;
	     first += LEAF_HV_STEP) {
		if (!hypervisor_last(ask, first))
			return 0;
		ask(first, 0, r);
		if (memcmp(r + 1, "KVMKVMKVM\0\0\0", 12))
			continue;
		ask(first + 1, 0, r);
		return r[0] & KVM_NEW_CLOCK ? first : 0;
	}
	return 0;
}

uint64_t rate_of_kvm_clock(const struct kvm_clock *k)
{
	uint64_t khz;

	if (!k->mul || k->shift < -20 || k->shift > 20)
		return 0;
	khz = (1000000UL << 32) / k->mul;
	return k->shift < 0 ? khz << -k->shift : khz >> k->shift;
}
