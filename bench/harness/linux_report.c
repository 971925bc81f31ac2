/* SPDX-License-Identifier: MIT */
/*
 * What the user sees of a run with Linux guests: progress, table, report.json.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/linux.h"
#include "harness/peer.h"
#include "tools/screen.h"

#define DRAW_SECONDS	0.2

typedef unsigned long long ull;

/* --- progress: a line for each guest in place, or one at each change --- */

static const char *phase_of(const struct linux_guest *g)
{
	return g->phase[0] ? g->phase : "waits";
}

static void draw(struct linux_progress *p, const struct linux_run *r)
{
	bool guests = screen_fits(r->count + 1);

	if (p->drawn)
		printf("\033[%lluA", (ull)p->drawn);
	for (uint64_t i = 0; guests && i < r->count; i++)
		screen_line("  %-6s %s", r->guests[i].name,
			      phase_of(&r->guests[i]));
	screen_line("  %4.0f s  %llu of %llu in user space, %llu MiB of the machine in use",
		      now_seconds() - r->machine.started,
		      (ull)linux_in_userspace(r), (ull)r->count,
		      (ull)(r->now.free ? r->free_at_start - r->now.free : 0) / 256);
	p->drawn = (guests ? r->count : 0) + 1;
	fflush(stdout);
}

void linux_progress_show(struct linux_progress *p, const struct linux_run *r)
{
	double now = now_seconds();

	if (p->terminal) {
		if (now - p->last < DRAW_SECONDS)
			return;
		p->last = now;
		draw(p, r);
		return;
	}
	for (uint64_t i = 0; i < r->count; i++) {
		const char *phase = phase_of(&r->guests[i]);

		if (!strcmp(p->said[i], phase))
			continue;
		snprintf(p->said[i], sizeof(p->said[i]), "%s", phase);
		printf("  %5.1f s  %-6s %s\n", now - r->machine.started,
		       r->guests[i].name, phase);
	}
	fflush(stdout);
}

/* --- figures --- */

struct linux_figures {
	uint64_t reached, jobs_ok, complaints, balloon_ok, pages;
	double boot, per_guest, over_plain;
};

static bool balloon_ok(const struct linux_guest *g)
{
	return g->down && g->up && g->kb_down < g->kb_before &&
	       g->kb_up == g->kb_before;
}

static struct linux_figures compute(const struct linux_run *r)
{
	struct linux_figures f = { .reached = linux_in_userspace(r) };
	double last = 0;

	for (uint64_t i = 0; i < r->count; i++) {
		const struct linux_guest *g = &r->guests[i];

		f.jobs_ok += g->job_ok;
		f.complaints += g->complaints;
		f.balloon_ok += balloon_ok(g);
		f.pages += g->memory_pages;
		last = g->userspace > last ? g->userspace : last;
	}
	if (f.reached)
		f.boot = last - r->machine.started;
	if (f.reached)
		f.per_guest = f.boot / (double)f.reached;
	if (r->plain_seconds > 0)
		f.over_plain = f.per_guest / r->plain_seconds;
	return f;
}

/* --- table --- */

static double boot_of(const struct linux_run *r, const struct linux_guest *g)
{
	return g->userspace ? g->userspace - (r->via == VIA_PASTURE ?
			      g->created : r->machine.started) : 0;
}

static void print_guests(const struct linux_run *r)
{
	printf("\n  guest  user space   CPU time  steps  complaints  memory given "
	       "back    taken again  end\n");
	for (uint64_t i = 0; i < r->count; i++) {
		const struct linux_guest *g = &r->guests[i];

		printf("  %-6s %8.1f s %8.1f s  %5llu  %10llu  %10.1f MiB  %10.1f MiB"
		       "  %s, job %s\n", g->name, boot_of(r, g),
		       (double)g->cpu_ms / 1000, (ull)g->steps_ok,
		       (ull)g->complaints,
		       g->down ? (double)(g->kb_before - g->kb_down) / 1024 : 0,
		       g->up ? (double)(g->kb_up - g->kb_down) / 1024 : 0,
		       g->dead ? g->reason : r->via == VIA_PASTURE ? "runs" : "-",
		       g->job_ok ? "ok" : "not done");
	}
}

void linux_table(const struct linux_run *r)
{
	struct linux_figures f = compute(r);

	printf("\n%llu Linux guest%s of %llu MiB (%s, %s), machine of %llu MiB, "
	       "%.1f s\n", (ull)r->count, r->count == 1 ? "" : "s",
	       (ull)r->options->guest_mib, r->options->via,
	       r->options->cpu_model, (ull)r->mem_mib, r->seconds);
	print_guests(r);
	printf("\n  user space reached   %llu of %llu, the last after %.1f s: "
	       "%.2f s for each guest", (ull)f.reached, (ull)r->count, f.boot,
	       f.per_guest);
	if (r->plain_seconds > 0)
		printf("; the kernel alone in QEMU %.1f s: ratio %.2f",
		       r->plain_seconds, f.over_plain);
	if (r->options->sharing)
		linux_share_table(r);
	if (r->has_peers)
		peer_table(r);
	else if (r->finals >= 2)
		printf("\n  balloon              %llu pages owned by the guests, "
		       "%llu with memory given back, %llu at the end",
		       (ull)f.pages, (ull)r->owned_down, (ull)r->owned_up);
	if (r->has_end)
		printf("\n  frames lost %llu    audit errors %llu",
		       (ull)r->frames_lost, (ull)r->audit_errors);
	printf("    kernel complaints %llu    jobs done %llu of %llu\n",
	       (ull)f.complaints, (ull)f.jobs_ok, (ull)r->count);
	for (size_t i = 0; i < r->problems.count; i++)
		printf("\n  WRONG: %s", r->problems.v[i]);
	printf("\n%s\n  Console: %s/console.log, figures: %s/report.json\n",
	       r->problems.count ? "" : "  All is well.", r->dir, r->dir);
}

/* --- report.json --- */

void linux_put(struct json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

void linux_put_real(struct json_t *o, const char *key, double x)
{
	json_object_set_new(o, key, json_real(x));
}

static json_t *json_figures(const struct linux_run *r)
{
	struct linux_figures f = compute(r);
	json_t *o = json_object();

	linux_put(o, "guests", r->count);
	linux_put(o, "guests_reached_userspace", f.reached);
	linux_put(o, "jobs_ok", f.jobs_ok);
	linux_put(o, "dmesg_complaints", f.complaints);
	linux_put(o, "frames_lost", r->frames_lost);
	linux_put(o, "audit_errors", r->audit_errors);
	linux_put(o, "balloon_guests_ok", f.balloon_ok);
	linux_put(o, "balloon_pages_before", f.pages);
	linux_put(o, "balloon_pages_down", r->owned_down);
	linux_put(o, "balloon_pages_up", r->owned_up);
	linux_put_real(o, "boot_seconds", f.boot);
	linux_put_real(o, "boot_seconds_per_guest", f.per_guest);
	linux_put_real(o, "plain_boot_seconds", r->plain_seconds);
	linux_put_real(o, "boot_over_plain", f.over_plain);
	if (r->options->sharing)
		linux_share_figures(r, o);
	if (r->has_peers)
		peer_figures(r, o);
	return o;
}

static json_t *json_guest(const struct linux_run *r, const struct linux_guest *g)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(g->name));
	json_object_set_new(o, "end", json_string(g->reason));
	json_object_set_new(o, "job_ok", json_boolean(g->job_ok));
	linux_put_real(o, "userspace_seconds", boot_of(r, g));
	linux_put(o, "memory_pages", g->memory_pages);
	linux_put(o, "cpu_ms", g->cpu_ms);
	linux_put(o, "steps_ok", g->steps_ok);
	linux_put(o, "dmesg_complaints", g->complaints);
	linux_put(o, "balloon_kb_before", g->kb_before);
	linux_put(o, "balloon_kb_down", g->kb_down);
	linux_put(o, "balloon_kb_up", g->kb_up);
	if (r->options->sharing)
		json_object_set_new(o, "share", linux_share_json(g));
	return o;
}

static json_t *json_machine(const struct linux_run *r)
{
	const struct options *o = r->options;
	json_t *m = json_object();

	linux_put(m, "cpus", r->via == VIA_PASTURE ? o->cpus : 1);
	linux_put(m, "memory_mib", r->mem_mib);
	linux_put(m, "guest_mib", o->guest_mib);
	json_object_set_new(m, "via", json_string(o->via));
	json_object_set_new(m, "accel", json_string(o->accel));
	json_object_set_new(m, "cpu_model", json_string(o->cpu_model));
	json_object_set_new(m, "kernel", json_string(o->kernel));
	json_object_set_new(m, "job", json_string(o->job));
	linux_put_real(m, "seconds", r->seconds);
	return m;
}

void linux_json(const struct linux_run *r)
{
	json_t *o = json_object(), *guests = json_array(), *wrong = json_array();
	char *path = xasprintf("%s/report.json", r->dir);

	for (uint64_t i = 0; i < r->count; i++)
		json_array_append_new(guests, json_guest(r, &r->guests[i]));
	for (size_t i = 0; i < r->problems.count; i++)
		json_array_append_new(wrong, json_string(r->problems.v[i]));
	linux_put(o, "format", 1);
	json_object_set_new(o, "ok", json_boolean(!r->problems.count));
	json_object_set_new(o, "problems", wrong);
	json_object_set_new(o, "machine", json_machine(r));
	json_object_set_new(o, "figures", json_figures(r));
	json_object_set_new(o, "guests", guests);
	if (json_dump_file(o, path, JSON_INDENT(2)))
		die("cannot write %s", path);
	json_decref(o);
	free(path);
}
