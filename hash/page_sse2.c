/* SPDX-License-Identifier: MIT */
/*
 * Pages with SSE2; compiled with flags of its own (page_flags in the Makefile).
 */
#define PAGE_VARIANT	sse2
#define PAGE_XXH	1
#define PAGE_LANES	2
#define PAGE_STREAM	__builtin_ia32_movntdq
#include "page_impl.h"
