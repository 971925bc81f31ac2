/* SPDX-License-Identifier: MIT */
/* The loop of `harness run` and `harness many`: see run.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/progress.h"
#include "harness/report.h"
#include "harness/run.h"
#include "harness/saved.h"

#define RUN_DIR		"build/run"
#define MANY_DIR	"build/many"
#define PUMP_MS		100
/* A guest that fits is started sooner. */
#define STUCK_SECONDS	10.0

static double seconds_since(double t)
{
	return now_seconds() - t;
}

/* Guests wait for memory, and all others are done: nobody frees any more. */
static bool is_stuck(struct run *r)
{
	uint64_t waiting = run_waiting(r);

	if (!waiting || run_settled(r) + waiting < r->count)
		r->stuck_since = 0;
	else if (!r->stuck_since)
		r->stuck_since = now_seconds();
	if (!r->stuck_since || seconds_since(r->stuck_since) < STUCK_SECONDS)
		return false;
	run_problem(r, "%llu guests wait for memory that no other frees; "
		    "give more MEM=", (unsigned long long)waiting);
	return true;
}

/* What is due: the snapshot, then the guests' release.  False: give up. */
static bool steer(struct run *r, double *sent, bool *released)
{
	if (!*sent && run_settled(r) == r->count) {
		machine_send(&r->machine, "snapshot\n");
		*sent = now_seconds();
	} else if (*sent && r->has_final && !*released) {
		/* Until "go" nobody writes. */
		memory_read(&r->memory, r->machine.pid, r->plan->mem_mib,
			    r->plan->pasture);
		machine_send(&r->machine, "go\n");
		*sent = now_seconds();
		*released = true;
	}
	if (seconds_since(r->machine.started) >
	    (double)r->options->timeout_s) {
		run_problem(r, "gave up after TIMEOUT=%llu seconds%s",
			    (unsigned long long)r->options->timeout_s,
			    *released ? ": the guests did not end when told to" :
			    *sent ? ": the hypervisor did not answer 'snapshot'" :
			    "");
		return false;
	}
	return !r->machine.panic && !is_stuck(r);
}

/* After a panic its own lines still come: a moment for them. */
static void drain(struct machine *m)
{
	double t = now_seconds();

	while (m->end == MACHINE_RUNS && seconds_since(t) < 2)
		machines_pump(&m, 1, PUMP_MS);
}

static void run_loop(struct run *r)
{
	struct machine *m = &r->machine;
	struct progress progress;
	double sent = 0;
	bool released = false;

	progress_init(&progress, r);
	while (m->end == MACHINE_RUNS) {
		machines_pump(&m, 1, PUMP_MS);
		progress_show(&progress, r);
		if (!steer(r, &sent, &released))
			break;
	}
	if (m->panic)
		drain(m);
	r->seconds = seconds_since(m->started);
	progress_fini(&progress, r);
}

/* QEMU leaves it when it is killed. */
static void socket_remove(const char *dir)
{
	char *path = xasprintf("%s/%s", dir, CONTROL_SOCKET);

	unlink(path);
	free(path);
}

static int run_machine(const struct plan *p, const struct options *o)
{
	struct machine_config c;
	struct figures f;
	struct run r;
	int status;

	plan_machine(p, o, &c);
	run_init(&r, o, p);
	r.machine.echo = o->verbose;
	r.machine.on_line = run_line;
	r.machine.arg = &r;
	machine_start(&r.machine, &c);
	run_loop(&r);
	figures_compute(&f, &r);
	run_judge(&r, &f);
	if (r.problems.count)
		machine_print_tail(&r.machine);
	report_table(&r, &f);
	report_json(&r, &f, p->dir);
	printf("  Console: %s/console.log, figures: %s/report.json\n", p->dir,
	       p->dir);
	saved_picture(&r, p->dir);
	status = r.problems.count ? EXIT_BAD : 0;
	run_fini(&r);
	socket_remove(p->dir);
	return status;
}

static void run_interactive(const struct plan *p, const struct options *o)
{
	struct machine_config c;

	plan_machine(p, o, &c);
	if (c.gdb_port) {
		FILE *f = fopen("build/gdbinit", "w");

		if (!f || fprintf(f, "file %s.elf64\ntarget remote "
				  "127.0.0.1:%llu\n",
				  o->pasture ? o->pasture : "build/pasture",
				  (unsigned long long)c.gdb_port) < 0 ||
		    fclose(f))
			die("cannot write build/gdbinit");
		printf("waiting: in another terminal, gdb -x build/gdbinit\n");
	}
	printf("the guests wait at the end: type 'snapshot', then 'go'; "
	       "Ctrl-C ends QEMU\n");
	machine_become(&c);
}

int run_main(const struct options *o)
{
	const char *dir = o->command == COMMAND_MANY ? MANY_DIR : RUN_DIR;
	struct plan p;
	int status = 0;

	if (!o->prepare)
		machine_check_tools(o->qemu, o->accel);
	if (!o->prepare)
		own_folder(dir);
	plan_prepare(&p, o, o->prepare ? o->prepare : dir);
	if (o->prepare)
		plan_write_grub(&p, o);
	else if (o->interactive)
		run_interactive(&p, o);
	else
		status = run_machine(&p, o);
	plan_free(&p);
	return status;
}
