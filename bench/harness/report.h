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
	uint64_t memory_at_start, guests_waited, memory_given;
	uint64_t overhead_per_guest;	/* bytes; 0: not known */
	double create_ms, destroy_ms;	/* a guest's mean; 0: not known */
	/* Of all memory of the guests (memory.h); 0: not known. */
	uint64_t machine_optimum_pages, rest_zero, rest_shared, rest_private,
		 rest_groups;
	double saved_over_machine_optimum, general_profit;
};

void figures_compute(struct figures *f, const struct run *r);
/* Pages of a guest at the snapshot: what it has, of its own, its part saved. */
uint64_t figures_guest_memory(const struct guest *g);
uint64_t figures_guest_private(const struct run *r, const struct guest *g);
uint64_t figures_guest_saved(const struct run *r, const struct guest *g);
void report_table(const struct run *r, const struct figures *f);
/* Writes report.json into dir; dies if it cannot. */
void report_json(const struct run *r, const struct figures *f,
		 const char *dir);

#endif
