/* SPDX-License-Identifier: MIT */
/*
 * Which page functions a machine uses: measured once at start, chosen by cost.
 *
 * A variant is a set of functions for one width of register.  A program whose
 * vector registers belong to somebody else (the hypervisor's belong to a guest)
 * has to take the widest that it uses and give them back, once for each bracket
 * of so many pages.  So first a width is chosen, by the cost of a page: that of
 * the best functions up to that width, and the page's part of the taking.  Then
 * each function is chosen, from any variant up to that width.
 */
#ifndef HASH_CHOOSE_H
#define HASH_CHOOSE_H

#include <hash/page.h>

#define PAGE_NOT_THERE	UINT64_MAX	/* the cost of what cannot be used */

struct page_machine {
	uint64_t (*now)(void *ctx);	/* any unit that grows with time */
	/*
	 * Make the registers of a variant free to use, and give them back;
	 * NULL: they always are.
	 */
	void (*take)(void *ctx, enum page_variant v);
	void (*give)(void *ctx, enum page_variant v);
	void *ctx;
};

struct page_costs {
	uint64_t call[PAGE_VARIANTS][PAGE_FNS]; /* of PAGE_COST_CALLS calls */
	/* of taking and giving back PAGE_COST_CALLS times */
	uint64_t take[PAGE_VARIANTS];
};

#define PAGE_COST_CALLS		8
#define PAGE_SCRATCH_BYTES	(3 * PAGE_HASH_BYTES)

struct page_choice {
	struct page_fns fns;
	/* the variant that each function is from */
	enum page_variant of[PAGE_FNS];
	enum page_variant width;	/* the widest of them */
};

/*
 * Do these functions do on this machine what the scalar ones do?  scratch, here
 * and below: PAGE_SCRATCH_BYTES, overwritten.
 */
bool page_fns_agree(const struct page_fns *f, void *scratch);
/* The same for a variant, which must be able to run. */
bool page_variant_agrees(enum page_variant v, const struct page_machine *m,
			 void *scratch);
/*
 * The best of several measurements of all variants that these features allow
 * and that agree with the scalar one; the others are PAGE_NOT_THERE.
 */
void page_measure(struct page_costs *costs, uint32_t features,
		  const struct page_machine *m, void *scratch);
/* For brackets of so many pages. */
void page_choose(struct page_choice *out, const struct page_costs *costs,
		 uint32_t pages);
/* All functions of one variant. */
void page_choose_variant(struct page_choice *out, enum page_variant v);

#endif
