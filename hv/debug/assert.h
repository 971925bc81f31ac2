/* SPDX-License-Identifier: MIT */
/*
 * CHECK: always on, O(1).  ASSERT: debug builds.  ASSERT_SLOW: test builds,
 * for whole-structure checks.  None may be reachable by what a guest does.
 */
#ifndef HV_DEBUG_ASSERT_H
#define HV_DEBUG_ASSERT_H

#include "debug/panic.h"

#define CHECK(c) \
	do { \
		if (__builtin_expect(!(c), 0)) \
			panic("%s:%d: CHECK(%s)", __FILE__, __LINE__, #c); \
	} while (0)

/* DEBUG and TEST_BUILD are always defined, as 0 or 1, by the Makefile. */
#define ASSERT(c)	do { if (DEBUG) CHECK(c); } while (0)
#define ASSERT_SLOW(c)	do { if (TEST_BUILD) CHECK(c); } while (0)

#endif
