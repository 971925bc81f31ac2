/* SPDX-License-Identifier: MIT */
/*
 * Pages with AVX2; compiled with flags of its own (page_flags in the Makefile).
 */
#define PAGE_VARIANT	avx2
#define PAGE_XXH	2
#define PAGE_LANES	4
#define PAGE_STREAM	__builtin_ia32_movntdq256
#include "page_impl.h"
