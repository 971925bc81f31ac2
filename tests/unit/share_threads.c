/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * SH15, SH16: threads offer, map, drop and take the same contents at once, each
 * with its own domain and both with one more; then an audit, and nothing is
 * lost.  Also built with -fsanitize=thread.
 *
 * share_threads [seed [operations per thread]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake/fake_share.h"

#define THREADS		2
/* so that the index grows and shrinks under way */
#define CONTENTS	600
#define DEFAULT_OPS	60000
#define OWN		(1 + THREADS)

struct worker {
	pthread_t thread;
	struct share_dom *own, *lone;	/* lone: alone in its group */
	uint64_t seed, ops;
	uint32_t frame;			/* offers from here */
};

static struct share_dom *common;

static void check_content(const struct worker *w, uint32_t canonical)
{
	/* We hold it, so it is neither freed nor written. */
	CHECK(page_equal(fake_page(&machine, w->frame),
			 fake_page(&machine, canonical)));
}

static void offer_and_go(struct worker *w, struct share_dom *d, bool keep)
{
	uint32_t f, more;
	int rc;

	fake_content(&machine, w->frame, fake_random(&w->seed) % CONTENTS);
	if (share_offer(d, w->frame, 1, 1, &f))
		return;
	check_content(w, f);
	more = share_hold(d, f) == 0;
	check_content(w, f);
	if (keep && d == w->own)
		return;
	rc = d == w->own ? share_take(d, f, 1 + more, NULL) : SHARE_ERR_OTHERS;
	if (rc == SHARE_OK)
		fake_share_ops.canonical_free(&machine, f);
	else
		share_drop(d, f, 1 + more, false);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (uint64_t i = 0; i < w->ops; i++) {
		uint32_t what = fake_random(&w->seed) % 1000;
		struct share_totals t;

		if (what < 600)
			offer_and_go(w, w->own, what < 450);
		else if (what < 800)
			offer_and_go(w, common, false);
		else if (what < 990)
			offer_and_go(w, w->lone, false);
		else if (what < 998)
			share_totals_get(share, &t);
		else
			fake_drop_all(w->own);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t ops = argc > 2 ? strtoull(argv[2], NULL, 0) : DEFAULT_OPS;
	static struct worker workers[THREADS];
	uint8_t secret[SHARE_SECRET_BYTES];

	printf("share_threads: seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	fake_machine_init(&machine, OWN, 2000);
	fake_secret(secret, seed);
	share = share_create(&fake_share_ops, &machine, machine.records, secret);
	common = share_dom_create(share, 1, 1000);
	for (unsigned int i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];

		w->own = share_dom_create(share, 1, 1000);
		w->lone = share_dom_create(share, 2 + i, 1000);
		w->seed = seed * 1000 + i;
		w->ops = ops;
		w->frame = 1 + i;
		CHECK(w->own && w->lone);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&workers[i].thread, NULL, work,
				      &workers[i]));
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	fake_audit(share);
	for (unsigned int i = 0; i < THREADS; i++) {
		fake_dom_end(workers[i].own);
		fake_dom_end(workers[i].lone);
	}
	fake_dom_end(common);
	share_destroy(share);
	fake_machine_fini(&machine);
	printf("share_threads: nothing lost\n");
	return 0;
}
