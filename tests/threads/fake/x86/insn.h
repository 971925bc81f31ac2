/* SPDX-License-Identifier: MIT */
/*
 * The instructions that the sources use when threads are the CPUs
 * (hv/x86/insn.h on the CPU).  Nothing is cached here: the simulator has that.
 */
#ifndef TESTS_THREADS_INSN_H
#define TESTS_THREADS_INSN_H

#include "sim/sim.h"

static inline uint64_t read_cr3(void)
{
	return maddr_n(this_cpu()->loaded_cr3);
}

static inline void write_cr3(uint64_t v) { }
static inline void invlpg(uint64_t va) { }

/* No feature at all. */
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	out[0] = out[1] = out[2] = out[3] = 0;
}

static inline void cpu_pause(void)
{
	sim_wait();
}

#endif
