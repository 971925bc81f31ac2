/* SPDX-License-Identifier: MIT */
/*
 * The repayment list: pages whose content the kernel can do without (a
 * cache's).
 *
 * With overcommit on, the hypervisor may have no frame for a copy on write.
 * The break (gl/share.h) then looks for one in this order:
 *
 *   1. the reserve;
 *   2. the hypervisor (SHAREOP_unshare);
 *   3. the oldest listed page that can repay: its frame becomes the reserve's,
 *      and the break is served from there.
 *
 * Only if none of the three has a frame does the fault go to the kernel ("no
 * private copy").  gl_share_refill() asks the hypervisor alone and
 * gl_share_unshare() tells its caller -ENOMEM: a cached page is given up only
 * for a write that cannot wait.
 *
 *  Y1  A page is on the list from gl_repay_register() until either
 *      gl_repay_unregister() gives 0 or its `lost` is called; never both.
 *  Y2  When `lost` is called, its page is unmapped, has no frame (p2m: ~0) and
 *      is off the list.  It is called once, with lock() held, in the fault: it
 *      may not call the library nor write to a page that may be shared.  A
 *      frame for the page is then the kernel's business.
 *  Y3  Until then the content is untouched, also when the hypervisor refuses
 *      the exchange.
 *  Y4  A page can repay only if it is mapped writable and is not shared: a
 *      shared page's frame is the hypervisor's, and letting go of it gives
 *      nothing that a break could use.  A page that cannot repay is passed over
 *      and goes to the end of the list; a break looks at each page once at
 *      most.
 *
 * So a kernel uses a cached page like this: unregister (-ENOENT: it is lost,
 * read it again), use it, register.  There is no limit on the number of pages:
 * struct gl_repay is the kernel's memory.  It is written in the fault, so it
 * may not lie in a page that is offered.
 */
#ifndef GL_REPAY_H
#define GL_REPAY_H

#include <stdbool.h>
#include <stdint.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

struct gl_share;

struct gl_repay {
	/* of the page; its only mapping, no grant, no page table */
	uint64_t va;
	void (*lost)(void *ctx, struct gl_repay *page);
	void *ctx;
	/* The library's; zeroed before the first use. */
	struct gl_repay *older, *newer;
	bool listed;
};

struct gl_repay_list {	/* all under the share lock */
	struct gl_repay *oldest, *newest;
	uint64_t count;
};

/*
 * Put the page on the list, as its newest.  -EINVAL: no page of the kernel's is
 * mapped there, or no `lost`; -ENOSPC: the library was given no reserve,
 * through which frames pass; -EEXIST: is on the list.
 */
long gl_repay_register(struct gl_share *s, struct gl_repay *page);
/*
 * 0: the page is the kernel's again, as it was.  -ENOENT: it was lost, or never
 * listed.
 */
long gl_repay_unregister(struct gl_share *s, struct gl_repay *page);

GL_DECLS_END

#endif
