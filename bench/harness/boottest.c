/* SPDX-License-Identifier: MIT */
/* See boottest.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/boottest.h"
#include "harness/hostload.h"
#include "harness/prepare.h"
#include "harness/verdict.h"

#define TEST_PASTURE	"build/debug/pasture"
#define WORK_ROOT	"build/boot"
/* Two; while they wait, and the host has nothing else to do, more. */
#define AT_ONCE		2
#define AT_MOST		4

struct slot {
	bool busy;
	const struct boot_test *test;
	char *dir;
	struct strings modules;	/* links in dir */
	struct verdict verdict;
	struct machine machine;
};

struct counts {
	unsigned int passed, failed, skipped;
};

/* Where a module of that name is; NULL: nowhere. */
static char *resolve(const struct boot_test *t, const char *name)
{
	const char *const roots[] = { t->folder, "build/guest", "build/linux", "build" };

	if (name[0] == '/')
		return file_exists(name) ? xstrdup(name) : NULL;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		char *path = xasprintf("%s/%s", roots[i], name);

		if (file_exists(path))
			return path;
		free(path);
	}
	return NULL;
}

/* text: "NAME" or "NAME WORDS"; linked once.  False: there is no such file. */
static bool add_module(struct slot *s, const char *text)
{
	char *name = xstrdup(text), *path;
	const char *slash;

	for (size_t i = 0; i < s->modules.count; i++)
		if (!strcmp(s->modules.v[i], text))
			return free(name), true;
	name[strcspn(name, " ")] = '\0';
	path = resolve(s->test, name);
	if (path) {
		slash = strrchr(name, '/');
		link_into(s->dir, path, slash ? slash + 1 : name);
		slash = strrchr(text, '/');
		strings_add(&s->modules, slash ? slash + 1 : text);
	}
	free(name);
	free(path);
	return path != NULL;
}

/*
 * The files that a guest line names.  One that does not exist is left out: the
 * hypervisor must say so, and a test may want to see that.
 */
static void add_named_modules(struct slot *s, const char *line)
{
	struct strings words = { 0 }, names = { 0 };

	strings_split(&words, line, " \t");
	for (size_t i = 0; i < words.count; i++) {
		if (!strncmp(words.v[i], "kernel=", 7))
			strings_add(&names, words.v[i] + 7);
		else if (!strncmp(words.v[i], "modules=", 8))
			strings_split(&names, words.v[i] + 8, "+");
	}
	for (size_t i = 0; i < names.count; i++)
		add_module(s, names.v[i]);
	strings_free(&words);
	strings_free(&names);
}

static void write_domains(struct slot *s)
{
	char *path = xasprintf("%s/domains.cfg", s->dir);
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	if (!f)
		die("cannot write %s", path);
	for (size_t i = 0; i < s->test->guests.count; i++) {
		char *line = verdict_guest(&s->verdict, s->test->guests.v[i]);

		fprintf(f, "%s%s\n", !strncmp(line, "domain ", 7) ? "" :
			"domain ", line);
		add_named_modules(s, line);
		free(line);
	}
	fclose(f);
	strings_add(&s->modules, "domains.cfg");
	free(path);
}

/* False: a module= file of the test is not there; said in verdict.why. */
static bool prepare(struct slot *s)
{
	const struct boot_test *t = s->test;

	own_folder(s->dir);
	link_into(s->dir, TEST_PASTURE, "pasture");
	/* First: a first domain's kernel is the first module of all. */
	for (size_t i = 0; i < t->modules.count; i++) {
		if (add_module(s, t->modules.v[i]))
			continue;
		s->verdict.why = xasprintf("no file for module=%s",
					   t->modules.v[i]);
		return false;
	}
	if (t->guests.count)
		write_domains(s);
	return true;
}

static void report(struct slot *s, enum result result, struct counts *c)
{
	double seconds = now_seconds() - s->machine.started;

	printf("  %-8s %s (%.1f s)\n", result_names[result], s->test->name,
	       seconds);
	if (result == RESULT_SUCCESS) {
		c->passed++;
	} else if (result == RESULT_SKIP) {
		c->skipped++;
	} else {
		c->failed++;
		if (s->verdict.why)
			printf("  %s\n", s->verdict.why);
		machine_print_tail(&s->machine);
		printf("  repeat: make boot T=%s\n", s->test->name);
	}
}

static void finish(struct slot *s, enum result result, struct counts *c)
{
	machine_kill(&s->machine);
	report(s, result, c);
	verdict_fini(&s->verdict);
	machine_fini(&s->machine);
	strings_free(&s->modules);
	free(s->dir);
	s->busy = false;
}

/* 8 ns an instruction, and none while all CPUs wait. */
#define ICOUNT "-icount shift=3,sleep=off"

static bool counts_instructions(const struct boot_test *t, const struct options *o)
{
	return t->icount && !strcmp(o->accel, "tcg");
}

static void start(struct slot *s, const struct boot_test *t,
		  const struct options *o, struct counts *counts)
{
	char *append = xasprintf("exit=qemu %s", t->append);
	char *extra = xasprintf("%s %s", t->qemu ? t->qemu : "",
				counts_instructions(t, o) ? ICOUNT : "");
	struct machine_config c = {
		.qemu = o->qemu, .accel = o->accel, .cpu_model = t->cpu_model,
		.cpus = t->cpus, .mem_mib = t->mem, .kernel = "pasture",
		.append = append, .extra = extra,
	};

	*s = (struct slot){ .busy = true, .test = t };
	s->dir = xasprintf("%s/%s", WORK_ROOT, t->name);
	s->machine = (struct machine){
		.in = -1, .out = -1, .echo = o->verbose, .log_path = xasprintf("%s/console.log", s->dir),
		.started = now_seconds(), .on_line = verdict_line,
		.arg = &s->verdict,
	};
	verdict_init(&s->verdict, t);
	if (prepare(s)) {
		c.dir = s->dir;
		c.modules = s->modules;
		machine_start(&s->machine, &c);
	} else {
		finish(s, RESULT_ERROR, counts);
	}
	free(append);
	free(extra);
}

/* Those that have ended, or have had their time. */
static void collect(struct slot *slots, struct counts *c)
{
	for (size_t i = 0; i < AT_MOST; i++) {
		struct slot *s = &slots[i];
		bool late;

		if (!s->busy)
			continue;
		late = now_seconds() - s->machine.started >
		       (double)s->test->timeout;
		if (s->machine.end == MACHINE_RUNS && !late)
			continue;
		late = s->machine.end == MACHINE_RUNS;
		finish(s, verdict_give(&s->verdict, &s->machine, late), c);
	}
}

static size_t busy(struct slot *slots, struct machine **machines)
{
	size_t count = 0;

	for (size_t i = 0; i < AT_MOST; i++)
		if (slots[i].busy)
			machines[count++] = &slots[i].machine;
	return count;
}

static bool is_wanted(const struct options *o, const char *name)
{
	size_t base = strcspn(name, ":");

	for (size_t i = 0; i < o->names.count; i++) {
		const char *want = o->names.v[i];

		if (!strcmp(want, name) ||
		    (strlen(want) == base && !strncmp(want, name, base)))
			return true;
	}
	return !o->names.count;
}

/* How many may run now. */
static size_t room(size_t running, struct hostload *load)
{
	bool low = hostload_is_low(load, "/proc/stat", now_seconds());

	return running < AT_ONCE ? AT_ONCE : running + low;
}

static void run_all(const struct boot_tests *tests, const struct options *o,
		    struct counts *c)
{
	struct slot slots[AT_MOST] = { 0 };
	struct machine *machines[AT_MOST];
	struct hostload load = { 0 };
	size_t next = 0, running = 0, most;

	do {
		most = room(running, &load);
		for (size_t i = 0; i < AT_MOST && running < most; i++) {
			while (next < tests->count &&
			       !is_wanted(o, tests->v[next].name))
				next++;
			if (!slots[i].busy && next < tests->count)
				start(&slots[i], &tests->v[next++], o, c);
			running = busy(slots, machines);
		}
		if (running)
			machines_pump(machines, running, 100);
		collect(slots, c);
		running = busy(slots, machines);
	} while (running || next < tests->count);
}

int boottest_main(const struct options *o)
{
	struct boot_tests tests;
	struct counts c = { 0 };
	bool list = o->names.count && !strcmp(o->names.v[0], "list");

	boot_tests_load(&tests, o->tests);
	if (list) {
		for (size_t i = 0; i < tests.count; i++)
			printf("%s\n", tests.v[i].name);
	} else {
		machine_check_tools(o->qemu, o->accel);
		run_all(&tests, o, &c);
		if (o->names.count && c.passed + c.failed + c.skipped == 0)
			die("no boot test %s; 'make boot T=list' lists them",
			    o->names.v[0]);
		if (c.skipped)
			printf("%u skipped\n", c.skipped);
		printf("%u passed, %u failed\n", c.passed, c.failed);
	}
	boot_tests_free(&tests);
	return c.failed ? EXIT_BAD : 0;
}
