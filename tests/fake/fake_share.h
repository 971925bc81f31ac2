/* SPDX-License-Identifier: MIT */
/*
 * What most tests of share/ begin with: a machine, a secret, domains; and short
 * names for the usual acts.
 */
#ifndef TESTS_FAKE_SHARE_H
#define TESTS_FAKE_SHARE_H

#include "fake/fake_hash.h"
#include "fake/fake_share_ops.h"

extern struct fake_machine machine;
extern struct share *share;

/* 64 own frames, 256 in the pool */
void fake_share_create(const struct page_fns *fns);
void fake_share_destroy(void);				/* audits first */

/* Offer a content (frame 1 is overwritten) with so many mappings. */
int fake_try_offer(struct share_dom *d, uint64_t content, uint32_t mappings,
		   uint32_t *frame);
/* The same with one mapping; it must succeed. */
uint32_t fake_offer(struct share_dom *d, uint64_t content);
/* Drop all holds. */
void fake_drop_all(struct share_dom *d);
/* Then destroy the domain. */
void fake_dom_end(struct share_dom *d);

#endif
