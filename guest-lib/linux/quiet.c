// SPDX-License-Identifier: MIT
/*
 * Pages that may be written at any time, and mostly are not: offered once their
 * content has stayed the same from one look to the next.
 *
 * The first looks at a list are at all of it; later ones, in each epoch, at the
 * pages whose rest is over, of which each was quiet once.
 *
 * Why it is safe to offer what may be written meanwhile: a write breaks the
 * share in the fault, in any context, and a write in the midst of the offer
 * comes before the comparison or after the whole.
 */
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/xxhash.h>

#include "pasture.h"

#define LOOKS	4

u64 quiet_volatile;

int quiet_alloc(struct quiet_list *l, unsigned long count)
{
	l->page = vzalloc(max(count, 1ul) * sizeof(*l->page));
	if (!l->page)
		return -ENOMEM;
	l->count = 0;
	l->most = count;
	l->looks = LOOKS;
	return 0;
}

void quiet_free(struct quiet_list *l)
{
	vfree(l->page);
	*l = (struct quiet_list){ 0 };
}

void quiet_add(struct quiet_list *l, unsigned long pfn, unsigned long va)
{
	if (l->count < l->most)
		l->page[l->count++] = (struct quiet_page){ .pfn = pfn, .va = va };
}

/* Never 0. */
static u32 sum_of(unsigned long pfn)
{
	return (u32)xxh64(pfn_to_kaddr(pfn), PAGE_SIZE, 0) | 1;
}

/* Unchanged since the last look? */
static bool is_quiet(struct quiet_page *p)
{
	u32 before = p->sum;

	p->sum = sum_of(p->pfn);
	if (before && p->sum != before)
		quiet_volatile++;
	return p->sum == before;
}

void quiet_round(struct quiet_list *l)
{
	struct offer *o = &offer_batch;
	unsigned long i;

	if (l->looks)
		l->looks--;
	else if (!table_in_epoch())
		return;
	for (i = 0; i < l->count; i++) {
		struct quiet_page *p = &l->page[i];

		if (!table_may_offer(p->pfn) || !is_quiet(p) || !offer_add(o, p->pfn, p->va))
			continue;
		offer_now(o);
		cond_resched();
	}
	offer_now(o);
}
