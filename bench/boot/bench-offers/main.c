/* SPDX-License-Identifier: MIT */
/*
 * What an offered page costs, in instructions of guest and hypervisor: alone
 * (one_) and in a batch of PAGES (batch_, per page); of a content that is new
 * (miss), that another page has already (hit), and the zero page, which another
 * has too.  fn_: the page functions that the hypervisor uses with pages=sse2,
 * alone.
 */
#include <hash/page.h>

#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/start.h>
#include <gl/string.h>

#include "../bench.h"

#define PAGES	64
#define ROUNDS	8

enum kind { MISS, HIT, ZERO, KINDS };

static const char *const kind_names[KINDS] = { "miss", "hit", "zero" };
static uint64_t page[PAGES], twin[PAGES];
static struct shareop_entry entries[PAGES];
static uint64_t next_content;

static void must(bool good, const char *what)
{
	if (!good)
		gl_panic("%s", what);
}

static void fill(uint64_t va, uint64_t content)
{
	for (unsigned int k = 0; k < 512; k++)
		((uint64_t *)va)[k] = content ? content * 1000003UL + k : 0;
}

static void entries_make(const uint64_t *va)
{
	for (unsigned int i = 0; i < PAGES; i++)
		entries[i] = (struct shareop_entry){ .pte = { va[i] }, .nr_ptes = 1 };
}

static void batch(unsigned int op, const uint64_t *va)
{
	entries_make(va);
	must(!hypercall_make_ro_and_share(op, (uint64_t)entries, PAGES, 0),
	     "batch refused");
	for (unsigned int i = 0; i < PAGES; i++) {
		must(entries[i].status == SHARE_DONE, "page refused");
		gl_p2m_set(gl_virt_to_pfn(va[i]), entries[i].mfn);
	}
}

/*
 * The pages are private; their twins are shared, with what makes the pages'
 * offers a miss or a hit.
 */
static void prepare(enum kind kind)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		fill(page[i], kind == ZERO ? 0 : ++next_content);
		fill(twin[i], kind == HIT ? next_content :
			      kind == ZERO ? 0 : ++next_content);
	}
	batch(SHAREOP_batch, twin);
}

static void undo(void)
{
	batch(SHAREOP_unshare, page);
	batch(SHAREOP_unshare, twin);
}

static uint64_t one(void)
{
	uint64_t best = ~0UL, start, took;

	for (unsigned int i = 0; i < PAGES; i++) {
		long mfn;

		start = bench_now();
		mfn = hypercall_make_ro_and_share(SHAREOP_single, page[i], 0, 0);
		took = bench_now() - start;
		must(mfn > 0, "offer refused");
		gl_p2m_set(gl_virt_to_pfn(page[i]), (uint64_t)mfn);
		best = took < best ? took : best;
	}
	return best;
}

static uint64_t many(void)
{
	uint64_t start;

	entries_make(page);
	start = bench_now();
	must(!hypercall_make_ro_and_share(SHAREOP_batch, (uint64_t)entries, PAGES,
					  0), "batch refused");
	start = bench_now() - start;
	for (unsigned int i = 0; i < PAGES; i++)
		gl_p2m_set(gl_virt_to_pfn(page[i]), entries[i].mfn);
	return start / PAGES;
}

static void measure(const char *name, enum kind kind, uint64_t (*way)(void))
{
	uint64_t best = ~0UL, took;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		prepare(kind);
		took = way();
		best = took < best ? took : best;
		undo();
	}
	gl_printf("BENCH %s_%s %lu\n", name, kind_names[kind], best);
}

extern const struct page_fns page_fns_sse2;

static void run_hash(void *arg)
{
	static const uint8_t secret[PAGE_HASH_SECRET_BYTES];

	(void)page_fns_sse2.hash((const void *)page[0], secret);
}

static void run_equal(void *arg)
{
	(void)page_fns_sse2.equal((const void *)page[0], (const void *)twin[0]);
}

static void run_copy(void *arg)
{
	page_fns_sse2.copy((void *)twin[0], (const void *)page[0]);
}

static void functions(void)
{
	bench("fn_hash", run_hash, NULL);
	bench("fn_equal", run_equal, NULL);
	bench("fn_copy", run_copy, NULL);
}

void gl_main(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = gl_page_alloc();
		twin[i] = gl_page_alloc();
		must(page[i] && twin[i], "no memory");
	}
	for (enum kind kind = 0; kind < KINDS; kind++) {
		measure("one", kind, one);
		measure("batch", kind, many);
	}
	functions();
	gl_printf("BENCH END\n");
}
