/* SPDX-License-Identifier: MIT */
/*
 * xencomm: hypercall arguments by machine address (seed 004; <xencomm.h> has
 * the format).  Each function here gives a reference: a number to pass wherever
 * a hypercall wants the address of data.  A reference plus n names the byte n
 * further on.
 *
 * Three ways, by how long an argument lives and how large it is:
 *   inline      one page, or machine-contiguous memory: nothing is allocated
 *   descriptor  any length, any number of pages; made before the call, freed
 *               after it
 *   buffer      registered once, then memory is handed out of it for many calls
 *
 * The memory that a reference names must stay where it is while it is used: it
 * may not be offered for sharing, nor given back.  (In a registered buffer the
 * hypervisor sees to that.)  None of these functions may be called from an
 * event handler.
 */
#ifndef GL_XENCOMM_H
#define GL_XENCOMM_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xencomm.h>
#include <xencomm.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

/* --- inline and descriptors (xencomm.c) --- */

/* XENCOMM_INVALID: the memory is not machine-contiguous, or has no frame. */
uint64_t xencomm_inline(const void *area, size_t bytes);

/*
 * Inline where that is possible, else a descriptor in pages of the library's.
 * XENCOMM_INVALID: no memory, above XENCOMM_DESC_MAX, or a page without a
 * frame.
 */
uint64_t xencomm_map(const void *area, size_t bytes);
/* what xencomm_map() made; inline, invalid: nothing to do */
void xencomm_free(uint64_t ref);

/*
 * xencomm_map() without an allocation: the descriptor is the caller's, for
 * areas on up to 6 pages.
 */
struct xencomm_mini {
	struct xencomm_desc head;
	uint64_t address[6];
} __attribute__((aligned(64)));
/* so that it lies on one page, and not on the page's last word */
uint64_t xencomm_map_no_alloc(const void *area, size_t bytes,
			      struct xencomm_mini *mini);

/*
 * An argument whose length is not known beforehand: append data as they come;
 * `ref` names all data so far, and stays the same.
 */
struct xencomm_growing {
	uint64_t ref;		/* XENCOMM_INVALID while empty */
	uint64_t bytes;		/* so far */
	/* va of the first and last page of the descriptor */
	uint64_t first, last;
	uint64_t page;		/* va of the last page of data */
};
#define XENCOMM_GROWING { .ref = XENCOMM_INVALID }
/*
 * How many bytes could be appended: fewer than asked for without memory for
 * more.
 */
size_t xencomm_append(struct xencomm_growing *g, const void *data, size_t bytes);
void xencomm_growing_free(struct xencomm_growing *g);

/* --- registered buffers (xencomm_buffer.c) --- */

/*
 * A buffer of `pages` (1 .. XENCOMM_BUFFER_PAGES) for `owner`, any number by
 * which the caller knows a user, such as a process.  Returns the buffer's
 * number (> 0), -ENOMEM, -ENOSPC (too many buffers), or what the hypervisor
 * says.
 */
long xencomm_alloc_buf(unsigned int pages, uint64_t owner);
/* -ENOENT: no such buffer; -EBUSY: memory in it is still handed out. */
long xencomm_free_buf(long buf);
/*
 * `bytes` (rounded up to 64) of the buffer's memory, zeroed; *va is where the
 * guest sees it.  A reference, or XENCOMM_INVALID if there is no room, or no
 * such buffer.
 */
uint64_t xencomm_alloc_mem(long buf, size_t bytes, void **va);
void xencomm_free_mem(uint64_t ref, size_t bytes);
/*
 * A user has gone without tidying up: free all its buffers, even with memory in
 * use.  Returns how many there were.
 */
unsigned int xencomm_owner_gone(uint64_t owner);

GL_DECLS_END

#endif
