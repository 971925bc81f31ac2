/* SPDX-License-Identifier: MIT */
/*
 * Where a call with one argument goes on: a mark in the second, which such a
 * call does not have, the place in the third, and in the fourth what it is at
 * work on.  A caller may write the mark himself: then the call goes on at the
 * place that he says, and must bear it.
 *
 * AGAIN1  No mark is left in the arguments of a call that ended: who makes the
 *         next one with the same registers begins anew.
 * AGAIN2  A call on a domain goes on with that one (domain_origin.life):
 *         to another one of its number, what it did to the first was not done.
 */
#ifndef HV_PV_AGAIN_H
#define HV_PV_AGAIN_H

#include <errno.h>

#include "pv/hypercall.h"

#define AGAIN_MARK	0x61676169UL

/* 0: the call begins. */
static inline uint64_t again_place(const struct hypercall_args *args)
{
	return args->a[1] == AGAIN_MARK ? args->a[2] : 0;
}

/* AGAIN2.  0: the call begins, or is at work on nothing that has a life. */
static inline uint64_t again_life(const struct hypercall_args *args)
{
	return args->a[1] == AGAIN_MARK ? args->a[3] : 0;
}

/* For the end of the handler: its answer.  -ERESTART: it goes on at place. */
static inline long again_end(struct hypercall_args *args, long rc,
			     uint64_t place, uint64_t life)
{
	bool again = rc == -ERESTART;

	if (!again && args->a[1] != AGAIN_MARK)
		return rc;
	args->a[1] = again ? AGAIN_MARK : 0;
	args->a[2] = again ? place : 0;
	args->a[3] = again ? life : 0;
	args->regs = REGS_ARGS;
	return rc;
}

#endif
