// SPDX-License-Identifier: MIT
// links: guest-lib/grants/grant_async.c
/*
 * GT23: unmapping when nobody uses the pages: done exactly once, never before
 * the unmap.  The hypervisor, the timer, the users of pages and the other sides
 * that die are simulated; 10^5 requests at random.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gl/unmap_async.h>

#include "unit/suite.h"

#define PAGES		256u
#define REQUESTS	100000u
#define BATCH_MAX	8u
#define PEERS		4u

/* What the hypervisor knows of a handle. */
static struct { bool mapped; struct gl_page *page; domid_t peer; } handles[2 * PAGES];
static struct gl_page pages[PAGES];
static bool kernel_mapped[PAGES];
static struct gl_unmap u;
static uint64_t now, timer_at, seed;
static unsigned int fail_calls, early, allocs, frames_mapped, locked;
static bool peer_dead[PEERS], stopping, fail_alloc;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % n;
}

static long op_unmap(void *ctx, struct gnttab_unmap_grant_ref *ops,
		     unsigned int count)
{
	ck_assert(locked);
	if (fail_calls) {
		fail_calls--;
		return -14;
	}
	for (unsigned int i = 0; i < count; i++) {
		uint32_t h = ops[i].handle;

		if (h >= 2 * PAGES || !handles[h].mapped) {
			ops[i].status = GNTST_bad_handle;
			continue;
		}
		/*
		 * U2: frozen; at the end of the guest its users do not run any
		 * more.
		 */
		early += handles[h].page->refs != 0 && !stopping;
		ck_assert(stopping || !gl_page_get(handles[h].page));	/* U2 */
		handles[h].mapped = false;
		frames_mapped--;
		ops[i].status = GNTST_okay;
	}
	return 0;
}

static void op_unmapped(void *ctx, struct gl_page *page)
{
	kernel_mapped[page - pages] = false;
}

static void op_timer(void *ctx, uint64_t ns)
{
	timer_at = now + ns;
}

static void *op_alloc(void *ctx, size_t bytes)
{
	if (fail_alloc)
		return NULL;
	allocs++;
	return malloc(bytes);
}

static void op_free(void *ctx, void *p, size_t bytes)
{
	allocs--;
	free(p);
}

static unsigned long op_lock(void *ctx)
{
	ck_assert(!locked);
	locked = 1;
	return 0;
}

static void op_unlock(void *ctx, unsigned long state)
{
	locked = 0;
}

static const struct gl_unmap_ops ops = {
	op_unmap, op_unmapped, op_timer, op_alloc, op_free, op_lock, op_unlock,
};

static void start(void)
{
	memset(handles, 0, sizeof(handles));
	memset(pages, 0, sizeof(pages));
	memset(kernel_mapped, 0, sizeof(kernel_mapped));
	memset(peer_dead, 0, sizeof(peer_dead));
	now = timer_at = 0;
	seed = 88172645463325252;
	fail_calls = early = allocs = frames_mapped = 0;
	stopping = fail_alloc = false;
	for (unsigned int i = 0; i < PAGES; i++)
		pages[i].refs = 1;
	gl_unmap_init(&u, &ops, NULL);
}

/* Handles are reused at once, lowest first: the hardest case for U3. */
static uint32_t handle_new(struct gl_page *p, domid_t peer)
{
	uint32_t h = 0;

	while (handles[h].mapped)
		h++;
	handles[h].mapped = true;
	handles[h].page = p;
	handles[h].peer = peer;
	frames_mapped++;
	return h;
}

static void map(struct gl_page *p, domid_t peer)
{
	gl_page_set_foreign(p, peer, (uint32_t)(p - pages), handle_new(p, peer));
	kernel_mapped[p - pages] = true;
}

/* --- requests --- */

struct request {
	struct gnttab_unmap_grant_ref uops[BATCH_MAX], kops[BATCH_MAX];
	struct gl_page *pages[BATCH_MAX];
	uint32_t generation[BATCH_MAX];
	unsigned int count, done;
	bool again;		/* done makes another request */
};

static void submit(struct request *r);
static unsigned int refused, accepted, dones;

static void on_done(void *data)
{
	struct request *r = data;

	ck_assert_uint_eq(++r->done, 1);
	dones++;
	/* The very mappings that were meant are gone. */
	for (unsigned int i = 0; i < r->count; i++)
		ck_assert(!(r->pages[i]->flags & GL_PG_FOREIGN) ||
			  r->pages[i]->generation != r->generation[i]);
	if (r->again) {
		struct request *n = calloc(1, sizeof(*n));

		n->count = 1;
		n->pages[0] = r->pages[0];
		submit(n);
	}
	free(r);
}

static void submit(struct request *r)
{
	int rc;

	for (unsigned int i = 0; i < r->count; i++) {
		r->uops[i].handle = r->pages[i]->handle;
		r->generation[i] = r->pages[i]->generation;
	}
	rc = gl_unmap_refs_async(&u, r->uops, NULL, r->pages, r->count, on_done,
				 r);
	if (rc) {
		refused++;
		free(r);
	} else {
		accepted++;
	}
}

static void time_passes(uint64_t ns)
{
	now += ns;
	if (timer_at && timer_at <= now) {
		timer_at = 0;
		gl_unmap_retry(&u);
	}
}

START_TEST(at_once)
{
	struct request *r = calloc(1, sizeof(*r));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	r->count = 1;
	r->pages[0] = &pages[3];
	submit(r);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(frames_mapped, 0);
	ck_assert_uint_eq(pages[3].refs, 1);
	ck_assert_uint_eq(u.counters.at_once, 1);
	ck_assert_uint_eq(timer_at, 0);
	ck_assert_uint_eq(allocs, 0);
}
END_TEST

START_TEST(waits_for_the_last_user)
{
	struct request *r = calloc(1, sizeof(*r));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	map(&pages[4], 1);
	ck_assert(gl_page_get(&pages[4]));
	r->count = 2;
	r->pages[0] = &pages[3];
	r->pages[1] = &pages[4];
	submit(r);
	ck_assert_uint_eq(dones, 0);
	ck_assert_uint_eq(frames_mapped, 2);	/* all or nothing */
	ck_assert_uint_eq(pages[3].refs, 1);	/* thawed */
	ck_assert(timer_at != 0);
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 0);
	gl_page_put(&pages[4]);
	ck_assert_uint_eq(dones, 0);
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(frames_mapped, 0);
	ck_assert_uint_eq(timer_at, 0);
	ck_assert(gl_unmap_idle(&u));
}
END_TEST

/*
 * U3: the page was mapped again, under the same handle, before the second
 * request's turn.
 */
START_TEST(two_requests_and_a_new_mapping)
{
	struct request *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	map(&pages[4], 1);
	(void)gl_page_get(&pages[3]);
	(void)gl_page_get(&pages[4]);
	a->count = 1;
	b->count = 2;
	a->pages[0] = b->pages[0] = &pages[3];
	b->pages[1] = &pages[4];
	submit(a);
	submit(b);
	gl_page_put(&pages[3]);
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 1);
	map(&pages[3], 2);
	ck_assert_uint_eq(pages[3].handle, 0);
	gl_page_put(&pages[4]);
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 2);
	ck_assert(handles[0].mapped);
	ck_assert_uint_eq(frames_mapped, 1);
	ck_assert_uint_eq(gl_page_domid(&pages[3]), 2);
	ck_assert_uint_eq(u.counters.skipped, 1);
}
END_TEST

START_TEST(named_twice_and_kernel_mappings)
{
	struct gnttab_unmap_grant_ref uops[2] = { { 0 } }, kops[2] = { { 0 } };
	struct gl_page *p[2] = { &pages[3], &pages[3] };
	struct request *r = calloc(1, sizeof(*r));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	uops[0].handle = uops[1].handle = pages[3].handle;
	kops[0].handle = kops[1].handle = handle_new(&pages[3], 1);
	ck_assert_int_eq(gl_unmap_refs_async(&u, uops, kops, p, 2, on_done, r),
			 0);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(frames_mapped, 0);
	ck_assert_uint_eq(u.counters.errors, 0);
	ck_assert_uint_eq(pages[3].refs, 1);
}
END_TEST

/* Frozen, but not by this request: whoever did it comes first. */
START_TEST(frozen_by_another)
{
	struct request *r = calloc(1, sizeof(*r));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	pages[3].refs = 0;
	r->count = 1;
	r->pages[0] = &pages[3];
	submit(r);
	ck_assert_uint_eq(dones, 0);
	ck_assert_uint_eq(frames_mapped, 1);
	pages[3].refs = 1;
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(frames_mapped, 0);
}
END_TEST

START_TEST(hypervisor_refuses_for_a_while)
{
	struct request *r = calloc(1, sizeof(*r));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	r->count = 1;
	r->pages[0] = &pages[3];
	fail_calls = 3;
	submit(r);
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 0);
	ck_assert_uint_eq(pages[3].refs, 1);
	time_passes(GL_UNMAP_RETRY_NS);
	time_passes(GL_UNMAP_RETRY_NS);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(frames_mapped, 0);
}
END_TEST

START_TEST(guest_stops)
{
	struct request *r = calloc(1, sizeof(*r)), *late = calloc(1, sizeof(*r));

	refused = accepted = dones = 0;
	map(&pages[3], 1);
	map(&pages[4], 1);
	(void)gl_page_get(&pages[3]);
	r->count = late->count = 1;
	r->pages[0] = &pages[3];
	late->pages[0] = &pages[4];
	r->again = true;	/* from done, while it stops: refused */
	submit(r);
	stopping = true;
	gl_unmap_stop(&u);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(refused, 1);
	ck_assert_uint_eq(frames_mapped, 1);
	submit(late);
	ck_assert_uint_eq(refused, 2);
	ck_assert_uint_eq(frames_mapped, 1);
	gl_unmap_stop(&u);
	gl_unmap_retry(&u);
	ck_assert_uint_eq(dones, 1);
	ck_assert_uint_eq(allocs, 0);
}
END_TEST

/* --- at random --- */

static unsigned int held[PAGES];	/* references of users, by page */

static struct request *random_request(void)
{
	struct request *r = calloc(1, sizeof(*r));

	r->count = 1 + rnd(BATCH_MAX);
	r->again = !rnd(16);
	for (unsigned int i = 0; i < r->count; i++) {
		unsigned int n = rnd(PAGES), peer = rnd(PEERS);

		r->pages[i] = &pages[n];
		/* Who is dead grants nothing more. */
		if (!(pages[n].flags & GL_PG_FOREIGN) && pages[n].refs == 1 &&
		    !peer_dead[peer])
			map(&pages[n], (domid_t)peer);
		if ((pages[n].flags & GL_PG_FOREIGN) && !rnd(10) &&
		    gl_page_get(&pages[n]))
			held[n]++;
	}
	return r;
}

static void random_holds(void)
{
	for (unsigned int i = rnd(6); i; i--) {
		unsigned int n = rnd(PAGES);

		if (rnd(5) && held[n] < 3 &&
		    (pages[n].flags & GL_PG_FOREIGN) &&
		    gl_page_get(&pages[n]))
			held[n]++;
		else if (held[n]) {
			held[n]--;
			gl_page_put(&pages[n]);
		}
	}
}

static void all_released(void)
{
	for (unsigned int n = 0; n < PAGES; n++)
		for (; held[n]; held[n]--)
			gl_page_put(&pages[n]);
}

START_TEST(gt23_hundred_thousand)
{
	unsigned int i, mapped = 0;

	refused = accepted = dones = 0;
	memset(held, 0, sizeof(held));
	for (i = 0; i < REQUESTS; i++) {
		random_holds();
		fail_alloc = !rnd(50);
		submit(random_request());
		fail_alloc = false;
		if (!rnd(200))
			fail_calls = rnd(4);
		/*
		 * U4: nothing but our unmapping takes the dead one's pages
		 * away.
		 */
		if (!rnd(500))
			peer_dead[rnd(PEERS)] ^= true;
		time_passes(rnd(3000000));
		if (!rnd(64))	/* keeps the queue from growing for ever */
			all_released();
	}
	if (rnd(2))
		all_released();
	fail_calls = 0;
	ck_assert_uint_gt(u.counters.queued, REQUESTS / 10);
	ck_assert_uint_gt(u.counters.at_once, REQUESTS / 10);
	ck_assert_uint_gt(u.counters.skipped, 100);
	stopping = true;
	gl_unmap_stop(&u);
	ck_assert_uint_eq(dones, accepted);
	ck_assert_uint_ge(accepted + refused, REQUESTS);
	ck_assert_uint_eq(early, 0);
	ck_assert_uint_eq(u.counters.errors, 0);
	ck_assert_uint_eq(allocs, 0);
	/* No frame is lost: what is mapped is what nobody asked to unmap. */
	for (i = 0; i < PAGES; i++) {
		mapped += (pages[i].flags & GL_PG_FOREIGN) != 0;
		ck_assert(kernel_mapped[i] ==
			  ((pages[i].flags & GL_PG_FOREIGN) != 0));
	}
	ck_assert_uint_eq(frames_mapped, mapped);
	printf("requests=%u accepted=%u at_once=%lu queued=%lu retries=%lu "
	       "skipped=%lu done=%u early=%u frames_lost=%u\n",
	       accepted + refused, accepted, u.counters.at_once,
	       u.counters.queued, u.counters.retries, u.counters.skipped, dones,
	       early, frames_mapped - mapped);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("async");

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, at_once);
	tcase_add_test(tc, waits_for_the_last_user);
	tcase_add_test(tc, two_requests_and_a_new_mapping);
	tcase_add_test(tc, named_twice_and_kernel_mappings);
	tcase_add_test(tc, frozen_by_another);
	tcase_add_test(tc, hypervisor_refuses_for_a_while);
	tcase_add_test(tc, guest_stops);
	tcase_add_test(tc, gt23_hundred_thousand);
	return suite_run();
}
