/* SPDX-License-Identifier: MIT */
/*
 * What an offer costs beyond what it cannot do without: share-floor PAGES
 * ROUNDS.
 *
 * Two domains of one group.  The first offers PAGES distinct pages (all miss),
 * the second offers copies of them in another order (all hit).  The floor of a
 * miss is one XXH3 of the page and one copy to a frame of the pool; of a hit,
 * one XXH3 and one compare with the canonical frame: the same functions on the
 * same pages in the same order, in the same round.  Pages come in batches of
 * 64, as the hypercall gives them, and one by one.  Everything is far larger
 * than the caches.  CPU time of the thread; medians of the rounds' ratios.
 */
#include <stdlib.h>

#include <port.h>
#include <hash/page.h>

#include "bench/host/machine.h"

#define MAX_ROUNDS 64
#define CHUNK 64	/* pages of a batch, as in hv/offer/chunk.h */

enum cost { MISS, MISS_FLOOR, HIT, HIT_FLOOR, ZERO, MISS_ALONE, HIT_ALONE, COSTS };

static const char *const cost_names[COSTS] = {
	"miss", "floor of a miss", "hit", "floor of a hit", "zero page",
	"miss, one by one", "hit, one by one",
};

static struct bench_machine m;
static const struct page_fns *fns;
static uint32_t pages, *order, *canonical;
static double cost[COSTS][MAX_ROUNDS];
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

static double per_page(double since)
{
	return (bench_cpu() - since) * 1e9 / pages;
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

static double offer_all(struct share_dom *d, uint32_t first, uint32_t chunk)
{
	double start = bench_cpu();

	for (uint32_t i = 0; i < pages; i += chunk)
		offer_some(d, first, order + i, MIN(chunk, pages - i));
	return per_page(start);
}

static double offer_zeros(struct share_dom *d)
{
	uint32_t frame;
	double start = bench_cpu();

	for (uint32_t i = 0; i < pages; i++)
		if (share_offer(d, 2 * pages + i % 4096, i, 1, &frame))
			abort();
	return per_page(start);
}

static double floor_hit(void)
{
	double start = bench_cpu();

	for (uint32_t i = 0; i < pages; i++) {
		const void *page = bench_page(&m, pages + order[i]);

		sink += fns->hash(page, bench_secret);
		sink += fns->equal(page, bench_page(&m, canonical[order[i]]));
	}
	return per_page(start);
}

static double floor_miss(void)
{
	const struct bench_pool *p = &m.pool[0];
	double start = bench_cpu();

	for (uint32_t i = 0; i < pages; i++) {
		const void *page = bench_page(&m, order[i]);

		sink += fns->hash(page, bench_secret);
		fns->copy(bench_page(&m, p->frames[p->count - 1 - i]), page);
	}
	return per_page(start);
}

/* All pages miss, then all their copies hit, `chunk` in a batch. */
static void offers(unsigned int n, uint32_t chunk, enum cost miss, enum cost hit)
{
	struct share *s = share_create_with(&bench_ops, &m, m.records,
					    bench_secret, fns);
	struct share_dom *a = share_dom_create(s, 1, UINT64_MAX);
	struct share_dom *b = share_dom_create(s, 1, UINT64_MAX);

	bench_shuffle(order, pages, 2 * n);
	cost[MISS_FLOOR][n] = floor_miss();
	cost[miss][n] = offer_all(a, 0, chunk);
	bench_shuffle(order, pages, 2 * n + 1);
	cost[hit][n] = offer_all(b, pages, chunk);
	cost[HIT_FLOOR][n] = floor_hit();
	cost[ZERO][n] = offer_zeros(b);
	bench_drop_all(a);
	bench_drop_all(b);
	share_dom_destroy(a);
	share_dom_destroy(b);
	share_destroy(s);
}

static void one_round(unsigned int n)
{
	offers(n, 1, MISS_ALONE, HIT_ALONE);
	offers(n, CHUNK, MISS, HIT);
}

static double over(enum cost a, enum cost b, unsigned int rounds)
{
	double ratio[MAX_ROUNDS];

	for (unsigned int i = 0; i < rounds; i++)
		ratio[i] = cost[a][i] / cost[b][i];
	return bench_median(ratio, rounds);
}

static void report(unsigned int rounds)
{
	double miss = over(MISS, MISS_FLOOR, rounds);
	double hit = over(HIT, HIT_FLOOR, rounds);
	double miss_alone = over(MISS_ALONE, MISS_FLOOR, rounds);
	double hit_alone = over(HIT_ALONE, HIT_FLOOR, rounds);
	FILE *json = bench_open("share-floor", "json");
	FILE *dat = bench_open("share-floor", "dat");
	double ns[COSTS];

	printf("%u pages, %u rounds, %s: CPU nanoseconds per page offered\n\n",
	       pages, rounds, variant);
	for (unsigned int c = 0; c < COSTS; c++) {
		ns[c] = bench_median(cost[c], rounds);
		printf("  %-16s %8.0f\n", cost_names[c], ns[c]);
	}
	printf("\n  hit / floor      %8.2f, one by one %.2f\n"
	       "  miss / floor     %8.2f, one by one %.2f\n", hit, hit_alone,
	       miss, miss_alone);
	fprintf(dat, "hit %.1f %.1f\nmiss %.1f %.1f\n", ns[HIT_FLOOR], ns[HIT],
		ns[MISS_FLOOR], ns[MISS]);
	fprintf(json, "{ \"figures\": { \"hit_over_floor\": %.3f, "
		"\"miss_over_floor\": %.3f, \"hit_ns\": %.1f, \"miss_ns\": %.1f, "
		"\"hit_floor_ns\": %.1f, \"miss_floor_ns\": %.1f, "
		"\"zero_ns\": %.1f, "
		"\"hit_alone_over_floor\": %.3f, \"miss_alone_over_floor\": %.3f } }\n", hit, miss, ns[HIT], ns[MISS],
		ns[HIT_FLOOR], ns[MISS_FLOOR], ns[ZERO], hit_alone, miss_alone);
	fclose(json);
	fclose(dat);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 7;

	pages = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1u << 16;
	rounds = MIN(rounds, MAX_ROUNDS);
	fns = bench_fns(&variant);
	/* Thread 0 has half of the pool. */
	bench_machine_init(&m, 2 * pages + 4096, 2 * pages + 64);
	order = calloc(pages, sizeof(*order));
	canonical = calloc(pages, sizeof(*canonical));
	for (uint32_t i = 0; i < pages; i++)
		order[i] = i;
	make_pages();
	for (unsigned int n = 0; n < rounds; n++)
		one_round(n);
	report(rounds);
	free(order);
	free(canonical);
	bench_machine_fini(&m);
	return sink == 42 ? 3 : 0;
}
