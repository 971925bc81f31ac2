/* SPDX-License-Identifier: MIT */
/*
 * A small guest among very many (`make many SHARED=`): shared=KIB of files, the
 * same in every guest, which it offers, and own=KIB that are its own.  It stays
 * until the operator types "go", and says then whether all pages still hold
 * what it wrote.
 */
#include <gl/console.h>
#include <gl/hold.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>

#define RESERVE_FRAMES	4
#define WORDS		(GL_PAGE_BYTES / sizeof(uint64_t))

struct pages {
	uint64_t va, count, seed;
};

/* No two pages are the same, but for those of one number and one seed. */
static uint64_t first_word(const struct pages *p, uint64_t page)
{
	return (p->seed << 32 | (page + 1)) * 0x9e3779b97f4a7c15UL;
}

static void fill(const struct pages *p)
{
	for (uint64_t n = 0; n < p->count; n++) {
		uint64_t *page = (uint64_t *)(p->va + n * GL_PAGE_BYTES);

		for (unsigned int i = 0; i < WORDS; i++)
			page[i] = first_word(p, n) + i;
	}
}

static void check(const struct pages *p)
{
	for (uint64_t n = 0; n < p->count; n++) {
		const uint64_t *page = (const uint64_t *)(p->va + n * GL_PAGE_BYTES);

		for (unsigned int i = 0; i < WORDS; i++)
			if (page[i] != first_word(p, n) + i)
				gl_panic("page %lu is not what was written", n);
	}
}

static struct pages pages_new(const char *word, uint64_t seed)
{
	struct pages p = {
		.count = gl_cmdline_u64(word, 0) * 1024 / GL_PAGE_BYTES, .seed = seed,
	};

	if (p.count)
		p.va = gl_pages_alloc(p.count);
	if (p.count && !p.va)
		gl_panic("no memory for %s=: %lu pages are free", word,
			 gl_pages_free_count());
	fill(&p);
	return p;
}

void gl_main(void)
{
	struct gl_share *share = gl_share_setup(RESERVE_FRAMES);
	struct pages files, own;
	long shared;

	if (!share)
		gl_panic("no memory");
	files = pages_new("shared", 0);
	own = pages_new("own", gl_domid());
	shared = gl_share_range(share, files.va, files.count, NULL);
	if (shared != (long)files.count)
		gl_panic("of %lu pages %ld were shared", files.count, shared);
	check(&files);
	if (gl_cmdline_u64("hold", 0))
		gl_hold(0);
	check(&files);
	check(&own);
	gl_printf("bye\n");
}
