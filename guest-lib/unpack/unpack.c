/* SPDX-License-Identifier: MIT */
/*
 * Unpacks a kernel in a domain of its own, which may do nothing else: the
 * hypervisor has no decoder in it, and a damaged or malicious stream meets the
 * libraries' decoders here.
 *
 * The initial RAM disk is the payload of a bzImage: a stream of xz, zstd, gzip
 * or lz4, whose last 4 bytes are the content's size.  The content goes to the
 * last pages of the domain.  Once it has powered off, the hypervisor takes it
 * from there (hv/ctl/unpack.c); with any other end there is none, and the
 * console has said why.
 *
 * The libraries are compiled for programs: they keep data below the stack
 * pointer, where an event's frame would go, so events are off meanwhile; and
 * they look for a stack's guard where a program has it, at 40 of segment FS.
 */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/initrd.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/string.h>

#include "decode.h"

static uint64_t thread[8];	/* a program's, with the guard */
static uint64_t out_first;	/* pfn from which on all is the content's */

/* --- what the libraries ask a C library for --- */

struct block {
	_Alignas(64) size_t pages;	/* and what is behind is as aligned */
};

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void free(void *p);
void __stack_chk_fail(void);

void *malloc(size_t bytes)
{
	size_t pages = (bytes + sizeof(struct block) + GL_PAGE_BYTES - 1) / GL_PAGE_BYTES;
	uint64_t va = gl_pages_alloc(pages);
	struct block *b = (struct block *)va;

	if (!va)
		return NULL;
	if (gl_virt_to_pfn(va) + pages > out_first) {
		gl_pages_free(va, pages);
		return NULL;
	}
	b->pages = pages;
	return b + 1;
}

void *calloc(size_t count, size_t bytes)
{
	size_t all;
	void *p = __builtin_mul_overflow(count, bytes, &all) ? NULL : malloc(all);

	return p ? memset(p, 0, all) : NULL;
}

void free(void *p)
{
	struct block *b = (struct block *)p - 1;

	if (p)
		gl_pages_free((uint64_t)b, b->pages);
}

void __stack_chk_fail(void)
{
	gl_panic("a decoder wrote beyond its stack");
}

void gl_main(void)
{
	uint64_t bytes, pages;
	const uint8_t *in = gl_initrd(&bytes);
	const char *wrong;
	uint32_t content;

	(void)gl_events_save();
	if (gl_hypercall(__HYPERVISOR_set_segment_base, SEGBASE_FS, (uint64_t)thread, 0, 0, 0))
		gl_panic("no segment for the decoders");
	if (!in || bytes < 2 * DECODE_SIZE_BYTES)
		gl_panic("there is nothing to unpack");
	memcpy(&content, in + bytes - DECODE_SIZE_BYTES, sizeof(content));
	pages = (content + GL_PAGE_BYTES - 1) / GL_PAGE_BYTES;
	if (pages >= gl_pages_total())
		gl_panic("no memory for %u bytes", content);
	out_first = gl_pages_total() - pages;
	wrong = decode(in, bytes, (uint8_t *)gl_pfn_to_virt(out_first), content);
	if (wrong)
		gl_panic("%s", wrong);
	gl_shutdown(SHUTDOWN_poweroff);
}
