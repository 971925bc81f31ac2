// SPDX-License-Identifier: MIT
/*
 * Pages that may be written at any time, and mostly are not: offered once their
 * content has stayed the same from one look to the next.
 *
 * The first looks at a list are at all of it, and some more after the balloon
 * has moved, which writes to the pages' structures; later ones, in each epoch,
 * at the pages whose rest is over, of which each was quiet once.
 *
 * Why it is safe to offer what may be written meanwhile: a write breaks the
 * share in the fault, in any context, and a write in the midst of the offer
 * comes before the comparison or after the whole.
 */
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/xxhash.h>

#include "pasture.h"

#define LOOKS_AT_ONCE 64	/* pages, without asking whether others wait */
#define LOOKS	4

u64 quiet_volatile;
static unsigned int again;	/* counts the calls; pasture_lock */
/* of the list that was looked at last; any thread may look */
static unsigned int looks_left;

int quiet_alloc(struct quiet_list *l, enum page_kind kind, unsigned long count)
{
	l->page = vzalloc(max(count, 1ul) * sizeof(*l->page));
	if (!l->page)
		return -ENOMEM;
	l->count = 0;
	l->most = count;
	l->looks = LOOKS;
	l->again = again;
	l->kind = kind;
	return 0;
}

void quiet_again(void)
{
	again++;
}

bool quiet_looks_left(void)
{
	return READ_ONCE(looks_left);
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

/*
 * Unchanged since the last look?  A page of a list may be free by now, or given
 * back, and then there is nothing to read.  A sum is never 0.
 */
static bool is_quiet(struct quiet_page *p)
{
	const void *now = hyper_look(p->pfn);
	u32 before = p->sum;

	if (!now)
		return false;
	p->sum = (u32)xxh64(now, PAGE_SIZE, 0) | 1;
	if (before && p->sum != before)
		quiet_volatile++;
	return p->sum == before;
}

/*
 * The page is what it was when the list was made: one of a block may have been
 * freed, and taken by an interrupt, a moment ago, and one of an area mapped by
 * a process.
 */
static bool is_its(const void *list, unsigned long pfn)
{
	const struct quiet_list *l = list;

	if (table_kind(pfn) != l->kind)
		return false;
	if (l->kind == KIND_LARGE)
		return large_is_one(pfn);
	return l->kind != KIND_VMALLOC || vmalloc_is_own(pfn);
}

/* What is something else now rests: nobody is stopped for it each time. */
static bool is_ready(const struct quiet_list *l, struct quiet_page *p)
{
	if (!table_may_offer(p->pfn, l->kind) || !is_quiet(p))
		return false;
	if (is_its(l, p->pfn))
		return true;
	table_refused(p->pfn);
	return false;
}

static void flush(const struct quiet_list *l, struct offer *o)
{
	long rc = offer_send(o, is_its, l);
	unsigned int i;

	for (i = 0; i < o->count; i++)
		if (o->entry[i].status == SHARE_DONE)
			table_note_frame(o->pfn[i], o->entry[i].mfn);
	offer_account(o, l->kind, rc);
}

void quiet_round(struct quiet_list *l)
{
	struct offer *o = &offer_batch;
	unsigned long i;

	if (l->again != again)
		l->looks = LOOKS;
	l->again = again;
	WRITE_ONCE(looks_left, l->looks);
	if (l->looks)
		l->looks--;
	else if (!table_in_epoch())
		return;
	for (i = 0; i < l->count; i++) {
		struct quiet_page *p = &l->page[i];

		if (i % LOOKS_AT_ONCE == 0)
			cond_resched();
		if (!is_ready(l, p) || !offer_add(o, p->pfn, p->va))
			continue;
		flush(l, o);
		cond_resched();
	}
	flush(l, o);
}
