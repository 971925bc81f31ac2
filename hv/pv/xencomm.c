/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from what a reference names (abi/xencomm.h): descriptors and
 * inline addresses here, registered buffers in xencomm_buffer.c.
 *
 * COMM1  Each word of a descriptor is read once for each page that is copied,
 *        through a frame that the domain may read; the word is checked before
 *        it is used.  A descriptor that changes during a call changes only
 *        where the caller's own data go.
 * COMM2  A page is written only with a general reference and a WRITABLE type
 *        use held (CP7): so the page is no table, not shared and not foreign,
 *        and cannot become so meanwhile.  A page that is read is held by a
 *        general reference, or, if shared, by the domain's own hold, which
 *        LOCK_MM keeps (resolve_read()).
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

static int page_read(struct domain *d, maddr_t at, void *to, size_t bytes)
{
	if (maddr_n(at) >= XENCOMM_MADDR_MAX ||
	    resolve_read(d, maddr_to_mfn(at), maddr_n(at) & ~PAGE_MASK, to, bytes))
		return -EFAULT;
	return 0;
}

static int page_write(struct domain *d, maddr_t at, const void *from,
		      size_t bytes)
{
	struct frame *f;

	if (maddr_n(at) >= XENCOMM_MADDR_MAX || resolve_area(d, maddr_to_mfn(at), &f))
		return -EFAULT;	/* COMM2 */
	memcpy((uint8_t *)mfn_to_virt(frame_to_mfn(f)) + (maddr_n(at) & ~PAGE_MASK), from,
	       bytes);
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
	struct xencomm_desc head;
	uint64_t first, address;
	uint32_t index;

	if (page_read(d, at, &head, sizeof(head)) ||
	    head.magic != XENCOMM_MAGIC ||
	    !head.nr_addrs || head.nr_addrs > XENCOMM_ADDRS_MAX)
		return -EFAULT;
	at = maddr_add(at, sizeof(head));
	if (address_read(d, at, 0, &first))
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

typedef int (*copy_fn)(struct domain *d, uint64_t ref, void *hv, size_t bytes,
		       bool to_guest, size_t *done);

static uint64_t kind_of(uint64_t ref)
{
	return ref >> 62 == 2 ? XENCOMM_DESC : ref & XENCOMM_BUFFER;
}

/* How many bytes the offset field of that kind can name. */
static uint64_t offset_max(uint64_t kind)
{
	switch (kind) {
	case XENCOMM_DESC:
		return XENCOMM_DESC_MAX;
	case XENCOMM_INLINE:
		return XENCOMM_MADDR_MAX;
	default:
		return 1UL << XENCOMM_BUFFER_SHIFT;
	}
}

bool guestref_range_ok(uint64_t ref, uint64_t bytes)
{
	uint64_t kind = kind_of(ref), max;

	if (ref >> 62 != 1 && ref >> 62 != 2)
		return false;
	max = offset_max(kind);
	if (kind == XENCOMM_INLINE && ref - XENCOMM_INLINE >= max)
		return false;
	return bytes <= max - (ref & (max - 1));
}

int guestref_copy(uint64_t ref, void *hv, size_t bytes, bool to_guest)
{
	struct domain *d = current_vcpu()->domain;
	uint64_t kind = kind_of(ref);
	copy_fn copy = kind == XENCOMM_DESC ? descriptor_copy :
		       kind == XENCOMM_INLINE ? inline_copy : buffer_copy;
	maddr_t at = MADDR(ref - XENCOMM_INLINE);
	size_t done;

	/* By far the most frequent case: a few bytes of one page. */
	if (maddr_n(at) < XENCOMM_MADDR_MAX && bytes <= left_in_page(at))
		return page_copy(d, at, hv, bytes, to_guest);
	if (!guestref_range_ok(ref, bytes))
		return -EFAULT;
	for (; bytes; bytes -= done) {
		if (copy(d, ref, hv, bytes, to_guest, &done))
			return -EFAULT;
		ref += done;
		hv = (uint8_t *)hv + done;
	}
	return 0;
}
