/* SPDX-License-Identifier: MIT */
/* The runs of PEER=ksm; see peer.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ksm.h"
#include "harness/peer.h"

#define PUMP_MS		100
#define LOOK_SECONDS	0.5
#define REST_SCANS	3
#define SETTLE_LIMIT	120.0
#define END_LIMIT	20.0

/*
 * Of all: a kernel that finds its timer late, on a host with much to do, gives
 * up; and one that gives up ends.
 */
#define GUEST_WORDS	"await=1 no_timer_check panic=-1"

/* Both are flat out; what differs is the guests. */
static const struct {
	const char *folder, *name, *words, *qemu;
} kinds[PEER_KINDS] = {
	[PEER_FOUND] = { "found", "QEMU + KSM, guests as found", "", "" },
	[PEER_TUNED] = { "tuned", "QEMU + KSM, guests tuned",
			 " nokaslr page_reporting.page_reporting_order=0 report=1",
			 "-device virtio-balloon-pci,free-page-reporting=on" },
};

/* N machines, each with one guest. */
struct fleet {
	struct linux_run *run;		/* whose peers these are */
	struct linux_run *guests;
	struct machine **machines;
	struct ksm_process *processes;
	char **why;			/* each ended, or that it runs */
	size_t count;
	double looked;			/* clock, at the last count */
	uint64_t frames;		/* at that time */
	struct linux_samples *samples;
};

const char *peer_name(enum peer_kind kind)
{
	return kinds[kind].name;
}

void peer_check(const struct options *o)
{
	const char *why;

	if (!o->peer[0])
		return;
	if (strcmp(o->peer, "ksm"))
		die("PEER=%s: wanted ksm", o->peer);
	if (!o->sharing || strcmp(o->via, "pasture") || strcmp(o->job, "full"))
		die("PEER=ksm is for guests that share: SHARING=1 VIA=pasture JOB=full");
	why = ksm_unusable();
	if (why)
		die("PEER=ksm: %s; leave it out", why);
}

static void look(struct fleet *f)
{
	const struct options *o = f->run->options;

	f->frames = ksm_frames(f->processes, f->count, o->guest_mib * MIB);
	f->looked = now_seconds();
	linux_samples_add(f->samples, -(int64_t)f->frames);
}

/*
 * None has ended yet: one that did, before it was asked to, spoils the figures.
 */
static bool goes_on(const struct fleet *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->machines[i]->end != MACHINE_RUNS)
			return false;
	return now_seconds() - f->machines[0]->started <
		       (double)f->run->options->timeout_s;
}

static void pump(struct fleet *f)
{
	machines_pump(f->machines, f->count, PUMP_MS);
	if (now_seconds() - f->looked >= LOOK_SECONDS)
		look(f);
}

static bool all_at(const struct fleet *f, enum linux_stage stage)
{
	for (size_t i = 0; i < f->count; i++)
		if (!linux_all_at(&f->guests[i], stage))
			return false;
	return true;
}

/* Until nothing more is saved, in time and in scans; returns MiB. */
static double settle(struct fleet *f)
{
	struct linux_rest rest = { 0 };
	double start = now_seconds(), since = 0;
	uint64_t scans = ksm_scans();
	bool rests = false;

	while (goes_on(f) && now_seconds() - start < SETTLE_LIMIT &&
	       !(rests && ksm_scans() >= scans + REST_SCANS)) {
		pump(f);
		rests = linux_rests(&rest, now_seconds(), (double)f->frames);
		if (rest.since > since)
			scans = ksm_scans();
		since = rest.since;
	}
	look(f);
	return (double)f->frames * PAGE_BYTES / MIB;
}

static void send_all(struct fleet *f, const char *text)
{
	for (size_t i = 0; i < f->count; i++)
		machine_send(f->machines[i], text);
}

/*
 * One folder for all, written before the first is started: QEMU maps the RAM
 * disk, and a file that is cut under it kills it (SIGBUS) without a word.
 */
static void start_all(struct fleet *f, const struct options *o, const char *dir, enum peer_kind kind)
{
	struct machine_config c = { 0 };

	for (size_t i = 0; i < f->count; i++) {
		struct linux_run *g = &f->guests[i];
		char *log = xasprintf("%s/g%zu.log", dir, i + 1);

		linux_init(g, o, VIA_PLAIN, dir);
		snprintf(g->guests[0].name, sizeof(g->guests[0].name), "g%zu", i + 1);
		if (i == 0)
			linux_prepare(g, &c);
		c.log = log;
		c.extra = kinds[kind].qemu;
		g->machine.on_line = linux_line;
		g->machine.arg = g;
		machine_start(&g->machine, &c);
		f->machines[i] = &g->machine;
		f->processes[i].pid = g->machine.pid;
		free(log);
	}
	strings_free(&c.modules);
}

static double last_userspace(const struct fleet *f)
{
	double last = 0;

	for (size_t i = 0; i < f->count; i++) {
		double at = f->guests[i].guests[0].userspace;

		last = at > last ? at : last;
	}
	return last;
}

/* At rest. */
static double seconds_to_saved(const struct fleet *f)
{
	struct linux_saving w = {
		.start = last_userspace(f), .until = f->looked, .free = -(int64_t)f->frames,
	};

	w.saved = (int64_t)(f->count * f->run->options->guest_mib * (MIB / PAGE_BYTES)) + w.free;
	return linux_samples_saved(f->samples, &w);
}

static void wait_for_end(struct fleet *f)
{
	double start = now_seconds();
	bool runs = true;

	while (runs && now_seconds() - start < END_LIMIT) {
		machines_pump(f->machines, f->count, PUMP_MS);
		runs = false;
		for (size_t i = 0; i < f->count; i++)
			runs |= f->machines[i]->end == MACHINE_RUNS;
	}
}

/*
 * Who ended, or said nothing for so long, and why: before the others are ended.
 */
static void note_ends(struct fleet *f)
{
	for (size_t i = 0; i < f->count; i++)
		f->why[i] = machine_why(f->machines[i]);
}

/* Both waits; then all are asked to end; who was given up is killed. */
static void follow(struct fleet *f, struct peer *p)
{
	while (goes_on(f) && !all_at(f, STAGE_DOWN))
		pump(f);
	p->mib = settle(f);
	p->records_mib = (double)ksm_records(f->processes, f->count) / MIB;
	p->seconds_to_saved = seconds_to_saved(f);
	send_all(f, "\n");
	while (goes_on(f) && !all_at(f, STAGE_END))
		pump(f);
	p->job_mib = settle(f);
	p->job_records_mib = (double)ksm_records(f->processes, f->count) / MIB;
	note_ends(f);
	send_all(f, "\n");
	if (all_at(f, STAGE_END))
		wait_for_end(f);
}

/*
 * That its kernel complains of a host with too much to do is no fault of the
 * figures.
 */
static void take_problems(struct fleet *f, enum peer_kind kind)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct linux_guest *g = &f->guests[i].guests[0];

		if (!g->userspace)
			linux_problem(f->run, "%s: guest %s did not reach user space: %s", kinds[kind].name,
				      g->name, f->why[i]);
		else if (!g->down)
			linux_problem(f->run, "%s: guest %s did not wait before its job: %s", kinds[kind].name,
				      g->name, f->why[i]);
		else if (!g->job_ok && strcmp(g->failed, "dmesg"))
			linux_problem(f->run, "%s: guest %s did not do its job (%s)", kinds[kind].name,
				      g->name, g->has_job ? g->failed : "no word of it");
	}
}

static void end_all(struct fleet *f)
{
	for (size_t i = 0; i < f->count; i++) {
		linux_fini(&f->guests[i]);
		free(f->why[i]);
	}
	free(f->why);
	free(f->guests);
	free(f->machines);
	free(f->processes);
}

static void run_kind(struct linux_run *r, enum peer_kind kind)
{
	char *dir = xasprintf("%s/ksm-%s", r->dir, kinds[kind].folder);
	char *words = xasprintf("%s " GUEST_WORDS "%s", r->options->words, kinds[kind].words);
	struct options o = *r->options;
	struct fleet f = {
		.run = r, .count = r->count, .samples = &r->peers[kind].samples,
		.guests = xcalloc(r->count, sizeof(*f.guests)),
		.machines = xcalloc(r->count, sizeof(*f.machines)),
		.processes = xcalloc(r->count, sizeof(*f.processes)),
		.why = xcalloc(r->count, sizeof(*f.why)),
	};

	printf("  %s: %zu guests\n", kinds[kind].name, f.count);
	o.words = words;
	o.sharing = o.verbose = 0;
	start_all(&f, &o, dir, kind);
	r->peers[kind].started = f.machines[0]->started;
	follow(&f, &r->peers[kind]);
	take_problems(&f, kind);
	end_all(&f);
	free(words);
	free(dir);
}

void peer_run(struct linux_run *r)
{
	ksm_begin();
	for (int kind = 0; kind < PEER_KINDS; kind++)
		run_kind(r, (enum peer_kind)kind);
	ksm_end();
	r->has_peers = true;
}
