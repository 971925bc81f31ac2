/* SPDX-License-Identifier: MIT */
/*
 * `harness icount`: how many instructions Linux guests take, hypervisor
 * included.  QEMU counts them (-icount, recording); a breakpoint at
 * each of POINTS="NAME=ADDRESS ..." (hexadecimal, in the order in which they
 * are reached) says when to look.  Time that the processor sleeps is no
 * instruction.
 */
#ifndef HARNESS_ICOUNT_H
#define HARNESS_ICOUNT_H

#include "harness/options.h"

/* Prints "point NAME COUNT" for each; the program's exit status. */
int icount_main(const struct options *o);

#endif
