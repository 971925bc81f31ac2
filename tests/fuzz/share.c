// SPDX-License-Identifier: MIT
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * Fuzzes share/ against the model of tests/fake/share_model.h: offers, holds,
 * drops, takes, births and deaths of domains of three groups, with real hashes
 * and with colliding ones, with frames enough and too few, and one call in
 * eight without memory at some point.  Audit and comparison of everything every
 * 2,003 operations (SH17, SH31).
 */
#include <check.h>	/* before port.h: both define noreturn */

#include "fake/share_model.h"
#include "fuzz/fuzz.h"

#define OPERATIONS	500000u	/* with one share service */

static const struct kind {
	uint32_t contents, pool;
	bool colliding, failing;
} kinds[] = {
	{ 60, FRAMES, false, false },
	{ MAX_CONTENTS, FRAMES, false, true },
	{ 60, FRAMES, true, true },
	{ 60, 40, true, false },
	{ MAX_CONTENTS, 100, false, true },
};

const uint64_t fuzz_default_operations = 10000000;

void fuzz_target(void)
{
	audit_every = 2003;
	below_from = fuzz_below;
	more = fuzz_more;
	fuzz_ready();
	while (fuzz_more()) {
		const struct kind *k = &kinds[fuzz_below(ARRAY_COUNT(kinds))];

		seed = fuzz_random();
		colliding = k->colliding;
		failing = k->failing;
		run(OPERATIONS, colliding ? &fake_hash_fns : &page_fns_portable,
		    k->contents, k->pool);
	}
	printf("%lu operations, %lu offers failed by force: clean\n",
	       (unsigned long)fuzz_operations, (unsigned long)forced);
}
