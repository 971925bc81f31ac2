/* SPDX-License-Identifier: MIT */
/*
 * A model of share/ made of arrays, and random operations on both: the model
 * knows, for each domain and content, the frames it holds and with how many
 * mappings; it says what every call must return.  Audit and comparison of all
 * counters every AUDIT_EVERY operations.  For tests/unit/share_model.c and
 * tests/fuzz/share.c.
 *
 * With `failing`, each call may find no memory and no frame at its n-th wish:
 * then it must have changed nothing, or have done without.
 */
#ifndef TESTS_FAKE_SHARE_MODEL_H
#define TESTS_FAKE_SHARE_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "fake/fake_share.h"

#define DOMAINS		6
#define GROUPS		3
#define MAX_CONTENTS	300
#define OWN		8	/* frames that are offered: 1 .. OWN-1 */
#define FRAMES		400	/* of the pool */
/* that a batch holds of the pool until it ends */
#define BATCH_FRAMES	4
#define AUDIT_EVERY	audit_every

/* What a domain has of one frame. */
struct model_hold {
	uint64_t pfn;
	uint32_t mappings;
};

struct model_dom {
	struct share_dom *dom;		/* NULL: not there */
	uint16_t group;
	uint64_t budget, held, mappings, zero_mappings;
	struct share_dom_counters events;
	struct model_hold holds[OWN + FRAMES];
};

static struct model_dom doms[DOMAINS];
/* The content + 1 that a frame has, in its group; 0: not canonical. */
static uint32_t content_of[OWN + FRAMES];
static uint16_t group_of[OWN + FRAMES];
static uint32_t count_of[OWN + FRAMES];
static struct share_totals sums;
static uint64_t seed;
static bool colliding, failing;
static uint32_t audit_every = 199;
static uint64_t forced;	/* offers that failed for want of memory by force */
static uint32_t contents;	/* in use in this run */

/* Who decides, and says whether to go on; NULL: `seed`, and a count. */
static uint64_t (*below_from)(uint64_t n);
static bool (*more)(void);

static uint32_t below(uint32_t n)
{
	return below_from ? below_from(n) : fake_random(&seed) % n;
}

static void make_page(uint32_t frame, uint64_t content)
{
	uint64_t *words = fake_page(&machine, frame);

	fake_content(&machine, frame, content);
	if (!content)
		return;
	/* Contents 1 .. 5 have hash 77, and so on by fives. */
	words[0] = colliding ? 77 + (content - 1) / 5 : content;
	words[511] = content;
}

/*
 * Contents in the group with the same colliding hash as `content`, not counting
 * itself.
 */
static uint32_t chain_of(uint16_t group, uint64_t content)
{
	uint32_t chain = 0;

	if (!content)
		return 0;
	for (uint64_t c = 1; c < contents; c++) {
		bool there = false;

		if (c == content || (c - 1) / 5 != (content - 1) / 5)
			continue;
		for (uint32_t f = OWN; f < OWN + FRAMES; f++)
			there |= content_of[f] == c + 1 && group_of[f] == group;
		chain += there;
	}
	return colliding ? chain : 0;
}

/*
 * Does the group have the content in a frame with room, which the domain may
 * join?
 */
static bool can_join(const struct model_dom *d, uint64_t content, uint32_t m,
		     uint32_t frame)
{
	return content_of[frame] == content + 1 &&
	       group_of[frame] == d->group &&
	       d->holds[frame].mappings + m <= SHARE_DOM_CAP &&
	       (d->holds[frame].mappings || d->held < d->budget);
}

/* With `pool` frames free. */
static int expected_offer(const struct model_dom *d, uint64_t content,
			  uint32_t m, uint32_t pool, bool *match)
{
	*match = false;
	if (m > SHARE_DOM_CAP)
		return SHARE_ERR_COUNT;
	if (!pool)
		return SHARE_ERR_NOMEM;
	for (uint32_t f = OWN; f < OWN + FRAMES; f++)
		*match |= can_join(d, content, m, f);
	if (*match)
		return SHARE_OK;
	if (d->held >= d->budget)
		return SHARE_ERR_LIMIT;
	return chain_of(d->group, content) >= SHARE_CHAIN_CAP ?
		SHARE_ERR_FULL : SHARE_OK;
}

static void model_add(struct model_dom *d, uint32_t frame, uint64_t pfn,
		      uint32_t m)
{
	struct model_hold *h = &d->holds[frame];

	if (!h->mappings) {
		h->pfn = pfn;
		d->held++;
	}
	h->mappings += m;
	count_of[frame] += m;
	d->mappings += m;
	d->zero_mappings += content_of[frame] == 1 ? m : 0;
}

static void model_sub(struct model_dom *d, uint32_t frame, uint32_t m)
{
	struct model_hold *h = &d->holds[frame];

	h->mappings -= m;
	d->held -= !h->mappings;
	d->mappings -= m;
	d->zero_mappings -= content_of[frame] == 1 ? m : 0;
	count_of[frame] -= m;
	if (!count_of[frame])
		content_of[frame] = 0;
}

static void count_offer(struct model_dom *d, uint64_t content, int rc)
{
	d->events.offered += rc == 0;
	d->events.refused += rc != 0;
	d->events.zero += rc == 0 && !content;
	sums.offers += rc == 0;
	sums.refusals += rc != 0;
}

/* What one page of a batch came to, when the model knows those before it. */
static void check_offer(struct model_dom *d, const struct share_page *p,
			uint64_t content, uint32_t *pool)
{
	bool match;
	int expected = expected_offer(d, content, p->mappings, *pool, &match);

	CHECK(p->result == expected || (p->result == SHARE_ERR_NOMEM &&
					(failing || *pool < BATCH_FRAMES)));
	forced += p->result != expected;
	count_offer(d, content, p->result);
	if (p->result)
		return;
	CHECK(p->canonical >= OWN);
	CHECK(page_equal(fake_page(&machine, p->frame),
			 fake_page(&machine, p->canonical)));
	if (match) {
		CHECK(can_join(d, content, p->mappings, p->canonical));
	} else {
		CHECK(!content_of[p->canonical]);
		content_of[p->canonical] = content + 1;
		group_of[p->canonical] = d->group;
		--*pool;
	}
	model_add(d, p->canonical, p->pfn, p->mappings);
}

/* One page, or several at once. */
static void op_offer(struct model_dom *d)
{
	uint32_t count = below(2) ? 1 : 1 + below(OWN - 1);
	uint32_t pool = machine.pool_count, content[OWN];
	struct share_page pages[OWN];

	for (uint32_t i = 0; i < count; i++) {
		content[i] = below(contents);
		make_page(1 + i, content[i]);
		pages[i] = (struct share_page){
			.frame = 1 + i, .pfn = below(1000), .mappings = 1 + below(3),
		};
		if (below(50) == 0)
			pages[i].mappings = SHARE_DOM_CAP - 2 + below(4);
	}
	if (failing && !below(8))
		machine.fail_at = machine.calls + 1 + below(4 * count);
	share_offer_batch(d->dom, pages, count);
	machine.fail_at = 0;
	for (uint32_t i = 0; i < count; i++)
		check_offer(d, &pages[i], content[i], &pool);
}

/* A frame that the domain holds, if it has any; mostly. */
static uint32_t pick(const struct model_dom *d)
{
	uint32_t frame = OWN + below(FRAMES);

	for (uint32_t i = 0; i < FRAMES && below(40); i++) {
		if (d->holds[frame].mappings)
			return frame;
		frame = frame + 1 < OWN + FRAMES ? frame + 1 : OWN;
	}
	return frame;
}

static void op_hold(struct model_dom *d)
{
	uint32_t frame = pick(d);
	int rc = share_hold(d->dom, frame);

	if (!d->holds[frame].mappings) {
		CHECK(rc == SHARE_ERR_NOT_HELD);
	} else if (d->holds[frame].mappings == SHARE_DOM_CAP) {
		CHECK(rc == SHARE_ERR_COUNT);
	} else {
		CHECK(rc == SHARE_OK);
		model_add(d, frame, 0, 1);
	}
}

static void drop(struct model_dom *d, uint32_t frame, uint32_t m, bool broke)
{
	share_drop(d->dom, frame, m, broke);
	model_sub(d, frame, m);
	d->events.breaks += broke ? m : 0;
	sums.breaks += broke ? m : 0;
	sums.drops += broke ? 0 : m;
	CHECK(machine.canonical[frame] == (count_of[frame] > 0));
}

static void op_drop(struct model_dom *d)
{
	uint32_t frame = pick(d), m = d->holds[frame].mappings;

	if (m)
		drop(d, frame, below(2) ? m : 1 + below(m), below(2));
}

static void op_take(struct model_dom *d)
{
	uint32_t frame = pick(d), mine = d->holds[frame].mappings;
	uint32_t m = below(4) ? mine : below(4);
	int rc = share_take(d->dom, frame, m, NULL);

	if (!mine) {
		CHECK(rc == SHARE_ERR_NOT_HELD);
		return;
	}
	if (m != mine || m != count_of[frame]) {
		CHECK(rc == SHARE_ERR_OTHERS);
		return;
	}
	CHECK(rc == SHARE_OK);
	model_sub(d, frame, m);
	d->events.breaks += m;
	d->events.last_breaks += m;
	sums.breaks += m;
	sums.last_breaks += m;
	fake_share_ops.canonical_free(&machine, frame);
}

static void op_birth(struct model_dom *d)
{
	memset(d, 0, sizeof(*d));
	d->group = below(GROUPS) * 64;
	d->budget = below(4) ? 1 + below(contents) : 1000;
	if (failing && !below(2))
		machine.fail_at = machine.calls + 1 + below(4);
	d->dom = share_dom_create(share, d->group, d->budget);
	machine.fail_at = 0;
	CHECK(d->dom || failing);
}

/* Drop all while walking, then destroy. */
static void op_death(struct model_dom *d)
{
	uint32_t frame, mappings, steps = 0, held = d->held;
	uint64_t cursor = 0;

	while (share_dom_next(d->dom, &cursor, &frame, &mappings)) {
		CHECK(mappings == d->holds[frame].mappings);
		drop(d, frame, mappings, false);
		steps++;
	}
	CHECK(steps == held && !d->held);
	share_dom_destroy(d->dom);
	d->dom = NULL;
}

static void compare_dom(struct model_dom *d)
{
	struct share_dom_counters c, expected = d->events;

	share_dom_counters_get(d->dom, &c);
	expected.held = d->held;
	expected.mappings = d->mappings;
	expected.budget = d->budget;
	CHECK(!memcmp(&c, &expected, sizeof(c)));
	for (uint32_t f = OWN; f < OWN + FRAMES; f++) {
		uint32_t mappings = 0;
		uint64_t pfn = 0;

		CHECK(share_holds(d->dom, f, &mappings, &pfn) ==
		      (d->holds[f].mappings > 0));
		CHECK(mappings == d->holds[f].mappings);
		CHECK(!mappings || pfn == d->holds[f].pfn);
	}
}

static void compare_totals(void)
{
	struct share_totals t, e = sums;
	uint64_t mappings = 0;

	for (unsigned int i = 0; i < DOMAINS; i++) {
		mappings += doms[i].dom ? doms[i].mappings : 0;
		e.zero_mappings += doms[i].dom ? doms[i].zero_mappings : 0;
	}
	for (uint32_t f = OWN; f < OWN + FRAMES; f++) {
		CHECK(machine.records[f].count == count_of[f]);
		e.pages_shared += count_of[f] > 0;
		e.pages_unshared += count_of[f] == 1;
		e.zero_frames += content_of[f] == 1;
	}
	e.pages_sharing = mappings - e.pages_shared;
	share_totals_get(share, &t);
	CHECK(t.max_chain <= SHARE_CHAIN_CAP);
	e.max_chain = t.max_chain;
	CHECK(t.metadata_bytes == machine.block_bytes);
	e.metadata_bytes = t.metadata_bytes;
	CHECK(!memcmp(&t, &e, sizeof(t)));
}

static void compare(void)
{
	fake_audit(share);
	compare_totals();
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (doms[i].dom)
			compare_dom(&doms[i]);
}

/* Phases of growing and of shrinking: the tables do both. */
static void operate(bool growing)
{
	struct model_dom *d = &doms[below(DOMAINS)];
	uint32_t what = below(1000);

	if (!d->dom)
		op_birth(d);
	else if (what < (growing ? 700 : 300))
		op_offer(d);
	else if (what < (growing ? 800 : 400))
		op_hold(d);
	else if (what < 900)
		op_drop(d);
	else if (what < 997)
		op_take(d);
	else
		op_death(d);
}

static void run(uint64_t operations, const struct page_fns *fns,
		uint32_t content_count, uint32_t pool)
{
	uint8_t secret[SHARE_SECRET_BYTES];

	contents = content_count;
	memset(content_of, 0, sizeof(content_of));
	memset(count_of, 0, sizeof(count_of));
	memset(&sums, 0, sizeof(sums));
	fake_machine_init(&machine, OWN, FRAMES);
	machine.pool_count = pool;
	fake_secret(secret, seed);
	share = share_create_with(&fake_share_ops, &machine, machine.records,
				  secret, fns);
	CHECK(share);
	for (uint64_t i = 0; i < operations && (!more || more()); i++) {
		operate(i / 4000 % 2);
		if (i % AUDIT_EVERY == 0)
			compare();
	}
	compare();
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (doms[i].dom)
			op_death(&doms[i]);
	compare();
	share_destroy(share);
	machine.pool_count += FRAMES - pool;
	fake_machine_fini(&machine);
}

#endif
