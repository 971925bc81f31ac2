/* SPDX-License-Identifier: MIT */
/*
 * struct share_ops on arrays: frames 0 .. frames-1, of which the upper ones are
 * a pool for canonical pages.  Counts what is out, poisons what is freed, and
 * fails the n-th allocation if asked.
 */
#ifndef TESTS_FAKE_SHARE_OPS_H
#define TESTS_FAKE_SHARE_OPS_H

#include <pthread.h>
#include <port.h>
#include <share/share.h>

/* of canonical frames' records */
#define FAKE_KIND	6

struct fake_machine {
	uint8_t *ram;
	struct share_record *records;
	uint32_t frames, first_pool;
	uint32_t *pool;			/* free pool frames; lock */
	uint32_t pool_count;
	bool *canonical;		/* frame is out; lock */
	uint64_t seed;			/* of the draw; lock */
	uint64_t blocks, block_bytes;	/* metadata that is out; lock */
	/* allocations of both kinds so far; lock */
	uint64_t calls;
	uint64_t fail_at;		/* this allocation fails; 0: none */
	/* this one and all later ones fail; 0: none */
	uint64_t fail_from;
	uint64_t failed;		/* how many did */
	pthread_mutex_t lock;
};

extern const struct share_ops fake_share_ops;

/* Frames 0 .. own-1 for the test, then `pool` for canonical pages. */
void fake_machine_init(struct fake_machine *m, uint32_t own, uint32_t pool);
/* Checks that everything came back. */
void fake_machine_fini(struct fake_machine *m);
void *fake_page(struct fake_machine *m, uint32_t frame);
/* Fill a frame with a content by number; 0 is the zero page. */
void fake_content(struct fake_machine *m, uint32_t frame, uint64_t content);
/* Canonical frames that are out. */
uint32_t fake_canonical_count(const struct fake_machine *m);

uint64_t fake_random(uint64_t *seed);
/* A secret from a seed. */
void fake_secret(uint8_t secret[SHARE_SECRET_BYTES], uint64_t seed);

/* share_audit() that prints each sentence and must find nothing. */
void fake_audit(struct share *s);

#endif
