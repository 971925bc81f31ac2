/* SPDX-License-Identifier: MIT */
/*
 * Machine memory for tests of hv/mm and above: RAM with two holes, its frame
 * table, and the allocator filled.  What is not RAM, and its records, is
 * poisoned: AddressSanitizer stops a test that touches it.
 */
#ifndef TESTS_FAKE_RAM_H
#define TESTS_FAKE_RAM_H

#include <port.h>

#include "mm/palloc.h"

#define FAKE_FRAMES	8192u		/* 32 MiB */
/* frames below are not the allocator's */
#define FAKE_RESERVED	0x400u
/* a frame that is not RAM, between RAM */
#define FAKE_HOLE	0x1801u
/* reserved RAM for the test, up to FAKE_RESERVED */
#define FAKE_MODULES	0x100u

/* Once a process (the allocator keeps its state); later calls do nothing. */
void fake_ram_start(void);

/* random_u64() and entropy_fill() are this sequence. */
extern uint64_t fake_seed;

/* Frames free after fake_ram_start(). */
extern uint64_t fake_free_at_start;

static inline uint32_t fake_ref(mfn_t mfn)
{
	return frame_state_ref(frame_state(mfn_to_frame(mfn)));
}

static inline enum frame_kind fake_kind(mfn_t mfn)
{
	return frame_state_kind(frame_state(mfn_to_frame(mfn)));
}

/* 2^order frames of `owner`'s, on no list; INVALID_MFN: none are left. */
static inline mfn_t fake_owned(domid_hv_t owner, unsigned int order)
{
	void *virt = palloc_hv(order);
	uint64_t i;

	if (!virt)
		return INVALID_MFN;
	for (i = 0; i < 1UL << order; i++)
		frame_publish(mfn_to_frame(mfn_add(virt_to_mfn(virt), i)), owner, 0);
	return virt_to_mfn(virt);
}

#endif
