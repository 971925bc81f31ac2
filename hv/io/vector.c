/* SPDX-License-Identifier: MIT */
/* See vector.h. */
#include <port.h>
#include <errno.h>

#include "io/vector.h"
#include "x86/percpu.h"
#include "x86/regs.h"

/*
 * Above what masked PICs may still send (x86/lapic.c), below the hypervisor's
 * own.
 */
#define FIRST	0x30u
#define END	VEC_TIMER

/* 0: free; changes under pirq_lock, atomic */
static uint16_t tags[MAX_CPUS][END];

/* Ring 3 may call these two. */
static bool is_free(unsigned int cpu, unsigned int vector)
{
	return vector != VEC_INT80 && vector != VEC_HYPERCALL_INT &&
	       !tags[cpu][vector];
}

static bool block_is_free(unsigned int cpu, unsigned int first,
			  unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!is_free(cpu, first + i))
			return false;
	return true;
}

int vector_alloc(unsigned int cpu, unsigned int count, uint16_t tag)
{
	unsigned int first = ALIGN_UP(FIRST, count), i;

	while (first + count <= END && !block_is_free(cpu, first, count))
		first += count;
	if (first + count > END)
		return -ENOSPC;
	for (i = 0; i < count; i++)
		atomic_store_relaxed(&tags[cpu][first + i], tag + i);
	return (int)first;
}

void vector_free(unsigned int cpu, uint8_t vector, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		atomic_store_relaxed(&tags[cpu][vector + i], 0);
}

uint16_t vector_tag(unsigned int cpu, uint32_t vector)
{
	return vector < END ? atomic_load_relaxed(&tags[cpu][vector]) : 0;
}
