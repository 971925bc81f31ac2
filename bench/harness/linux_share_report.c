/* SPDX-License-Identifier: MIT */
/* Sharing Linux guests: table and figures (bench/README.md). */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "harness/linux.h"

#define PAGES_PER_MIB	256.0

typedef unsigned long long ull;

static double mib(uint64_t pages)
{
	return (double)pages / PAGES_PER_MIB;
}

/* How many the machine holds where none shares and none gives memory back. */
static uint64_t without_sharing(const struct linux_run *r)
{
	uint64_t each = r->guests[0].memory_pages;

	return each ? r->free_at_start / each : 0;
}

static const struct linux_share *last_of(const struct linux_guest *g)
{
	return &g->share[g->share[SHARE_AFTER].said ? SHARE_AFTER : SHARE_IDLE];
}

/* --- table --- */

static void print_guest(const struct linux_guest *g)
{
	const struct linux_share *s = last_of(g);

	printf("  %-6s %6.0f MiB %6.1f MiB  %6.1f %7.1f %9.1f %8.1f %6.1f %6.1f %6.1f  %6.1f MiB  %7llu\n",
	       g->name, mib(g->memory_pages), mib(s->out), mib(s->shared[SHARE_TEXT]),
	       mib(s->shared[SHARE_RODATA]), mib(s->shared[SHARE_RESERVED]),
	       mib(s->shared[SHARE_VMALLOC]), mib(s->shared[SHARE_LARGE]),
	       mib(s->shared[SHARE_CACHE]), mib(s->shared[SHARE_FREE]), mib(s->owned), (ull)s->breaks);
}

void linux_share_table(const struct linux_run *r)
{
	uint64_t pages = 0;

	printf("\n  guest      memory  given back    text  rodata  reserved  vmalloc  large  cache   free     private"
	       "   breaks   (after the job; MiB)\n");
	for (uint64_t i = 0; i < r->count; i++) {
		print_guest(&r->guests[i]);
		pages += r->guests[i].memory_pages;
	}
	printf("\n  memory of the guests      %8.1f MiB\n", mib(pages));
	printf("  the machine spends, idle  %8.1f MiB   %5.1f %%, records of the hypervisor included\n",
	       linux_footprint_mib(r, SHARE_IDLE), pages ?
	       100 * linux_footprint_mib(r, SHARE_IDLE) / mib(pages) : 0);
	printf("    private %.1f MiB, shared frames %.1f MiB, which stand for %.1f MiB; after %.1f s\n",
	       mib(r->at[SHARE_IDLE].owned), mib(r->at[SHARE_IDLE].pages_shared),
	       mib(r->at[SHARE_IDLE].pages_shared + r->at[SHARE_IDLE].pages_sharing),
	       linux_seconds_to_saved(r));
	printf("  after the job             %8.1f MiB\n", linux_footprint_mib(r, SHARE_AFTER));
	if (r->lean_mib > 0)
		printf("  without tracefs, idle     %8.1f MiB\n", r->lean_mib);
	if (r->options->overcommit)
		printf("  guests at once            %8llu       without sharing %llu\n", (ull)r->at_once,
		       (ull)without_sharing(r));
	if (linux_further_mib(r) > 0)
		printf("  each further guest, idle  %8.1f MiB, from %llu to %llu\n", linux_further_mib(r),
		       (ull)r->count, 2 * (ull)r->count);
}

/* --- report.json --- */

/* Of the kernel's own pages, how many of those that were offered were taken. */
static double image_accepted(const struct linux_run *r)
{
	uint64_t offered = 0, accepted = 0;

	for (uint64_t i = 0; i < r->count; i++) {
		const struct linux_share *s = &r->guests[i].share[SHARE_IDLE];

		offered += s->image_offered;
		accepted += s->image_accepted;
	}
	return offered ? (double)accepted / (double)offered : 0;
}

void linux_share_figures(const struct linux_run *r, json_t *o)
{
	uint64_t out = 0, breaks = 0, wrong = 0;

	for (uint64_t i = 0; i < r->count; i++) {
		out += r->guests[i].share[SHARE_IDLE].out;
		breaks += last_of(&r->guests[i])->breaks;
		wrong += r->guests[i].share[SHARE_IDLE].names_wrong +
			 r->guests[i].share[SHARE_AFTER].names_wrong;
	}
	linux_put_real(o, "footprint_mib", linux_footprint_mib(r, SHARE_IDLE));
	linux_put_real(o, "footprint_mib_job", linux_footprint_mib(r, SHARE_AFTER));
	if (r->lean_mib > 0)
		linux_put_real(o, "footprint_mib_lean", r->lean_mib);
	if (linux_further_mib(r) > 0)
		linux_put_real(o, "mib_per_further_guest", linux_further_mib(r));
	if (r->options->overcommit) {
		linux_put(o, "guests_at_once", r->at_once);
		linux_put(o, "guests_without_sharing", without_sharing(r));
	}
	linux_put_real(o, "seconds_to_saved", linux_seconds_to_saved(r));
	linux_put_real(o, "image_accepted", image_accepted(r));
	linux_put(o, "given_back_pages", out);
	linux_put(o, "shared_frames", r->at[SHARE_IDLE].pages_shared);
	linux_put(o, "saved_pages", r->at[SHARE_IDLE].pages_sharing);
	linux_put(o, "private_pages", r->at[SHARE_IDLE].owned);
	linux_put(o, "sharing_metadata_bytes", r->at[SHARE_IDLE].metadata_bytes);
	linux_put(o, "guest_breaks", breaks);
	linux_put(o, "names_wrong", wrong);
}

static json_t *state_json(const struct linux_share *s)
{
	json_t *o = json_object();

	linux_put(o, "sharing", s->sharing);
	linux_put(o, "breaks", s->breaks);
	linux_put(o, "private", s->owned);
	linux_put(o, "given_back", s->out);
	for (int i = 0; i < SHARE_KINDS; i++)
		linux_put(o, linux_share_kinds[i], s->shared[i]);
	return o;
}

json_t *linux_share_json(const struct linux_guest *g)
{
	json_t *o = json_object();

	json_object_set_new(o, "idle", state_json(&g->share[SHARE_IDLE]));
	json_object_set_new(o, "after", state_json(&g->share[SHARE_AFTER]));
	return o;
}
