/* SPDX-License-Identifier: MIT */
/* One attack of two vCPUs on each other, REPEATS times. */
#ifndef PAIRS_H
#define PAIRS_H

#include <gl/vcpu.h>

#include "../attack.h"

#define REPEATS	100

struct pair {
	const char *name;	/* numbers of the attack list */
	void (*begin)(void);	/* once; all but op are vCPU 0's */
	void (*before)(unsigned int n);
	/* by both at once; me: 0 or 1 */
	void (*op)(unsigned int me, unsigned int n);
	void (*after)(unsigned int n);
};

/* areas.c: the areas of both vCPUs are there; both give way many times. */
void areas_at(uint64_t va);
void switches(unsigned int me, unsigned int n);
/* Grants a page to that domain, until it has had enough. */
__attribute__((noreturn)) void giver(domid_t user);

extern const struct pair table_pairs[], memory_pairs[], area_pairs[], grant_pairs[], event_pairs[];
/*
 * As gl_test_fail(), with a count for all files (test.cfg forbids FAIL lines,
 * too).
 */
__attribute__((format(printf, 1, 2))) void wrong(const char *format, ...);

/* A page's words, each with a weight of its own. */
static inline uint64_t sum_of(uint64_t va)
{
	const volatile uint64_t *p = (const volatile uint64_t *)va;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < PAGE_WORDS; i++)
		sum += p[i] * (2 * i + 1);
	return sum;
}

static inline void wait_a_bit(unsigned int n)
{
	for (volatile unsigned int i = 0; i < n; i++)
		;
}

#endif
