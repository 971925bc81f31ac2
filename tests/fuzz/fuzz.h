/* SPDX-License-Identifier: MIT */
/*
 * The frame of a fuzz target, tests/fuzz/NAME.c: it works for as long as
 * fuzz_more() says so, and whatever it does by chance it draws here.  Two
 * drivers give what is drawn: driver/seed.c random numbers, driver/cov.c the
 * bytes of an input, which AFL++ changes so that further code is reached.
 *
 * FUZZ1  A target does the same for the same draws, and draws nothing before
 *        fuzz_ready(): what it does until then is done once for all inputs.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* The target's: all of it, once in a process. */
void fuzz_target(void);
extern const uint64_t fuzz_default_operations;

void fuzz_ready(void);
/* Another operation?  Counts it in fuzz_operations. */
bool fuzz_more(void);
extern uint64_t fuzz_operations;
/* Any number; and one of 0 .. n - 1. */
uint64_t fuzz_random(void);
uint64_t fuzz_below(uint64_t n);

/*
 * What a run of the seed's driver must have met by its end, or it tested
 * nothing; one input of AFL++'s need not.
 */
void fuzz_met(bool met, const char *what);

/* Without libcheck's record of each that holds. */
#define FUZZ_REQUIRE(x) do { \
	if (!(x)) \
		ck_abort_msg("operation %lu: %s", (unsigned long)fuzz_operations, #x); \
} while (0)

#endif
