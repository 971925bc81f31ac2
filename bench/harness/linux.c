/* SPDX-License-Identifier: MIT */
/* The loop of `harness linux`: see linux.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/linux.h"
#include "harness/peer.h"

#define PUMP_MS		100
#define PLAIN_LIMIT	120.0	/* seconds */

static double since(double t)
{
	return now_seconds() - t;
}

static void next_stage(struct linux_run *r, const char *text)
{
	machine_send(&r->machine, text);
	r->stage++;
	r->rest = (struct linux_rest){ 0 };
}

/*
 * Guests that share are looked at when nothing more comes of it, as their peers
 * are: to say that they are there they made pages private.
 */
static bool all_rest_at(struct linux_run *r, enum linux_stage stage)
{
	if (!linux_all_at(r, stage))
		return false;
	return !r->options->sharing || !r->samples.count ||
	       linux_rests(&r->rest, now_seconds(), (double)(r->free_at_start - r->now.free));
}

/* Memory given back and taken again is counted with all guests at rest. */
static void steer(struct linux_run *r)
{
	bool operator = r->via == VIA_PASTURE;

	if (strcmp(r->options->job, "full"))
		return;
	if (r->stage == STAGE_JOB && all_rest_at(r, STAGE_DOWN)) {
		r->at_once = linux_alive(r);
		next_stage(r, operator ? "snapshot\n" : "");
	}
	if (r->stage == STAGE_DOWN && (!operator || r->finals == 1))
		next_stage(r, "next\n");
	if (r->stage == STAGE_AGAIN && all_rest_at(r, STAGE_UP))
		next_stage(r, operator ? "snapshot\n" : "");
	if (r->stage == STAGE_UP && (!operator || r->finals == 2))
		next_stage(r, "next\n");
}

static bool go_on(struct linux_run *r)
{
	if (since(r->machine.started) > (double)r->options->timeout_s) {
		linux_problem(r, "gave up after TIMEOUT=%llu seconds",
			      (unsigned long long)r->options->timeout_s);
		return false;
	}
	return !r->machine.panic;
}

/* After a panic its own lines still come: a moment for them. */
static void drain(struct machine *m)
{
	double t = now_seconds();

	while (m->end == MACHINE_RUNS && since(t) < 2)
		machines_pump(&m, 1, PUMP_MS);
}

static void loop(struct linux_run *r)
{
	struct linux_progress p = {
		.terminal = isatty(1) && !r->options->verbose,
		.said = xcalloc(r->count, sizeof(p.said[0])),
	};
	struct machine *m = &r->machine;

	while (m->end == MACHINE_RUNS && go_on(r)) {
		machines_pump(&m, 1, PUMP_MS);
		steer(r);
		linux_progress_show(&p, r);
	}
	if (m->panic)
		drain(m);
	r->seconds = since(m->started);
	p.last = 0;
	linux_progress_show(&p, r);
	free(p.said);
}

static void start(struct linux_run *r)
{
	struct machine_config c;

	linux_prepare(r, &c);
	r->machine.on_line = linux_line;
	r->machine.arg = r;
	machine_start(&r->machine, &c);
	strings_free(&c.modules);
}

/*
 * Seconds from QEMU's start to user space of the kernel without a hypervisor;
 * 0: never.
 */
static double plain_boot(const struct options *o, const char *dir)
{
	char *folder = xasprintf("%s/plain", dir);
	struct linux_run r;
	struct machine *m = &r.machine;
	double took = 0;

	linux_init(&r, o, VIA_PLAIN, folder);
	start(&r);
	while (m->end == MACHINE_RUNS && !r.guests[0].userspace &&
	       since(m->started) < PLAIN_LIMIT)
		machines_pump(&m, 1, 10);
	if (r.guests[0].userspace)
		took = r.guests[0].userspace - m->started;
	linux_fini(&r);
	free(folder);
	return took;
}

/*
 * Another run first: the memory of guests at rest; 0: it did not come so far.
 */
static double idle_footprint(const struct options *o, const char *dir)
{
	struct linux_run r;
	double mib;

	linux_init(&r, o, VIA_PASTURE, dir);
	start(&r);
	while (r.machine.end == MACHINE_RUNS && go_on(&r) && !r.finals) {
		struct machine *m = &r.machine;

		machines_pump(&m, 1, PUMP_MS);
		steer(&r);
	}
	mib = linux_footprint_mib(&r, SHARE_IDLE);
	linux_fini(&r);
	return mib;
}

/*
 * Guests that never made the two thirds of their private pages that are
 * tracefs.
 */
static void lean_run(struct linux_run *r)
{
	char *dir = xasprintf("%s/lean", r->dir);
	char *words = xasprintf("%s initcall_blacklist=tracer_init_tracefs", r->options->words);
	struct options lean = *r->options;

	lean.words = words;
	r->lean_mib = idle_footprint(&lean, dir);
	printf("  without tracefs, idle: %.1f MiB of the machine\n", r->lean_mib);
	if (!r->lean_mib)
		linux_problem(r, "the guests without tracefs did not come to rest");
	free(words);
	free(dir);
}

/*
 * Twice as many guests: what a further one costs is known after the run itself.
 */
static void twice_run(struct linux_run *r)
{
	char *dir = xasprintf("%s/twice", r->dir);
	struct options twice = *r->options;

	twice.guests *= 2;
	twice.mem_mib = 0;
	r->twice_mib = idle_footprint(&twice, dir);
	printf("  %llu guests, idle: %.1f MiB of the machine\n",
	       (unsigned long long)twice.guests, r->twice_mib);
	if (!r->twice_mib)
		linux_problem(r, "twice as many guests did not come to rest");
	free(dir);
}

static int run(struct linux_run *r)
{
	const struct options *o = r->options;
	int status;

	if (o->sharing && o->lean && r->via == VIA_PASTURE)
		lean_run(r);
	if (o->sharing && o->twice && r->via == VIA_PASTURE)
		twice_run(r);
	if (o->plain && r->via == VIA_PASTURE) {
		r->plain_seconds = plain_boot(o, r->dir);
		printf("  the same kernel alone in QEMU: user space after %.1f s\n",
		       r->plain_seconds);
		if (!r->plain_seconds)
			linux_problem(r, "the kernel alone in QEMU does not "
				      "reach user space");
	}
	r->machine.echo = o->verbose;
	start(r);
	loop(r);
	linux_judge(r);
	if (o->peer[0] && !r->problems.count)
		peer_run(r);
	if (r->problems.count)
		machine_print_tail(&r->machine);
	linux_table(r);
	linux_json(r);
	if (r->has_peers)
		peer_samples(r);
	status = r->problems.count ? EXIT_BAD : 0;
	linux_fini(r);
	return status;
}

/* The terminal becomes the guest's console. */
static int run_interactive(struct linux_run *r)
{
	struct machine_config c;

	linux_prepare(r, &c);
	printf("This terminal becomes the console of one Linux guest.  Leave: "
	       "'exit' in its shell, or Ctrl-A then X at any time.\n");
	machine_become(&c);
}

enum linux_via linux_via_of(const struct options *o)
{
	static const char *const vias[] = { "pasture", "plain", "xen" };
	int via = 0;

	while (via < 3 && strcmp(o->via, vias[via]))
		via++;
	if (via == 3)
		die("VIA=%s: wanted pasture, plain or xen", o->via);
	return (enum linux_via)via;
}

int linux_main(const struct options *o)
{
	enum linux_via via = linux_via_of(o);
	struct linux_run r;

	machine_check_tools(o->qemu, o->accel);
	peer_check(o);
	own_folder(o->dir);
	linux_init(&r, o, via, o->dir);
	return o->interactive ? run_interactive(&r) : run(&r);
}
