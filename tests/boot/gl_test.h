/* SPDX-License-Identifier: MIT */
/*
 * For test kernels: say what went wrong, and end with the one line that the
 * runner looks for, which is the last:
 *	Test result: SUCCESS | SKIP | ERROR | FAILURE
 * FAILURE: what is tested is wrong.  ERROR: the test could not be done.  SKIP:
 * it does not apply here.  The domain then powers off.
 */
#ifndef GL_TEST_H
#define GL_TEST_H

#include <gl/console.h>
#include <gl/hypercall.h>
#include <gl/printf.h>
#include <gl/sched.h>

static unsigned int gl_test_failures __attribute__((unused));

__attribute__((noreturn, unused))
static void gl_test_end(const char *result)
{
	gl_printf("Test result: %s\n", result);
	gl_shutdown(SHUTDOWN_poweroff);
}

/* Note a failure and go on. */
__attribute__((format(printf, 1, 2), unused))
static void gl_test_fail(const char *format, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, format);
	gl_vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	gl_printf("FAIL: %s\n", text);
	gl_test_failures++;
}

/* The end of a test that ran. */
__attribute__((noreturn, unused))
static void gl_test_done(void)
{
	gl_test_end(gl_test_failures ? "FAILURE" : "SUCCESS");
}

__attribute__((noreturn, unused))
static void gl_test_skip(const char *why)
{
	gl_printf("skipped: %s\n", why);
	gl_test_end("SKIP");
}

__attribute__((noreturn, unused))
static void gl_test_error(const char *why)
{
	gl_printf("error: %s\n", why);
	gl_test_end("ERROR");
}

#define gl_test_check(condition) \
	((condition) ? (void)0 : \
	 gl_test_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

#define gl_test_equal(got, want) \
	do { \
		long got_ = (long)(got), want_ = (long)(want); \
		if (got_ != want_) \
			gl_test_fail("%s:%d: %s is %ld (%lx), not %ld (%lx)", \
				     __FILE__, __LINE__, #got, got_, got_, \
				     want_, want_); \
	} while (0)

#endif
