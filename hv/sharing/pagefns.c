/* SPDX-License-Identifier: MIT */
/* See pagefns.h. */
#include <port.h>

#include "debug/log.h"
#include "lib/fmt.h"
#include "mm/objpool.h"
#include "sharing/pagefns.h"
#include "x86/cpu.h"

/* brackets of so many and more use the choice for batches */
#define BATCH_PAGES	8

/* constant after boot */
static struct page_choice for_one, for_batch;

static const enum vec_width widths[PAGE_VARIANTS] = {
	[PAGE_SSE2] = VEC_XMM, [PAGE_AVX2] = VEC_YMM, [PAGE_AVX512] = VEC_ZMM,
};

void pagefns_begin(struct pagefns_bracket *b, unsigned int pages)
{
	struct percpu *cpu = this_cpu();

	ASSERT(!cpu->pagefns);
	b->choice = pages < BATCH_PAGES ? &for_one : &for_batch;
	b->taken = false;
	cpu->pagefns = b;
}

void pagefns_end(struct pagefns_bracket *b)
{
	struct percpu *cpu = this_cpu();

	ASSERT(cpu->pagefns == b);
	cpu->pagefns = NULL;
	if (b->taken)
		vec_give(&b->saved, widths[b->choice->width]);
}

/* The functions to use now, where fn may run. */
static const struct page_fns *ready(enum page_fn fn)
{
	struct pagefns_bracket *b = this_cpu()->pagefns;

	if (!b)
		return &page_fns_portable;
	if (!b->taken && widths[b->choice->of[fn]]) {
		vec_take(&b->saved, widths[b->choice->width]);
		b->taken = true;
	}
	return &b->choice->fns;
}

static uint64_t hash(const void *page, const uint8_t *secret)
{
	return ready(PAGE_FN_HASH)->hash(page, secret);
}

static bool equal(const void *a, const void *b)
{
	return ready(PAGE_FN_EQUAL)->equal(a, b);
}

static bool is_zero(const void *page)
{
	return ready(PAGE_FN_IS_ZERO)->is_zero(page);
}

static void copy(void *to, const void *from)
{
	ready(PAGE_FN_COPY)->copy(to, from);
}

static void clear(void *page)
{
	ready(PAGE_FN_CLEAR)->clear(page);
}

const struct page_fns pagefns = {
	.hash = hash,
	.equal = equal,
	.is_zero = is_zero,
	.copy = copy,
	.clear = clear,
};

const struct page_fns *pagefns_of_bracket(void)
{
	struct pagefns_bracket *b = this_cpu()->pagefns;

	if (!b || b->choice != &for_batch)
		return &pagefns;
	if (!b->taken && widths[b->choice->width]) {
		vec_take(&b->saved, widths[b->choice->width]);
		b->taken = true;
	}
	return &b->choice->fns;
}

/* --- choosing, at boot --- */

static uint64_t now(void *ctx)
{
	return tsc_read();
}

static void take(void *ctx, enum page_variant v)
{
	vec_take(ctx, widths[v]);
}

static void give(void *ctx, enum page_variant v)
{
	vec_give(ctx, widths[v]);
}

static uint32_t page_features(void)
{
	enum vec_width w = vec_widest();

	return (w >= VEC_XMM ? PAGE_HAS_SSE2 : 0) |
	       (w >= VEC_YMM ? PAGE_HAS_AVX2 : 0) |
	       (w >= VEC_ZMM ? PAGE_HAS_AVX512 : 0);
}

/* A line that is cut where it is full. */
struct text {
	char line[460];
	size_t used;
};

static void add(struct text *t, const char *fmt, ...) printf_like(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->used += fmt_vsnprintf(t->line + t->used, sizeof(t->line) - t->used,
				 fmt, ap);
	va_end(ap);
	t->used = MIN(t->used, sizeof(t->line) - 1);
}

static const char *const fn_names[PAGE_FNS] = {
	[PAGE_FN_HASH] = "hash", [PAGE_FN_EQUAL] = "equal",
	[PAGE_FN_IS_ZERO] = "zero", [PAGE_FN_COPY] = "copy",
	[PAGE_FN_CLEAR] = "clear",
};

static void add_choice(struct text *t, const char *name,
		       const struct page_choice *c)
{
	add(t, "%s", name);
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		add(t, " %s=%s", fn_names[fn], page_variant_name(c->of[fn]));
}

/* "; VARIANT: ticks of each function, and of taking its registers" */
static void add_costs(struct text *t, const struct page_costs *costs,
		      enum page_variant v)
{
	if (costs->take[v] == PAGE_NOT_THERE)
		return;
	add(t, "; %s", page_variant_name(v));
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		if (costs->call[v][fn] == PAGE_NOT_THERE)
			add(t, " -");
		else
			add(t, " %lu", costs->call[v][fn] / PAGE_COST_CALLS);
	add(t, "+%lu", costs->take[v] / PAGE_COST_CALLS);
}

/* "+N": what taking the registers costs. */
static void log_choice(const struct page_costs *costs)
{
	struct text t = { .used = 0 };

	add_choice(&t, "one", &for_one);
	add_choice(&t, "; batch", &for_batch);
	add(&t, "; ticks");
	for (enum page_variant v = 0; v < PAGE_VARIANTS; v++)
		add_costs(&t, costs, v);
	log_info("pages: %s", t.line);
}

/*
 * Does the variant work?  If a CPU has it and computes wrong, the log says so.
 */
static bool agrees(enum page_variant v, const struct page_machine *m,
		   void *scratch)
{
	if (page_variant_agrees(v, m, scratch))
		return true;
	log_warn("pages: %s gives wrong results on this machine",
		 page_variant_name(v));
	return false;
}

static bool asked_for(const char *pages, enum page_variant v)
{
	return !strcmp(pages, page_variant_name(v));
}

/* What the operator asked for, if this machine can; else false. */
static bool wish(const char *pages, const struct page_machine *m,
		 uint32_t features, void *scratch)
{
	enum page_variant v = 0;

	while (v < PAGE_VARIANTS && !asked_for(pages, v))
		v++;
	if (v == PAGE_VARIANTS)
		return false;		/* auto */
	if (!page_variant_runs(v, features)) {
		log_warn("pages=%s: this machine does not have it, pages=auto",
			 pages);
		return false;
	}
	if (!agrees(v, m, scratch))
		return false;
	page_choose_variant(&for_one, v);
	page_choose_variant(&for_batch, v);
	log_info("pages: all %s as asked for", page_variant_name(v));
	return true;
}

static void choose(const struct page_machine *m, uint32_t features,
		   void *scratch)
{
	struct page_costs costs;

	page_measure(&costs, features, m, scratch);
	for (enum page_variant v = 0; v < PAGE_VARIANTS; v++)
		if (page_variant_runs(v, features) &&
		    costs.take[v] == PAGE_NOT_THERE)
			(void)agrees(v, m, scratch); /* says so */
	page_choose(&for_one, &costs, 1);
	page_choose(&for_batch, &costs, BATCH_PAGES);
	log_choice(&costs);
}

void pagefns_init(const char *pages)
{
	struct vec_saved saved;
	const struct page_machine m = { now, take, give, &saved };
	uint32_t features = page_features();
	void *scratch = obj_alloc(PAGE_SCRATCH_BYTES);

	if (!scratch)
		panic("no memory to measure page functions");
	if (!wish(pages, &m, features, scratch))
		choose(&m, features, scratch);
	obj_free(scratch, PAGE_SCRATCH_BYTES);
}
