/* SPDX-License-Identifier: MIT */
/*
 * The input is what stdin gives; AFL++ starts this program, stops it in
 * fuzz_ready(), and goes on from there in a copy for each input, so no input
 * sees what another one left.
 *
 * A draw takes as few bytes as it needs, so that a changed byte changes one
 * decision.  When all are used up the target ends with its operation; what that
 * one still draws comes from a generator, for it may draw until it is content.
 *
 * A check that fails aborts: in libcheck's place, which would look for its own
 * runner.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define OPERATIONS_MOST	100000

static uint8_t input[1 << 16];
static size_t bytes, at;
static uint64_t state = 88172645463325252;
uint64_t fuzz_operations;

static uint64_t take(unsigned int n)
{
	uint64_t x = 0;

	if (at == bytes) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		return state >> 8;
	}
	while (n-- && at < bytes)
		x = x << 8 | input[at++];
	return x;
}

uint64_t fuzz_random(void)
{
	return take(8);
}

uint64_t fuzz_below(uint64_t n)
{
	return take(n <= 1 << 8 ? 1 : n <= 1 << 16 ? 2 : 8) % n;
}

bool fuzz_more(void)
{
	return at < bytes && fuzz_operations++ < OPERATIONS_MOST;
}

void fuzz_met(bool met, const char *what)
{
}

void _ck_assert_failed(const char *file, int line, const char *expr,
		       const char *msg, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: %s: ", file, line, expr);
	if (msg) {
		va_start(ap, msg);
		vfprintf(stderr, msg, ap);
		va_end(ap);
	}
	fprintf(stderr, "\n");
	abort();
}

#undef _mark_point	/* check.h has another for who only calls it */
void _mark_point(const char *file, int line)
{
}

void fuzz_ready(void)
{
	ssize_t n;

	__AFL_INIT();
	while (bytes < sizeof(input) && (n = read(0, input + bytes, sizeof(input) - bytes)) > 0)
		bytes += (size_t)n;
}

int main(void)
{
	fuzz_target();
	return 0;
}
