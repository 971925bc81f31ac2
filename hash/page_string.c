/* SPDX-License-Identifier: MIT */
/*
 * Pages by the CPU's string instructions: on many CPUs the fastest way to copy
 * and clear that needs no vector register.  The rest is as in page.c.
 */
#include <hash/general_regs.h>

#include <port.h>

#include <hash/page.h>
#include "page_variants.h"

static void copy_string(void *to, const void *from)
{
	uint64_t bytes = PAGE_HASH_BYTES;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)
			 : : "memory");
}

static void clear_string(void *page)
{
	uint64_t bytes = PAGE_HASH_BYTES;

	__asm__ volatile("rep stosb" : "+D"(page), "+c"(bytes) : "a"(0)
			 : "memory");
}

const struct page_fns page_fns_string = {
	.hash = page_hash,
	.equal = page_equal,
	.is_zero = page_is_zero,
	.copy = copy_string,
	.clear = clear_string,
};

#include <hash/general_regs_end.h>
