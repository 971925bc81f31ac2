/* SPDX-License-Identifier: MIT */
/*
 * What must come out, computed here from the files alone, by the same rule that
 * the guests follow (workload_rule.h): the sum of every page before and
 * after the writes, and how many frames a perfect deduplicator would save.
 */
#ifndef HARNESS_EXPECT_H
#define HARNESS_EXPECT_H

#include "harness/files.h"

struct workload {
	uint64_t seed;
	uint32_t write_percent;	/* of the pages */
	uint32_t unique_percent; /* of the written ones: differ by guest */
	uint32_t zero_pages;	/* that each guest adds */
};

struct expectation {
	uint64_t pages;		/* that all guests together offer at the end */
	uint64_t distinct;	/* contents among them, counted by group */
	uint64_t optimum;	/* pages - distinct */
	uint64_t zero;		/* of the pages, all zeros */
};

/* After the writes, when all pages were offered again. */
void expect_count(struct expectation *e, const struct file_set *s,
		  const struct workload *w, uint64_t guests);

/* A `.sums` member for the files of one use (and one guest); to be freed. */
uint8_t *expect_sums(const struct file_set *s, const struct workload *w,
		     enum file_use use, uint64_t guest, size_t *bytes);

/* What the guest `id` (from 1) holds in page `page` of f at the end. */
void expect_page(uint8_t out[PAGE_BYTES], const struct file *f, uint32_t page,
		 const struct workload *w, uint64_t id);

#endif
