/* SPDX-License-Identifier: MIT */
/* The initial RAM disk, named by address or (SIF_MOD_START_PFN) by pfn. */
#include <gl/initrd.h>
#include <gl/memory.h>
#include <gl/start.h>

const void *gl_initrd(uint64_t *bytes)
{
	const struct start_info *si = gl_start_info;

	*bytes = si->mod_len;
	if (!si->mod_len)
		return 0;
	return (const void *)(si->flags & SIF_MOD_START_PFN ?
			      gl_pfn_to_virt(si->mod_start) : si->mod_start);
}

uint64_t gl_initrd_return(void)
{
	uint64_t bytes, done, pages;
	uint64_t va = (uint64_t)gl_initrd(&bytes);
	uint64_t first = (va + GL_PAGE_BYTES - 1) & ~(GL_PAGE_BYTES - 1);
	uint64_t end = (va + bytes + GL_PAGE_BYTES - 1) & ~(GL_PAGE_BYTES - 1);

	/*
	 * The builder starts the RAM disk on a page of its own; if it does not,
	 * the first page stays.
	 */
	if (!bytes || first >= end)
		return 0;
	gl_start_info->mod_len = 0;
	pages = (end - first) / GL_PAGE_BYTES;
	done = gl_frames_return(first, pages);
	if (done < pages)
		gl_pages_free(first + done * GL_PAGE_BYTES, pages - done);
	return done;
}
