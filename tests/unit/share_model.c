/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * Random operations against a model made of arrays (tests/fake/share_model.h).
 *
 * share_model [seed [operations]]; the seed is printed.  Half of the runs use a
 * hash that collides (4 contents a hash, and a fifth that must be refused).
 */
#include "fake/share_model.h"

#define DEFAULT_OPS	200000

int main(int argc, char **argv)
{
	uint64_t ops = DEFAULT_OPS;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20240117;
	if (argc > 2)
		ops = strtoull(argv[2], NULL, 0);
	printf("share_model: seed %llu, %llu operations\n",
	       (unsigned long long)seed, (unsigned long long)ops);
	fflush(stdout);
	run(ops / 4, &page_fns_portable, 60, FRAMES);
	run(ops / 4, &page_fns_portable, MAX_CONTENTS, FRAMES);
	colliding = true;
	run(ops / 4, &fake_hash_fns, 60, FRAMES);
	/* Too few frames: offers fail for want of one. */
	run(ops / 4, &fake_hash_fns, 60, 40);
	printf("share_model: all agree\n");
	return 0;
}
