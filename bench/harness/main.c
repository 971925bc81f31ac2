/* SPDX-License-Identifier: MIT */
/*
 * The harness: starts Pasture in QEMU and judges what comes out.
 *
 *   run        8 guests share real files of this host   (run.c)
 *   many       200 minimal guests in one machine        (run.c)
 *   boot-test  small kernels, each in its own machine   (boottest.c)
 *
 * Started from the top of the tree; works in build/.
 */
#include <stdio.h>

#include "harness/boottest.h"
#include "harness/run.h"

int main(int argc, char **argv)
{
	struct options o;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	options_parse(&o, argc, argv);
	if (o.command == COMMAND_BOOT_TEST)
		status = boottest_main(&o);
	else
		status = run_main(&o);
	strings_free(&o.names);
	strings_free(&o.files);
	return status;
}
