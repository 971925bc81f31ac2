/* SPDX-License-Identifier: MIT */
/* Domains that the operator starts while the machine runs. */
#ifndef HV_CTL_STARTING_H
#define HV_CTL_STARTING_H

#include "ctl/config.h"

/* How one went, when it is over. */
struct starting_result {
	int error;		/* 0: all of them run */
	uint32_t started;	/* so many do, if not all */
	char why[200];
};

/*
 * Once, before the frames that must be free at the end are counted, and after
 * waiting_init().  False: no memory.
 */
bool starting_init(void) must_check;
/*
 * Start what the text says: the name of a domain of the list that is not there
 * now, or a line as the list has them.  One at a time.  False: *r says why not;
 * true: it is under way, until starting_over() says so.  Boot CPU.
 */
bool starting_begin(const char *text, struct starting_result *r) must_check;
bool starting_over(struct starting_result *r);

#endif
