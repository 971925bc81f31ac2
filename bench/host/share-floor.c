/* SPDX-License-Identifier: MIT */
/*
 * What an offer costs beyond what it cannot do without: share-floor PAGES
 * ROUNDS.
 *
 * Domain 0 offers PAGES distinct pages in order, as files are (all miss); then
 * others of its group offer copies of them (all hit): one of them all in order;
 * eight at once, each a part of them in order, in turns of a batch; one in
 * another order; and one copies of which each sixteenth differs by a word from
 * the original (near).  The floor of a miss is one XXH3 of the page and one
 * memcpy() to a frame of the pool; of a hit, one XXH3 and one compare with the
 * canonical frame: the same functions on the same pages in the same order, in
 * the same round.  The engine's own copy goes past the caches, and there is a
 * floor with that, too ("streamed").  Pages come in batches of 64, as the
 * hypercall gives them, and, alone, one by one.  Everything is far larger than
 * the caches.
 *
 * CPU time of the thread, of each of PARTS parts of the pages: the least of all
 * rounds counts, so that what else the machine does disturbs little.
 */
#include <stdlib.h>

#include <port.h>
#include <hash/page.h>

#include "bench/host/machine.h"

#define PARTS 64
#define CHUNK 64	/* pages of a batch, as in hv/offer/chunk.h */
#define STREAMS 8
#define NEAR_EACH 16	/* one page of so many differs */

enum cost {
	MISS, STREAMED, HIT, EIGHT, RANDOM, NEAR, MISS_ALONE, HIT_ALONE, MISS_RANDOM,
	ZERO, COSTS
};

/* Names of figures: NAME_ns, NAME_over_floor. */
static const struct { const char *name, *what; } costs[COSTS] = {
	[MISS] = { "miss", "miss" },
	[STREAMED] = { "miss_streamed", "miss, floor streamed" },
	[HIT] = { "hit_one", "hit, in order" },
	[EIGHT] = { "hit_eight", "hit, eight streams" },
	[RANDOM] = { "hit_random", "hit, random order" },
	[NEAR] = { "near", "near copies" },
	[MISS_ALONE] = { "miss_alone", "miss, one by one" },
	[HIT_ALONE] = { "hit_alone", "hit, one by one" },
	[MISS_RANDOM] = { "miss_random", "miss, random order" },
	[ZERO] = { "zero", "zero page" },
};

static struct bench_machine m;
static const struct page_fns *fns;
/* in order; in eight parts, in turns of a batch; shuffled */
static uint32_t pages, *in_order, *eight, *shuffled, *canonical;
/* Seconds of each part: the least so far, 0 if there is none. */
struct timing {
	double least[PARTS], since;
};

static struct timing cost[COSTS], base[COSTS];
static struct share *share;
static struct share_dom *dom[1 + STREAMS];
static uint64_t sink;
static const char *variant;

/* Frame i and its copy, pages + i. */
static void make_pages(void)
{
	for (uint32_t i = 0; i < pages; i++) {
		bench_fill(bench_page(&m, i), i + 1);
		memcpy(bench_page(&m, pages + i), bench_page(&m, i),
		       SHARE_PAGE_BYTES);
	}
}

static void make_orders(void)
{
	uint32_t part = pages / STREAMS, at = 0;

	for (uint32_t i = 0; i < pages; i++)
		in_order[i] = shuffled[i] = i;
	for (uint32_t turn = 0; turn < part; turn += CHUNK)
		for (uint32_t s = 0; s < STREAMS; s++)
			for (uint32_t i = 0; i < CHUNK; i++)
				eight[at++] = s * part + turn + i;
}

static bool differs(uint32_t page)
{
	return page % NEAR_EACH == NEAR_EACH / 2;
}

/* Each NEAR_EACH-th copy becomes another page, or a copy again. */
static void change_copies(void)
{
	for (uint32_t i = 0; i < pages; i++)
		if (differs(i))
			((uint64_t *)bench_page(&m, pages + i))[i % 512] ^= 1;
}

static void timing_start(struct timing *t)
{
	t->since = bench_cpu();
}

/* So many pages of a pass are done. */
static void timing_lap(struct timing *t, uint32_t done)
{
	uint32_t part = pages / PARTS;
	double now, *least;

	if (done % part)
		return;
	now = bench_cpu();
	least = &t->least[done / part - 1];
	*least = *least ? MIN(*least, now - t->since) : now - t->since;
	t->since = now;
}

/* Nanoseconds a page. */
static double timing_page(const struct timing *t)
{
	double sum = 0;

	for (unsigned int i = 0; i < PARTS; i++)
		sum += t->least[i];
	return sum * 1e9 / pages;
}

/* Up to a chunk of them, as the hypercall does. */
static void offer_some(struct share_dom *d, uint32_t first, const uint32_t *numbers,
		       uint32_t count)
{
	struct share_page batch[CHUNK];

	for (uint32_t i = 0; i < count; i++)
		batch[i] = (struct share_page){
			.frame = first + numbers[i], .pfn = numbers[i], .mappings = 1,
		};
	share_offer_batch(d, batch, count);
	for (uint32_t i = 0; i < count; i++) {
		if (batch[i].result)
			abort();
		canonical[numbers[i]] = batch[i].canonical;
	}
}

/* By so many domains from `d` on, in turns. */
static void offer_all(struct timing *t, unsigned int d, unsigned int doms,
		      uint32_t first, const uint32_t *numbers, uint32_t chunk)
{
	timing_start(t);
	for (uint32_t i = 0; i < pages; i += chunk) {
		offer_some(dom[d + i / chunk % doms], first, numbers + i, chunk);
		timing_lap(t, i + chunk);
	}
}

static void offer_zeros(struct timing *t, struct share_dom *d)
{
	uint32_t frame;

	timing_start(t);
	for (uint32_t i = 0; i < pages; i++) {
		if (share_offer(d, 2 * pages + i % 4096, i, 1, &frame))
			abort();
		timing_lap(t, i + 1);
	}
}

static void floor_hit(struct timing *t, const uint32_t *numbers)
{
	timing_start(t);
	for (uint32_t i = 0; i < pages; i++) {
		const void *page = bench_page(&m, pages + numbers[i]);

		sink += fns->hash(page, bench_secret);
		sink += fns->equal(page, bench_page(&m, canonical[numbers[i]]));
		timing_lap(t, i + 1);
	}
}

static void copy_plain(void *to, const void *from)
{
	memcpy(to, from, SHARE_PAGE_BYTES);
}

static void floor_miss(struct timing *t, const uint32_t *numbers,
		       void (*copy)(void *to, const void *from))
{
	const struct bench_pool *p = &m.pool[0];

	timing_start(t);
	for (uint32_t i = 0; i < pages; i++) {
		const void *page = bench_page(&m, numbers[i]);

		sink += fns->hash(page, bench_secret);
		copy(bench_page(&m, p->frames[p->count - 1 - i]), page);
		timing_lap(t, i + 1);
	}
}

/* The floor of near copies: where they differ, that of a miss. */
static void floor_near(struct timing *t)
{
	const struct bench_pool *p = &m.pool[0];

	timing_start(t);
	for (uint32_t i = 0; i < pages; i++) {
		const void *page = bench_page(&m, pages + i);

		sink += fns->hash(page, bench_secret);
		if (differs(i))
			copy_plain(bench_page(&m, p->frames[i / NEAR_EACH]), page);
		else
			sink += fns->equal(page, bench_page(&m, canonical[i]));
		timing_lap(t, i + 1);
	}
}

/*
 * Frames come back in the order of a table of holds; a domain that got them in
 * that order would fill a few buckets of its own first.  The hypervisor's pool
 * draws at random (mm/framepool.c, FP3).
 */
static void begin(void)
{
	static uint64_t seed;

	bench_shuffle(m.pool[0].frames, m.pool[0].count, ++seed);
	share = share_create_with(&bench_ops, &m, m.records, bench_secret, fns);
	for (unsigned int i = 0; i <= STREAMS; i++)
		dom[i] = share_dom_create(share, 1, UINT64_MAX);
}

static void end(void)
{
	for (unsigned int i = 0; i <= STREAMS; i++) {
		bench_drop_all(dom[i]);
		share_dom_destroy(dom[i]);
	}
	share_destroy(share);
}

/* Copies hit; then nobody but domain 0 holds them. */
static void hits(enum cost c, unsigned int doms, const uint32_t *numbers,
		 uint32_t chunk)
{
	offer_all(&cost[c], 1, doms, pages, numbers, chunk);
	floor_hit(&base[c], numbers);
	for (unsigned int i = 1; i <= doms; i++)
		bench_drop_all(dom[i]);
}

static void near_copies(void)
{
	floor_near(&base[NEAR]);
	change_copies();
	offer_all(&cost[NEAR], 1, 1, pages, in_order, CHUNK);
	bench_drop_all(dom[1]);
	change_copies();
}

/* All miss; nothing is there before, nor after. */
static void misses(enum cost c, const uint32_t *numbers, uint32_t chunk)
{
	begin();
	floor_miss(&base[c], numbers, copy_plain);
	offer_all(&cost[c], 0, 1, 0, numbers, chunk);
	end();
}

static void one_round(void)
{
	misses(MISS_ALONE, in_order, 1);
	misses(MISS_RANDOM, shuffled, CHUNK);
	begin();
	floor_miss(&base[MISS], in_order, copy_plain);
	floor_miss(&base[STREAMED], in_order, fns->copy);
	offer_all(&cost[MISS], 0, 1, 0, in_order, CHUNK);
	hits(HIT, 1, in_order, CHUNK);
	hits(EIGHT, STREAMS, eight, CHUNK);
	hits(RANDOM, 1, shuffled, CHUNK);
	hits(HIT_ALONE, 1, in_order, 1);
	near_copies();
	offer_zeros(&cost[ZERO], dom[1]);
	base[ZERO] = base[HIT];
	cost[STREAMED] = cost[MISS];
	end();
}

static void report(unsigned int rounds)
{
	FILE *json = bench_open("share-floor", "json");
	FILE *dat = bench_open("share-floor", "dat");
	double ratio[COSTS];

	printf("%u pages, %u rounds, %s: CPU nanoseconds per page offered\n\n"
	       "  %-20s %8s %8s %8s\n", pages, rounds, variant, "", "offer",
	       "floor", "ratio");
	fprintf(json, "{ \"figures\": { ");
	for (enum cost c = 0; c < COSTS; c++) {
		double ns = timing_page(&cost[c]), floor = timing_page(&base[c]);

		ratio[c] = ns / floor;
		printf("  %-20s %8.0f %8.0f %8.2f\n", costs[c].what, ns, floor,
		       ratio[c]);
		fprintf(dat, "\"%s\" %.1f %.1f\n", costs[c].what, floor, ns);
		fprintf(json, "\"%s_over_floor\": %.3f, \"%s_ns\": %.1f, "
			"\"%s_floor_ns\": %.1f, ", costs[c].name, ratio[c],
			costs[c].name, ns, costs[c].name, floor);
	}
	fprintf(json, "\"hit_over_floor\": %.3f } }\n",
		MAX(ratio[HIT], ratio[EIGHT]));
	fclose(json);
	fclose(dat);
}

static uint32_t *numbers_make(void)
{
	return calloc(pages, sizeof(uint32_t));
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 7;

	pages = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1u << 16;
	pages = ALIGN_UP(MAX(pages, 1), (uint32_t)(STREAMS * CHUNK));
	fns = bench_fns(&variant);
	/* Thread 0 has half of the pool. */
	bench_machine_init(&m, 2 * pages + 4096, 3 * pages + 64);
	in_order = numbers_make();
	eight = numbers_make();
	shuffled = numbers_make();
	canonical = numbers_make();
	make_orders();
	make_pages();
	for (unsigned int n = 0; n < rounds; n++) {
		bench_shuffle(shuffled, pages, n);
		one_round();
	}
	report(rounds);
	free(in_order);
	free(eight);
	free(shuffled);
	free(canonical);
	bench_machine_fini(&m);
	return sink == 42 ? 3 : 0;
}
