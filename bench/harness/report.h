/* SPDX-License-Identifier: MIT */
/*
 * The figures of a run, its table and report.json.  What each field means, and
 * the equations, are in bench/README.md.
 */
#ifndef HARNESS_REPORT_H
#define HARNESS_REPORT_H

#include "harness/run.h"

struct figures {
	uint64_t guests, pages_offered, pages_shared, pages_sharing, zero_pages,
		 cow_breaks, optimum_pages, verify_errors, frames_lost,
		 audit_errors, cross_group_shares;
	double saved_over_optimum, metadata_bytes_per_frame;
	uint64_t memory_without_sharing, memory_with_sharing;	/* bytes */
	uint64_t saved_pages, metadata_bytes, sharing_metadata_bytes, refused;
	/* bytes that were free; for memory */
	uint64_t memory_at_start, guests_waited;
};

void figures_compute(struct figures *f, const struct run *r);
void report_table(const struct run *r, const struct figures *f);
/* Writes report.json into dir; dies if it cannot. */
void report_json(const struct run *r, const struct figures *f,
		 const char *dir);

#endif
