/* SPDX-License-Identifier: MIT */
/*
 * What an offer costs as the table grows, with two threads, and one page with
 * very many holders: share-scale LOG2_MOST.
 *
 * 2^24 canonical frames would need 64 GiB: here all frames have the same bytes,
 * each access drawn from 256 MiB that no cache holds, and the number of the
 * content is joined to the hash.  So pages cost the same at every size, and
 * what grows is what this measures: index, records and hold tables.  CPU time
 * of the threads.
 *
 * One domain A inserts 2^n contents (miss), B offers random ones of them (hit).
 * Memory is looked at after each 1/64 of growth from 2^10 on: the worst counts.
 */
#include <pthread.h>
#include <stdlib.h>

#include <port.h>
#include <hash/page.h>
#include "share/impl.h"

#include "bench/host/machine.h"

#define BODIES		(1u << 16)	/* pages of 256 MiB */
#define SAMPLES		(1u << 16)
/* pages of a batch, as in hv/offer/chunk.h */
#define CHUNK		64u
#define HOLDERS		1000000u
#define DOMAINS		1000u	/* as many as a group has, nearly */
#define MOST		25

static struct bench_machine m;
static const struct page_fns *base;
static struct page_fns fns;
static struct share_ops ops;
static struct share *s;
static struct share_dom *a, *b[BENCH_THREADS];
/* Of the batch that is being offered; pages are hashed in their order. */
static _Thread_local uint64_t contents[CHUNK];
static _Thread_local unsigned int hashed;
/* the page that is looked at is not hashed yet */
static _Thread_local bool fresh;
static _Thread_local uint32_t turn;
static double hit_ns[MOST], miss_ns[MOST], index_worst, hold_worst;
static double index_now[MOST], hold_now[MOST];

/*
 * Any page will do: all are equal.  A batch sees a frame in one place, the next
 * in another.
 */
static void *op_map(void *ctx, uint32_t frame)
{
	return bench_page(&m, (frame + turn * 40503) * 2654435761u >> 16);
}

/* Two odd multiplications: contents have different hashes. */
static uint64_t hash(const void *page, const uint8_t *secret)
{
	uint64_t h = (contents[hashed++] + 1) * 0x9e3779b97f4a7c15;

	fresh = false;
	return base->hash(page, secret) ^ (h ^ h >> 29) * 0xbf58476d1ce4e5b9;
}

static bool is_zero(const void *page)
{
	fresh = true;
	return base->is_zero(page);
}

/* Not by their bytes alone are pages known: each is hashed (share/follow.c). */
static bool equal(const void *x, const void *y)
{
	return base->equal(x, y) && !fresh;
}

/* The contents that contents[] names; the frame of the last one. */
static uint32_t offer(struct share_dom *d, unsigned int count)
{
	struct share_page pages[CHUNK];

	for (unsigned int i = 0; i < count; i++)
		pages[i] = (struct share_page){
			.frame = contents[i] & 0xffff, .pfn = contents[i],
			.mappings = 1,
		};
	hashed = 0;
	turn++;
	share_offer_batch(d, pages, count);
	/* Else it was not the look-up that was measured. */
	if (hashed != count)
		abort();
	for (unsigned int i = 0; i < count; i++)
		if (pages[i].result)
			abort();
	return pages[count - 1].canonical;
}

static uint32_t offer_one(struct share_dom *d, uint64_t content)
{
	contents[0] = content;
	return offer(d, 1);
}

static void start(uint32_t log2)
{
	uint32_t pool = 2 * (1u << log2) + 4 * SAMPLES;

	bench_machine_hollow(&m, 1u << 16, pool);
	m.ram = bench_map((size_t)BODIES * SHARE_PAGE_BYTES);
	for (uint32_t i = 0; i < BODIES; i++) {
		bench_fill(bench_page(&m, i), 1);
		/* so that is_zero() is asked (share/offer.h) */
		*(uint64_t *)bench_page(&m, i) = 0;
	}
	base = bench_fns(NULL);
	fns = *base;
	fns.hash = hash;
	fns.is_zero = is_zero;
	fns.equal = equal;
	ops = bench_ops;
	ops.map = op_map;
	ops.pages = NULL;
	s = share_create_with(&ops, &m, m.records, bench_secret, &fns);
	a = share_dom_create(s, 1, UINT64_MAX);
	for (unsigned int i = 0; i < BENCH_THREADS; i++)
		b[i] = share_dom_create(s, 1, UINT64_MAX);
}

static void look_at_memory(uint32_t log2)
{
	index_now[log2] = (double)index_bytes(&a->group->index) /
			  index_count(&a->group->index);
	hold_now[log2] = (double)lintab_bytes(&a->holds) / share_dom_held(a);
	index_worst = MAX(index_worst, index_now[log2]);
	hold_worst = MAX(hold_worst, hold_now[log2]);
}

/*
 * Where a thread's random contents begin: each time in another place, or the
 * second run finds what the first one taught (share/follow.c).
 */
static uint64_t seed_of(unsigned int thread)
{
	static uint64_t runs;

	return atomic_fetch_add(&runs, 1) << 32 | thread;
}

/* So many offers by b[thread] of contents that exist; nanoseconds each. */
static double hits(unsigned int thread, uint32_t log2, uint32_t count)
{
	uint64_t seed = seed_of(thread);
	double from = bench_cpu();

	for (uint32_t i = 0; i < count; i += CHUNK) {
		for (uint32_t n = 0; n < CHUNK; n++)
			contents[n] = bench_random(&seed) & ((1u << log2) - 1);
		offer(b[thread], CHUNK);
	}
	return (bench_cpu() - from) * 1e9 / count;
}

/*
 * From as many as there are to 2^log2; nanoseconds for each of the last
 * SAMPLES.
 */
static double grow(uint64_t *have, uint32_t log2)
{
	uint64_t size = 1ull << log2, timed = size - MIN(SAMPLES, size / 2);
	uint32_t chunk = MIN(CHUNK, (uint32_t)(size >> 7));
	double from = bench_cpu();

	for (; *have < size; *have += chunk) {
		if (*have == timed)
			from = bench_cpu();
		for (uint32_t n = 0; n < chunk; n++)
			contents[n] = *have + n;
		offer(a, chunk);
		if (*have >= 1024 && !(*have & ((size >> 7) - 1)))
			look_at_memory(log2);
	}
	look_at_memory(log2);
	return (bench_cpu() - from) * 1e9 / (size - timed);
}

static void scale(uint32_t most)
{
	uint64_t have = 0;

	printf("  frames     miss ns    hit ns  index bytes/frame  hold bytes/frame\n");
	for (uint32_t n = 10; n <= most; n++) {
		miss_ns[n] = grow(&have, n);
		/*
		 * Sparse holds of b would measure its hold table: at most 2^12
		 * a time.
		 */
		hits(0, n, MIN(SAMPLES, 1u << n));
		bench_drop_all(b[0]);
		hit_ns[n] = hits(0, n, SAMPLES);
		bench_drop_all(b[0]);
		printf("  2^%-2u    %10.0f%10.0f%19.2f%18.2f\n", n, miss_ns[n],
		       hit_ns[n], index_now[n], hold_now[n]);
	}
}

/*
 * The same without share/: a hash and a compare of the same pages.  What the
 * machine allows.
 */
static double floors(unsigned int thread, uint32_t log2, uint32_t count)
{
	uint64_t seed = seed_of(thread), sum = 0;
	double from = bench_cpu();

	for (uint32_t i = 0; i < count; i++) {
		const void *page = op_map(NULL, bench_random(&seed));

		turn++;
		sum += base->hash(page, bench_secret);
		sum += base->equal(page, op_map(NULL, bench_random(&seed)));
	}
	from = (bench_cpu() - from) * 1e9 / count;
	return sum == 42 ? 0 : from;
}

struct worker {
	double (*work)(unsigned int thread, uint32_t log2, uint32_t count);
	pthread_t thread;
	unsigned int number;
	uint32_t log2;
	double seconds;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	bench_thread = w->number;
	w->seconds = w->work(w->number, w->log2, 4 * SAMPLES) * 4 * SAMPLES * 1e-9;
	return NULL;
}

/*
 * Offers a second of CPU time and thread, times threads: what this machine's
 * other load takes does not count.
 */
static double throughput(unsigned int threads, uint32_t log2,
			 double (*fn)(unsigned int, uint32_t, uint32_t))
{
	struct worker w[BENCH_THREADS];
	double sum = 0;

	for (unsigned int i = 0; i < threads; i++) {
		w[i] = (struct worker){ .work = fn, .number = i, .log2 = log2 };
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		sum += 4 * SAMPLES / w[i].seconds;
	}
	/* To the lists that it came from. */
	for (unsigned int i = 0; i < threads; i++) {
		bench_thread = i;
		bench_drop_all(b[i]);
	}
	bench_thread = 0;
	return sum;
}

static double two_over_one(uint32_t log2,
			   double (*fn)(unsigned int, uint32_t, uint32_t))
{
	double ratio[5];

	for (unsigned int i = 0; i < 5; i++) {
		double one = throughput(1, log2, fn);

		ratio[i] = throughput(2, log2, fn) / one;
	}
	return bench_median(ratio, 5);
}

/*
 * One domain with 10^6 mappings of a page drops them one by one: first and
 * second half.
 */
static void mappings_of_one(double *first, double *second)
{
	uint32_t frame;
	double t[3];

	frame = offer_one(b[0], 1ull << 40);
	for (uint32_t i = 1; i < HOLDERS; i++)
		if (share_hold(b[0], frame))
			abort();
	t[0] = bench_cpu();
	for (uint32_t i = 0; i < HOLDERS; i++) {
		if (i == HOLDERS / 2)
			t[1] = bench_cpu();
		share_drop(b[0], frame, 1, false);
	}
	t[2] = bench_cpu();
	*first = (t[1] - t[0]) * 2e9 / HOLDERS;
	*second = (t[2] - t[1]) * 2e9 / HOLDERS;
}

/* 1000 domains hold it: each drops it and is destroyed. */
static double domains_of_one(uint32_t count)
{
	struct share_dom **d = bench_map(count * sizeof(*d));
	uint32_t frame = 0;
	double from;

	for (uint32_t i = 0; i < count; i++) {
		d[i] = share_dom_create(s, 1, 10);
		if (!d[i])
			abort();
		frame = offer_one(d[i], 1ull << 41);
	}
	from = bench_cpu();
	for (uint32_t i = 0; i < count; i++)
		share_drop(d[i], frame, 1, false);
	from = (bench_cpu() - from) * 1e9 / count;
	for (uint32_t i = 0; i < count; i++)
		share_dom_destroy(d[i]);
	free(d);
	return from;
}

static void report(uint32_t most)
{
	FILE *json = bench_open("share-scale", "json");
	FILE *dat = bench_open("share-scale", "dat");
	double threads = two_over_one(MIN(most, 20), hits);
	double allowed = two_over_one(MIN(most, 20), floors);
	double first, second, domains;
	double hit = hit_ns[most] / hit_ns[12], miss = miss_ns[most] / miss_ns[12];

	mappings_of_one(&first, &second);
	domains = domains_of_one(DOMAINS);
	printf("\n  cost at 2^%u / at 2^12: hit %.2f, miss %.2f\n"
	       "  two threads / one: %.2f (a hash and a compare alone: %.2f)\n"
	       "  worst bytes at any size from 2^10: index %.2f, holds %.2f\n"
	       "  dropping 10^6 mappings of one domain: %.0f ns each (first half %.0f, second %.0f)\n"
	       "  dropping the holds of 1000 domains: %.0f ns each\n",
	       most, hit, miss, threads, allowed, index_worst, hold_worst,
	       (first + second) / 2, first, second, domains);
	fprintf(json, "{ \"figures\": { \"cost_2p%u_over_2p12\": %.3f, "
		"\"hit_growth\": %.3f, \"miss_growth\": %.3f, "
		"\"two_threads_over_one\": %.3f, \"two_threads_floor\": %.3f, \"index_bytes_per_frame\": %.3f, "
		"\"hold_bytes_per_frame\": %.3f, \"drop_ns\": %.1f, "
		"\"drop_second_over_first\": %.3f, \"drop_domains_ns\": %.1f } }\n",
		most, MAX(hit, miss), hit, miss, threads, allowed, index_worst, hold_worst,
		(first + second) / 2, second / first, domains);
	for (uint32_t n = 10; n <= most; n++)
		fprintf(dat, "%u %.1f %.1f %.3f %.3f\n", n, hit_ns[n], miss_ns[n],
			index_now[n], hold_now[n]);
	fclose(json);
	fclose(dat);
}

int main(int argc, char **argv)
{
	uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 24;

	most = MIN(MAX(most, 12u), 24u);
	start(most);
	scale(most);
	report(most);
	bench_drop_all(a);
	share_dom_destroy(a);
	for (unsigned int i = 0; i < BENCH_THREADS; i++)
		share_dom_destroy(b[i]);
	share_destroy(s);
	bench_machine_fini(&m);
	return 0;
}
