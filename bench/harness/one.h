/* SPDX-License-Identifier: MIT */
/*
 * `harness machine LOG [NAME=VALUE ...] -- WORDS`: one QEMU for a script, with
 * these words for it.  What it prints goes to LOG (to the terminal as well with
 * V=1), its complaints to LOG.qemu.  Exit status 0: the hypervisor ended well,
 * or, with UNTIL=TEXT, a line had that text and QEMU was stopped.  Else 1, and
 * one line that says why; 2: a user's mistake.
 */
#ifndef HARNESS_ONE_H
#define HARNESS_ONE_H

#include "harness/options.h"

int one_main(const struct options *o);

#endif
