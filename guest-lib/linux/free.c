// SPDX-License-Identifier: MIT
/*
 * Free memory that the balloon leaves to the guest: all zero, and shared as
 * such, so that it costs nothing until somebody takes it.
 *
 * Linux's own free page reporting hands over free pages, out of the allocator's
 * reach while report() runs, and not again before they were in use.  They are
 * filled with zeros, offered, and go back to the allocator; whoever takes one
 * later writes to it, which breaks the share in the fault.  One entry, the
 * linear map's, and nobody has the frame's number: the page is nobody's.
 *
 * Nothing is offered while the balloon is on its way, which would take the
 * pages next; reporting asks again when a page is freed.
 *
 * Linux asks every two seconds, for a few blocks of each size, so that a guest
 * at work pays little for pages that it takes again; and none of a zone that is
 * at its low watermark, which in a small guest is most of what is free.  Where
 * these blocks are more than half of what is free they are left alone: who
 * wants memory then would reclaim, or be killed, beside them.  In a
 * guest at rest all are offered at once where they lie: while the zone's lock
 * is held nobody takes a page off the allocator's lists.  Those that wait on
 * CPUs' lists are brought there first.
 */
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/page_reporting.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "pasture.h"

#define REST_PAGES	256u	/* taken from look to look: it rests */
#define FREED_LEAST	16u	/* pages, for a look at all of them */
#define LOOK_PERIOD	(2 * HZ)	/* as Linux's reports */
#define LOCKED_MOST	1024u	/* pages looked at under a zone's lock */

static bool active;
static unsigned long next_look;
/* Brings pages on CPUs' lists to the allocator's; NULL: cannot be had. */
static void (*drain)(void *zone);
static unsigned int *order;	/* Linux's: no smaller block is reported */
static unsigned int order_before;

static void flush(struct offer *o)
{
	offer_account(o, KIND_FREE, offer_call(o));
}

static void offer_block(struct page *page, unsigned int length)
{
	unsigned long pfn = page_to_pfn(page), end = pfn + (length >> PAGE_SHIFT);
	struct offer *o = &offer_batch;

	for (; pfn < end; pfn++) {
		if (pfn >= hyper_pfns || !table_take(pfn, KIND_FREE))
			continue;
		clear_highpage(pfn_to_page(pfn));
		if (!offer_add(o, pfn, 0))
			continue;
		flush(o);
		cond_resched();
	}
}

/* What is held here nobody can have meanwhile: no more than is left to them. */
static bool is_too_much(struct scatterlist *list, unsigned int count)
{
	unsigned long pages = 0;
	struct scatterlist *s;
	unsigned int i;

	for_each_sg(list, s, count, i)
		pages += s->length >> PAGE_SHIFT;
	return pages > global_zone_page_state(NR_FREE_PAGES);
}

/*
 * An error: the pages were not looked at, and are reported again.  Nor do they
 * wait here for who is busy.
 */
static int report(struct page_reporting_dev_info *unused, struct scatterlist *list, unsigned int count)
{
	struct scatterlist *s;
	unsigned int i;
	int rc = -EAGAIN;

	if (is_too_much(list, count) || !mutex_trylock(&pasture_lock))
		return rc;
	if (main_is_sharing() && balloon_rests()) {
		for_each_sg(list, s, count, i)
			offer_block(sg_page(s), s->length);
		flush(&offer_batch);
		rc = 0;
	}
	mutex_unlock(&pasture_lock);
	return rc;
}

static struct page_reporting_dev_info reporting = {
	.report = report,
	.order = 1,		/* where single pages cannot be had */
};

/* Single pages too, unless the administrator chose otherwise. */
static void order_choose(void)
{
	order = (unsigned int *)hyper_symbol("page_reporting_order");
	if (!order || *order != -1u) {
		order = NULL;
		return;
	}
	order_before = *order;
	*order = 0;
}

/* Patches text: before image_init(). */
int free_init(void)
{
	int rc;

	if (!param_free)
		return 0;
	drain = (void *)hyper_symbol("drain_all_pages");
	next_look = jiffies;
	order_choose();
	rc = page_reporting_register(&reporting);
	if (rc)
		pr_info("free pages are not reported (%d): they are not shared\n", rc);
	active = !rc;
	return 0;
}

static unsigned long taken, freed;	/* pages, ever */

static void count_events(void)
{
	static unsigned long events[NR_VM_EVENT_ITEMS];
	int i;

	all_vm_events(events);
	freed = events[PGFREE];
	taken = 0;
	for (i = PGALLOC_DMA; i <= PGALLOC_MOVABLE; i++)
		taken += events[i];
}

static bool is_at_rest(void)
{
	static unsigned long before;
	bool rests;

	count_events();
	rests = taken - before < REST_PAGES;
	before = taken;
	return rests;
}

/* 0: no block of free pages begins here.  Its first page alone says so. */
static unsigned long block_size(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	/* The size is good as long as the zone is locked, or a guess. */
	return page && PageBuddy(page) ? 1ul << min_t(unsigned long, READ_ONCE(page->private), MAX_ORDER - 1) : 0;
}

unsigned long free_until(unsigned long pfn)
{
	unsigned long first, size;
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		first = round_down(pfn, 1ul << order);
		size = block_size(first);
		if (size > pfn - first)
			return first + size;
	}
	return pfn;
}

/* Zone's lock.  What is shared already is left; true: the batch is full. */
static bool add_page(struct offer *o, struct zone *zone, unsigned long pfn)
{
	WARN_ON_ONCE(!spin_is_locked(&zone->lock));
	if (pfn >= hyper_pfns || table_is_shared(pfn) || !table_take(pfn, KIND_FREE))
		return false;
	clear_highpage(pfn_to_page(pfn));
	return offer_add(o, pfn, 0);
}

/* Offers what is free from pfn on, a batch at most; returns how far it came. */
static unsigned long offer_some(struct zone *zone, unsigned long pfn, unsigned long end)
{
	struct offer *o = &offer_batch;
	unsigned long flags, until;
	bool full = false;
	long rc;

	end = min(end, pfn + LOCKED_MOST);
	spin_lock_irqsave(&zone->lock, flags);
	for (until = free_until(pfn); pfn < end && !full; pfn++) {
		if (pfn >= until)
			until = pfn + block_size(pfn);
		full = pfn < until && add_page(o, zone, pfn);
	}
	rc = offer_call(o);
	spin_unlock_irqrestore(&zone->lock, flags);
	offer_account(o, KIND_FREE, rc);
	return pfn;
}

/* Nobody took much since so many pages had been taken. */
static bool still_rests(unsigned long since)
{
	count_events();
	return taken - since < REST_PAGES;
}

/* False: the guest, or the balloon, does something else now. */
static bool offer_zone(struct zone *zone, unsigned long since)
{
	unsigned long pfn = zone->zone_start_pfn, end = zone_end_pfn(zone);
	bool may = true;

	while (may && pfn < end) {
		mutex_lock(&pasture_lock);
		may = main_is_sharing() && balloon_rests() && still_rests(since);
		if (may)
			pfn = offer_some(zone, pfn, end);
		mutex_unlock(&pasture_lock);
		cond_resched();
	}
	return may;
}

static bool offer_zones(unsigned long since)
{
	int node, zone;

	for_each_online_node(node)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			if (!offer_zone(&NODE_DATA(node)->node_zones[zone], since))
				return false;
	return true;
}

void free_look(void)
{
	static unsigned long looked_at;
	unsigned long now;

	if (!active || !is_at_rest() || freed - looked_at < FREED_LEAST || time_before(jiffies, next_look))
		return;
	next_look = jiffies + LOOK_PERIOD;
	now = freed;
	if (drain)
		drain(NULL);
	if (offer_zones(taken))
		looked_at = now;
}

/* Without pasture_lock, which a report under way wants. */
void free_fini(void)
{
	if (active)
		page_reporting_unregister(&reporting);
	active = false;
	if (order)
		*order = order_before;
	order = NULL;
}
