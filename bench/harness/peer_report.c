/* SPDX-License-Identifier: MIT */
/* Pasture and its peer beside each other: table and figures. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/peer.h"

#define BAR	40

/* What a system takes, records included. */
struct row {
	const char *name;
	double idle, job, seconds;
};

static struct row row_of(const struct linux_run *r, enum peer_kind kind)
{
	const struct peer *p = &r->peers[kind];

	return (struct row){
		.name = peer_name(kind),
		.idle = p->mib + p->records_mib,
		.job = p->job_mib + p->job_records_mib,
		.seconds = p->seconds_to_saved,
	};
}

static struct row own_row(const struct linux_run *r)
{
	return (struct row){
		.name = "Pasture",
		.idle = linux_footprint_mib(r, SHARE_IDLE),
		.job = linux_footprint_mib(r, SHARE_AFTER),
		.seconds = linux_seconds_to_saved(r),
	};
}

static void print_row(const struct row *w, double most)
{
	int n = most > 0 ? (int)(w->idle / most * BAR + 0.5) : 0;

	printf("  %-28s %8.1f MiB %8.1f MiB %8.1f s  %.*s\n", w->name, w->idle, w->job,
	       w->seconds, n, "########################################");
}

static double over(double a, double b)
{
	return b > 0 ? a / b : 0;
}

void peer_table(const struct linux_run *r)
{
	struct row own = own_row(r), found = row_of(r, PEER_FOUND), tuned = row_of(r, PEER_TUNED);
	double most = found.idle > own.idle ? found.idle : own.idle;

	printf("\n  %-28s %12s %12s %10s\n", "memory that all guests take", "idle", "after job", "saved in");
	print_row(&own, most);
	print_row(&found, most);
	print_row(&tuned, most);
	printf("  Pasture takes %.2f of what KSM takes with guests as found, %.2f tuned; after the job %.2f, %.2f\n",
	       over(own.idle, found.idle), over(own.idle, tuned.idle),
	       over(own.job, found.job), over(own.job, tuned.job));
	printf("  (records that sharing needs are in it; KSM runs flat out; tuned: nokaslr, and free pages\n"
	       "  reported and given back; QEMU's own memory is not counted)\n");
}

static json_t *kind_json(const struct linux_run *r, enum peer_kind kind)
{
	const struct peer *p = &r->peers[kind];
	json_t *o = json_object();

	linux_put_real(o, "mib", p->mib);
	linux_put_real(o, "records_mib", p->records_mib);
	linux_put_real(o, "mib_job", p->job_mib);
	linux_put_real(o, "records_mib_job", p->job_records_mib);
	linux_put_real(o, "seconds_to_saved", p->seconds_to_saved);
	return o;
}

void peer_figures(const struct linux_run *r, json_t *figures)
{
	struct row own = own_row(r), found = row_of(r, PEER_FOUND), tuned = row_of(r, PEER_TUNED);

	linux_put_real(figures, "footprint_over_ksm", over(own.idle, found.idle));
	linux_put_real(figures, "footprint_over_tuned", over(own.idle, tuned.idle));
	linux_put_real(figures, "footprint_over_ksm_job", over(own.job, found.job));
	linux_put_real(figures, "footprint_over_tuned_job", over(own.job, tuned.job));
	json_object_set_new(figures, "ksm_found", kind_json(r, PEER_FOUND));
	json_object_set_new(figures, "ksm_tuned", kind_json(r, PEER_TUNED));
}

/* --- memory over time --- */

static void write_samples(FILE *f, const char *name, const struct linux_samples *s, double started,
			  double at_start)
{
	fprintf(f, "\"%s\"\n", name);
	for (size_t i = 0; i < s->count; i++)
		fprintf(f, "%.2f\t%.2f\n", s->v[i].at - started,
			(at_start - (double)s->v[i].free) * PAGE_BYTES / MIB);
	fprintf(f, "\n\n");
}

/*
 * A block of "seconds MiB" for each system, under its name, records left out.
 */
void peer_samples(const struct linux_run *r)
{
	char *path = xasprintf("%s/memory.tsv", r->dir);
	FILE *f = fopen(path, "w");

	if (!f)
		die("cannot write %s: %s", path, strerror(errno));
	write_samples(f, "Pasture", &r->samples, r->machine.started, (double)r->free_at_start);
	for (int kind = 0; kind < PEER_KINDS; kind++)
		write_samples(f, peer_name((enum peer_kind)kind), &r->peers[kind].samples,
			      r->peers[kind].started, 0);
	if (fclose(f))
		die("cannot write %s: %s", path, strerror(errno));
	free(path);
}
