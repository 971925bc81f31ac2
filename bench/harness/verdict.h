/* SPDX-License-Identifier: MIT */
/*
 * What a boot test's console says, taken line by line, and the result at the
 * end.  A guest prints "Test result: SUCCESS|SKIP|ERROR|FAILURE"; CRASH and
 * TIMEOUT are ours.  A guest line of the test may carry expect=CRASH (it must
 * be killed) or expect=NONE (nothing is asked of it); else the test's own
 * expect holds.
 */
#ifndef HARNESS_VERDICT_H
#define HARNESS_VERDICT_H

#include <regex.h>

#include "harness/machine.h"
#include "harness/testcfg.h"

enum result {
	RESULT_SUCCESS, RESULT_SKIP, RESULT_ERROR, RESULT_FAILURE,
	RESULT_CRASH, RESULT_TIMEOUT, RESULTS
};
extern const char *const result_names[RESULTS];

struct pattern {
	regex_t regex;
	bool seen;
};

struct tested_domain {
	uint64_t id;
	char name[64];
	bool crashed, has_result;
	enum result result;
};

struct verdict {
	const struct boot_test *test;
	struct strings guest_names, guest_expects; /* by guest line */
	struct tested_domain *domains;
	size_t domain_count;
	struct pattern *expect, *forbid;
	char *why;		/* of the result, or NULL */
};

void verdict_init(struct verdict *v, const struct boot_test *t);
/* Takes expect= out of a guest line and remembers it; the line to be freed. */
char *verdict_guest(struct verdict *v, const char *line);
void verdict_line(void *verdict, const char *line);
enum result verdict_give(struct verdict *v, const struct machine *m,
			 bool timed_out);
void verdict_fini(struct verdict *v);

#endif
