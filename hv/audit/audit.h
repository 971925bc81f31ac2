/* SPDX-License-Identifier: MIT */
/*
 * The audit, as the operator and guests ask for it; audit_private.h has the
 * invariants.
 */
#ifndef HV_AUDIT_AUDIT_H
#define HV_AUDIT_AUDIT_H

#include "lib/types.h"

/*
 * Recount I1-I7, I9-I14 and I18 for the whole machine (audit_private.h); each
 * error is logged with its number.  Returns the number of errors.  No lock
 * held.
 */
uint64_t audit_machine(uint64_t *cross_group);

/*
 * The same with its times.  All zero, but for `first`, before the first part.
 */
struct audit_result {
	uint64_t number;	/* which audit it is */
	bool first;		/* in: the operator's, which others wait for */
	uint64_t errors, cross_group; /* after the last part */
	uint64_t stops;		/* times that the machine was stopped, */
	uint64_t stopped_ns, longest_ns; /* for how long */
};

void audit_whole(struct audit_result *result);
/*
 * One part; DONE: it was the last.  Between parts everything goes on, also the
 * CPU that calls.  If audit_whole() or another audit comes between, this one
 * begins again after it; but while the operator's is under way, a part of any
 * other does nothing.
 */
enum progress audit_part(struct audit_result *result) must_check;

/*
 * Recount I16 for all domains, all CPUs stopped (or a test): each error in
 * words.  Returns their number.  tables_untouched: the guests wrote no status
 * bits, so these are compared, too.
 */
uint64_t audit_grants(void (*error)(void *ctx, const char *text), void *ctx,
		     bool tables_untouched);

#endif
