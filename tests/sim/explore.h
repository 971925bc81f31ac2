/* SPDX-License-Identifier: MIT */
/* The schedules of one pair. */
#ifndef TESTS_SIM_EXPLORE_H
#define TESTS_SIM_EXPLORE_H

#include "sim/ops.h"
#include "sim/sim.h"

/* serial ones: who is first, and, of three, who is second */
#define ORDERS		(SIM_CPUS * (SIM_CPUS - 1))

struct pair {
	const struct op *op[SIM_CPUS];
	bool one_domain;	/* two vCPUs of it */
	struct sim_outcome serial[ORDERS];	/* 0 first, 1 first, .. */
	struct sim_outcome alone[SIM_CPUS];	/* text: unused */
	struct sim_outcome without[SIM_CPUS][2];	/* of three */
	uint64_t untouched;	/* the digest with neither */
};

/* A state that some schedule of this pair left. */
struct end {
	bool judged;
	uint64_t changes, digest;
	char text[sizeof(sim_outcome.text)];	/* why it is wrong, or "" */
};

/* Shared with the processes of pairs, and theirs with the judges'. */
struct results {
	unsigned long schedules;
	unsigned int failures;
	unsigned long orders;	/* that differ, as reduce_order() has them */
	struct end judged;
};
extern struct results *results;

void explore_start(void);
/* In a process of its own; failures are printed and counted. */
void explore_pair(struct pair *p);
/* One schedule: FIRST, N, M; of three, STEP and BACK, too. */
void explore_schedule(struct pair *p, char *const word[]);
const char *explore_name(const struct pair *p);

#endif
