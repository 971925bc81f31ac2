/* SPDX-License-Identifier: MIT */
/*
 * Measuring and choosing page functions; see choose.h.
 *
 * A round is PAGE_COST_CALLS calls, and the best of ROUNDS counts:
 * interruptions and cold caches only ever add.  Functions are weighted by how
 * often an offer calls them: the zero test and the hash once for each page; the
 * compare (a match) and the copy (a miss) for every second page each.
 *
 * A copy goes to a frame that nobody touched lately, so it is measured out of
 * the caches, until its stores are done.
 */
#include <hash/general_regs.h>

#include <port.h>

#include <hash/choose.h>
#include "page_variants.h"

#define ROUNDS		8

static const struct variant {
	const char *name;
	const struct page_fns *fns;
	uint32_t needs;
} variants[PAGE_VARIANTS] = {
	[PAGE_SCALAR] = { "scalar", &page_fns_portable, 0 },
	[PAGE_STRING] = { "string", &page_fns_string, 0 },
	[PAGE_SSE2] = { "sse2", &page_fns_sse2, PAGE_HAS_SSE2 },
	[PAGE_AVX2] = { "avx2", &page_fns_avx2, PAGE_HAS_AVX2 },
	[PAGE_AVX512] = { "avx512", &page_fns_avx512, PAGE_HAS_AVX512 },
};

static const uint64_t weights[PAGE_FNS] = {
	[PAGE_FN_HASH] = 2, [PAGE_FN_IS_ZERO] = 2,
	[PAGE_FN_EQUAL] = 1, [PAGE_FN_COPY] = 1,
};
/* the weight of a function called once for each page */
#define WEIGHT_OF_ONE	2

const struct page_fns *page_fns_variant(enum page_variant v)
{
	return variants[v].fns;
}

const char *page_variant_name(enum page_variant v)
{
	return variants[v].name;
}

bool page_variant_runs(enum page_variant v, uint32_t features)
{
	return (variants[v].needs & features) == variants[v].needs;
}

/* --- measuring --- */

struct trial {
	const struct page_machine *m;
	uint8_t *page, *same, *zero;
	uint8_t secret[PAGE_HASH_SECRET_BYTES];
};

static void take(const struct page_machine *m, enum page_variant v)
{
	if (m->take && variants[v].needs)
		m->take(m->ctx, v);
}

static void give(const struct page_machine *m, enum page_variant v)
{
	if (m->give && variants[v].needs)
		m->give(m->ctx, v);
}

static void call(const struct trial *t, const struct page_fns *f,
		 enum page_fn fn, unsigned int n)
{
	volatile uint64_t result;

	switch (fn) {
	case PAGE_FN_HASH:
		result = f->hash(t->page, t->secret);
		break;
	case PAGE_FN_EQUAL:
		result = f->equal(t->page, t->same);
		break;
	case PAGE_FN_IS_ZERO:	/* one of all the pages is zero */
		result = f->is_zero(n ? t->page : t->zero);
		break;
	case PAGE_FN_COPY:
		f->copy(t->same, t->page);
		break;
	default:
		f->clear(t->zero);
	}
	(void)result;
}

bool page_variant_agrees(enum page_variant v, const struct page_machine *m,
			 void *scratch)
{
	bool good;

	take(m, v);
	good = page_fns_agree(variants[v].fns, scratch);
	give(m, v);
	return good;
}

static void forget(const void *page)
{
	const char *p = page;

	for (unsigned int i = 0; i < PAGE_HASH_BYTES; i += 64)
		__asm__ volatile("clflush %0" : : "m"(p[i]) : "memory");
	atomic_fence();
}

static uint64_t copies_cost(const struct trial *t, enum page_variant v)
{
	const struct page_machine *m = t->m;
	uint64_t sum = 0, since;

	for (unsigned int n = 0; n < PAGE_COST_CALLS; n++) {
		forget(t->same);
		since = m->now(m->ctx);
		call(t, variants[v].fns, PAGE_FN_COPY, n);
		atomic_fence_stream();
		atomic_fence();
		sum += m->now(m->ctx) - since;
	}
	return sum;
}

static uint64_t calls_cost(const struct trial *t, enum page_variant v,
			   enum page_fn fn)
{
	const struct page_machine *m = t->m;
	uint64_t since = m->now(m->ctx);

	for (unsigned int n = 0; n < PAGE_COST_CALLS; n++)
		call(t, variants[v].fns, fn, n);
	return m->now(m->ctx) - since;
}

static uint64_t call_cost(const struct trial *t, enum page_variant v,
			  enum page_fn fn)
{
	const struct page_machine *m = t->m;
	uint64_t best = PAGE_NOT_THERE, took;

	take(m, v);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		took = fn == PAGE_FN_COPY ? copies_cost(t, v) : calls_cost(t, v, fn);
		best = MIN(best, took);
	}
	give(m, v);
	return best;
}

static uint64_t take_cost(const struct trial *t, enum page_variant v)
{
	const struct page_machine *m = t->m;
	uint64_t best = PAGE_NOT_THERE, took;

	if (!m->take || !variants[v].needs)
		return 0;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		took = m->now(m->ctx);
		for (unsigned int n = 0; n < PAGE_COST_CALLS; n++) {
			take(m, v);
			give(m, v);
		}
		took = m->now(m->ctx) - took;
		best = MIN(best, took);
	}
	return best;
}

static bool same_function(const struct page_fns *a, const struct page_fns *b,
			  enum page_fn fn)
{
	switch (fn) {
	case PAGE_FN_HASH:
		return a->hash == b->hash;
	case PAGE_FN_EQUAL:
		return a->equal == b->equal;
	case PAGE_FN_IS_ZERO:
		return a->is_zero == b->is_zero;
	case PAGE_FN_COPY:
		return a->copy == b->copy;
	default:
		return a->clear == b->clear;
	}
}

static void measure_variant(struct page_costs *costs, const struct trial *t,
			    enum page_variant v)
{
	costs->take[v] = take_cost(t, v);
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		if (!v || !same_function(variants[v].fns, variants[0].fns, fn))
			costs->call[v][fn] = call_cost(t, v, fn);
}

void page_measure(struct page_costs *costs, uint32_t features,
		  const struct page_machine *m, void *scratch)
{
	struct trial t = {
		.m = m, .page = scratch,
		.same = (uint8_t *)scratch + PAGE_HASH_BYTES,
		.zero = (uint8_t *)scratch + 2 * PAGE_HASH_BYTES,
	};

	memset(costs, 0xff, sizeof(*costs));	/* PAGE_NOT_THERE */
	memset(t.secret, 0xa5, sizeof(t.secret));
	for (enum page_variant v = 0; v < PAGE_VARIANTS; v++) {
		if (!page_variant_runs(v, features) ||
		    !page_variant_agrees(v, m, scratch))
			continue;
		memset(t.page, 0x5a, 2 * PAGE_HASH_BYTES);
		memset(t.zero, 0, PAGE_HASH_BYTES);
		measure_variant(costs, &t, v);
	}
}

/* --- choosing --- */

/*
 * The cheapest for this function, of variants up to `width`; the first of
 * equals.
 */
static enum page_variant cheapest(const struct page_costs *costs,
				  enum page_fn fn, enum page_variant width)
{
	enum page_variant best = PAGE_SCALAR;

	for (enum page_variant v = 0; v <= width; v++)
		if (costs->call[v][fn] < costs->call[best][fn])
			best = v;
	return best;
}

static uint64_t cost_of_width(const struct page_costs *costs,
			      enum page_variant width, uint32_t pages)
{
	uint64_t sum = WEIGHT_OF_ONE * costs->take[width] / pages;

	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		sum += weights[fn] *
		       costs->call[cheapest(costs, fn, width)][fn];
	return sum;
}

static void choice_set(struct page_choice *out, enum page_fn fn,
		       enum page_variant v)
{
	const struct page_fns *from = variants[v].fns;

	switch (fn) {
	case PAGE_FN_HASH:
		out->fns.hash = from->hash;
		break;
	case PAGE_FN_EQUAL:
		out->fns.equal = from->equal;
		break;
	case PAGE_FN_IS_ZERO:
		out->fns.is_zero = from->is_zero;
		break;
	case PAGE_FN_COPY:
		out->fns.copy = from->copy;
		break;
	default:
		out->fns.clear = from->clear;
	}
	out->of[fn] = v;
	out->width = MAX(out->width, v);
}

void page_choose(struct page_choice *out, const struct page_costs *costs,
		 uint32_t pages)
{
	uint64_t best = cost_of_width(costs, PAGE_SCALAR, pages), cost;
	enum page_variant width = PAGE_SCALAR;

	for (enum page_variant v = 1; v < PAGE_VARIANTS; v++) {
		if (costs->take[v] == PAGE_NOT_THERE)
			continue;
		cost = cost_of_width(costs, v, pages);
		if (cost < best) {
			best = cost;
			width = v;
		}
	}
	out->width = PAGE_SCALAR;
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		choice_set(out, fn, cheapest(costs, fn, width));
}

void page_choose_variant(struct page_choice *out, enum page_variant v)
{
	out->width = PAGE_SCALAR;
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		choice_set(out, fn, v);
}

#include <hash/general_regs_end.h>
