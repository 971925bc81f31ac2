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

uint64_t figures_guest_memory(const struct guest *g)
{
	return g->memory_pages > g->returned ? g->memory_pages - g->returned : 0;
}

/* What the frame table says; where it cannot be read, the guest itself. */
uint64_t figures_guest_private(const struct run *r, const struct guest *g)
{
	if (r->memory.known && g->domid < MEMORY_DOMAINS)
		return r->memory.own[g->domid];
	return g->tot_pages ? g->tot_pages : figures_guest_memory(g);
}

/*
 * A guest's pages that are not its own are shared ones, and each of them saves
 * as much as another: the parts of all guests are what is saved.
 */
uint64_t figures_guest_saved(const struct run *r, const struct guest *g)
{
	uint64_t memory = figures_guest_memory(g);
	uint64_t own = figures_guest_private(r, g);
	uint64_t mapped = r->final.pages_shared + r->final.pages_sharing;

	if (own >= memory || !mapped)
		return 0;
	return (memory - own) * r->final.pages_sharing / mapped;
}

/*
 * Owned + given up.  A page that was offered left its owner's account, so what
 * the guests have (their RAM disk went back) less what they own now is what
 * they gave up.
 */
static void compute_memory(struct figures *f, const struct run *r)
{
	uint64_t given = GUEST_SUM(r, memory_pages) - GUEST_SUM(r, returned);
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

/*
 * What is saved already, and each frame that equals another one: that much a
 * perfect deduplicator of all memory of the guests would save.
 */
static void compute_machine(struct figures *f, const struct run *r)
{
	const struct memory *m = &r->memory;

	if (!m->known)
		return;
	f->rest_zero = m->twice_zero;
	f->rest_shared = m->twice_shared;
	f->rest_private = m->twice_private;
	f->rest_groups = m->twice_groups;
	f->machine_optimum_pages = f->saved_pages + m->owned + m->shared -
				   m->distinct;
	if (f->machine_optimum_pages)
		f->saved_over_machine_optimum = (double)f->saved_pages /
			(double)f->machine_optimum_pages;
}

/*
 * What is not free any more and is nobody's page: the hypervisor's structures,
 * tables and stacks for its guests, and their views of the M2P.
 */
static void compute_overhead(struct figures *f, const struct run *r)
{
	uint64_t pages = r->final.owned + r->final.pages_shared + r->final.free;

	if (r->has_final && r->count && pages < r->boot_free)
		f->overhead_per_guest = (r->boot_free - pages) * PAGE_BYTES / r->count;
}

static void compute_lives(struct figures *f, const struct run *r)
{
	if (!r->count)
		return;
	f->create_ms = (double)GUEST_SUM(r, build_us) / 1000 / (double)r->count;
	f->destroy_ms = (double)GUEST_SUM(r, reap_us) / 1000 / (double)r->count;
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
		.memory_given = GUEST_SUM(r, memory_pages) * PAGE_BYTES,
		.memory_at_start = r->boot_free * PAGE_BYTES,
	};
	for (uint64_t i = 0; i < r->count; i++)
		f->guests_waited += r->guests[i].waited;
	compute_memory(f, r);
	compute_overhead(f, r);
	compute_lives(f, r);
	compute_metadata(f, r);
	compute_machine(f, r);
	/* As KSM counts: what is saved less what it costs to know of it. */
	f->general_profit = (double)f->saved_pages * PAGE_BYTES -
			    (double)f->sharing_metadata_bytes;
	if (f->optimum_pages)
		f->saved_over_optimum =
			(double)f->saved_pages / (double)f->optimum_pages;
}
