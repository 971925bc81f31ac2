/* SPDX-License-Identifier: MIT */
/* Sharing Linux guests: what they and the hypervisor say of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/linux.h"

#define PAGE		4096.0
#define SAVED_PART	0.99

const char *const linux_share_kinds[SHARE_KINDS] = {
	"text", "rodata", "reserved", "vmalloc", "cache", "free",
};

static uint64_t kind_number(const struct record *rec, int kind, const char *tail)
{
	char key[32];

	snprintf(key, sizeof(key), "%s%s", linux_share_kinds[kind], tail);
	return record_number(rec, key, 0);
}

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
	for (int i = 0; i < SHARE_KINDS; i++) {
		s->shared[i] = kind_number(rec, i, "");
		s->offered[i] = kind_number(rec, i, "_offered");
		s->accepted[i] = kind_number(rec, i, "_accepted");
	}
}

void linux_share_boot(struct linux_run *r, const struct record *rec)
{
	r->free_at_start = record_number(rec, "free_frames", 0);
	r->frame_bytes = record_number(rec, "frame_bytes", 0);
}

static void add_sample(struct linux_run *r, uint64_t free)
{
	if (!(r->sample_count & (r->sample_count + 1)))
		r->samples = xrealloc(r->samples, (2 * r->sample_count + 2) *
				      sizeof(*r->samples));
	r->samples[r->sample_count++] = (struct linux_sample){
		.at = now_seconds(), .free = free,
	};
}

/* After r->finals was counted up, the first is for idle guests. */
void linux_share_stat(struct linux_run *r, const struct record *rec)
{
	struct linux_machine *m = &r->now;

	m->free = record_number(rec, "free", 0);
	m->owned = record_number(rec, "owned", 0);
	m->pages_shared = record_number(rec, "pages_shared", 0);
	m->pages_sharing = record_number(rec, "pages_sharing", 0);
	m->cow_breaks = record_number(rec, "cow_breaks", 0);
	m->metadata_bytes = record_number(rec, "metadata_bytes", 0);
	add_sample(r, m->free);
	if (record_number(rec, "final", 0) == 1 && r->finals < SHARE_STATES)
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

/*
 * From the last guest's user space until 99 % of what is saved at the idle
 * snapshot was; 0: nothing was saved.
 */
double linux_seconds_to_saved(const struct linux_run *r)
{
	uint64_t end = r->at[SHARE_IDLE].free;
	double start = 0, wanted;
	size_t i = 0;

	for (uint64_t g = 0; g < r->count; g++)
		start = r->guests[g].userspace > start ? r->guests[g].userspace : start;
	while (i < r->sample_count && r->samples[i].at < start)
		i++;
	if (!r->finals || i == r->sample_count || r->samples[i].free >= end)
		return 0;
	wanted = (double)r->samples[i].free +
		 SAVED_PART * (double)(end - r->samples[i].free);
	while (i < r->sample_count && (double)r->samples[i].free < wanted)
		i++;
	return i < r->sample_count ? r->samples[i].at - start : 0;
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
