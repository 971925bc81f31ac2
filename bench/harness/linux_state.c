/* SPDX-License-Identifier: MIT */
/* What the lines of a run with Linux guests mean, and whether it went well. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/linux.h"

#define COMPLAINTS_KEPT	3	/* of one guest */

void linux_problem(struct linux_run *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strings_add(&r->problems, text);
}

void linux_init(struct linux_run *r, const struct options *o,
		enum linux_via via, const char *dir)
{
	*r = (struct linux_run){ .options = o, .via = via, .dir = dir };
	r->machine.in = r->machine.out = -1;
	r->count = via == VIA_PASTURE ? o->guests : 1;
	r->guests = xcalloc(r->count, sizeof(*r->guests));
	for (uint64_t i = 0; i < r->count; i++)
		snprintf(r->guests[i].name, sizeof(r->guests[i].name), "g%llu",
			 (unsigned long long)i + 1);
}

/* Without our hypervisor nothing says who speaks: it is the only one. */
static struct linux_guest *speaker(struct linux_run *r, const struct record *rec)
{
	if (r->via != VIA_PASTURE)
		return &r->guests[0];
	for (uint64_t i = 0; i < r->count; i++)
		if (rec->domid && r->guests[i].domid == rec->domid)
			return &r->guests[i];
	return NULL;
}

static void set_phase(struct linux_guest *g, const char *phase)
{
	snprintf(g->phase, sizeof(g->phase), "%s", phase ? phase : "");
}

static void take_domain(struct linux_run *r, const struct record *rec)
{
	const char *name = record_text(rec, "name");
	struct linux_guest *g = NULL;

	for (uint64_t i = 0; name && i < r->count; i++)
		if (!strcmp(r->guests[i].name, name))
			g = &r->guests[i];
	if (!g)
		return;
	if (record_is(rec, "state", "created")) {
		g->domid = record_number(rec, "id", 0);
		g->memory_pages = record_number(rec, "pages", 0);
		g->created = now_seconds();
		set_phase(g, "boots");
	} else if (record_is(rec, "state", "dead")) {
		const char *reason = record_text(rec, "reason");

		g->dead = true;
		g->cpu_ms = record_number(rec, "cpu_ms", 0);
		snprintf(g->reason, sizeof(g->reason), "%s", reason ? reason : "?");
		set_phase(g, g->reason);
	}
}

static void take_balloon(struct linux_guest *g, const struct record *rec)
{
	uint64_t now = record_number(rec, "now_kb", 0);

	g->kb_before = record_number(rec, "before_kb", 0);
	if (record_is(rec, "state", "down")) {
		g->down = true;
		g->kb_down = now;
		set_phase(g, "gave memory back");
	} else {
		g->up = true;
		g->kb_up = now;
		set_phase(g, "took it again");
	}
}

static void take_job(struct linux_guest *g, const struct record *rec)
{
	const char *failed = record_text(rec, "failed");

	g->has_job = true;
	g->job_ok = record_number(rec, "ok", 0) == 1;
	snprintf(g->failed, sizeof(g->failed), "%s", failed ? failed : "");
	set_phase(g, g->job_ok ? "job done" : "job failed");
}

static void take_guest(struct linux_run *r, struct linux_guest *g,
		       const struct record *rec)
{
	const char *what = rec->text + strlen("@guest ");

	if (!strncmp(what, "userspace ", 10)) {
		g->userspace = g->userspace ? g->userspace : now_seconds();
		set_phase(g, "user space");
	} else if (!strncmp(what, "step ", 5)) {
		g->steps_ok += record_number(rec, "ok", 0);
		set_phase(g, record_text(rec, "name"));
	} else if (!strncmp(what, "balloon ", 8)) {
		take_balloon(g, rec);
	} else if (!strncmp(what, "share state=", 12)) {
		linux_share_guest(g, rec);
		g->down |= g->share[SHARE_IDLE].said;
		set_phase(g, g->share[SHARE_AFTER].said ? "shared, job done" : "shared, idle");
	} else if (!strncmp(what, "complaint ", 10)) {
		if (g->complaints < COMPLAINTS_KEPT)
			linux_problem(r, "the kernel of guest %s says: %s",
				      g->name, what + 10);
		g->complaints++;
	} else if (!strncmp(what, "idle", 4)) {
		g->down = true;
		set_phase(g, "idle");
	} else if (!strncmp(what, "hold", 4)) {
		g->held = true;
		set_phase(g, "done, waits");
	} else if (!strncmp(what, "job ", 4)) {
		take_job(g, rec);
	}
}

static void take_stat(struct linux_run *r, const struct record *rec)
{
	r->owned = record_number(rec, "owned", r->owned);
	linux_share_stat(r, rec);
	if (record_number(rec, "final", 0) != 1)
		return;
	r->finals++;
	r->audit_errors += record_number(rec, "audit_errors", 0);
	if (r->finals == 1)
		r->owned_down = r->owned;
	else
		r->owned_up = r->owned;
}

static void take_end(struct linux_run *r, const struct record *rec)
{
	const char *lost = record_text(rec, "frames_lost");

	r->has_end = true;
	r->frames_lost = (uint64_t)llabs(lost ? strtoll(lost, NULL, 10) : 0);
	r->audit_errors += record_number(rec, "audit_errors", 0);
}

void linux_line(void *run, const char *line)
{
	struct linux_run *r = run;
	struct record rec;

	record_parse(&rec, line);
	if (!rec.topic)
		return;
	if (!strcmp(rec.topic, "guest")) {
		struct linux_guest *g = speaker(r, &rec);

		if (g)
			take_guest(r, g, &rec);
	} else if (rec.domain) {
		return;		/* a guest speaks for itself only */
	} else if (!strcmp(rec.topic, "dom")) {
		take_domain(r, &rec);
	} else if (!strcmp(rec.topic, "boot")) {
		linux_share_boot(r, &rec);
	} else if (!strcmp(rec.topic, "stat")) {
		take_stat(r, &rec);
	} else if (!strcmp(rec.topic, "end")) {
		take_end(r, &rec);
	}
}

uint64_t linux_in_userspace(const struct linux_run *r)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < r->count; i++)
		n += r->guests[i].userspace > 0;
	return n;
}

uint64_t linux_alive(const struct linux_run *r)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < r->count; i++)
		n += r->guests[i].domid && !r->guests[i].dead;
	return n;
}

/* Every guest is there, or past it, or can never come there. */
bool linux_all_at(const struct linux_run *r, enum linux_stage stage)
{
	for (uint64_t i = 0; i < r->count; i++) {
		const struct linux_guest *g = &r->guests[i];

		if (!g->dead && !g->held && !(stage == STAGE_DOWN && g->down))
			return false;
	}
	return true;
}

static void judge_machine(struct linux_run *r)
{
	const struct machine *m = &r->machine;
	bool well = r->via == VIA_PASTURE ?
		    m->end == MACHINE_EXITED && m->code == 0 && !m->panic :
		    /* a power-off looks like that */
		    m->end == MACHINE_RESET;
	char *why;

	if (!m->log_error && (well || (m->end == MACHINE_RUNS && !m->panic)))
		return;		/* given up: the loop said why */
	why = machine_why(m);
	linux_problem(r, "%s", why);
	free(why);
}

static void judge_guest(struct linux_run *r, const struct linux_guest *g)
{
	if (r->via == VIA_PASTURE && !g->domid)
		linux_problem(r, "guest %s was never created", g->name);
	else if (!g->userspace)
		linux_problem(r, "guest %s did not reach user space", g->name);
	else if (!g->has_job)
		linux_problem(r, "guest %s did not finish its job", g->name);
	else if (!g->job_ok)
		linux_problem(r, "guest %s: its job failed in: %s", g->name,
			      g->failed);
	if (r->via == VIA_PASTURE && g->domid && strcmp(g->reason, "poweroff"))
		linux_problem(r, "guest %s %s%s", g->name, g->dead ?
			      "ended by " : "did not end", g->reason);
	if (g->complaints > COMPLAINTS_KEPT)
		linux_problem(r, "the kernel of guest %s has more complaints",
			      g->name);
}

void linux_judge(struct linux_run *r)
{
	judge_machine(r);
	for (uint64_t i = 0; i < r->count; i++)
		judge_guest(r, &r->guests[i]);
	if (r->frames_lost)
		linux_problem(r, "%llu frames were lost",
			      (unsigned long long)r->frames_lost);
	if (r->audit_errors)
		linux_problem(r, "the audit found %llu errors",
			      (unsigned long long)r->audit_errors);
	if (r->options->sharing)
		linux_share_judge(r);
	if (r->via == VIA_PASTURE && !r->has_end)
		linux_problem(r, "the hypervisor did not come to its end");
}

void linux_fini(struct linux_run *r)
{
	machine_fini(&r->machine);
	free(r->guests);
	free(r->samples.v);
	for (int i = 0; i < PEER_KINDS; i++)
		free(r->peers[i].samples.v);
	strings_free(&r->problems);
}
