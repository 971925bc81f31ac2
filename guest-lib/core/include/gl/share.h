/* SPDX-License-Identifier: MIT */
/*
 * The sharing half of the library, for any PV64 kernel: offer pages to be
 * shared, and copy on write when they are written again.  It needs nothing else
 * of the library: the kernel gives a struct of callbacks and the memory.
 *
 * A page is named by the virtual address of its only mapping.  After an offer
 * the page is mapped read-only, to a frame that others may map, too, and the
 * kernel's p2m has the new frame's number.  The first write to the page faults.
 * The kernel's page-fault handler calls gl_share_fault() before anything else,
 * and that function puts a private copy there.  The faulting instruction is
 * then run again.
 *
 * Invariants
 *  G1  a page's bit in the record is set before it is offered, and cleared
 *      after its private frame is mapped; so a write fault always finds the
 *      bit.
 *  G2  a fault is ours only if the page-table entry has SHARE_PTE_AVL *and* the
 *      record has the page: bits that a kernel copied, inherited or was given
 *      are not believed.
 *  G3  record, reserve and counters are changed only with lock() held.  The
 *      fault path takes no other lock and allocates nothing.
 *  G4  reserve: a slot is a page of the kernel's that has a frame, or has none
 *      after a break took it; gl_share_refill() puts frames back.  Each offer
 *      that succeeds gives the domain the right to one frame, so the refill
 *      always finds frames.  Only on a hypervisor with overcommit it may not;
 *      gl/repay.h says what a break does then.
 *  G6  What gl_share_fini() leaves is as if the library had never been there:
 *      no page shared, no frame or page of the reserve kept, and no address of
 *      the kernel's known to the hypervisor.  Where that cannot be, it says so,
 *      and the library goes on.
 *
 * A page whose frame nobody else has is made writable as it stands, with no
 * copy (cow_in_place.c).
 *
 * Break first (gl_share_break_first()): the hypervisor does all of it in the
 * fault.  A fault reaches the kernel only if the hypervisor has no frame; then
 * the reserve has one.
 *
 * Several vCPUs (gl_share_several_vcpus()): every entry change flushes on all
 * of them; two that fault on one page are put in order by lock(), and the
 * second finds the entry writable.
 *
 *  G5  With break first the hypervisor renames pages behind the lock's back,
 *      for another vCPU or for who maps a grant, but only one whose entry is
 *      shared: the frame that an offer was told is believed only if the entry
 *      names it still, and a page for which there is no frame is broken by the
 *      hypervisor, with one of the reserve's.
 */
#ifndef GL_SHARE_H
#define GL_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <share.h>

#include <gl/decls.h>
#include <gl/repay.h>

GL_DECLS_BEGIN

/*
 * Of this header.  gl_share_init() refuses a library of another one: their
 * structs are not the same.
 */
#define GL_SHARE_VERSION	2
#define GL_SHARE_RESERVE_MAX	256
#define GL_SHARE_RESULTS	(SHARE_HELD + 1)

/* What the kernel provides.  ctx is what it gave to gl_share_init(). */
struct gl_share_ops {
	/* A hypercall; entry and registers as Xen's ABI has them. */
	long (*hypercall)(void *ctx, unsigned int nr, unsigned long a1,
			  unsigned long a2, unsigned long a3, unsigned long a4);
	/*
	 * The guest page that is mapped at va; false: there is none that may be
	 * shared.
	 */
	bool (*va_to_pfn)(void *ctx, uint64_t va, uint64_t *pfn);
	/* The raw page-table entry of va; 0: none. */
	uint64_t (*pte_read)(void *ctx, uint64_t va);
	/* The frame behind a guest page changes; ~0: it has none. */
	void (*p2m_set)(void *ctx, uint64_t pfn, uint64_t mfn);
	uint64_t (*p2m_get)(void *ctx, uint64_t pfn);
	/*
	 * A page of the kernel's for the reserve, mapped once, writable; 0:
	 * none. Not on the fault path.
	 */
	uint64_t (*page_alloc)(void *ctx);
	void (*page_free)(void *ctx, uint64_t va);
	/* Keep other vCPUs and this one's event handlers out. */
	unsigned long (*lock)(void *ctx);
	void (*unlock)(void *ctx, unsigned long state);
	void (*log)(void *ctx, const char *text);
	/*
	 * Where the page is mapped; false: nowhere.  For gl_share_unshare_all()
	 * and gl_share_fini() alone: may be left out.
	 */
	bool (*pfn_to_va)(void *ctx, uint64_t pfn, uint64_t *va);
};

struct gl_share_slot {
	uint64_t va, pfn;
	uint64_t mfn;		/* 0: a break took the frame */
};

struct gl_share_counters {
	uint64_t offered;	/* pages offered to the hypervisor */
	uint64_t done;		/* offered pages that became shared */
	/* enum shareop_result; [0] = done */
	uint64_t by_result[GL_SHARE_RESULTS];
	uint64_t calls_failed;	/* whole calls refused with -errno */
	uint64_t faults;	/* that were ours */
	/* write faults with a bit or a record, but not both (G2) */
	uint64_t foreign_faults;
	uint64_t breaks;	/* private copies made from the reserve */
	uint64_t unshares;	/* private copies made by the hypervisor */
	uint64_t taken;		/* pages made writable with no copy */
	uint64_t break_errors;	/* faults that could not be served */
	uint64_t reserve_low;	/* faults that found the reserve empty */
	uint64_t refilled;	/* frames taken back into the reserve */
	uint64_t repaid;	/* frames that listed pages gave (gl/repay.h) */
	uint64_t repay_passed;	/* looks at listed pages that could not */
	uint64_t repay_refused;	/* exchanges that the hypervisor refused */
};

/* One for the kernel; its memory is the kernel's. */
struct gl_share {
	const struct gl_share_ops *ops;
	void *ctx;
	uint32_t abi;		/* SHARE_ABI_VERSION there; 0: none */
	uint64_t *record;	/* one bit a pfn */
	uint64_t record_pfns;
	struct gl_share_slot slots[GL_SHARE_RESERVE_MAX];
	unsigned int slot_count;
	unsigned int slots_full;
	struct gl_repay_list repay;
	unsigned int alone_skip, alone_wait; /* cow_in_place.c */
	bool break_first;
	bool several_vcpus;	/* constant once a second one runs */
	struct gl_share_counters counters;
	struct shareop_entry batch[SHARE_BATCH_MAX]; /* under lock */
};

/* Bytes of record memory for so many guest pages. */
static inline size_t gl_share_record_bytes(uint64_t pfns)
{
	return (size_t)((pfns + 63) / 64 * 8);
}

/* gl_share_init(), told what it was compiled with. */
long gl_share_init_checked(struct gl_share *s, uint32_t version, size_t bytes,
			   const struct gl_share_ops *ops, void *ctx,
			   uint64_t *record, uint64_t pfns, unsigned int reserve);
/*
 * record: gl_share_record_bytes(pfns) bytes; none, with 0 pfns, if the kernel
 * does not know yet how many pages it will have (gl_share_record_move()).
 * reserve: frames to keep, at most GL_SHARE_RESERVE_MAX.  Returns how many it
 * got (fewer: no memory), or -errno: -EINVAL: the library is not of this
 * header, or a callback is missing; -EOPNOTSUPP: a hypervisor whose sharing
 * call is older than this library knows.  On one that has no such call all is
 * well, but each offer answers -ENOSYS.
 */
static inline long gl_share_init(struct gl_share *s,
				 const struct gl_share_ops *ops, void *ctx,
				 uint64_t *record, uint64_t pfns,
				 unsigned int reserve)
{
	return gl_share_init_checked(s, GL_SHARE_VERSION, sizeof(*s), ops, ctx,
				     record, pfns, reserve);
}

/*
 * Another record, longer or shorter, in place of the one that there is, whose
 * memory is the kernel's again: 0, or -EINVAL: a page beyond is shared.
 */
long gl_share_record_move(struct gl_share *s, uint64_t *record, uint64_t pfns);
/*
 * Another level of the reserve; pages come from page_alloc() or go to
 * page_free().  Returns the level that it has now: lower than asked for if
 * there was no memory, higher if a slot has no frame and gets none.
 */
unsigned int gl_share_reserve_set(struct gl_share *s, unsigned int level);
/*
 * Before a second vCPU runs: a break then costs one flush more (cow.c).
 */
void gl_share_several_vcpus(struct gl_share *s);
/* Does the hypervisor have the call?  0 and *info, or -errno (-ENOSYS: no). */
long gl_share_info(struct gl_share *s, struct shareop_info *info);

/* Offer one page in one hypercall: 0, or -errno as share.h lists. */
long gl_share_page(struct gl_share *s, uint64_t va);
/*
 * Offer pages, SHARE_BATCH_MAX a hypercall.  status (or NULL) gets an enum
 * shareop_result for each.  Returns how many are shared now, or -errno if
 * a whole call was refused before any was.
 */
long gl_share_pages(struct gl_share *s, const uint64_t *vas, size_t count,
		    int32_t *status);
long gl_share_range(struct gl_share *s, uint64_t va, size_t pages,
		    int32_t *status);

/*
 * Before the first offer: let the hypervisor break the shares, and write the
 * new frame's number to p2m[pfn] (`entries` long; NULL, 0: there is no such
 * list, but the M2P).  The callbacks p2m_set are not called for it, and
 * gl_share_is_shared() says what was shared once.  0 or -errno (-EBUSY:
 * something is shared).
 */
long gl_share_break_first(struct gl_share *s, const uint64_t *p2m,
			  uint64_t entries);

/* From the page-fault handler: true = the page is writable now, go on. */
bool gl_share_fault(struct gl_share *s, uint64_t va, uint64_t error_code);
/*
 * Make a page private without waiting for a write; the hypervisor copies. 0 or
 * -errno.
 */
long gl_share_unshare(struct gl_share *s, uint64_t va);
/*
 * The same of each page of a range, and of all pages, that is shared.  0: none
 * of them is now; or the first error (-ENOMEM: no frame), after which the
 * others were tried all the same.  -ENOSYS: all, and there is no pfn_to_va.
 */
long gl_share_unshare_range(struct gl_share *s, uint64_t va, size_t pages);
long gl_share_unshare_all(struct gl_share *s);
/*
 * The end (G6), when nobody offers any more: 0, or as gl_share_unshare_all();
 * also -ENOMEM if a page of the reserve gets no frame.  What the repayment list
 * has is off the list.
 */
long gl_share_fini(struct gl_share *s);

/*
 * Bring the reserve back to its level; not on the fault path. Returns frames
 * missing still.
 */
unsigned int gl_share_refill(struct gl_share *s);
bool gl_share_is_shared(struct gl_share *s, uint64_t pfn);
void gl_share_counters_get(struct gl_share *s, struct gl_share_counters *out);
const char *gl_share_result_name(int32_t result);

GL_DECLS_END

#endif
