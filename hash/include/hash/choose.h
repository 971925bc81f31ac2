/* SPDX-License-Identifier: MIT */
/*
 * Which page functions a machine uses: measured once at start, chosen by cost.
 *
 * A variant is a set of functions for one width of register.  Whose registers
 * belong to somebody else (the hypervisor's: to a guest) pays to take and give
 * back the widest that it uses, once for a bracket of so many pages.  So the
 * choice is first of the width, by what a page costs with the best functions up
 * to that width and its part of the taking, then of each function, which may be
 * of any variant up to that width.
 */
#ifndef HASH_CHOOSE_H
#define HASH_CHOOSE_H

#include <hash/page.h>

#define PAGE_NOT_THERE	UINT64_MAX	/* the cost of what cannot be used */

struct page_machine {
	uint64_t (*now)(void *ctx);	/* any unit that grows with time */
	/*
	 * Make the registers of a variant free to use, and give them back;
	 * NULL: they are.
	 */
	void (*take)(void *ctx, enum page_variant v);
	void (*give)(void *ctx, enum page_variant v);
	void *ctx;
};

struct page_costs {
	uint64_t call[PAGE_VARIANTS][PAGE_FNS]; /* of PAGE_COST_CALLS calls */
	uint64_t take[PAGE_VARIANTS];	/* as many times taken and given back */
};

#define PAGE_COST_CALLS		8
#define PAGE_SCRATCH_BYTES	(3 * PAGE_HASH_BYTES)

struct page_choice {
	struct page_fns fns;
	enum page_variant of[PAGE_FNS];	/* where each is from */
	enum page_variant width;	/* the widest of them */
};

/*
 * Does this machine do by these functions what it does by the scalar ones?
 * scratch, here and below: PAGE_SCRATCH_BYTES, overwritten.
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
