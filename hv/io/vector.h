/* SPDX-License-Identifier: MIT */
/*
 * Vectors of devices' interrupts: each processor has its own.  All functions
 * but vector_tag() are called under pirq_lock (pirq.c).
 */
#ifndef HV_IO_VECTOR_H
#define HV_IO_VECTOR_H

#include "lib/types.h"

#define VECTOR_BLOCK_MAX	32	/* messages of one MSI capability */

/*
 * `count` vectors of a processor in a row, the first a multiple of count, which
 * is a power of two.  The first gets `tag` (not 0), the next tag + 1, and so
 * on.  -ENOSPC.
 */
int vector_alloc(unsigned int cpu, unsigned int count, uint16_t tag) must_check;
void vector_free(unsigned int cpu, uint8_t vector, unsigned int count);
/* What it was given, 0: the vector is nobody's.  Any locks. */
uint16_t vector_tag(unsigned int cpu, uint32_t vector);

#endif
