/* SPDX-License-Identifier: MIT */
/*
 * Proves the environment before anything is blamed: QEMU starts, the hypervisor
 * boots, a guest runs, speaks, and ends.
 */
#include <gl/start.h>

#include "../gl_test.h"

void gl_main(void)
{
	gl_printf("tweet\n");
	gl_test_done();
}
