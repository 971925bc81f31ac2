/* SPDX-License-Identifier: MIT */
/*
 * Sharing for a kernel that wants to do no more than offer pages: the
 * hypervisor breaks the shares ("break first", SHARE_MODE_BREAK_FIRST).  It
 * needs a hypercall (gl/stubs.h has two), and no handler of faults, no lock, no
 * reserve and no record.
 *
 * The kernel tells where its list of frames by pfn is: at first that is
 * start_info->mfn_list.  From then on the hypervisor keeps the list and the M2P
 * right, whoever writes to a shared page: the kernel, its users, or the
 * hypervisor itself.
 *
 *  OF1  After an offer, each page of it is as it was to all who read or write
 *       it.  What was refused is untouched.
 *  OF2  The hypervisor writes to the list until gl_offers_fini() gives 0.
 *  OF3  A struct gl_offers is one caller's at a time; several may be used.
 *
 * Of equal pages of one kernel's each is shared: the first with the first of
 * the other kernels', the second with the second, and so on
 * (SHARE_MODE_REPLICAS).
 *
 * A page's frame changes when it is offered and when it is broken.  So a frame
 * number that was read before may be given away no more: for a page table
 * entry, a grant or a device read it anew, with the page not shared
 * (gl_offers_unshare()).
 *
 * A break takes a frame.  A kernel that does not spend the frames that sharing
 * saved always has one; one that does may see its write fault when there is
 * none.  gl/share.h has a reserve and is for such kernels.
 */
#ifndef GL_OFFERS_H
#define GL_OFFERS_H

#include <stddef.h>
#include <stdint.h>

#include <share.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

#define GL_OFFERS_VERSION	1
#define GL_OFFERS_RESULTS	(SHARE_HELD + 1)

/* A hypercall; entry and registers as Xen's ABI has them. */
typedef long (*gl_hypercall_fn)(void *ctx, unsigned int nr, unsigned long a1,
				unsigned long a2, unsigned long a3,
				unsigned long a4);

struct gl_offers_counters {
	uint64_t offered;	/* pages */
	uint64_t done;		/* of them became shared */
	/* enum shareop_result; [0] = done; what is newer counts as not tried */
	uint64_t by_result[GL_OFFERS_RESULTS];
	uint64_t calls_failed;	/* whole calls refused with -errno */
	uint64_t unshared;	/* by gl_offers_unshare() */
};

/* The memory is the kernel's; 16 KiB of it are arguments of the calls. */
struct gl_offers {
	gl_hypercall_fn call;
	void *ctx;
	uint64_t *p2m;
	uint64_t p2m_entries;
	struct gl_offers_counters counters;
	struct shareop_entry batch[SHARE_BATCH_MAX];
};

/* gl_offers_init(), told what it was compiled with. */
long gl_offers_init_checked(struct gl_offers *o, uint32_t version, size_t bytes,
			    gl_hypercall_fn call, void *ctx, uint64_t *p2m,
			    uint64_t entries, uint64_t linear_base);
/*
 * Before the first offer.  p2m: the kernel's list, frame by pfn, `entries`
 * long, of memory that stays mapped; NULL and 0: it has none, and looks into
 * the M2P.  linear_base: where pfn 0 is mapped and, behind it, page after page,
 * all others; 0: not told (breaks then take longer).  0, or -errno: -ENOSYS: a
 * hypervisor without the call; -EOPNOTSUPP: one whose call is older than this
 * needs; -EINVAL: the library is not of this header, or the hypervisor refuses
 * the list; -EBUSY: something is shared already.
 */
static inline long gl_offers_init(struct gl_offers *o, gl_hypercall_fn call,
				  void *ctx, uint64_t *p2m, uint64_t entries,
				  uint64_t linear_base)
{
	return gl_offers_init_checked(o, GL_OFFERS_VERSION, sizeof(*o), call,
				      ctx, p2m, entries, linear_base);
}

/*
 * Offer pages; each is named by the address of its only mapping.  status (or
 * NULL) gets an enum shareop_result for each.  Returns how many became shared,
 * or -errno if a whole call was refused before any was.
 */
long gl_offers_pages(struct gl_offers *o, const uint64_t *vas, size_t count,
		     int32_t *status);
long gl_offers_range(struct gl_offers *o, uint64_t va, size_t pages,
		     int32_t *status);
/*
 * Make pages private that are mapped one after the other from va on and have
 * the pfns from `pfn` on; those that are not shared stay as they are.  0: none
 * of them is now; or the first error, after which the others were tried all the
 * same (-ENOMEM: no frame).
 */
long gl_offers_unshare(struct gl_offers *o, uint64_t va, uint64_t pfn,
		       size_t pages);
/* What the hypervisor says of this domain: how many pages it has and holds. */
long gl_offers_info(struct gl_offers *o, struct shareop_info *info);
/*
 * The hypervisor forgets the list.  0, or -EBUSY: something is shared still
 * (gl_offers_unshare() first), and nothing has changed.
 */
long gl_offers_fini(struct gl_offers *o);

GL_DECLS_END

#endif
