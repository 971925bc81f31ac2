// SPDX-License-Identifier: MIT
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * Fuzzes share/ against the model of tests/fake/share_model.h: offers, holds,
 * drops, takes, births and deaths of domains of three groups, with real hashes
 * and with colliding ones, with frames enough and too few, and one call in
 * eight without memory at some point.  Audit and comparison of everything every
 * 2,003 operations (SH17, SH31).
 *
 *	share SEED OPERATIONS
 */
#include <check.h>	/* before port.h: both define noreturn */

#include "fake/share_model.h"
#include "fuzz/fuzz.h"

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

START_TEST(operations)
{
	seed = fuzz_random();
	audit_every = 2003;
	for (unsigned int i = 0; i < ARRAY_COUNT(kinds); i++) {
		const struct kind *k = &kinds[i];

		colliding = k->colliding;
		failing = k->failing;
		run(fuzz_operations / ARRAY_COUNT(kinds),
		    colliding ? &fake_hash_fns : &page_fns_portable, k->contents,
		    k->pool);
	}
	printf("%lu operations, %lu offers failed by force: clean\n",
	       (unsigned long)fuzz_operations, (unsigned long)forced);
}
END_TEST

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, operations, 10000000);
}
