// SPDX-License-Identifier: MIT
/*
 * Pages of the page cache that no process maps, soon after they came into it.
 *
 * They are told by the tracepoint mm_lru_insertion, which each of them passes
 * on its way to the lists of the reclaim, those of tmpfs too.  It sets a bit
 * and nothing else.  A page is tried when it has been there for one to two
 * periods: a file that is being written or read is left to come to rest.
 *
 * Left out are pages whose buffers somebody may write to a disk with no more
 * than a reference of the buffer's: no lock, mark or count of the page tells
 * that its frame's number is in a request just now (jbd2 writes its journal
 * so).  Those are a block device's, and such as Linux itself would not move.
 *
 * An offer (LX3).  The page gets a reference and is locked, so it stays in its
 * file and nobody maps it; it is unmapped, so no page table has it, pinned or
 * not.  Code that walks page tables without a lock (get_user_pages_fast) may
 * have read an entry before that was so: after a grace period no more.  Then,
 * with interrupts off, the reference count is frozen at what the cache, the
 * private data and we have: nobody else is in the midst of using the page, and
 * a lookup that comes meanwhile waits.  A page that is not as it must be at any
 * step is left; it is tried again after a rest.
 *
 * A page that processes map is looked at twice, MAPPED_REST apart, for the mark
 * that the CPU leaves in an entry that it used.  If nobody used it in between
 * it is taken from them, as reclaim does it, and offered as any other: whoever
 * wants it again faults, and maps it anew, which breaks the share first (sole).
 */
#include <linux/bitmap.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/timer.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>

#include "pasture.h"

#define PERIOD		(HZ / 4)
#define MAPPED_REST	HZ
#define MAPPED_REST_MOST	(8ul * HZ)

/* A bit for each pfn; set without a lock, also by who saw the other pointer. */
static unsigned long *fresh, *ripe;
/* Mapped pages whose entries had their marks taken away at that time. */
static unsigned long *unmarked;
static unsigned long unmarked_at;
static struct tracepoint *point;
static bool hooked;
/* Brings pages that wait to be put on the lists there; NULL: cannot be had. */
static void (*drain)(void);
/* Reclaim's own: how many entries were used; all entries away.  NULL: none. */
static typeof(folio_referenced) *count_used;
static typeof(try_to_unmap) *unmap;
static struct folio *held[OFFER_BATCH];	/* referenced and locked */

static void period_over(struct timer_list *unused)
{
	main_wake();
}

static DEFINE_TIMER(period, period_over);

/*
 * From the tracepoint: with the list's lock, interrupts off.  Only a bit, and a
 * timer that may be set already.
 */
static void inserted(void *unused, struct folio *folio)
{
	unsigned long pfn = folio_pfn(folio);

	if (pfn >= hyper_pfns || folio_test_anon(folio) || folio_test_large(folio))
		return;
	set_bit(pfn, READ_ONCE(fresh));
	if (!timer_pending(&period))
		mod_timer(&period, jiffies + PERIOD);
}

void cache_again(unsigned long pfn)
{
	set_bit(pfn, ripe);
}

static void find_point(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "mm_lru_insertion"))
		point = tp;
}

/* What is in the cache already, without a look at what it is. */
static void take_stock(void)
{
	unsigned long pfn;

	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (page && PageLRU(page) && !PageAnon(page) && !PageCompound(page))
			set_bit(pfn, ripe);
	}
}

int cache_init(void)
{
	if (!param_cache)
		return 0;
	fresh = vzalloc(BITS_TO_LONGS(hyper_pfns) * sizeof(long));
	ripe = vzalloc(BITS_TO_LONGS(hyper_pfns) * sizeof(long));
	unmarked = vzalloc(BITS_TO_LONGS(hyper_pfns) * sizeof(long));
	if (!fresh || !ripe || !unmarked)
		return -ENOMEM;
	for_each_kernel_tracepoint(find_point, NULL);
	if (point && !tracepoint_probe_register(point, inserted, NULL))
		hooked = true;
	else
		pr_info("no tracepoint mm_lru_insertion: only what is cached now is shared\n");
	drain = (void *)hyper_symbol("lru_add_drain_all");
	if (param_cold) {
		count_used = (void *)hyper_symbol("folio_referenced");
		unmap = (void *)hyper_symbol("try_to_unmap");
	}
	take_stock();
	return 0;
}

void cache_fini(void)
{
	if (hooked)
		tracepoint_probe_unregister(point, inserted, NULL);
	tracepoint_synchronize_unregister();
	del_timer_sync(&period);
	vfree(fresh);
	vfree(ripe);
	vfree(unmarked);
}

static bool is_cached(struct folio *folio)
{
	return folio_test_lru(folio) && !folio_test_anon(folio) && !folio_test_large(folio) &&
	       folio->mapping && !((unsigned long)folio->mapping & PAGE_MAPPING_FLAGS);
}

/* Nobody uses its buffers without the page's lock, or mark. */
static bool is_whole(struct folio *folio)
{
	const struct address_space *mapping = folio->mapping;

	return mapping->host && !S_ISBLK(mapping->host->i_mode) &&
	       (!folio_test_private(folio) || mapping->a_ops->migrate_folio);
}

static bool is_still(struct folio *folio)
{
	return folio_test_uptodate(folio) && !folio_test_writeback(folio) && !folio_test_swapcache(folio);
}

static void release(struct folio *folio)
{
	folio_unlock(folio);
	folio_put(folio);
}

/* NULL, or the page's folio, a file's, with a reference, locked. */
static struct folio *hold(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;

	if (!page || !PageLRU(page) || PageTail(page))
		return NULL;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return NULL;
	if (!folio_trylock(folio)) {
		folio_put(folio);
		return NULL;
	}
	if (folio_pfn(folio) == pfn && is_cached(folio) && is_whole(folio) && is_still(folio))
		return folio;
	release(folio);
	return NULL;
}

static int frozen_count(struct folio *folio)
{
	return 1 + 1 + (folio_test_private(folio) ? 1 : 0);
}

/*
 * Nobody maps it; or nobody did more since it was asked before than have it
 * mapped, and now nobody does.
 */
static bool is_unmapped(struct folio *folio, bool again)
{
	unsigned long flags;

	if (!folio_mapped(folio))
		return true;
	if (!count_used || !unmap || count_used(folio, 1, NULL, &flags) || !again ||
	    folio_ref_count(folio) != frozen_count(folio) + page_mapcount(&folio->page))
		return false;
	unmap(folio, 0);
	return !folio_mapped(folio);
}

/* The first of held[] are those that could be frozen; returns how many. */
static unsigned int freeze(unsigned int count)
{
	unsigned int i, n = 0;

	for (i = 0; i < count; i++) {
		if (!folio_ref_freeze(held[i], frozen_count(held[i])))
			continue;
		swap(held[n], held[i]);
		n++;
	}
	return n;
}

static void unfreeze(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		folio_ref_unfreeze(held[i], frozen_count(held[i]));
}

static void freeze_and_offer(struct offer *o, unsigned int count)
{
	unsigned int i, n;
	unsigned long flags;
	long rc;

	local_irq_save(flags);
	n = freeze(count);
	for (i = 0; i < n; i++)
		offer_add(o, folio_pfn(held[i]), 0);
	rc = offer_call(o);
	unfreeze(n);
	local_irq_restore(flags);
	offer_account(o, KIND_CACHE, rc);
	for (i = n; i < count; i++)
		table_refused(folio_pfn(held[i]));
}

static void offer_held(unsigned int count)
{
	unsigned int i;

	if (!count)
		return;
	synchronize_rcu_expedited();
	freeze_and_offer(&offer_batch, count);
	for (i = 0; i < count; i++)
		release(held[i]);
}

/* again: it was looked at MAPPED_REST ago or before. */
static bool is_wanted(unsigned long pfn, bool again)
{
	return again ? table_kind(pfn) == KIND_CACHE && !table_is_shared(pfn) :
		       table_new_life(pfn, KIND_CACHE);
}

/*
 * A page that cannot be held now (locked, referred to) rests like one that was
 * refused.  One that processes use is looked at again.
 */
static unsigned int try_page(unsigned long pfn, unsigned int count, bool again)
{
	struct folio *folio;
	bool mapped;

	if (!is_wanted(pfn, again))
		return count;
	folio = hold(pfn);
	if (folio && is_unmapped(folio, again)) {
		held[count] = folio;
		return count + 1;
	}
	mapped = folio && folio_mapped(folio);
	if (folio)
		release(folio);
	if (mapped && count_used && unmap)
		set_bit(pfn, unmarked);
	else
		table_refused(pfn);
	return count;
}

static void try_all(unsigned long *bits, bool again)
{
	unsigned int count = 0;
	unsigned long pfn;

	for_each_set_bit(pfn, bits, hyper_pfns) {
		clear_bit(pfn, bits);
		count = try_page(pfn, count, again);
		if (count == OFFER_BATCH) {
			offer_held(count);
			count = 0;
		}
		cond_resched();
	}
	offer_held(count);
}

/* Those that came while the last period ran have been there for one now. */
static void ripen(void)
{
	unsigned long *were_fresh = fresh;

	if (timer_pending(&period))
		return;
	WRITE_ONCE(fresh, ripe);
	ripe = were_fresh;
	if (!bitmap_empty(ripe, hyper_pfns))
		mod_timer(&period, jiffies + PERIOD);
}

/* Those that are in use are looked at after twice the time. */
static void look_again(void)
{
	static unsigned long rest = MAPPED_REST;

	if (bitmap_empty(unmarked, hyper_pfns)) {
		rest = MAPPED_REST;
		unmarked_at = jiffies + rest;
	} else if (time_after_eq(jiffies, unmarked_at)) {
		try_all(unmarked, true);
		rest = min(2 * rest, MAPPED_REST_MOST);
		unmarked_at = jiffies + rest;
	}
}

void cache_round(void)
{
	if (!ripe)
		return;
	if (table_in_epoch() && drain)
		drain();
	look_again();
	if (!bitmap_empty(ripe, hyper_pfns)) {
		/* new ones do not wait as long as those */
		if (time_after(unmarked_at, jiffies + MAPPED_REST))
			unmarked_at = jiffies + MAPPED_REST;
		try_all(ripe, false);
	}
	ripen();
}
