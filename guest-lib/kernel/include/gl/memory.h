/* SPDX-License-Identifier: MIT */
/*
 * Memory.  pfn: guest page number, 0 .. nr_pages-1.  mfn: the machine frame
 * behind it.
 *
 * One linear map: virtual address = pfn << 12, for every page that the domain
 * owns.  The builder maps the first part; gl_memory_init() adds the rest.  So
 * each page has one mapping, which is what offering it for sharing takes.  Page
 * 0 is unmapped, so that NULL faults.  Page-table pages are mapped read-only.
 */
#ifndef GL_MEMORY_H
#define GL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

#define GL_PAGE_BYTES	4096UL
#define GL_PAGE_SHIFT	12

#define GL_PTE_PRESENT	1UL
#define GL_PTE_WRITE	2UL
#define GL_PTE_USER	4UL
#define GL_PTE_ACCESSED	0x20UL
#define GL_PTE_DIRTY	0x40UL
#define GL_PTE_NX	(1UL << 63)
/* the machine address in an entry */
#define GL_PTE_FRAME	0x000ffffffffff000UL
/* Guest kernels run in ring 3: each of their pages is a user page. */
#define GL_PTE_KERNEL_RO (GL_PTE_PRESENT | GL_PTE_USER | GL_PTE_ACCESSED)
#define GL_PTE_KERNEL	(GL_PTE_KERNEL_RO | GL_PTE_WRITE | GL_PTE_DIRTY)

/* in the p2m: no machine frame behind this pfn */
#define GL_NO_FRAME	(~0UL)

/* In the p2m: another domain's frame, mapped by grant (gl/grant.h). */
#define GL_P2M_FOREIGN	(1UL << 63)

void gl_memory_init(void);

/* Whole pages; not cleared. 0 when there are none. */
uint64_t gl_page_alloc(void);
uint64_t gl_pages_alloc(size_t count);	/* contiguous */
void gl_page_free(uint64_t va);
void gl_pages_free(uint64_t va, size_t count);
size_t gl_pages_free_count(void);
uint64_t gl_pages_total(void);		/* length of the p2m */

static inline uint64_t gl_pfn_to_virt(uint64_t pfn)
{
	return pfn << GL_PAGE_SHIFT;
}

static inline uint64_t gl_virt_to_pfn(uint64_t va)
{
	return va >> GL_PAGE_SHIFT;
}

uint64_t gl_pfn_to_mfn(uint64_t pfn);	/* GL_NO_FRAME beyond the end */
void gl_p2m_set(uint64_t pfn, uint64_t mfn);
uint64_t gl_mfn_to_pfn(uint64_t mfn);	/* by the M2P */
static inline bool gl_pfn_is_foreign(uint64_t pfn)
{
	uint64_t mfn = gl_pfn_to_mfn(pfn);

	return (mfn & GL_P2M_FOREIGN) && mfn != GL_NO_FRAME;
}

static inline uint64_t gl_virt_to_mfn(uint64_t va)
{
	return gl_pfn_to_mfn(gl_virt_to_pfn(va));
}

/*
 * The value of va's L1 entry; and the entry's machine address.  0: there is no
 * table.
 */
uint64_t gl_pte_read(uint64_t va);
uint64_t gl_pte_maddr(uint64_t va);

/* Set va's entry, making tables as needed. flags: GL_PTE_*. 0 or -errno. */
long gl_map_page(uint64_t va, uint64_t mfn, uint64_t flags);
long gl_unmap_page(uint64_t va);

/*
 * Give the frame of an allocated page back to the hypervisor; the pfn stays
 * allocated and has no frame until gl_frame_regain().  0 or -errno.
 */
long gl_frame_return(uint64_t va);
/*
 * The same for pages one after the other, many a hypercall; they need not be
 * allocated.  Returns how many, from va on, have no frame now.
 */
uint64_t gl_frames_return(uint64_t va, uint64_t count);
long gl_frame_regain(uint64_t va);

/* Used inside the library (pagetable.c). */
#define GL_L1_SPAN (512 * GL_PAGE_BYTES)
uint64_t *gl_l1_of(uint64_t va);		/* read-only; NULL: none */
/* a filled page becomes va's L1 */
long gl_l1_install(uint64_t va, uint64_t table_va);

GL_DECLS_END

#endif
