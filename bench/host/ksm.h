/* SPDX-License-Identifier: MIT */
/* The kernel's own page merging, for comparison. */
#ifndef BENCH_HOST_KSM_H
#define BENCH_HOST_KSM_H

#include <stdbool.h>
#include <stdint.h>

struct ksm_result {
	uint64_t merged;	/* pages that need no frame of their own */
	double cpu;		/* ksmd's seconds until the last of them */
	double seconds;		/* the same by the clock */
	uint64_t metadata;	/* bytes, as general_profit counts them */
	/* pages of others that ksmd had to look at meanwhile */
	uint64_t foreign;
	/* CPU of a write to a merged page: fault, copy */
	double break_ns;
};

/* NULL, or why it cannot be used here. */
const char *ksm_unusable(void);
struct ksm_set {
	const uint8_t *pages;
	/* contents that more than one page has */
	uint64_t count, contents;
	/* some pages that others equal, to break */
	const uint32_t *duplicates;
	uint32_t duplicate_count;
};

/* Merge a copy of these pages; settings are restored. */
void ksm_run(const struct ksm_set *set, struct ksm_result *r);

#endif
