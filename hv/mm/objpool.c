/* SPDX-License-Identifier: MIT */
/*
 * Small objects; objpool.h has the contract.
 *
 * A page serves one size class: a header, then objects.  Pages with a free
 * object are on the class's list; an object finds its page by rounding its
 * address down.
 */
#include <port.h>

#include "mm/framepool.h"
#include "mm/objpool.h"
#include "mm/palloc.h"

struct obj_page {
	struct obj_page *next, *before; /* class list while an object is free */
	void *free;		/* first free object; each holds the next */
	uint32_t used;
	uint32_t shift;
};

static struct objpool own = { .lock = SPINLOCK_INIT(LOCK_OBJPOOL) };

static size_t class_bytes(unsigned int shift)
{
	return shift == OBJ_MAX_SHIFT ? OBJ_LARGEST : 1UL << shift;
}

static unsigned int shift_for(size_t bytes)
{
	unsigned int shift = OBJ_MIN_SHIFT;

	while (shift <= OBJ_MAX_SHIFT && class_bytes(shift) < bytes)
		shift++;
	return shift;
}

static void *pages_take(struct objpool *pool, unsigned int order)
{
	return pool->from ? frame_pool_pages(pool->from, order) :
			    palloc_hv(order);
}

static void pages_give(struct objpool *pool, void *pages, unsigned int order)
{
	if (pool->from)
		frame_pool_pages_free(pool->from, pages, order);
	else
		palloc_hv_free(pages, order);
}

/* --- a class's list; all under the lock --- */

static struct obj_page *first_of(struct objpool *pool, unsigned int shift)
{
	return pool->partial[shift - OBJ_MIN_SHIFT];
}

static void list_add(struct objpool *pool, struct obj_page *page)
{
	struct obj_page *next = first_of(pool, page->shift);

	page->before = NULL;
	page->next = next;
	if (next)
		next->before = page;
	pool->partial[page->shift - OBJ_MIN_SHIFT] = page;
}

static void list_cut(struct objpool *pool, struct obj_page *page)
{
	if (page->next)
		page->next->before = page->before;
	if (page->before)
		page->before->next = page->next;
	else
		pool->partial[page->shift - OBJ_MIN_SHIFT] = page->next;
}

static struct obj_page *page_new(struct objpool *pool, unsigned int shift)
{
	struct obj_page *page = pages_take(pool, 0);
	uintptr_t at, end = (uintptr_t)page + PAGE_SIZE;
	size_t bytes = class_bytes(shift);

	if (!page)
		return NULL;
	page->shift = shift;
	/* What is left at the end of a page is at its begin. */
	at = end - (PAGE_SIZE - sizeof(*page)) / bytes * bytes;
	for (; at < end; at += bytes) {
		*(void **)at = page->free;
		page->free = (void *)at;
	}
	list_add(pool, page);
	return page;
}

static void *small_alloc(struct objpool *pool, unsigned int shift)
{
	struct obj_page *page = first_of(pool, shift);
	void *obj;

	if (!page)
		page = page_new(pool, shift);
	if (!page)
		return NULL;
	obj = page->free;
	page->free = *(void **)obj;
	page->used++;
	if (!page->free)
		list_cut(pool, page);
	return obj;
}

static void small_free(struct objpool *pool, void *obj)
{
	struct obj_page *page = (void *)((uintptr_t)obj & PAGE_MASK);

	if (!page->free)
		list_add(pool, page);
	*(void **)obj = page->free;
	page->free = obj;
	ASSERT(page->used > 0);
	if (--page->used)
		return;
	list_cut(pool, page);
	pages_give(pool, page, 0);
}

/* --- any size --- */

static unsigned int order_for(size_t bytes)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

void *objpool_alloc(struct objpool *pool, size_t bytes)
{
	unsigned int shift = shift_for(bytes);
	void *obj;

	if (shift > OBJ_MAX_SHIFT)
		return pages_take(pool, order_for(bytes));
	spin_lock(&pool->lock);
	obj = small_alloc(pool, shift);
	spin_unlock(&pool->lock);
	if (obj)
		memset(obj, 0, class_bytes(shift));
	return obj;
}

void objpool_free(struct objpool *pool, void *obj, size_t bytes)
{
	unsigned int shift = shift_for(bytes);

	if (!obj)
		return;
	if (shift > OBJ_MAX_SHIFT) {
		pages_give(pool, obj, order_for(bytes));
		return;
	}
	spin_lock(&pool->lock);
	small_free(pool, obj);
	spin_unlock(&pool->lock);
}

void *obj_alloc(size_t bytes)
{
	return objpool_alloc(&own, bytes);
}

void obj_free(void *obj, size_t bytes)
{
	objpool_free(&own, obj, bytes);
}
