/* SPDX-License-Identifier: MIT */
/* hv/sharing: the only place that knows both the hypervisor and share/. */
#ifndef HV_SHARING_SHARING_H
#define HV_SHARING_SHARING_H

#include <share/share.h>

#include "dom/domain.h"

void sharing_init(void);		/* once, after the allocators; panics without memory */
struct share *sharing_service(void);

/*
 * Recount I1-I7, I9-I14 and I18 for the whole machine (audit.h); each error is logged with
 * its number.  Returns the number of errors.  No lock held.
 */
uint64_t sharing_audit(uint64_t *cross_group);

/* The same with its times.  All zero, but for `first`, before the first part. */
struct sharing_audit {
	uint64_t number;	/* which audit it is */
	bool first;		/* in: the operator's, which others wait for */
	uint64_t errors, cross_group; /* after the last part */
	uint64_t stops;		/* times that the machine was stopped, */
	uint64_t stopped_ns, longest_ns; /* for how long */
};

void sharing_audit_all(struct sharing_audit *result);
/*
 * One part; false: it was the last.  Between parts everything goes on, also the CPU that calls.  If
 * sharing_audit_all() or another audit comes between, this one begins again after it; but while the
 * operator's is under way, a part of any other does nothing.
 */
bool sharing_audit_part(struct sharing_audit *result) must_check;

/* Are entries for this frame being rewritten (break.c, K1)?  The machine is stopped. */
bool break_pending(const struct domain *d, mfn_t mfn);

struct sharing_chunk;
struct sharing_chunk *sharing_scratch(void);	/* this CPU's; op_share.c */

#endif
