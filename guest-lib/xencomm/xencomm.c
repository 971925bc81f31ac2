/* SPDX-License-Identifier: MIT */
/*
 * References to memory of the linear map; gl/xencomm.h.
 *
 * Descriptors lie in whole pages: head and 510 addresses on the first, 511 on
 * each further one, whose last 8 bytes lead to the next (xencomm.h).
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/string.h>
#include <gl/xencomm.h>

#define WORDS	(GL_PAGE_BYTES / sizeof(uint64_t))
/* word of a descriptor page that leads to the next */
#define LINK	(WORDS - 1)
#define FIRST	(LINK - 1)	/* addresses on the first page */

static uint64_t offset_of(uint64_t va)
{
	return va & (GL_PAGE_BYTES - 1);
}

/* Pages that [va, va + bytes) touches; an empty area touches one. */
static uint64_t pages_of(uint64_t va, size_t bytes)
{
	return (offset_of(va) + (bytes ? bytes : 1) + GL_PAGE_BYTES - 1) >>
	       GL_PAGE_SHIFT;
}

static uint64_t maddr_of(uint64_t va)
{
	return gl_virt_to_mfn(va) << GL_PAGE_SHIFT | offset_of(va);
}

static bool frames_there(uint64_t va, size_t bytes)
{
	uint64_t n = pages_of(va, bytes), i;

	for (i = 0; i < n; i++)
		if (gl_virt_to_mfn(va + i * GL_PAGE_BYTES) == GL_NO_FRAME)
			return false;
	return true;
}

uint64_t xencomm_inline(const void *area, size_t bytes)
{
	uint64_t va = (uint64_t)area, first = gl_virt_to_mfn(va), i;

	if (!frames_there(va, bytes))
		return XENCOMM_INVALID;
	for (i = 1; i < pages_of(va, bytes); i++)
		if (gl_virt_to_mfn(va + i * GL_PAGE_BYTES) != first + i)
			return XENCOMM_INVALID;
	return XENCOMM_INLINE | maddr_of(va);
}

static uint64_t desc_ref(uint64_t va)
{
	return XENCOMM_DESC |
	       maddr_of(va) / XENCOMM_DESC_ALIGN << XENCOMM_DESC_SHIFT;
}

/* --- descriptors in pages --- */

/* The va of the page that follows in a descriptor; 0: none. */
static uint64_t next_page(uint64_t va)
{
	uint64_t link = ((uint64_t *)va)[LINK];

	return link ? gl_pfn_to_virt(gl_mfn_to_pfn(link >> GL_PAGE_SHIFT)) : 0;
}

static void pages_free(uint64_t va)
{
	while (va) {
		uint64_t next = next_page(va);

		gl_page_free(va);
		va = next;
	}
}

static uint64_t page_new(void)
{
	uint64_t va = gl_page_alloc();

	if (va)
		memset((void *)va, 0, GL_PAGE_BYTES);
	return va;
}

static uint64_t head_new(void)
{
	struct xencomm_desc *x = (struct xencomm_desc *)page_new();

	if (x)
		x->magic = XENCOMM_MAGIC;
	return (uint64_t)x;
}

/*
 * Append an address to the descriptor that starts at `first` and whose last
 * page is *last.  False: no memory.
 */
static bool address_add(uint64_t first, uint64_t *last, uint64_t maddr)
{
	struct xencomm_desc *x = (struct xencomm_desc *)first;
	uint64_t slot = x->nr_addrs < FIRST ? LINK - FIRST + x->nr_addrs :
					      (x->nr_addrs - FIRST) % LINK;

	if (!slot) {
		uint64_t page = page_new();

		if (!page)
			return false;
		((uint64_t *)*last)[LINK] = maddr_of(page);
		*last = page;
	}
	((uint64_t *)*last)[slot] = maddr;
	x->nr_addrs++;
	return true;
}

uint64_t xencomm_map(const void *area, size_t bytes)
{
	uint64_t va = (uint64_t)area, ref = xencomm_inline(area, bytes);
	uint64_t first, last, i;

	if (ref != XENCOMM_INVALID)
		return ref;
	if (bytes > XENCOMM_DESC_MAX || !frames_there(va, bytes))
		return XENCOMM_INVALID;
	first = last = head_new();
	if (!first)
		return XENCOMM_INVALID;
	for (i = 0; i < pages_of(va, bytes); i++) {
		uint64_t at = i ? (va & ~(GL_PAGE_BYTES - 1)) +
				  i * GL_PAGE_BYTES : va;

		if (!address_add(first, &last, maddr_of(at)))
			break;
	}
	if (i == pages_of(va, bytes))
		return desc_ref(first);
	pages_free(first);
	return XENCOMM_INVALID;
}

void xencomm_free(uint64_t ref)
{
	uint64_t maddr;

	if (ref >> 62 != XENCOMM_DESC >> 62)
		return;
	maddr = (ref & ~XENCOMM_DESC) >> XENCOMM_DESC_SHIFT <<
		__builtin_ctz(XENCOMM_DESC_ALIGN);
	pages_free(gl_pfn_to_virt(gl_mfn_to_pfn(maddr >> GL_PAGE_SHIFT)));
}

uint64_t xencomm_map_no_alloc(const void *area, size_t bytes,
			      struct xencomm_mini *mini)
{
	uint64_t va = (uint64_t)area, n = pages_of(va, bytes), i;

	if (n > 6 || !frames_there(va, bytes))
		return XENCOMM_INVALID;
	mini->head.magic = XENCOMM_MAGIC;
	mini->head.nr_addrs = n;
	mini->address[0] = maddr_of(va);
	for (i = 1; i < n; i++)
		mini->address[i] = maddr_of((va & ~(GL_PAGE_BYTES - 1)) +
					    i * GL_PAGE_BYTES);
	return desc_ref((uint64_t)mini);
}

/* --- of a length not known beforehand --- */

static bool growing_page(struct xencomm_growing *g)
{
	uint64_t page;

	if (g->bytes >= XENCOMM_DESC_MAX)
		return false;
	if (!g->first) {
		g->first = g->last = head_new();
		if (!g->first)
			return false;
		g->ref = desc_ref(g->first);
	}
	page = page_new();
	if (!page)
		return false;
	if (address_add(g->first, &g->last, maddr_of(page))) {
		g->page = page;
		return true;
	}
	gl_page_free(page);
	return false;
}

size_t xencomm_append(struct xencomm_growing *g, const void *data, size_t bytes)
{
	const uint8_t *from = data;
	size_t done = 0;

	while (done < bytes) {
		uint64_t at = offset_of(g->bytes), n = GL_PAGE_BYTES - at;

		if (!at && !growing_page(g))
			break;
		if (n > bytes - done)
			n = bytes - done;
		memcpy((uint8_t *)g->page + at, from + done, n);
		done += n;
		g->bytes += n;
	}
	return done;
}

/*
 * Free the pages that a page of the descriptor names: `n` of them from `slot`
 * on.
 */
static void data_free(uint64_t page, uint64_t slot, uint32_t n)
{
	const uint64_t *word = (const uint64_t *)page;

	while (n--)
		gl_page_free(gl_pfn_to_virt(gl_mfn_to_pfn(word[slot++] >>
							  GL_PAGE_SHIFT)));
}

void xencomm_growing_free(struct xencomm_growing *g)
{
	uint64_t page, slot = LINK - FIRST;
	uint32_t left = g->first ? ((struct xencomm_desc *)g->first)->nr_addrs :
				   0;

	for (page = g->first; page; page = next_page(page)) {
		uint32_t n = left < LINK - slot ? left : LINK - slot;

		data_free(page, slot, n);
		left -= n;
		slot = 0;
	}
	pages_free(g->first);
	*g = (struct xencomm_growing)XENCOMM_GROWING;
}
