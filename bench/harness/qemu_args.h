/* SPDX-License-Identifier: MIT */
/* The command line of QEMU for a machine. */
#ifndef HARNESS_QEMU_ARGS_H
#define HARNESS_QEMU_ARGS_H

#include "harness/machine.h"

/* For execvp(); never freed. */
char **qemu_args(const struct machine_config *c);

#endif
