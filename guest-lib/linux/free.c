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
 * at work pays little for pages that it takes again.  In a guest at rest all
 * are asked for at once, and those that wait on CPUs' lists, too.
 */
#include <linux/highmem.h>
#include <linux/page_reporting.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "pasture.h"

#define PASSES_MOST	64u	/* Linux's, of one look */
#define REST_PAGES	256u	/* taken from look to look: it rests */

static bool active;
/* Brings pages on CPUs' lists to the allocator's; NULL: cannot be had. */
static void (*drain)(void *zone);
static unsigned int *order;	/* Linux's: no smaller block is reported */
static unsigned int order_before;

static void flush(struct offer *o)
{
	offer_account(o, offer_call(o));
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

/* An error: the pages were not looked at, and are reported again. */
static int report(struct page_reporting_dev_info *unused, struct scatterlist *list, unsigned int count)
{
	struct scatterlist *s;
	unsigned int i;
	int rc = -EAGAIN;

	mutex_lock(&pasture_lock);
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
	order_choose();
	rc = page_reporting_register(&reporting);
	if (rc)
		pr_info("free pages are not reported (%d): they are not shared\n", rc);
	active = !rc;
	return 0;
}

static bool is_at_rest(void)
{
	static unsigned long events[NR_VM_EVENT_ITEMS], before;
	unsigned long taken = 0;
	bool rests;
	int i;

	all_vm_events(events);
	for (i = PGALLOC_DMA; i <= PGALLOC_MOVABLE; i++)
		taken += events[i];
	rests = taken - before < REST_PAGES;
	before = taken;
	return rests;
}

static bool may_report(void)
{
	bool may;

	mutex_lock(&pasture_lock);
	may = main_is_sharing() && balloon_rests();
	mutex_unlock(&pasture_lock);
	return may;
}

void free_look(void)
{
	unsigned int i;

	if (!active || !is_at_rest())
		return;
	if (drain)
		drain(NULL);
	for (i = 0; i < PASSES_MOST && delayed_work_pending(&reporting.work) && may_report(); i++)
		flush_delayed_work(&reporting.work);
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
