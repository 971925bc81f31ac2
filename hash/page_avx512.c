/* SPDX-License-Identifier: MIT */
/*
 * Pages with AVX-512; compiled with flags of its own (page_flags in the
 * Makefile).
 */
#define PAGE_VARIANT	avx512
#define PAGE_XXH	3
#define PAGE_LANES	8
#define PAGE_STREAM	__builtin_ia32_movntdq512
#include "page_impl.h"
