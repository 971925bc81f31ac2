/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: what a domain lets others do with its pages (Xen's
 * grant_table.h).
 *
 *   the guest's table  entries in pages shared with the domain; the guest may
 *                      write them at any time, so each is read once, when it
 *                      is first pinned
 *   active entries     the hypervisor's copy of an entry that is in use; it
 *                      alone counts
 *   maptrack           of the domain that maps: one handle for each mapping
 *
 *   unused --grant_pin--> pinned (status bits set)
 *          --grant_unpin, the last--> unused
 *
 * A1  a pin holds one general reference to the frame for each of its kinds
 *     (host, device) and, if it may write, as many WRITABLE uses.  So a frame
 *     that is pinned for writing is no table, and no pinned frame is shared,
 *     exchanged or freed, even if its owner gives it up.
 * A2  pins of an entry = parts of handles that name it, by kind, + copies in
 *     progress (I16).
 * A3  the status bits that the guest sees follow the pins: reading while there
 *     is one, writing while there is one that may write; cleared after the last
 *     TLB that could use the mapping was flushed (XSA-218, XSA-230).
 * A4  a host mapping is one page-table entry with PTE_AVL_GRANT; the handle
 *     knows which entry.  The entry itself holds no reference: the handle does.
 *     When a guest overwrites or unpins it, the handle's host part goes the
 *     same way as by an unmap (GT20).
 * A5  a dying granter takes its name off the handles that use it (granter =
 *     DOMID_ORPHAN): the handles keep the frames, which become orphans too
 *     (destroy.c, END4), and the granter goes without waiting for them.  Pins
 *     that belong to no handle (a copy, an unmap between flush and unpin) end
 *     by themselves.
 *
 * Locks: the table, active entries and pins: LOCK_GRANT of the granter; no CPU
 * holds two domains'.  Handles: LOCK_MM of the domain that maps, above
 * LOCK_GRANT.
 */
#ifndef HV_DOM_GRANT_H
#define HV_DOM_GRANT_H

#include "dom/domain.h"

#include <xen/grant_table.h>

#include "x86/pte.h"

#define GRANT_FRAMES_MAX	32
/* frames between two looks at the clock */
#define GRANT_GROW_STEP		8
#define GRANT_V1_PER_FRAME	(PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GRANT_V2_PER_FRAME	(PAGE_SIZE / sizeof(union grant_entry_v2))
#define GRANT_STATUS_PER_FRAME	(PAGE_SIZE / sizeof(grant_status_t))
#define GRANT_STATUS_FRAMES_MAX	\
	(GRANT_FRAMES_MAX * GRANT_V2_PER_FRAME / GRANT_STATUS_PER_FRAME)

/* What a pin is for; a map may be for both. */
#define GRANT_HOST	1u
#define GRANT_DEVICE	2u

enum pin_kind { PIN_HOST_RO, PIN_HOST_RW, PIN_DEVICE_RO, PIN_DEVICE_RW, PIN_KINDS };

static inline enum pin_kind pin_host(bool writable)
{
	return writable ? PIN_HOST_RW : PIN_HOST_RO;
}

static inline enum pin_kind pin_device(bool writable)
{
	return writable ? PIN_DEVICE_RW : PIN_DEVICE_RO;
}

#define GRANT_PINS_MAX	255	/* of one kind on one entry, as on Xen */

struct grant_active {
	/* constant while pinned, like domid, start, length */
	uint32_t mfn;
	/* pinned entries whose mfn has this bucket: ref + 1, 0 = none */
	uint32_t next, prev;
	uint8_t pins[PIN_KINDS];
	uint8_t seen[PIN_KINDS];	/* the audit's */
	domid_hv_t domid;		/* the domain that may use it */
	/* the bytes that it may use; whole page: 0, PAGE_SIZE */
	uint16_t start, length;
	uint16_t spare[3];
};
_Static_assert(sizeof(struct grant_active) == 32, "128 a page");

struct grant_handle {
	maddr_t pte;			/* host part: the entry */
	uint32_t mfn;
	uint32_t ref;
	/* free list, or chain of by_pte: handle + 1, 0 = end */
	uint32_t next;
	domid_hv_t granter;
	uint8_t kinds;			/* parts that are left; 0: free */
	bool writable;
	/* host part was named by the entry's address, not by va */
	bool by_pte_name;
};
_Static_assert(sizeof(struct grant_handle) == 32, "128 a page");

#define GRANT_ACTIVE_PER_PAGE	(PAGE_SIZE / sizeof(struct grant_active))
#define GRANT_ACTIVE_PAGES	\
	(GRANT_FRAMES_MAX * GRANT_V1_PER_FRAME / GRANT_ACTIVE_PER_PAGE)
#define GRANT_HANDLES_PER_PAGE	(PAGE_SIZE / sizeof(struct grant_handle))
#define GRANT_HANDLE_PAGES	256
#define GRANT_BUCKETS		512u

/*
 * Where the active entries are, and the handles: a page each, made with the
 * first one, so that a domain without grants pays for none.
 */
struct grant_used {
	struct grant_active *active[GRANT_ACTIVE_PAGES];
	/* chains of pinned entries: ref + 1, 0 = none */
	uint32_t by_mfn[GRANT_BUCKETS];
};
struct grant_maptrack {
	struct grant_handle *handles[GRANT_HANDLE_PAGES];
	/* chains of handles with a host part: handle + 1, 0 = none */
	uint32_t by_pte[GRANT_BUCKETS];
};
_Static_assert(sizeof(struct grant_used) <= PAGE_SIZE, "a page");
_Static_assert(sizeof(struct grant_maptrack) <= PAGE_SIZE, "a page");

struct grant_table {
	struct spinlock lock;		/* LOCK_GRANT: down to used */
	uint32_t version;		/* 1 or 2 */
	/* what it may have, set before it runs; constant then */
	uint32_t frames_most, version_most, handle_pages_most;
	bool closed;			/* its domain is dying: no new pin */
	uint32_t frame_count;
	/* frames whose memory is promised; frame_count, or one more */
	uint32_t promised;
	uint32_t status_count;
	uint32_t pinned_count;		/* entries with a pin */
	void *frames[GRANT_FRAMES_MAX];	/* HEAP pages; constant once there */
	/* HEAP pages, too; kept when the guest goes back to version 1 */
	grant_status_t *status[GRANT_STATUS_FRAMES_MAX];
	struct grant_used *used;	/* NULL: there was no frame yet */

	/* LOCK_MM of the domain: what it maps of others. */
	struct grant_maptrack *maps;	/* NULL: there was no handle yet */
	uint32_t handle_count;		/* handles that there is room for */
	uint32_t handle_used;
	uint32_t handle_free;		/* first free: handle + 1 */
	uint32_t handle_reaped;		/* the reaper's place */
	/* odd, random: a guest cannot make chains long */
	uint64_t pte_key;
};

/* A pin, as its holder remembers it. */
struct grant_pin {
	/* what it was asked for */
	uint32_t ref;
	uint8_t kinds;
	bool writable;
	/* what it got */
	domid_hv_t granter;
	mfn_t mfn;
	uint16_t start, length;
};

/* --- the table (grant.c).  Statuses are GNTST_*. --- */
/* Of a new domain: so many frames, handles, and no later version. */
void grant_limit(struct domain *d, uint32_t frames, uint32_t handles, uint32_t version);
int grant_init(struct domain *d);			/* -ENOMEM */
/* no handle is in use; heap_pages_free() frees the table's own pages */
void grant_fini(struct domain *d);
void grant_close(struct domain *d);			/* it is dying */
/* some entry is in use; takes LOCK_GRANT */
bool grant_pinned(struct domain *d);
/*
 * Grow the table to at least `count` frames.  GNTST_okay; GNTST_general_error
 * beyond the limit; GNTST_no_space; GNTST_eagain: some were added, call again
 * (bounded work).
 */
int grant_grow(struct domain *d, uint32_t count) must_check;
/*
 * 0, -EINVAL (no such version), -EBUSY (entries in use, status frames mapped),
 * -ENOMEM.
 */
int grant_set_version(struct domain *d, uint32_t version) must_check;
/* entries there are; LOCK_GRANT or advisory */
uint32_t grant_refs(const struct grant_table *gt);
int grant_swap(struct domain *d, uint32_t a, uint32_t b) must_check;

/* --- entries in use (grant_pin.c) --- */
/* An entry that says `named` means the page `now`, whose name has changed. */
struct grant_renamed {
	mfn_t named, now;
};
/*
 * Pin what *pin asks for of granter for domain `user`.  whole: refuse an entry
 * that grants a part of its page only.  as: or NULL.  On GNTST_okay the rest of
 * *pin is filled.  GNTST_bad_page: what the entry names, pin->mfn, is shared or
 * not granter's; pv/grant_named.c knows more of it.
 */
int grant_pin(struct domain *granter, domid_hv_t user, bool whole, const struct grant_renamed *as,
	      struct grant_pin *pin) must_check;
/*
 * Drop the pin's pin->kinds.  The TLBs of the domain that used it have been
 * flushed (A3).
 */
void grant_unpin(const struct grant_pin *pin);
/*
 * Drop the pin from the granter's entry alone; the frame stays referenced, for
 * a handle that names no granter from now on (A5).
 */
void grant_disown(const struct grant_pin *pin);
/*
 * Is the frame pinned by an entry of d's?  To tell the guest why something is
 * refused: what takes too long to find is not.  Takes LOCK_GRANT.
 */
bool grant_is_pinned(struct domain *d, mfn_t mfn);

/*
 * Transfer: entry `ref` of d must accept a page from `giver`.  _begin commits
 * the guest's entry.  _end gives d the frame, which nobody owns, and says so in
 * the entry; if it returns false, d has no room for the frame or is dying, and
 * the frame is still the caller's.
 */
int grant_transfer_begin(struct domain *d, uint32_t ref, domid_hv_t giver) must_check;
bool grant_transfer_end(struct domain *d, uint32_t ref, struct frame *f) must_check;

/* --- handles (grant_map.c); LOCK_MM of d but where it says otherwise --- */
/*
 * Make room for `count` more; no lock held.  If there is no memory,
 * grant_handle_new() will say so.
 */
void grant_handles_reserve(struct domain *d, uint32_t count);
/* NULL: none left */
struct grant_handle *grant_handle_new(struct domain *d, uint32_t *handle)
	needs_lock(&d->mm);
/* NULL: not in use */
struct grant_handle *grant_handle_get(struct domain *d, uint32_t handle)
	needs_lock(&d->mm);
/* Set up the handle's host part: `pte` is the address of its entry. */
void grant_handle_link(struct domain *d, uint32_t handle, maddr_t pte)
	needs_lock(&d->mm);
void grant_handle_unlink(struct domain *d, struct grant_handle *h)
	needs_lock(&d->mm);
/*
 * Take parts `kinds` off the handle; with the last part the handle is free.
 * *pin gets what the caller has to unpin.
 */
void grant_handle_drop(struct domain *d, uint32_t handle, unsigned int kinds,
		       struct grant_pin *pin) needs_lock(&d->mm);
/*
 * A5: look at `count` handles of d from `first` on; those that name `granter`
 * name nobody from now on.  DONE: d has none behind those.
 */
enum progress grant_handles_disown(struct domain *d,
				   const struct domain *granter,
				   uint32_t first, uint32_t count)
	needs_lock(&d->mm);
/* A new handle that was not used after all. */
void grant_handle_cancel(struct domain *d, uint32_t handle) needs_lock(&d->mm);
/* The handle whose entry is at `pte`; ~0: none. */
uint32_t grant_handle_by_pte(struct domain *d, maddr_t pte) needs_lock(&d->mm);

#endif
