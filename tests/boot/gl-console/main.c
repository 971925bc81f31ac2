/* SPDX-License-Identifier: MIT */
/*
 * Proves that the console loses nothing: far more text than the ring holds, in
 * short and long pieces; the runner sees the last line only if all of it went
 * through.
 */
#include <gl/start.h>

#include "../gl_test.h"

void gl_main(void)
{
	static char line[201];

	for (unsigned int i = 0; i < 200; i++)
		line[i] = (char)('a' + i % 26);
	for (unsigned int i = 0; i < 30; i++)
		gl_printf("%3u %s\n", i, line);
	for (unsigned int i = 0; i < 200; i++)
		gl_console_write(".", 1);
	gl_console_write("\n", 1);
	gl_test_check(gl_console_getc() == -1);
	gl_test_done();
}
