/* SPDX-License-Identifier: MIT */
/* What a run's lines mean, and whether it went well: see run.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report.h"
#include "harness/run.h"
#include "harness/saved.h"

#define COMPLAINTS_KEPT	3	/* of one guest */
#define SAVED_LEAST	0.99	/* of the optimum; bench/README.md */

/* A number's key on the line and its place in a struct. */
struct field {
	const char *key;
	size_t offset;
};

#define STAT(name) { #name, offsetof(struct stats, name) }
static const struct field stat_fields[] = {
	STAT(t_ms), STAT(free), STAT(domains), STAT(owned), STAT(pages_shared),
	STAT(pages_sharing), STAT(pages_unshared), STAT(zero_frames),
	STAT(zero_mappings), STAT(cow_breaks), STAT(offers), STAT(refusals),
	STAT(metadata_bytes), STAT(m2p_pages), STAT(cross_group),
	STAT(audit_errors), { NULL, 0 },
};

#define GUEST(name) { #name, offsetof(struct guest, name) }
static const struct field guest_fields[] = {
	GUEST(files), GUEST(pages), GUEST(offered), GUEST(shared),
	GUEST(refused), GUEST(zero), GUEST(faults), GUEST(breaks),
	GUEST(reoffered), GUEST(verify_errors), GUEST(read_errors), GUEST(ms),
	GUEST(returned), { NULL, 0 },
};

static uint64_t *place(void *base, const struct field *f)
{
	return (uint64_t *)((char *)base + f->offset);
}

static void take_numbers(void *base, const struct field *f,
			 const struct record *rec)
{
	for (; f->key; f++)
		*place(base, f) = record_number(rec, f->key, *place(base, f));
}

static void copy_text(char *to, size_t bytes, const char *from)
{
	snprintf(to, bytes, "%s", from ? from : "");
}

void run_problem(struct run *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strings_add(&r->problems, text);
}

static struct guest *guest_by_id(struct run *r, uint64_t domid)
{
	for (uint64_t i = 0; i < r->count; i++)
		if (domid && r->guests[i].domid == domid)
			return &r->guests[i];
	return NULL;
}

static struct guest *guest_by_name(struct run *r, const char *name)
{
	for (uint64_t i = 0; i < r->count; i++)
		if (name && !strcmp(r->guests[i].name, name))
			return &r->guests[i];
	return NULL;
}

static void take_boot(struct run *r, const struct record *rec)
{
	r->booted = true;
	r->boot_cpus = record_number(rec, "cpus", 0);
	r->boot_memory_kib = record_number(rec, "memory_kib", 0);
	r->boot_free = record_number(rec, "free_frames", 0);
	r->frame_bytes = record_number(rec, "frame_bytes", 0);
}

static void take_domain(struct run *r, const struct record *rec)
{
	struct guest *g = guest_by_name(r, record_text(rec, "name"));

	if (!g)
		return;
	if (record_is(rec, "state", "waiting")) {
		g->waited = true;
	} else if (record_is(rec, "state", "given-up")) {
		g->dead = g->settled = true;
		copy_text(g->reason, sizeof(g->reason), "given up");
	} else if (record_is(rec, "state", "created")) {
		g->domid = record_number(rec, "id", 0);
		g->memory_pages = record_number(rec, "pages", 0);
		g->build_us = record_number(rec, "build_us", 0);
		copy_text(g->group, sizeof(g->group),
			  record_text(rec, "group"));
	} else if (record_is(rec, "state", "dead")) {
		g->dead = g->settled = true;
		g->reap_us = record_number(rec, "reap_us", 0);
		copy_text(g->reason, sizeof(g->reason),
			  record_text(rec, "reason"));
	}
}

static void take_stat(struct run *r, const struct record *rec)
{
	take_numbers(&r->now, stat_fields, rec);
	saved_sample(r);
	if (record_number(rec, "final", 0) != 1 || r->has_final)
		return;
	r->final = r->now;
	r->has_final = true;
}

/* "error text=...": the guest's own words, quotes and all. */
static void take_complaint(struct run *r, struct guest *g,
			   const struct record *rec)
{
	const char *text = strstr(rec->text, "text=");

	if (g->complaints++ < COMPLAINTS_KEPT)
		run_problem(r, "guest %s says: %s", g->name,
			    text ? text + strlen("text=") : rec->text);
}

/* "refused reason=\"...\" pages=N" */
static void take_refusal(struct run *r, const struct record *rec)
{
	uint64_t pages = record_number(rec, "pages", 0);
	const char *why = strstr(rec->text, "reason=\"");

	if (!why || pages <= r->refused_most)
		return;
	r->refused_most = pages;
	copy_text(r->refused_why, sizeof(r->refused_why),
		  why + strlen("reason=\""));
	r->refused_why[strcspn(r->refused_why, "\"")] = '\0';
}

static void take_guest(struct run *r, const struct record *rec)
{
	struct guest *g = guest_by_id(r, rec->domid);
	const char *phase = record_text(rec, "phase");

	if (g && !strncmp(rec->text, "@g error ", 9))
		take_complaint(r, g, rec);
	if (g && !strncmp(rec->text, "@g refused ", 11))
		take_refusal(r, rec);
	if (g && !strncmp(rec->text, "@g info ", 8))
		g->tot_pages = record_number(rec, "tot_pages", 0);
	if (!g || !phase)
		return;
	copy_text(g->phase, sizeof(g->phase), phase);
	g->done = record_number(rec, "done", 0);
	g->total = record_number(rec, "total", 0);
	if (!strcmp(phase, "done")) {
		take_numbers(g, guest_fields, rec);
		g->finished = true;
	}
	if (!strcmp(phase, "done") || !strcmp(phase, "hold"))
		g->settled = true;
}

/* More free frames at the end than at the start is a fault as well. */
static uint64_t magnitude(const char *number)
{
	long long n = number ? strtoll(number, NULL, 10) : 0;

	return (uint64_t)llabs(n);
}

static void take_end(struct run *r, const struct record *rec)
{
	r->has_end = true;
	r->frames_lost = magnitude(record_text(rec, "frames_lost"));
	r->end_audit_errors = record_number(rec, "audit_errors", 0);
	r->end_cross_group = record_number(rec, "cross_group", 0);
}

void run_line(void *run, const char *line)
{
	struct run *r = run;
	struct record rec;

	record_parse(&rec, line);
	if (!rec.topic)
		return;
	if (rec.domain) {	/* a guest speaks for itself only */
		if (!strcmp(rec.topic, "g"))
			take_guest(r, &rec);
	} else if (!strcmp(rec.topic, "boot")) {
		take_boot(r, &rec);
	} else if (!strcmp(rec.topic, "dom")) {
		take_domain(r, &rec);
	} else if (!strcmp(rec.topic, "stat")) {
		take_stat(r, &rec);
	} else if (!strcmp(rec.topic, "end")) {
		take_end(r, &rec);
	}
}

void run_init(struct run *r, const struct options *o, const struct plan *p)
{
	*r = (struct run){ .options = o, .plan = p, .count = o->guests };
	r->guests = xcalloc(r->count, sizeof(*r->guests));
	for (uint64_t i = 0; i < r->count; i++) {
		char *group = plan_group(o, i);

		snprintf(r->guests[i].name, sizeof(r->guests[i].name), "g%llu",
			 (unsigned long long)i + 1);
		copy_text(r->guests[i].group, sizeof(r->guests[i].group),
			  group);
		free(group);
	}
}

uint64_t run_settled(const struct run *r)
{
	uint64_t settled = 0;

	for (uint64_t i = 0; i < r->count; i++)
		settled += r->guests[i].settled;
	return settled;
}

uint64_t run_waiting(const struct run *r)
{
	uint64_t absent = 0;
	bool waits = false;

	for (uint64_t i = 0; i < r->count; i++) {
		const struct guest *g = &r->guests[i];

		if (g->domid || g->dead)
			continue;
		absent++;
		waits |= g->waited;
	}
	return waits ? absent : 0;
}

static void judge_machine(struct run *r)
{
	const struct machine *m = &r->machine;
	char *why;

	if (!m->panic && m->end == MACHINE_EXITED && m->code == 0 &&
	    !m->log_error)
		return;
	if (m->end == MACHINE_RUNS && !m->panic && !m->log_error)
		return;		/* given up: the loop said why */
	why = machine_why(m);
	run_problem(r, "%s", why);
	free(why);
}

static void judge_guest(struct run *r, const struct guest *g)
{
	bool worker = r->options->command == COMMAND_RUN;

	if (!g->domid)
		run_problem(r, "guest %s was never created%s", g->name,
			    g->waited ? ": the machine had no memory for it" :
			    "");
	else if (!g->dead)
		run_problem(r, "guest %s did not end", g->name);
	else if (strcmp(g->reason, "poweroff"))
		run_problem(r, "guest %s ended by %s", g->name,
			    g->reason[0] ? g->reason : "an unknown cause");
	else if (worker && !g->finished)
		run_problem(r, "guest %s ended in its phase '%s'", g->name,
			    g->phase);
	if (g->verify_errors || g->read_errors)
		run_problem(r, "guest %s: %llu pages differ from their files, "
			    "%llu could not be read", g->name,
			    (unsigned long long)g->verify_errors,
			    (unsigned long long)g->read_errors);
}

static void judge_refusals(struct run *r, const struct figures *f)
{
	char advice[256] = "";

	if (!f->refused)
		return;
	if (strstr(r->refused_why, "budget") && !r->options->overcommit)
		snprintf(advice, sizeof(advice), ": overcommit=off promises each "
			 "guest a frame for every page that it has and for every "
			 "page that it shares, and there is no room for all of them; "
			 "give MEM=%llu, or OVERCOMMIT=1",
			 (unsigned long long)r->plan->enough_mib);
	run_problem(r, "%llu of %llu offers were refused%s%s%s",
		    (unsigned long long)f->refused,
		    (unsigned long long)f->pages_offered,
		    r->refused_why[0] ? ": " : "", r->refused_why, advice);
}

/* What `make run` promises; a machine for many has one page that all share. */
static void judge_sharing(struct run *r, const struct figures *f)
{
	judge_refusals(r, f);
	if (f->optimum_pages && f->saved_over_optimum < SAVED_LEAST)
		run_problem(r, "sharing saved %.1f %% of what is possible; at "
			    "least %.0f %% are promised",
			    100 * f->saved_over_optimum, 100 * SAVED_LEAST);
}

void run_judge(struct run *r, const struct figures *f)
{
	unsigned long long audit = r->final.audit_errors + r->end_audit_errors;
	unsigned long long cross = r->final.cross_group + r->end_cross_group;

	judge_machine(r);
	for (uint64_t i = 0; i < r->count; i++)
		judge_guest(r, &r->guests[i]);
	if (!r->has_final)
		run_problem(r, "no snapshot was taken");
	else
		judge_sharing(r, f);
	if (r->frames_lost)
		run_problem(r, "%llu frames were lost",
			    (unsigned long long)r->frames_lost);
	if (audit)
		run_problem(r, "the audit found %llu errors", audit);
	if (cross)
		run_problem(r, "%llu frames are shared between groups", cross);
	if (r->has_final && r->final.domains < r->count &&
	    r->options->command == COMMAND_MANY)
		run_problem(r, "only %llu guests ran at once",
			    (unsigned long long)r->final.domains);
}

void run_fini(struct run *r)
{
	machine_fini(&r->machine);
	memory_free(&r->memory);
	free(r->guests);
	free(r->samples);
	strings_free(&r->problems);
}
