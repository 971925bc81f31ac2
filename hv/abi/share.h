/* SPDX-License-Identifier: MIT */
/*
 * The sharing hypercall: Pasture's one addition to Xen's PV ABI.
 *
 *   long HYPERVISOR_make_ro_and_share(op, arg, count, flags)
 *        rax = 55             rdi  rsi   rdx    r10
 *
 * This file needs <stdint.h> and nothing else; the hypervisor, the guest
 * library and the tests all use it unchanged.
 *
 * A page is offered by naming page-table entries that are together *all* the
 * mappings of one frame of the caller's.  They go read-only, the domain gives
 * the frame up (its page count drops by one), and every named entry then maps
 * the canonical frame of that content, read-only and with SHARE_PTE_AVL set if
 * it was writable when offered.  Whether the content was known cannot be told
 * from the result.  A bad entry never disturbs its neighbours.
 */
#ifndef PASTURE_ABI_SHARE_H
#define PASTURE_ABI_SHARE_H

#include <stdint.h>

/* What SHAREOP_info says; 2: struct shareop_mode of version 2 is known. */
#define SHARE_ABI_VERSION 2

/* = __HYPERVISOR_arch_7 of <xen/xen.h>; checked in hv/pv/hypercall.c. */
#define __HYPERVISOR_make_ro_and_share 55

/*
 * SHAREOP_single: offer the page mapped at virtual address `arg` (its only
 * mapping); count and flags 0.  Returns the new machine frame number, or
 * -errno:
 *   -EINVAL  not a canonical guest address; op, count or flags wrong
 *   -ENOENT  nothing mapped there          (SHARE_NOT_MAPPED, SHARE_BAD_PTE)
 *   -EPERM   not this domain's own page    (SHARE_NOT_OWNED)
 *   -EBUSY   used elsewhere or otherwise   (SHARE_OTHER_*, SHARE_TYPE,
 *            SHARE_GRANTED)
 *   -EEXIST  already shared, or held       (SHARE_ALREADY, SHARE_HELD)
 *   -ENOSPC  budget used up or table full  (SHARE_FULL, SHARE_LIMIT)
 *   -ENOMEM  no frame                      (SHARE_NO_MEMORY)
 * A domain has at most SHARE_FRAME_MAPPINGS entries that map one shared frame.
 * An offer beyond that succeeds, with another frame; a further entry that names
 * the full one is refused (-EBUSY).  What other domains map does not count.
 */
#define SHAREOP_single	0
/*
 * SHAREOP_batch: `arg` is the virtual address of `count` (1..SHARE_BATCH_MAX)
 * struct shareop_entry.  Returns 0 when each entry has its status, or -errno if
 * the array could not be read or written (-EFAULT) or count is wrong (-EINVAL).
 * The TLBs are flushed once per 64 entries.  A long batch is continued without
 * the guest's notice.
 */
#define SHAREOP_batch	1
/*
 * SHAREOP_unshare: the one-trap copy on write, for `count` entries as above.
 * Every named mapping of the canonical frame gets the same private frame of the
 * domain's, with the same bytes, writable where SHARE_PTE_AVL was set.  The
 * last holder that names all mappings keeps the frame and no byte is copied.
 * The caller is told the frame's number; the list of SHAREOP_mode is left to
 * it.
 */
#define SHAREOP_unshare	2
/*
 * SHAREOP_info: fill the struct shareop_info at `arg`; count = sizeof(struct
 * shareop_info) known to the caller.
 */
#define SHAREOP_info	3
/*
 * SHAREOP_audit: recount the invariants (I1-I14, I18) of the whole machine now;
 * returns the number of errors (debug builds, else -EPERM).
 */
#define SHAREOP_audit	4
/*
 * SHAREOP_trace: where the domain's trace buffer is (trace.h): fill the struct
 * shareop_trace at `arg`; count = its size, flags 0.  The first call makes the
 * buffer: -ENOMEM, there is no memory for it.
 */
#define SHAREOP_trace	5
/*
 * SHAREOP_mode: how shares of this domain's are made and broken: the struct
 * shareop_mode at `arg`; count = its size, flags 0.  Each call says all: what
 * it leaves out is off.  Returns 0, or -errno with nothing changed:
 *   -EINVAL  count, flags or version wrong; an unknown flag (so a kernel asks
 *            for all that it wants, and then for less); a flag without
 *            one that it needs; a list or a linear base without break first, or
 *            not in the guest's range; bytes behind the struct that are not 0
 *   -EFAULT  the struct could not be read
 *   -EBUSY   one pfn or sole is asked for anew, or own quota anew or no longer,
 *            while the domain holds shared frames
 *   -ENOMEM  break first, and no memory for the names that pages had
 *   -ENOSPC  own quota, or no longer: there is not so much memory to promise
 */
#define SHAREOP_mode	6

#define SHARE_BATCH_MAX		512
#define SHARE_FRAME_MAPPINGS	(1u << 20)
/* in a PTE: shared, and writable when offered */
#define SHARE_PTE_AVL		(1ULL << 53)

/*
 * How an entry names a page-table entry: a page-aligned virtual address, or the
 * entry's machine address with this bit.
 */
#define SHARE_PTE_MADDR		1ULL
#define SHARE_NAMES_INLINE	2
#define SHARE_NAMES_MAX		64

struct shareop_entry {
	/*
	 * names; if nr_ptes > 2, pte[0] is the va of an array of nr_ptes names
	 */
	uint64_t pte[SHARE_NAMES_INLINE];
	uint16_t nr_ptes;		/* 1 .. SHARE_NAMES_MAX */
	uint16_t reserved;		/* 0 */
	int32_t status;			/* out: enum shareop_result */
	/* out: the frame that the entries map now */
	uint64_t mfn;
};

enum shareop_result {
	SHARE_DONE = 0,
	SHARE_NOT_MAPPED = 1,	/* a name leads to no present L1 entry */
	/*
	 * a name is malformed, or not an entry of an L1 table of this domain,
	 * or the names map different frames
	 */
	SHARE_BAD_PTE = 2,
	SHARE_NOT_OWNED = 3,	/* not this domain's own RAM page */
	SHARE_OTHER_WRITABLE = 4, /* another writable mapping exists */
	/*
	 * another read-only mapping or hypervisor reference (vcpu_info, ...)
	 * exists
	 */
	SHARE_OTHER_MAPPING = 5,
	SHARE_TYPE = 6,		/* in use as page table or descriptor table */
	SHARE_GRANTED = 7,	/* granted to another domain, or granted in */
	SHARE_ALREADY = 8,	/* offer: is a shared frame. */
	SHARE_NOT_SHARED = 9,	/* unshare: not a shared frame */
	/* equal hashes chain too long, or table cannot grow */
	SHARE_FULL = 10,
	SHARE_LIMIT = 11,	/* this domain's sharing budget is used up */
	SHARE_NO_MEMORY = 12,	/* no frame for the copy, or quota reached */
	/*
	 * the guest's own value before the call is overwritten with this first
	 */
	SHARE_NOT_TRIED = 13,
	/* SHARE_MODE_ONE_PFN: this domain holds that content for another pfn */
	SHARE_HELD = 14,
};

#define SHARE_INFO_OVERCOMMIT	1u
/*
 * SHARE_MODE_SOLE is whole: a page is broken before its last entry goes.  A
 * guest that takes a page's last entry away and gives it back must not share
 * that page where this is not said.
 */
#define SHARE_INFO_LAST_BREAKS	2u

/* This guest's own numbers; nothing here depends on other groups. */
struct shareop_info {
	uint32_t version;	/* SHARE_ABI_VERSION */
	uint32_t batch_max;
	uint32_t names_max;
	uint32_t flags;		/* SHARE_INFO_* */
	/* distinct shared frames this domain may hold */
	uint64_t budget;
	uint64_t held;		/* distinct shared frames it holds now */
	uint64_t mappings;	/* its PTEs that map them */
	uint64_t offered;	/* offers that succeeded, ever */
	uint64_t refused;	/* offers that did not, ever */
	uint64_t zero;		/* offers that were the zero page, ever */
	/* mappings of shared frames replaced by a private frame, ever */
	uint64_t breaks;
	/* of those, without a copy: by the last holder */
	uint64_t last_breaks;
	uint64_t tot_pages;	/* pages the domain owns now */
	uint64_t max_pages;	/* and may own */
};

/*
 * Version 1 ends before linear_base, with a count of SHARE_MODE_V1_BYTES, and
 * knows the first two flags.  Version 2 has a count of sizeof(struct
 * shareop_mode) or more, up to a page: what is behind is 0.
 */
#define SHARE_MODE_VERSION	2
#define SHARE_MODE_V1		1
#define SHARE_MODE_V1_BYTES	24

/*
 * A shared frame stands for one pfn of the domain's at most: else an offer gets
 * SHARE_HELD.
 */
#define SHARE_MODE_ONE_PFN	1u
/*
 * Break first; needs SHARE_MODE_ONE_PFN: a write to an entry with
 * SHARE_PTE_AVL, by the guest or into an output of a hypercall, and a new entry
 * that maps a held frame writable, get a private frame, and so does every other
 * entry of the domain's that maps the page, before the guest goes on: writable
 * where SHARE_PTE_AVL was set.  The M2P and the list below get the new frame's
 * number.  Without it (the default) the guest sees its fault, and the entry is
 * refused with -EBUSY.  Either way an entry that is the frame's only mapping,
 * of its only holder, may be made writable: the frame becomes the domain's page
 * as it stands.  -ENOMEM (or, for a write, the fault): no frame, or the domain
 * has all the pages that it may have.  A list of frames that is taken as one (a
 * buffer's) may have 40 shared pages: more are refused with -EBUSY.
 *
 * Other uses that a shared page cannot have get the private page of a break in
 * the same way: as a page table, as a descriptor table, to be given back
 * (XENMEM_decrease_reservation).  A frame whose last entry was cleared before,
 * one of the last 1024 of the domain's, went with its hold then; to give it
 * back as well is done, and does nothing.  Without break first all of this is
 * -EBUSY.
 *
 * The operator may choose this for a guest (breaks=first in the domain list).
 * It takes effect with the guest's first SHAREOP_mode, which tells where its
 * list is, or that it has none (p2m_entries 0); the flags are then as if this
 * and SHARE_MODE_ONE_PFN were set.  Until then only SHARE_MODE_ONE_PFN is.
 */
#define SHARE_MODE_BREAK_FIRST	2u
/*
 * Sole; needs SHARE_MODE_BREAK_FIRST: a held frame has the entries that it was
 * offered with, and no more.  Any further entry that names it, read-only ones
 * too, gets the private page of a break, in every way in which an entry comes
 * to be, the validation of a table included.  For kernels that keep entries in
 * tables that are not pinned, where nobody counts them, and read them back
 * through the M2P: stock Linux at fork() and exit().
 * A page whose last entry goes is broken first, too: it stays the domain's,
 * under its new name, until it is mapped again or given back.
 */
#define SHARE_MODE_SOLE		4u
/*
 * Own quota: a hold is charged to the domain's own quota, tot_pages + held <=
 * max_pages, and to no budget: SHARE_LIMIT is no answer then, and a break takes
 * no more than the domain has.  In exchange what sharing saves is the machine's
 * and not the domain's to allocate again, and the machine owes it no more than
 * max_pages; less, when it gives pages back, and then it gets them again only
 * while there is memory that is promised to nobody.  With overcommit on a
 * write, or an entry, that finds no frame waits for one, in place of the fault
 * or -ENOMEM.  For kernels whose pages never move.
 */
#define SHARE_MODE_OWN_QUOTA	8u
/*
 * Replicas; needs SHARE_MODE_ONE_PFN: the i-th page of one content within the
 * domain joins the i-th canonical frame of that content in the group, which is
 * made if there is none yet, in place of SHARE_HELD.  How many there may be is
 * the hypervisor's to say: one page more is SHARE_HELD.
 */
#define SHARE_MODE_REPLICAS	16u

struct shareop_mode {
	uint32_t version;	/* SHARE_MODE_VERSION */
	uint32_t flags;		/* SHARE_MODE_* */
	/*
	 * va of an array of uint64_t, frame by pfn, or 0: the guest's p2m list.
	 * The hypervisor writes the frame that an offered page gets there, and
	 * the one that it gets at a break, while none of the domain's vCPUs
	 * runs.  Its own pages may be shared: one is broken before a name goes
	 * into it; one that is offered beside a page whose name it has, or that
	 * has its own, is refused (SHARE_OTHER_WRITABLE).  Entries that are
	 * mapped read-only otherwise are left as they are
	 */
	uint64_t p2m;
	uint64_t p2m_entries;	/* 0: there is none */
	/*
	 * Version 2: va at which the guest maps its pfn 0, page after page in
	 * the order of pfns, or 0: not told.  A break, and a page given back,
	 * find the page's own entry there; what is not there, or does not name
	 * the frame, is looked for in all tables as without it
	 */
	uint64_t linear_base;
};

#ifndef __cplusplus	/* has another word for it */
_Static_assert(sizeof(struct shareop_mode) == 32, "ABI");
_Static_assert(sizeof(struct shareop_entry) == 32, "ABI");
_Static_assert(sizeof(struct shareop_info) == 96, "ABI");
#endif

#endif
