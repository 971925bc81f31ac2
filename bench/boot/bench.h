/* SPDX-License-Identifier: MIT */
/*
 * For measuring guests.  Under QEMU's -icount shift=0 the time-stamp counter
 * counts instructions, of guest and hypervisor alike, and repeats exactly.
 * Each figure is one line:  BENCH name instructions-per-call
 */
#ifndef BENCH_H
#define BENCH_H

#include <gl/console.h>
#include <gl/event.h>

#include <stdint.h>

static inline uint64_t bench_now(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

#define BENCH_ROUNDS 200

typedef void (*bench_fn)(void *arg);

/*
 * The smallest of BENCH_ROUNDS runs of fn(arg): the others hold a timer
 * interrupt, or are the first.  An empty function's cost is taken off.
 */
static inline uint64_t bench_run(bench_fn fn, void *arg)
{
	uint64_t best = ~0UL;

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		uint64_t start = bench_now(), took;

		fn(arg);
		took = bench_now() - start;
		if (took < best)
			best = took;
	}
	return best;
}

__attribute__((noinline)) static void bench_nothing(void *arg)
{
	__asm__ volatile("" : : "r"(arg) : "memory");
}

static inline void bench(const char *name, bench_fn fn, void *arg)
{
	gl_printf("BENCH %s %lu\n", name,
		  bench_run(fn, arg) - bench_run(bench_nothing, arg));
}

#endif
