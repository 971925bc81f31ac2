/* SPDX-License-Identifier: MIT */
/*
 * The audit in parts, between which everything goes on: what changes behind its
 * place is told to its tally (dom/tally.h), or it finds an error that is none.
 */
#include <port.h>

#include "abi/share.h"
#include "audit/audit_private.h"
#include "pv/above.h"
#include "sim/ops.h"
#include "sim/sim.h"

#define UNITS	6144u	/* of a part: a domain's tables take some */

static void audit(struct side *s)
{
	audit_units_max = UNITS;
	s->args = (struct hypercall_args){ .a = { SHAREOP_audit } };
}

static long run_audit(struct side *s)
{
	return state_call(op_share, &s->args);
}

const struct op ops_audit[] = {
	{ "audit", audit, run_audit },
};
const unsigned int ops_audit_count = ARRAY_COUNT(ops_audit);
