/* SPDX-License-Identifier: MIT */
/*
 * Boot tests: small kernels, each test in a machine of its own, two machines
 * at a time, and more while the host's CPUs are idle.  One line per test; on a
 * failure the end of its console and the command that repeats it.  Last line:
 * "N passed, N failed".
 */
#ifndef HARNESS_BOOTTEST_H
#define HARNESS_BOOTTEST_H

#include "harness/options.h"

/* `harness boot-test [NAME ... | list]`; the program's exit status. */
int boottest_main(const struct options *o);

#endif
