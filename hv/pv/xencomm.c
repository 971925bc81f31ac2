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
 * COMM5  A page for which COMM2 was seen to hold for writing, or that is a
 *        registered buffer's, is remembered by this CPU until its next flush,
 *        of whatever kind, a change of the vCPU included: until then it may be
 *        used as a translation in the TLB may.  So who takes a buffer's number
 *        away flushes the domain's CPUs (BUFFER4).  What a descriptor says is
 *        read each time (COMM1); only the pages are remembered.
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

/* --- pages that this CPU remembers (COMM5) --- */

enum ref_slot { REF_DATA, REF_DESCRIPTOR };

/* A page's number: the high bits of references to it, their kind included. */
#define DESC_NUMBER_SHIFT	(XENCOMM_DESC_SHIFT + 8)
_Static_assert(PAGE_SIZE / XENCOMM_DESC_ALIGN == 1 << 8, "descriptors of a page");

static inline bool page_known(const struct percpu *cpu, enum ref_slot slot, uint64_t number)
{
	const struct ref_page *p = &cpu->ref_pages[slot];

	return p->number == number && p->flushes == cpu->flushes;
}

static inline uint8_t *data_known(const struct percpu *cpu, uint64_t ref, size_t bytes)
{
	uint32_t offset = ref & ~PAGE_MASK;

	return page_known(cpu, REF_DATA, ref >> PAGE_SHIFT) && bytes <= PAGE_SIZE - offset ?
	       cpu->ref_pages[REF_DATA].page + offset : NULL;
}

static void page_remember(enum ref_slot slot, uint64_t number, uint8_t *page)
{
	struct percpu *cpu = this_cpu();

	cpu->ref_pages[slot] = (struct ref_page){ number, cpu->flushes, page };
}

static uint64_t page_number(enum ref_slot slot, maddr_t at)
{
	return slot == REF_DATA ? (XENCOMM_INLINE + maddr_n(at)) >> PAGE_SHIFT :
				  XENCOMM_DESC >> DESC_NUMBER_SHIFT | maddr_n(at) >> PAGE_SHIFT;
}

/*
 * A descriptor's reference has no room for more; a page of a longer address may
 * hold a part of a list all the same.
 */
static bool has_number(enum ref_slot slot, maddr_t at)
{
	return slot == REF_DATA || maddr_n(at) < 1UL << 40;
}

/* --- one page --- */

/*
 * COMM2: the page of `at`, if the domain may read, or write, it as it stands.
 * NULL: look closer.
 */
static uint8_t *page_at_hand(const struct domain *d, maddr_t at, enum ref_slot slot,
			     bool to_write)
{
	mfn_t mfn = maddr_to_mfn(at);
	const struct frame *f = mfn_to_frame(mfn);
	uint64_t type;

	if (!frame_in_largest_range(mfn) ||
	    !frame_state_is_page(frame_state(f), d->id))
		return NULL;
	type = READ_ONCE(f->type);
	if (type_class(type) == CLASS_WRITABLE && !(type & TYPE_FLUSHING) &&
	    has_number(slot, at))
		page_remember(slot, page_number(slot, at), mfn_to_virt(mfn));
	else if (to_write)
		return NULL;
	return mfn_to_virt(mfn);
}

static int page_read(struct domain *d, maddr_t at, enum ref_slot slot, void *to,
		     size_t bytes)
{
	const uint8_t *page = page_at_hand(d, at, slot, false);
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
	uint8_t *page = page_at_hand(d, at, REF_DATA, true);
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
			  page_read(d, at, REF_DATA, hv, bytes);
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
					 REF_DESCRIPTOR, address, sizeof(*address));
		index -= room;
		if (page_read(d, MADDR((maddr_n(list) & PAGE_MASK) + LINK_SLOT),
			      REF_DESCRIPTOR, &list, sizeof(list)) ||
		    (maddr_n(list) & ~PAGE_MASK))
			return -EFAULT;
	}
}

/* A descriptor is aligned to all of it. */
struct descriptor_start {
	struct xencomm_desc head;
	uint64_t first;
};

static maddr_t descriptor_at(uint64_t ref)
{
	return MADDR(((ref & ~XENCOMM_DESC) >> XENCOMM_DESC_SHIFT) * XENCOMM_DESC_ALIGN);
}

/*
 * What lies on the first page of a descriptor, if this CPU knows both pages;
 * NULL: look closer.
 */
static inline __attribute__((always_inline))
uint8_t *described_known(const struct percpu *cpu, uint64_t ref, size_t bytes)
{
	uint32_t offset = ref >> (XENCOMM_DESC_SHIFT - 4) & 0xff0;
	const struct descriptor_start *start;
	struct xencomm_desc head;
	uint64_t first, byte;

	_Static_assert(XENCOMM_DESC_ALIGN == 1 << 4, "offset");
	if (!page_known(cpu, REF_DESCRIPTOR, ref >> DESC_NUMBER_SHIFT) ||
	    offset == LINK_SLOT - sizeof(head))
		return NULL;
	start = (const void *)(cpu->ref_pages[REF_DESCRIPTOR].page + offset);
	head.magic = READ_ONCE(start->head.magic);
	head.nr_addrs = READ_ONCE(start->head.nr_addrs);
	first = READ_ONCE(start->first);
	byte = first + (ref & (XENCOMM_DESC_MAX - 1));
	if (head.magic != XENCOMM_MAGIC || head.nr_addrs - 1 >= XENCOMM_ADDRS_MAX ||
	    first >= XENCOMM_MADDR_MAX || (first ^ byte) >> PAGE_SHIFT)
		return NULL;
	return data_known(cpu, XENCOMM_INLINE + byte, bytes);
}

/* Where byte `offset` of what the descriptor describes lies. */
static int descriptor_find(struct domain *d, maddr_t at, uint64_t offset,
			   maddr_t *found)
{
	struct descriptor_start start;
	struct xencomm_desc head;
	uint64_t first, address;
	uint32_t index;

	if (page_read(d, at, REF_DESCRIPTOR, &start, sizeof(start)))
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
	maddr_t at;

	if (descriptor_find(d, descriptor_at(ref), ref & (XENCOMM_DESC_MAX - 1), &at))
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
	uint8_t *page;

	page = xencomm_buffer_copy(d, payload >> XENCOMM_BUFFER_SHIFT, offset,
				   hv, bytes, to_guest, done);
	if (page)
		page_remember(REF_DATA, ref >> PAGE_SHIFT, page);
	return page ? 0 : -EFAULT;
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

static __attribute__((noinline)) int copy_pages(uint64_t ref, void *hv, size_t bytes,
						bool to_guest)
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

static inline uint8_t *bytes_known(uint64_t ref, size_t bytes)
{
	const struct percpu *cpu = this_cpu();

	return ref & XENCOMM_DESC ? described_known(cpu, ref, bytes) :
				    data_known(cpu, ref, bytes);
}

/* Not inlined: a copy by virtual address is shorter without. */
__attribute__((noinline)) int guestref_copy(void *hv, uint64_t ref, size_t bytes,
					    bool to_guest)
{
	uint8_t *page = bytes_known(ref, bytes);

	if (unlikely(!page))
		return copy_pages(ref, hv, bytes, to_guest);
	memmove(to_guest ? page : hv, to_guest ? hv : page, bytes);
	return 0;
}
