/* SPDX-License-Identifier: MIT */
/*
 * The harness: starts Pasture in QEMU and judges what comes out.
 *
 *   run        8 guests share real files of this host   (run.c)
 *   many       200 minimal guests in one machine        (run.c)
 *   linux      stock Linux kernels as guests            (linux.c)
 *   icount     the instructions that a boot takes       (icount.c)
 *   boot-test  small kernels, each in its own machine   (boottest.c)
 *   machine    one QEMU for a script                (one.c)
 *   kernel, initramfs   the files that Linux guests need
 *
 * Started from the top of the tree; works in build/.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "harness/boottest.h"
#include "harness/icount.h"
#include "harness/initramfs.h"
#include "harness/kernel_file.h"
#include "harness/linux.h"
#include "harness/one.h"
#include "harness/run.h"

int main(int argc, char **argv)
{
	struct options o;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "kernel"))
		return kernel_file_main(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "initramfs"))
		return initramfs_write(argv[2], argv[3]), 0;
	/* The script that called us is ended: then so are we. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	options_parse(&o, argc, argv);
	if (o.command == COMMAND_BOOT_TEST)
		status = boottest_main(&o);
	else if (o.command == COMMAND_LINUX)
		status = linux_main(&o);
	else if (o.command == COMMAND_ICOUNT)
		status = icount_main(&o);
	else if (o.command == COMMAND_MACHINE)
		status = one_main(&o);
	else
		status = run_main(&o);
	strings_free(&o.names);
	strings_free(&o.files);
	strings_free(&o.words_of_qemu);
	return status;
}
