/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from what a reference names (abi/xencomm.h): descriptors and
 * inline addresses here, registered buffers in xencomm_buffer.c.
 *
 * COMM1  Each word of a descriptor is read once for each page that is copied,
 *        through a frame that the domain may read; the word is checked before
 *        it is used.  A descriptor that changes during a call changes only
 *        where the caller's own data go.
 * COMM2  A page is written only while it is the domain's own and of class
 *        WRITABLE (CP7): so it is no table, not shared and not foreign.  What
 *        is seen to be so stays so until this CPU answers a flush, just as if
 *        a translation in its own TLB were used: whoever gives a page of the
 *        domain's another class or owner, or frees it, flushes the domain's
 *        CPUs behind that, this one among them, before the page is used anew
 *        (TL2; mm/pagetype.h, T3, T6).  So page_at_hand() takes nothing, and
 *        its caller waits for nobody while it copies.
 * COMM4  Of any other page the copy holds a general reference and, if it is
 *        written, a WRITABLE use, once a share was broken for that; or, of a
 *        shared one that is read, the domain's own hold, which LOCK_MM keeps
 *        (resolve_read()).
 * COMM3  A copy stops at the first thing that is wrong; nothing is touched
 *        outside of what was named.
 *
 * No locks are held by the caller, as for any copy (guestcopy.h).
 */
#include <port.h>
#include <errno.h>

#include <xen/xencomm.h>

#include "abi/xencomm.h"
#include "dom/above.h"
#include "pv/resolve.h"
#include "pv/xencomm.h"
#include "x86/above.h"
#include "x86/guestcopy.h"

#define LINK_SLOT	(PAGE_SIZE - sizeof(uint64_t))

/* --- one page --- */

/*
 * COMM2: the page of `at`, if the domain may read, or write, it as it stands.
 * NULL: look closer.
 */
static inline uint8_t *page_at_hand(const struct domain *d, maddr_t at, bool to_write)
{
	mfn_t mfn = maddr_to_mfn(at);
	const struct frame *f = mfn_to_frame(mfn);
	uint64_t type;

	if (!frame_in_largest_range(mfn) ||
	    !frame_state_is_page(frame_state(f), d->id))
		return NULL;
	type = READ_ONCE(f->type);
	if (to_write && (type_class(type) != CLASS_WRITABLE || (type & TYPE_FLUSHING)))
		return NULL;
	return mfn_to_virt(mfn);
}

static int page_read(struct domain *d, maddr_t at, void *to, size_t bytes)
{
	const uint8_t *page = page_at_hand(d, at, false);
	uint32_t offset = maddr_n(at) & ~PAGE_MASK;

	if (likely(page))
		memmove(to, page + offset, bytes);
	else if (maddr_n(at) >= XENCOMM_MADDR_MAX ||
		 resolve_read(d, maddr_to_mfn(at), offset, to, bytes))
		return -EFAULT;
	return 0;
}

static int page_write(struct domain *d, maddr_t at, const void *from,
		      size_t bytes)
{
	uint8_t *page = page_at_hand(d, at, true);
	uint32_t offset = maddr_n(at) & ~PAGE_MASK;
	struct frame *f;

	if (likely(page)) {
		memmove(page + offset, from, bytes);
		return 0;
	}
	if (maddr_n(at) >= XENCOMM_MADDR_MAX || resolve_area(d, maddr_to_mfn(at), &f))
		return -EFAULT;	/* COMM4 */
	memmove((uint8_t *)mfn_to_virt(frame_to_mfn(f)) + offset, from, bytes);
	resolve_area_put(d, f);
	return 0;
}

static size_t left_in_page(maddr_t at)
{
	return PAGE_SIZE - (maddr_n(at) & ~PAGE_MASK);
}

static int page_copy(struct domain *d, maddr_t at, void *hv, size_t bytes,
		     bool to_guest)
{
	return to_guest ? page_write(d, at, hv, bytes) :
			  page_read(d, at, hv, bytes);
}

/* --- descriptors --- */

/*
 * Read address number `index` of the list that starts at `list`.  While it lies
 * beyond the list's page, go on to the list's next page, at most
 * XENCOMM_ADDRS_MAX / 511 times.
 */
static int address_read(struct domain *d, maddr_t list, uint32_t index,
			uint64_t *address)
{
	for (;;) {
		uint32_t room = (LINK_SLOT - (maddr_n(list) & ~PAGE_MASK)) /
				sizeof(uint64_t);

		if (index < room)
			return page_read(d, maddr_add(list, index * sizeof(uint64_t)),
					 address, sizeof(*address));
		index -= room;
		if (page_read(d, MADDR((maddr_n(list) & PAGE_MASK) + LINK_SLOT), &list,
			      sizeof(list)) || (maddr_n(list) & ~PAGE_MASK))
			return -EFAULT;
	}
}

/* Where byte `offset` of what the descriptor describes lies. */
static int descriptor_find(struct domain *d, maddr_t at, uint64_t offset,
			   maddr_t *found)
{
	struct {
		struct xencomm_desc head;
		uint64_t first;	/* it is aligned to both */
	} start;
	struct xencomm_desc head;
	uint64_t first, address;
	uint32_t index;

	if (page_read(d, at, &start, sizeof(start)))
		return -EFAULT;
	head = start.head;
	first = start.first;
	if (head.magic != XENCOMM_MAGIC ||
	    !head.nr_addrs || head.nr_addrs > XENCOMM_ADDRS_MAX)
		return -EFAULT;
	at = maddr_add(at, sizeof(head));
	/* The last word of a page is no address of the list. */
	if ((maddr_n(at) & ~PAGE_MASK) == LINK_SLOT && address_read(d, at, 0, &first))
		return -EFAULT;
	offset += first & ~PAGE_MASK;
	index = offset >> PAGE_SHIFT;
	if (!index) {
		*found = MADDR((first & PAGE_MASK) + offset);
		return 0;
	}
	if (index >= head.nr_addrs ||
	    address_read(d, at, index, &address) ||
	    (address & ~PAGE_MASK))
		return -EFAULT;
	*found = MADDR(address + (offset & ~PAGE_MASK));
	return 0;
}

static int descriptor_copy(struct domain *d, uint64_t ref, void *hv,
			   size_t bytes, bool to_guest, size_t *done)
{
	uint64_t offset = ref & (XENCOMM_DESC_MAX - 1);
	uint64_t number = (ref & ~XENCOMM_DESC) >> XENCOMM_DESC_SHIFT;
	maddr_t at;

	if (descriptor_find(d, MADDR(number * XENCOMM_DESC_ALIGN), offset, &at))
		return -EFAULT;
	*done = MIN(bytes, left_in_page(at));
	return page_copy(d, at, hv, *done, to_guest);
}

static int inline_copy(struct domain *d, uint64_t ref, void *hv, size_t bytes,
		       bool to_guest, size_t *done)
{
	maddr_t at = MADDR(ref - XENCOMM_INLINE);

	*done = MIN(bytes, left_in_page(at));
	return page_copy(d, at, hv, *done, to_guest);
}

static int buffer_copy(struct domain *d, uint64_t ref, void *hv, size_t bytes,
		       bool to_guest, size_t *done)
{
	uint64_t payload = ref - XENCOMM_BUFFER;
	uint64_t offset = payload & ((1UL << XENCOMM_BUFFER_SHIFT) - 1);

	return xencomm_buffer_copy(d, payload >> XENCOMM_BUFFER_SHIFT, offset,
				   hv, bytes, to_guest, done);
}

/* --- any reference --- */

/* Bits 63 to 61. */
#define KIND_INLINE	2u
#define KIND_BUFFER	3u
#define KIND_DESC	4u	/* and, with bit 61, the next */

static inline bool range_ok(uint64_t ref, uint64_t bytes)
{
	uint64_t at = ref - XENCOMM_INLINE, max = XENCOMM_DESC_MAX;

	switch (ref >> 61) {
	case KIND_INLINE:
		return at < XENCOMM_MADDR_MAX && bytes <= XENCOMM_MADDR_MAX - at;
	case KIND_BUFFER:
		max = 1UL << XENCOMM_BUFFER_SHIFT;
		break;
	case KIND_DESC: case KIND_DESC + 1:
		break;
	default:
		return false;
	}
	return bytes <= max - (ref & (max - 1));
}

bool guestref_range_ok(uint64_t ref, uint64_t bytes)
{
	return range_ok(ref, bytes);
}

static inline int some_copy(struct domain *d, uint64_t ref, void *hv, size_t bytes,
		     bool to_guest, size_t *done)
{
	switch (ref >> 61) {
	case KIND_INLINE:
		return inline_copy(d, ref, hv, bytes, to_guest, done);
	case KIND_BUFFER:
		return buffer_copy(d, ref, hv, bytes, to_guest, done);
	default:
		return descriptor_copy(d, ref, hv, bytes, to_guest, done);
	}
}

int guestref_copy(uint64_t ref, void *hv, size_t bytes, bool to_guest)
{
	struct domain *d = current_vcpu()->domain;
	size_t done;

	if (!range_ok(ref, bytes))
		return -EFAULT;
	while (bytes) {
		if (some_copy(d, ref, hv, bytes, to_guest, &done))
			return -EFAULT;
		if (likely(done == bytes))
			break;
		bytes -= done;
		ref += done;
		hv = (uint8_t *)hv + done;
	}
	return 0;
}
