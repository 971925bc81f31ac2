/* SPDX-License-Identifier: MIT */
/*
 * An audit that is always under way: a part of it after each operation.  What
 * an operation changes behind the audit's place, and does not tell
 * (hv/dom/tally.h), makes its numbers wrong.
 */
#ifndef TESTS_FUZZ_MEANWHILE_H
#define TESTS_FUZZ_MEANWHILE_H

#include "fuzz/fuzz.h"	/* before port.h: both define noreturn */
#include <port.h>

#include "audit/audit.h"
#include "audit/audit_private.h"
#include "fake/fake_machine.h"

static uint64_t audits;

/* Nothing is drawn for it (FUZZ1). */
static inline void audit_meanwhile(void)
{
	static struct audit_result result;

	fake_machine.slow = true;	/* one part a call */
	audit_units_max = 1 + (unsigned int)(fuzz_operations * 2654435761u >> 7) % 2500;
	if (audit_part(&result) == MORE)
		return;
	if (result.errors)
		ck_abort_msg("operation %lu: the audit found %lu errors",
			     (unsigned long)fuzz_operations, (unsigned long)result.errors);
	result = (struct audit_result){ 0 };
	audits++;
}

#endif
