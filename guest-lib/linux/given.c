// SPDX-License-Identifier: MIT
/*
 * The pages that were given back, in order.
 *
 * Linux's balloon has them in a list that runs through the map of memory, in
 * the order in which they happened to go: another one in each guest, and so
 * each had pages of the map that no other had.  Once the balloon has come to
 * rest the list is put in the order of the pages' numbers: then neighbours name
 * each other, and guests that gave the same pages back have the same map.
 *
 *  GIVEN1  Linux's own lock of the list is held from the first look to the last
 *          write; whoever has it now is not waited for.
 *  GIVEN2  The list has the same pages before and after: with one that the
 *          module does not know none is written.
 *  GIVEN3  What is right is not written: a write breaks a share.
 */
#include <linux/bitmap.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "pasture.h"

#define LOOKS_AT_ONCE	1024	/* pages, without asking whether others wait */

static struct list_head *list;	/* NULL: cannot be had */
static struct mutex *lock;

void given_init(void)
{
	list = (void *)hyper_symbol("ballooned_pages");
	lock = (void *)hyper_symbol("balloon_mutex");
	if (!lock)
		list = NULL;
}

/* A bit for each page of the list; false: it has one that is not known. */
static bool mark(unsigned long *marks)
{
	unsigned long n = 0, pfn;
	struct page *page;

	list_for_each_entry(page, list, lru) {
		pfn = page_to_pfn(page);
		if (pfn >= hyper_pfns)
			return false;
		__set_bit(pfn, marks);
		if (++n % LOOKS_AT_ONCE == 0)
			cond_resched();
	}
	return true;
}

/* GIVEN3; returns how many words were written. */
static unsigned int join(struct list_head *first, struct list_head *second)
{
	unsigned int n = 0;

	if (first->next != second) {
		first->next = second;
		n++;
	}
	if (second->prev != first) {
		second->prev = first;
		n++;
	}
	return n;
}

static unsigned long join_all(const unsigned long *marks)
{
	struct list_head *last = list;
	unsigned long pfn, n = 0, words = 0;

	for_each_set_bit(pfn, marks, hyper_pfns) {
		words += join(last, &pfn_to_page(pfn)->lru);
		last = &pfn_to_page(pfn)->lru;
		if (++n % LOOKS_AT_ONCE == 0)
			cond_resched();
	}
	return words + join(last, list);
}

bool given_order(void)
{
	unsigned long *marks = list ? vzalloc(BITS_TO_LONGS(hyper_pfns) * sizeof(long)) : NULL;
	unsigned long words = 0;

	if (marks && mutex_trylock(lock)) {
		if (mark(marks))
			words = join_all(marks);
		mutex_unlock(lock);
	}
	vfree(marks);
	return words;
}

unsigned long given_out_of_order(void)
{
	unsigned long n = 0;
	struct page *page;

	if (!list)
		return 0;
	mutex_lock(lock);
	list_for_each_entry(page, list, lru)
		n += page->lru.next != list && list_next_entry(page, lru) < page;
	mutex_unlock(lock);
	return n;
}
