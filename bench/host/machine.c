/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/host/machine.h"

#define ARENA_BYTES	(64u << 20)
#define HUGE_BYTES	(2u << 20)

_Thread_local unsigned int bench_thread;
uint8_t bench_secret[SHARE_SECRET_BYTES];

/* Free metadata by the logarithm of its size; what is left of an arena. */
struct lists {
	void *first[22];
	uint8_t *arena;
	size_t left;
} aligned_to(128);

static struct lists lists[BENCH_THREADS];

uint64_t bench_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void *bench_map(size_t bytes)
{
	uint8_t *p;

	bytes = ALIGN_UP(bytes, (size_t)HUGE_BYTES);
	p = aligned_alloc(HUGE_BYTES, bytes);
	if (!p) {
		fprintf(stderr, "pasture: no memory for %zu MiB\n", bytes >> 20);
		exit(EXIT_FAILURE);
	}
	madvise(p, bytes, MADV_HUGEPAGE);
	memset(p, 0, bytes);
	return p;
}

void *bench_page(const struct bench_machine *m, uint32_t frame)
{
	return m->ram + (size_t)frame * SHARE_PAGE_BYTES;
}

static void *op_map(void *ctx, uint32_t frame)
{
	return bench_page(ctx, frame);
}

static void *op_pages(void *ctx)
{
	return bench_page(ctx, 0);
}

static uint32_t op_canonical_draw(void *ctx, uint16_t group, uint32_t *frames,
				  uint32_t most)
{
	struct bench_machine *m = ctx;
	struct bench_pool *p = &m->pool[bench_thread];
	uint32_t drawn;

	/* The pool's order is random: its end is a random frame. */
	for (drawn = 0; drawn < most && p->count; drawn++) {
		frames[drawn] = p->frames[--p->count];
		m->records[frames[drawn]] = (struct share_record){ .group = group };
	}
	return drawn;
}

static void op_canonical_free(void *ctx, uint32_t frame)
{
	struct bench_machine *m = ctx;
	struct bench_pool *p = &m->pool[bench_thread];

	p->frames[p->count++] = frame;
}

static void *arena_take(struct lists *l, size_t bytes)
{
	void *p;

	if (l->left < bytes) {
		l->arena = bench_map(ARENA_BYTES);
		l->left = ARENA_BYTES;
	}
	l->left -= bytes;
	p = l->arena + l->left;
	return p;
}

void *bench_alloc(void *ctx, size_t bytes)
{
	struct lists *l = &lists[bench_thread];
	void **p = l->first[__builtin_ctzl(bytes)];

	if (!p)
		return arena_take(l, bytes);
	l->first[__builtin_ctzl(bytes)] = *p;
	memset(p, 0, bytes);
	return p;
}

void bench_free(void *ctx, void *p, size_t bytes)
{
	struct lists *l = &lists[bench_thread];

	*(void **)p = l->first[__builtin_ctzl(bytes)];
	l->first[__builtin_ctzl(bytes)] = p;
}

const struct share_ops bench_ops = {
	.map = op_map,
	.pages = op_pages,
	.canonical_draw = op_canonical_draw,
	.canonical_free = op_canonical_free,
	.alloc = bench_alloc,
	.free = bench_free,
};

void bench_shuffle(uint32_t *numbers, uint32_t count, uint64_t seed)
{
	for (uint32_t i = count; i > 1; i--) {
		uint32_t at = bench_random(&seed) % i, n = numbers[at];

		numbers[at] = numbers[i - 1];
		numbers[i - 1] = n;
	}
}

void bench_secret_set(uint64_t seed)
{
	for (unsigned int i = 0; i < SHARE_SECRET_BYTES; i++)
		bench_secret[i] = bench_random(&seed);
}

void bench_machine_hollow(struct bench_machine *m, uint32_t own, uint32_t pool)
{
	uint32_t *numbers = bench_map((size_t)pool * sizeof(*numbers));

	*m = (struct bench_machine){ .own = own, .frames = own + pool };
	m->records = bench_map((size_t)m->frames * sizeof(*m->records));
	for (uint32_t i = 0; i < pool; i++)
		numbers[i] = own + i;
	bench_shuffle(numbers, pool, 7);
	for (unsigned int t = 0; t < BENCH_THREADS; t++) {
		m->pool[t].frames = bench_map((size_t)pool * sizeof(*numbers));
		m->pool[t].count = pool / BENCH_THREADS;
		memcpy(m->pool[t].frames, numbers + m->pool[t].count * t,
		       m->pool[t].count * sizeof(*numbers));
	}
	free(numbers);
	/* Warm: the first arena is not on anybody's account. */
	bench_free(NULL, bench_alloc(NULL, 64), 64);
	bench_secret_set(1);
}

void bench_machine_init(struct bench_machine *m, uint32_t own, uint32_t pool)
{
	bench_machine_hollow(m, own, pool);
	m->ram = bench_map((size_t)m->frames * SHARE_PAGE_BYTES);
}

void bench_machine_fini(struct bench_machine *m)
{
	for (unsigned int t = 0; t < BENCH_THREADS; t++)
		free(m->pool[t].frames);
	free(m->records);
	free(m->ram);
}

void bench_drop_all(struct share_dom *d)
{
	uint32_t frame, mappings;
	uint64_t cursor = 0;

	while (share_dom_next(d, &cursor, &frame, &mappings))
		share_drop(d, frame, mappings, false);
}

void bench_fill(void *page, uint64_t seed)
{
	uint64_t *w = page;

	for (unsigned int i = 0; i < SHARE_PAGE_BYTES / sizeof(*w); i++)
		w[i] = bench_random(&seed);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

double bench_cpu(void)
{
	return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double bench_clock(void)
{
	return seconds(CLOCK_MONOTONIC);
}

static uint64_t nanoseconds(void *ctx)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000UL + t.tv_nsec;
}

static uint32_t page_features(void)
{
	uint32_t has = PAGE_HAS_SSE2;

	if (__builtin_cpu_supports("avx2"))
		has |= PAGE_HAS_AVX2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
		has |= PAGE_HAS_AVX512;
	return has;
}

void bench_page_costs(struct page_costs *costs)
{
	static _Alignas(64) uint8_t scratch[PAGE_SCRATCH_BYTES];
	static const struct page_machine here = { .now = nanoseconds };

	page_measure(costs, page_features(), &here, scratch);
}

/*
 * VARIANT=scalar, string, sse2, avx2 or avx512: that one; else the fastest of
 * each, measured.
 */
const struct page_fns *bench_fns(const char **name)
{
	static struct page_choice choice;
	const char *wanted = getenv("VARIANT");
	struct page_costs costs;

	bench_page_costs(&costs);
	page_choose(&choice, &costs, 1);
	for (enum page_variant v = 0; wanted && v < PAGE_VARIANTS; v++)
		if (!strcmp(wanted, page_variant_name(v)) &&
		    page_variant_runs(v, page_features()))
			page_choose_variant(&choice, v);
	if (name)
		*name = page_variant_name(choice.width);
	return &choice.fns;
}

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), double_order);
	return values[count / 2];
}

FILE *bench_open(const char *name, const char *suffix)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "build/bench/%s.%s", name, suffix);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	return f;
}
