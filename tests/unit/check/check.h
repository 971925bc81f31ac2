/* SPDX-License-Identifier: MIT */
/*
 * libcheck's header, for programs that make thousands of checks.  It writes a
 * record of each one that holds and goes through all of them when the test has
 * ended: they say where a test was that died.  Of what one file checks all but
 * the first need that once a while only; a check that fails is told as ever.
 */
#include_next <check.h>

#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#define MARKS_ALL	500u
#define MARKS_EACH	64u

static inline void mark_seldom(const char *file, int line)
{
	static unsigned int marks;
	unsigned int n = __atomic_fetch_add(&marks, 1, __ATOMIC_RELAXED);

	if (n < MARKS_ALL || n % MARKS_EACH == 0)
		_mark_point(file, line);
}
#define _mark_point(file, line)	mark_seldom(file, line)

#endif
