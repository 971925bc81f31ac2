/* SPDX-License-Identifier: MIT */
/*
 * See icount.h.  Two sockets of QEMU: gdb's remote protocol for breakpoints
 * ($TEXT#SUM, answered by +), QMP (a JSON object a line) for the count.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/icount.h"
#include "harness/linux.h"

#define CONNECT_SECONDS	10.0
#define WORDS	"-S -icount shift=0,sleep=off,rr=record,rrfile=replay.bin " \
		"-gdb unix:gdb.sock,server=on,wait=off " \
		"-qmp unix:qmp.sock,server=on,wait=off"

struct counter {
	struct linux_run run;
	int gdb;
	FILE *qmp, *qmp_out;
};

static void give_up(struct counter *c, const char *why)
{
	machine_print_tail(&c->run.machine);
	machine_kill(&c->run.machine);
	die("counting instructions: %s", why);
}

static void check_time(struct counter *c)
{
	if (now_seconds() - c->run.machine.started >
	    (double)c->run.options->timeout_s)
		give_up(c, "TIMEOUT= is over");
	if (c->run.machine.end != MACHINE_RUNS)
		give_up(c, "the machine ended before the last point");
}

static int connect_to(struct counter *c, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct machine *m = &c->run.machine;

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s", c->run.dir,
		     name) >= (int)sizeof(to.sun_path))
		give_up(c, "the folder's name is too long for a socket");
	while (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		if (now_seconds() - m->started > CONNECT_SECONDS)
			give_up(c, strerror(errno));
		check_time(c);
		machines_pump(&m, 1, 20);
	}
	return fd;
}

/* --- gdb's protocol --- */

static void gdb_send(struct counter *c, const char *text)
{
	char packet[128];
	unsigned int sum = 0;
	int n;

	for (const char *p = text; *p; p++)
		sum += (unsigned char)*p;
	n = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum & 255);
	if (write(c->gdb, packet, (size_t)n) != n)
		give_up(c, "QEMU's gdb socket is closed");
}

/* One byte; the machine's console is read meanwhile. */
static char gdb_byte(struct counter *c)
{
	struct machine *m = &c->run.machine;
	struct pollfd p = { .fd = c->gdb, .events = POLLIN };
	char byte;

	while (poll(&p, 1, 0) == 0) {
		machines_pump(&m, 1, 10);
		check_time(c);
	}
	if (read(c->gdb, &byte, 1) != 1)
		give_up(c, "QEMU's gdb socket is closed");
	return byte;
}

/* The next answer's first character; the rest is skipped. */
static char gdb_answer(struct counter *c)
{
	char first;

	while (gdb_byte(c) != '$')
		;
	first = gdb_byte(c);
	if (first != '#')
		while (gdb_byte(c) != '#')
			;
	gdb_byte(c);
	gdb_byte(c);
	if (write(c->gdb, "+", 1) != 1)
		give_up(c, "QEMU's gdb socket is closed");
	return first;
}

static void run_to(struct counter *c, uint64_t address)
{
	char text[64];

	snprintf(text, sizeof(text), "Z1,%llx,1", (unsigned long long)address);
	gdb_send(c, text);
	if (gdb_answer(c) != 'O')
		give_up(c, "QEMU takes no breakpoint");
	gdb_send(c, "c");
	if (gdb_answer(c) != 'T')
		give_up(c, "the machine did not stop at a breakpoint");
	text[0] = 'z';
	gdb_send(c, text);
	gdb_answer(c);
}

/* --- QMP --- */

/* The answer to a command; events are skipped. To be released. */
static json_t *qmp(struct counter *c, const char *command)
{
	char line[8192];

	fprintf(c->qmp_out, "{\"execute\":\"%s\"}\n", command);
	fflush(c->qmp_out);
	while (fgets(line, sizeof(line), c->qmp)) {
		json_t *o = json_loads(line, 0, NULL);

		if (o && json_object_get(o, "return"))
			return o;
		json_decref(o);
	}
	give_up(c, "QEMU's QMP socket is closed");
	return NULL;
}

static uint64_t count(struct counter *c)
{
	json_t *o = qmp(c, "query-replay");
	json_t *n = json_object_get(json_object_get(o, "return"), "icount");
	uint64_t value = (uint64_t)json_integer_value(n);

	if (!json_is_integer(n))
		give_up(c, "this QEMU does not say how many instructions it ran");
	json_decref(o);
	return value;
}

/* --- the run --- */

static void start(struct counter *c, const struct options *o)
{
	static const char *const names[] = { "gdb.sock", "qmp.sock" };
	struct machine_config config;
	int fd;

	linux_prepare(&c->run, &config);
	for (int i = 0; i < 2; i++) {
		char *path = xasprintf("%s/%s", o->dir, names[i]);

		unlink(path);
		free(path);
	}
	config.cpus = 1;
	config.extra = WORDS;
	c->run.machine.echo = o->verbose;
	c->run.machine.on_line = linux_line;
	c->run.machine.arg = &c->run;
	machine_start(&c->run.machine, &config);
	strings_free(&config.modules);
	fd = connect_to(c, names[1]);
	c->qmp = fdopen(fd, "r");
	c->qmp_out = fdopen(dup(fd), "w");
	json_decref(qmp(c, "qmp_capabilities"));
	c->gdb = connect_to(c, names[0]);
	gdb_send(c, "?");
	gdb_answer(c);
}

static void visit(struct counter *c, const char *point)
{
	const char *eq = strchr(point, '=');
	char *end;
	uint64_t address;

	errno = 0;
	address = eq ? strtoull(eq + 1, &end, 16) : 0;
	if (!address || *end || errno)
		die("POINTS: '%s' is not NAME=ADDRESS", point);
	run_to(c, address);
	printf("point %.*s %llu\n", (int)(eq - point), point,
	       (unsigned long long)count(c));
}

static void finish(struct counter *c)
{
	char *path = xasprintf("%s/replay.bin", c->run.dir);

	fclose(c->qmp);
	fclose(c->qmp_out);
	close(c->gdb);
	linux_fini(&c->run);
	unlink(path);	/* large, and of no use */
	free(path);
}

int icount_main(const struct options *o)
{
	struct strings points = { 0 };
	struct counter c = { 0 };
	int status = 0;

	strings_split(&points, o->points, " ,");
	if (!points.count)
		die("POINTS=\"NAME=ADDRESS ...\" must name a point at least");
	machine_check_tools(o->qemu, o->accel);
	own_folder(o->dir);
	linux_init(&c.run, o, linux_via_of(o), o->dir);
	start(&c, o);
	for (size_t i = 0; i < points.count; i++)
		visit(&c, points.v[i]);
	for (uint64_t i = 0; i < c.run.count; i++)
		if (c.run.guests[i].complaints || (c.run.guests[i].has_job && !c.run.guests[i].job_ok))
			status = EXIT_BAD;
	finish(&c);
	strings_free(&points);
	return status;
}
