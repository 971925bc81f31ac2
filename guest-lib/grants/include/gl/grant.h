/* SPDX-License-Identifier: MIT */
/*
 * Grants: letting another domain use a page of ours, and using one of
 * another's.
 *
 * Ours.  The table (version 1) is mapped at GL_GRANT_VA.  A page that is
 * granted must not be offered for sharing; the hypervisor refuses to grant a
 * shared one.
 *
 * Another's ("foreign").  Foreign pages are mapped at pages of ours whose own
 * frame was given back (gl_foreign_init()).  Such a page has the flag
 * GL_PG_FOREIGN and holds domid and grant reference in one word, and its p2m
 * entry has GL_P2M_FOREIGN.  So the library can tell by the page or by its
 * address whose frame is mapped there, and does not offer it for sharing.
 *
 * Unmapping when somebody may still use a page: gnttab_unmap_refs_async()
 * (gl/unmap_async.h has the rules).  While something is queued the library uses
 * the alarm of gl/timer.h; a kernel with other uses for it calls
 * gl_grant_retry() from its own.
 */
#ifndef GL_GRANT_H
#define GL_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include <gl/decls.h>
#include <gl/hypercall.h>
#include <gl/unmap_async.h>

GL_DECLS_BEGIN

#define GL_GRANT_VA		0x00007f0000000000UL
#define GL_GRANT_FRAMES_MAX	8
#define GL_GRANT_FIRST		8	/* below: reserved by the ABI */

static inline long hypercall_grant_table_op(unsigned int op, void *args,
					    unsigned int count)
{
	return gl_hypercall(__HYPERVISOR_grant_table_op, op,
			    (unsigned long)args, count, 0, 0);
}

/* --- ours --- */
long gl_grant_init(unsigned int frames);	/* once; 0 or -errno */
/*
 * Let `to` use the page at va: a reference from GL_GRANT_FIRST on, lowest
 * first; or -errno.
 */
long gl_grant_page(domid_t to, uint64_t va, bool readonly);
bool gl_grant_in_use(grant_ref_t ref);
/* Take it back: 0, or -XEN_EBUSY while it is in use. */
long gl_grant_end(grant_ref_t ref);
/*
 * Take it back as soon as it is no longer in use, and then call done(data),
 * exactly once.  -XEN_ENOMEM: too many wait.
 */
long gl_grant_end_deferred(grant_ref_t ref, void (*done)(void *data),
			   void *data);

/* --- others' --- */
long gl_foreign_init(unsigned int pages);	/* once; 0 or -errno */
/* count 1, nothing mapped; NULL: none left */
struct gl_page *gl_foreign_alloc(void);
void gl_foreign_free(struct gl_page *p);	/* unmapped */
/* 0, GNTST_* (negative), or -errno for the whole call. */
long gl_foreign_map(struct gl_page *p, domid_t domid, grant_ref_t ref,
		    bool readonly);
/* at once; -XEN_EBUSY if it is in use */
long gl_foreign_unmap(struct gl_page *p);
/* The page at va; NULL: it is not one of these. */
struct gl_page *gl_foreign_page(uint64_t va);
/* Is a page of another domain's mapped at va, and whose? */
bool gl_foreign_whose(uint64_t va, domid_t *domid, grant_ref_t *ref);

/* The proposal's call; see gl_unmap_refs_async(). */
int gnttab_unmap_refs_async(struct gnttab_unmap_grant_ref *unmap_ops,
			    struct gnttab_unmap_grant_ref *kunmap_ops,
			    struct gl_page **pages, unsigned int count,
			    void (*done)(void *data), void *data);
/* The operation that unmaps p, for gnttab_unmap_refs_async(). */
struct gnttab_unmap_grant_ref gl_foreign_unmap_op(const struct gl_page *p);

/* Try again the unmaps and the deferred ends that wait. */
void gl_grant_retry(void);
/* Before the guest ends, when nobody uses foreign pages any more. */
void gl_grant_stop(void);
const struct gl_unmap_counters *gl_grant_unmap_counters(void);

/*
 * Inside the library: grant.c's part of gl_grant_retry(); true: something waits
 * still.
 */
bool gl_grant_retry_ends(void);

GL_DECLS_END

#endif
