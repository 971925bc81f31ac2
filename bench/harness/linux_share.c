/* SPDX-License-Identifier: MIT */
/* Sharing Linux guests: what they and the hypervisor say of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/linux.h"

#define PAGE		4096.0
#define SAVED_PART	0.99
#define REST_SECONDS	10.0
#define SMALL_PART	0.0025	/* of what is taken: no change */

const char *const linux_share_kinds[SHARE_KINDS] = {
	"text", "rodata", "reserved", "vmalloc", "cache", "free", "large",
};

void linux_share_guest(struct linux_guest *g, const struct record *rec)
{
	struct linux_share *s = &g->share[record_is(rec, "state", "idle") ?
					  SHARE_IDLE : SHARE_AFTER];

	s->said = true;
	s->sharing = record_number(rec, "sharing", 0);
	s->breaks = record_number(rec, "breaks", 0);
	s->owned = record_number(rec, "owned", 0);
	s->out = record_number(rec, "out", 0);
	s->names_wrong = record_number(rec, "names_wrong", 0);
	s->image_offered = record_number(rec, "image_offered", 0);
	s->image_accepted = record_number(rec, "image_accepted", 0);
	for (int i = 0; i < SHARE_KINDS; i++)
		s->shared[i] = record_number(rec, linux_share_kinds[i], 0);
}

void linux_share_boot(struct linux_run *r, const struct record *rec)
{
	r->free_at_start = record_number(rec, "free_frames", 0);
	r->frame_bytes = record_number(rec, "frame_bytes", 0);
}

void linux_samples_add(struct linux_samples *s, int64_t free)
{
	if (!(s->count & (s->count + 1)))
		s->v = xrealloc(s->v, (2 * s->count + 2) * sizeof(*s->v));
	s->v[s->count++] = (struct linux_sample){
		.at = now_seconds(), .free = free,
	};
}

bool linux_rests(struct linux_rest *rest, double now, double frames)
{
	if (!rest->since || frames < (1 - SMALL_PART) * rest->least)
		*rest = (struct linux_rest){ .since = now, .least = frames };
	return now - rest->since >= REST_SECONDS;
}

/* After r->finals was counted up, the first is for idle guests. */
void linux_share_stat(struct linux_run *r, const struct record *rec)
{
	struct linux_machine *m = &r->now;

	m->at = now_seconds();
	m->free = record_number(rec, "free", 0);
	m->owned = record_number(rec, "owned", 0);
	m->pages_shared = record_number(rec, "pages_shared", 0);
	m->pages_sharing = record_number(rec, "pages_sharing", 0);
	m->cow_breaks = record_number(rec, "cow_breaks", 0);
	m->metadata_bytes = record_number(rec, "metadata_bytes", 0);
	if (record_number(rec, "final", 0) != 1)
		linux_samples_add(&r->samples, (int64_t)m->free);
	else if (r->finals < SHARE_STATES)
		r->at[r->finals] = *m;
}

/*
 * All frames that are not free any more: the guests' own, the shared ones,
 * what the hypervisor has for its guests; and the records of these frames.
 */
double linux_footprint_mib(const struct linux_run *r, enum share_state state)
{
	double frames;

	if (r->finals <= (uint64_t)state)
		return 0;
	frames = (double)(r->free_at_start - r->at[state].free);
	return frames * (PAGE + (double)r->frame_bytes) / MIB;
}

double linux_further_mib(const struct linux_run *r)
{
	double one = linux_footprint_mib(r, SHARE_IDLE);

	return r->twice_mib > 0 && one > 0 ? (r->twice_mib - one) / (double)r->count : 0;
}

double linux_samples_saved(const struct linux_samples *s, const struct linux_saving *w)
{
	double wanted = (double)w->free - (1 - SAVED_PART) * (double)w->saved, reached = w->start;

	for (size_t i = 0; i < s->count && s->v[i].at <= w->until; i++)
		if (s->v[i].at > w->start && (double)s->v[i].free < wanted)
			reached = i + 1 < s->count ? s->v[i + 1].at : w->until;
	return reached - w->start;
}

/* From the last guest's user space to the idle snapshot. */
double linux_seconds_to_saved(const struct linux_run *r)
{
	const struct linux_machine *end = &r->at[SHARE_IDLE];
	struct linux_saving w = { .until = end->at, .free = (int64_t)end->free };

	for (uint64_t g = 0; g < r->count; g++) {
		double at = r->guests[g].userspace;

		w.start = at > w.start ? at : w.start;
		w.saved += (int64_t)r->guests[g].memory_pages;
	}
	w.saved -= (int64_t)r->free_at_start - w.free;
	return r->finals ? linux_samples_saved(&r->samples, &w) : 0;
}

void linux_share_judge(struct linux_run *r)
{
	if (r->via != VIA_PASTURE || strcmp(r->options->job, "full"))
		return;
	for (uint64_t i = 0; i < r->count; i++) {
		struct linux_guest *g = &r->guests[i];

		if (!g->share[SHARE_IDLE].said || !g->share[SHARE_AFTER].said)
			linux_problem(r, "guest %s never said that it shares", g->name);
		if (g->share[SHARE_IDLE].names_wrong + g->share[SHARE_AFTER].names_wrong)
			linux_problem(r, "guest %s has pages whose frames it does not know",
				      g->name);
	}
	if (r->finals && r->count > 1 && !r->at[SHARE_IDLE].pages_sharing)
		linux_problem(r, "the guests share nothing with each other");
}
