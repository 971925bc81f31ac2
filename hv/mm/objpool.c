/* SPDX-License-Identifier: MIT */
/*
 * Small objects; objpool.h has the contract.
 *
 * A page serves one size class: a header, then objects.  Pages with a free object
 * are on the class's list; an object finds its page by rounding its address down.
 */
#include <port.h>

#include "lib/list.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "x86/spinlock.h"

#define CLASS_MIN_SHIFT	4
#define CLASS_MAX_SHIFT	10
#define CLASSES		(CLASS_MAX_SHIFT - CLASS_MIN_SHIFT + 1)

struct obj_page {
	struct list link;	/* class list while an object is free */
	void *free;		/* first free object; each holds the next */
	uint32_t used;
	uint32_t shift;
};

static struct spinlock pool_lock = SPINLOCK_INIT(LOCK_OBJPOOL);
static struct list partial[CLASSES];	/* LOCK_OBJPOOL */

static unsigned int shift_for(size_t bytes)
{
	unsigned int shift = CLASS_MIN_SHIFT;

	while ((1UL << shift) < bytes)
		shift++;
	return shift;
}

static struct list *class_list(unsigned int shift)
{
	struct list *l = &partial[shift - CLASS_MIN_SHIFT];

	if (!l->next)
		list_init(l);
	return l;
}

static struct obj_page *page_new(unsigned int shift)
{
	struct obj_page *page = palloc_hv(0);
	uintptr_t at, end = (uintptr_t)page + PAGE_SIZE;

	if (!page)
		return NULL;
	page->shift = shift;
	at = (uintptr_t)page + ALIGN_UP(sizeof(*page), 1UL << shift);
	for (; at + (1UL << shift) <= end; at += 1UL << shift) {
		*(void **)at = page->free;
		page->free = (void *)at;
	}
	list_insert_before(class_list(shift), &page->link);
	return page;
}

static void *small_alloc(unsigned int shift)
{
	struct list *l = class_list(shift);
	struct obj_page *page;
	void *obj;

	page = list_empty(l) ? page_new(shift) :
			       list_entry(l->next, struct obj_page, link);
	if (!page)
		return NULL;
	obj = page->free;
	page->free = *(void **)obj;
	page->used++;
	if (!page->free)
		list_remove(&page->link);
	return obj;
}

static unsigned int order_for(size_t bytes)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

void *obj_alloc(size_t bytes)
{
	unsigned int shift = shift_for(bytes);
	void *obj;

	if (shift > CLASS_MAX_SHIFT)
		return palloc_hv(order_for(bytes));
	spin_lock(&pool_lock);
	obj = small_alloc(shift);
	spin_unlock(&pool_lock);
	if (obj)
		memset(obj, 0, 1UL << shift);
	return obj;
}

static void small_free(void *obj)
{
	struct obj_page *page = (void *)((uintptr_t)obj & PAGE_MASK);

	if (!page->free)
		list_insert_before(class_list(page->shift), &page->link);
	*(void **)obj = page->free;
	page->free = obj;
	ASSERT(page->used > 0);
	if (--page->used)
		return;
	list_remove(&page->link);
	palloc_hv_free(page, 0);
}

void obj_free(void *obj, size_t bytes)
{
	unsigned int shift = shift_for(bytes);

	if (!obj)
		return;
	if (shift > CLASS_MAX_SHIFT) {
		palloc_hv_free(obj, order_for(bytes));
		return;
	}
	spin_lock(&pool_lock);
	small_free(obj);
	spin_unlock(&pool_lock);
}
