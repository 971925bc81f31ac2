/* SPDX-License-Identifier: MIT */
/*
 * Registered buffers, and memory out of them; gl/xencomm.h.
 *
 * GLBUF1  A buffer's pages are its own and registered from alloc_buf to
 *         free_buf; it is known by the number that the hypervisor gave.
 * GLBUF2  Memory is handed out in units of 64 bytes, first fit; a set bit is a
 *         unit in use.
 * GLBUF3  A buffer with memory in use is freed only when its owner is gone.
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/string.h>
#include <gl/xencomm.h>

#define UNIT		64u
/* = bits of one word of the map */
#define PAGE_UNITS	(GL_PAGE_BYTES / UNIT)

struct buffer {
	long number;		/* 0: this slot is free */
	uint64_t owner;
	uint64_t va;
	unsigned int pages;
	uint64_t used[XENCOMM_BUFFER_PAGES]; /* GLBUF2: a word for each page */
};

static struct buffer buffers[XENCOMM_BUFFERS];	/* `lock` */
static struct gl_lock lock;

_Static_assert(PAGE_UNITS == 64, "a page's units are one word");

static struct buffer *buffer_find(long number)
{
	for (unsigned int i = 0; i < XENCOMM_BUFFERS; i++)
		if (number && buffers[i].number == number)
			return &buffers[i];
	return NULL;
}

static bool unit_used(const struct buffer *b, unsigned int unit)
{
	return b->used[unit / PAGE_UNITS] >> unit % PAGE_UNITS & 1;
}

static void units_set(struct buffer *b, unsigned int first, unsigned int count,
		      bool used)
{
	for (unsigned int u = first; u < first + count; u++) {
		uint64_t bit = 1UL << u % PAGE_UNITS;

		if (used)
			b->used[u / PAGE_UNITS] |= bit;
		else
			b->used[u / PAGE_UNITS] &= ~bit;
	}
}

/* First of `count` free units in a row; all units of the buffer: none. */
static unsigned int units_find(const struct buffer *b, unsigned int count)
{
	unsigned int all = b->pages * PAGE_UNITS, run = 0;

	for (unsigned int u = 0; u < all; u++) {
		run = unit_used(b, u) ? 0 : run + 1;
		if (run == count)
			return u + 1 - count;
	}
	return all;
}

static bool in_use(const struct buffer *b)
{
	for (unsigned int i = 0; i < b->pages; i++)
		if (b->used[i])
			return true;
	return false;
}

/* Tell the hypervisor; the array of frames is built on a page of its own. */
static long register_pages(uint64_t va, unsigned int pages)
{
	uint64_t array = gl_page_alloc();
	long r = -XEN_ENOMEM;

	if (!array)
		return r;
	for (unsigned int i = 0; i < pages; i++)
		((uint64_t *)array)[i] = gl_virt_to_mfn(va + i * GL_PAGE_BYTES);
	r = hypercall_make_ro_and_share(XENCOMMOP_register, array, pages, 0);
	gl_page_free(array);
	return r;
}

/* A free slot, taken for `owner`; NULL: none. */
static struct buffer *slot_take(uint64_t owner, uint64_t va, unsigned int pages)
{
	for (unsigned int i = 0; i < XENCOMM_BUFFERS; i++) {
		struct buffer *b = &buffers[i];

		if (b->number)
			continue;
		*b = (struct buffer){ .number = -1, .owner = owner, .va = va,
				      .pages = pages };
		return b;
	}
	return NULL;
}

long xencomm_alloc_buf(unsigned int pages, uint64_t owner)
{
	uint64_t va;
	struct buffer *b;
	bool on;
	long r;

	if (!pages || pages > XENCOMM_BUFFER_PAGES)
		return -XEN_EINVAL;
	va = gl_pages_alloc(pages);
	if (!va)
		return -XEN_ENOMEM;
	memset((void *)va, 0, pages * GL_PAGE_BYTES);
	on = gl_lock(&lock);
	b = slot_take(owner, va, pages);
	r = b ? register_pages(va, pages) : -XEN_ENOSPC;
	if (b)
		b->number = r > 0 ? r : 0;
	gl_unlock(&lock, on);
	if (r <= 0)
		gl_pages_free(va, pages);
	return r;
}

/* With `lock`. */
static void buffer_drop(struct buffer *b)
{
	(void)hypercall_make_ro_and_share(XENCOMMOP_unregister,
					  (unsigned long)b->number, 0, 0);
	gl_pages_free(b->va, b->pages);
	b->number = 0;
}

long xencomm_free_buf(long buf)
{
	bool on = gl_lock(&lock);
	struct buffer *b = buffer_find(buf);
	long r = !b ? -XEN_ENOENT : in_use(b) ? -XEN_EBUSY : 0;

	if (!r)
		buffer_drop(b);
	gl_unlock(&lock, on);
	return r;
}

uint64_t xencomm_alloc_mem(long buf, size_t bytes, void **va)
{
	unsigned int count = (bytes + UNIT - 1) / UNIT, unit;
	uint64_t ref = XENCOMM_INVALID;
	bool on = gl_lock(&lock);
	struct buffer *b = buffer_find(buf);

	if (b && count && bytes <= b->pages * GL_PAGE_BYTES) {
		unit = units_find(b, count);
		if (unit < b->pages * PAGE_UNITS) {
			units_set(b, unit, count, true);
			*va = (void *)(b->va + unit * UNIT);
			memset(*va, 0, count * UNIT);
			ref = XENCOMM_BUFFER |
			      (uint64_t)buf << XENCOMM_BUFFER_SHIFT |
			      unit * UNIT;
		}
	}
	gl_unlock(&lock, on);
	return ref;
}

void xencomm_free_mem(uint64_t ref, size_t bytes)
{
	uint64_t payload = ref - XENCOMM_BUFFER;
	uint64_t offset = payload & ((1UL << XENCOMM_BUFFER_SHIFT) - 1);
	bool on = gl_lock(&lock);
	struct buffer *b = buffer_find(payload >> XENCOMM_BUFFER_SHIFT);

	if (b && offset + bytes <= b->pages * GL_PAGE_BYTES)
		units_set(b, offset / UNIT, (bytes + UNIT - 1) / UNIT, false);
	gl_unlock(&lock, on);
}

unsigned int xencomm_owner_gone(uint64_t owner)
{
	unsigned int count = 0;
	bool on = gl_lock(&lock);

	for (unsigned int i = 0; i < XENCOMM_BUFFERS; i++) {
		if (buffers[i].number <= 0 || buffers[i].owner != owner)
			continue;
		buffer_drop(&buffers[i]);
		count++;
	}
	gl_unlock(&lock, on);
	return count;
}
