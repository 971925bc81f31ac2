/* SPDX-License-Identifier: MIT */
/* The figures of a run: see report.h. */
#include "harness/report.h"

#define GUEST_SUM(r, field) guest_sum(r, offsetof(struct guest, field))

static uint64_t guest_sum(const struct run *r, size_t offset)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < r->count; i++)
		sum += *(const uint64_t *)((const char *)&r->guests[i] +
					   offset);
	return sum;
}

/*
 * Owned + given up.  A page that was offered left its owner's account, so what
 * the guests were given less what they own now is what they gave up.
 */
static void compute_memory(struct figures *f, const struct run *r)
{
	uint64_t given = GUEST_SUM(r, memory_pages);
	uint64_t with = r->final.owned + r->final.pages_shared;

	if (given < r->final.owned)
		given = r->final.owned;
	f->memory_without_sharing = given * PAGE_BYTES;
	f->memory_with_sharing = with * PAGE_BYTES;
	f->saved_pages = given > with ? given - with : 0;
}

/*
 * Every frame costs frame_bytes: its record, and 8 bytes in its owner's M2P
 * view.  What is shared costs the rest: index, hold tables, and the pages of
 * the views that shared frames need because they lie scattered.
 */
static void compute_metadata(struct figures *f, const struct run *r)
{
	uint64_t views = r->final.m2p_pages * 4096;
	uint64_t owned = r->final.owned * sizeof(uint64_t);

	f->metadata_bytes_per_frame = (double)r->frame_bytes;
	f->metadata_bytes = r->frame_bytes * (r->boot_memory_kib / 4);
	f->sharing_metadata_bytes = r->final.metadata_bytes +
		(views > owned ? views - owned : 0);
}

void figures_compute(struct figures *f, const struct run *r)
{
	*f = (struct figures){
		.guests = r->count,
		.pages_offered = GUEST_SUM(r, offered),
		.pages_shared = r->final.pages_shared,
		.pages_sharing = r->final.pages_sharing,
		.zero_pages = r->final.zero_mappings,
		.cow_breaks = r->final.cow_breaks,
		.optimum_pages = r->plan->expect.optimum,
		.verify_errors = GUEST_SUM(r, verify_errors) +
				 GUEST_SUM(r, read_errors),
		.frames_lost = r->frames_lost,
		.audit_errors = r->final.audit_errors + r->end_audit_errors,
		.cross_group_shares = r->final.cross_group + r->end_cross_group,
		.refused = GUEST_SUM(r, refused),
		.memory_at_start = r->boot_free * PAGE_BYTES,
	};
	for (uint64_t i = 0; i < r->count; i++)
		f->guests_waited += r->guests[i].waited;
	compute_memory(f, r);
	compute_metadata(f, r);
	if (f->optimum_pages)
		f->saved_over_optimum =
			(double)f->saved_pages / (double)f->optimum_pages;
}
