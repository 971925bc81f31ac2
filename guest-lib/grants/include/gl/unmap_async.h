/* SPDX-License-Identifier: MIT */
/*
 * Unmapping granted pages that may still be in use, for any kernel: it needs
 * nothing else of the library.
 *
 * A kernel may have handed a page of another domain's on (to a network stack,
 * say) when it wants to unmap the page.  A request waits until the count of
 * references of every one of its pages is one; it is tried at once, and if a
 * page is in use, queued here and tried again from a timer.
 *
 * U1  done(data) is called exactly once for a request that was accepted (0),
 *     never for one that was not, and after all of its pages were unmapped.
 * U2  a page whose count is above one is not unmapped.  During the unmap the
 *     page is frozen (count 0), and gl_page_get() fails.  Afterwards the count
 *     is one, and the page is the caller's.
 * U3  a mapping is unmapped once.  Requests remember which mapping of a page
 *     they mean (its generation), so if two requests cover a page, the later
 *     one finds its mapping gone, and does not unmap what was mapped there
 *     since, even under the same handle.
 * U4  the death of the other side changes nothing: the hypervisor keeps its
 *     pages until we unmap.  When this guest stops, gl_unmap_stop() unmaps what
 *     is left.
 */
#ifndef GL_UNMAP_ASYNC_H
#define GL_UNMAP_ASYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

#define GL_UNMAP_RETRY_NS	5000000UL
#define GL_PG_FOREIGN		1u	/* foreign says whose the page is */

/*
 * A page of ours at which others' pages are mapped; in a kernel with struct
 * page, this is part of it.
 */
struct gl_page {
	uint32_t refs;		/* atomic; 0: frozen (U2) */
	uint32_t flags;		/* GL_PG_* */
	uint64_t foreign;	/* foreign: domid << 32 | grant reference */
	uint64_t va;		/* constant */
	uint32_t generation;	/* of its mapping: one more at each (U3) */
	uint32_t handle;	/* while mapped */
};

static inline domid_t gl_page_domid(const struct gl_page *p)
{
	return (domid_t)(p->foreign >> 32);
}

static inline grant_ref_t gl_page_gref(const struct gl_page *p)
{
	return (grant_ref_t)p->foreign;
}

bool gl_page_get(struct gl_page *p);	/* false: it is being unmapped */
void gl_page_put(struct gl_page *p);
/*
 * Note that the page was mapped, or is mapped no more; for code that maps and
 * unmaps without a request.
 */
void gl_page_set_foreign(struct gl_page *p, domid_t domid, grant_ref_t gref,
			 uint32_t handle);
void gl_page_clear_foreign(struct gl_page *p);

struct gl_unmap_ops {
	/*
	 * GNTTABOP_unmap_grant_ref: 0 and a status in each, or -errno for the
	 * whole call.
	 */
	long (*unmap)(void *ctx, struct gnttab_unmap_grant_ref *ops,
		      unsigned int count);
	/* The page at this address is unmapped (p2m); may be NULL. */
	void (*unmapped)(void *ctx, struct gl_page *page);
	/* Call gl_unmap_retry() about so many ns from now. */
	void (*timer)(void *ctx, uint64_t ns);
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
	/* Keep other vCPUs and this one's event handlers out of the queue. */
	unsigned long (*lock)(void *ctx);
	void (*unlock)(void *ctx, unsigned long state);
};

struct gl_unmap_request;

struct gl_unmap_counters {
	uint64_t accepted, at_once, queued, retries, done;
	/* mappings that another request had taken away */
	uint64_t skipped;
	/* statuses that say that the mapping was not there */
	uint64_t errors;
};

struct gl_unmap {
	const struct gl_unmap_ops *ops;
	void *ctx;
	struct gl_unmap_request *first, **last;	/* the queue; lock */
	bool stopped;				/* lock */
	struct gl_unmap_counters counters;	/* lock */
};

void gl_unmap_init(struct gl_unmap *u, const struct gl_unmap_ops *ops, void *ctx);

/*
 * gnttab_unmap_refs_async() of the proposal.  unmap_ops[i], and kunmap_ops[i]
 * if there are such, unmap pages[i]; the arrays are the caller's until done.
 * 0; -ENOMEM: the request could not be queued; -ENODEV: stopped.  Then nothing
 * was done.
 */
int gl_unmap_refs_async(struct gl_unmap *u,
			struct gnttab_unmap_grant_ref *unmap_ops,
			struct gnttab_unmap_grant_ref *kunmap_ops,
			struct gl_page **pages, unsigned int count,
			void (*done)(void *data), void *data);
/* From the timer; also useful right after references went. */
void gl_unmap_retry(struct gl_unmap *u);
/*
 * The guest stops: its users of the pages do not run any more, so what is
 * queued is unmapped whatever the counts say, and done is called.  Later
 * requests are refused.
 */
void gl_unmap_stop(struct gl_unmap *u);
bool gl_unmap_idle(struct gl_unmap *u);	/* nothing is queued */

GL_DECLS_END

#endif
