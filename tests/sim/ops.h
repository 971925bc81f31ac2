/* SPDX-License-Identifier: MIT */
/*
 * Operations.  `prepare` writes the arguments into the guest's own memory and
 * s->args, before anything runs; `run` is what the schedules interleave.
 */
#ifndef TESTS_SIM_OPS_H
#define TESTS_SIM_OPS_H

#include "sim/state.h"

struct op {
	const char *name;
	void (*prepare)(struct side *s);
	long (*run)(struct side *s);
	/* alone, before the verdict; NULL: nothing */
	void (*finish)(struct side *s);
};
extern const struct op ops[];
extern const unsigned int op_count;

#endif
