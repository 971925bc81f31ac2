/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"

static const char usage[] =
"usage: harness run|many [NAME=VALUE ...] [--iso FILE] [--prepare FOLDER]\n"
"                        [--interactive] [--gdb] [--pasture FILE]\n"
"       harness linux [NAME=VALUE ...] [--interactive] [--pasture FILE]\n"
"       harness icount POINTS=\"NAME=ADDRESS ..\" [NAME=VALUE ...]\n"
"       harness boot-test [NAME ... | list]\n"
"       harness kernel IN OUT         (unpack a bzImage)\n"
"       harness initramfs OUT LIST\n"
"\n"
"  GUESTS=8           guests (many: 200)\n"
"  MEM=MiB            the machine's memory; default what the guests need\n"
"  CPUS=2             processors\n"
"  CPU_MODEL=qemu64   QEMU's -cpu\n"
"  ACCEL=tcg          QEMU's -accel: tcg or kvm\n"
"  FILES=\"a b\"        files for all guests, in place of the default set\n"
"  TENANTS=1          split the guests into so many share groups\n"
"  OVERCOMMIT=0       1: a machine with less memory than its guests together\n"
"  TIMEOUT=300        seconds until the run is given up\n"
"  TESTS=tests/boot   folder of the boot tests\n"
"  QEMU=PROGRAM       another QEMU\n"
"  V=1                show all that the machine prints\n"
"\n"
"  linux only:\n"
"  KERNEL=FILE        bzImage or ELF;  INITRD=\"a b\"  parts of its initial RAM disk\n"
"  GUEST_MEM=128      MiB for each guest;  WORDS=\"..\"  for its command line\n"
"  JOB=full           what bench/linux/init does;  MINUTES=5  of JOB=stress\n"
"  VIA=pasture        or plain (no hypervisor), xen (dom0 of a real Xen)\n"
"  PLAIN=0            1: time a boot without hypervisor first\n"
"  DIR=build/linux/run  folder of the run\n";

/* A number with its limits, or a text. */
struct setting {
	const char *name;
	uint64_t *number;
	uint64_t min, max;
	const char **text;
};

static void set(const struct setting *s, const char *value)
{
	if (s->text)
		*s->text = value;
	else if (!parse_number(value, s->min, s->max, s->number))
		die("%s=%s: wanted a number from %llu to %llu", s->name, value,
		    (unsigned long long)s->min, (unsigned long long)s->max);
}

/* NAME=VALUE from the command line; false if it is not of that shape. */
static bool set_word(const struct setting *table, const char *word)
{
	const char *eq = strchr(word, '=');

	/* TEST:KEY=VALUE is a test's name. */
	if (!eq || word[0] == '-' || memchr(word, ':', (size_t)(eq - word)))
		return false;
	for (; table->name; table++) {
		size_t n = strlen(table->name);

		if (n != (size_t)(eq - word) || strncmp(table->name, word, n))
			continue;
		set(table, eq + 1);
		return true;
	}
	die("unknown option %s; 'build/harness help' lists them", word);
}

/* A switch of argv[*i]; moves *i over its value. */
static void set_switch(struct options *o, int argc, char **argv, int *i)
{
	const struct { const char *name; const char **text; bool *flag; } t[] = {
		{ "--iso", &o->iso, NULL },
		{ "--prepare", &o->prepare, NULL },
		{ "--pasture", &o->pasture, NULL },
		{ "--interactive", NULL, &o->interactive },
		{ "--gdb", NULL, &o->gdb },
	};

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		if (strcmp(argv[*i], t[k].name))
			continue;
		if (t[k].flag) {
			*t[k].flag = true;
			return;
		}
		if (*i + 1 >= argc)
			die("%s wants a file name after it", t[k].name);
		*t[k].text = argv[++*i];
		return;
	}
	die("unknown option %s; 'build/harness help' lists them", argv[*i]);
}

static void set_command(struct options *o, const char *word)
{
	if (!word || !strcmp(word, "help") || !strcmp(word, "--help")) {
		fputs(usage, word ? stdout : stderr);
		exit(word ? 0 : EXIT_USAGE);
	}
	if (!strcmp(word, "run"))
		o->command = COMMAND_RUN;
	else if (!strcmp(word, "many"))
		o->command = COMMAND_MANY;
	else if (!strcmp(word, "linux"))
		o->command = COMMAND_LINUX;
	else if (!strcmp(word, "icount"))
		o->command = COMMAND_ICOUNT;
	else if (!strcmp(word, "boot-test"))
		o->command = COMMAND_BOOT_TEST;
	else
		die("unknown command %s; 'build/harness help' lists them", word);
}

static void check(const struct options *o)
{
	if (o->tenants > o->guests)
		die("TENANTS=%llu: more groups than guests (%llu); "
		    "give GUESTS= as many at least",
		    (unsigned long long)o->tenants,
		    (unsigned long long)o->guests);
	if (strcmp(o->accel, "tcg") && strcmp(o->accel, "kvm"))
		die("ACCEL=%s: wanted tcg or kvm", o->accel);
}

void options_parse(struct options *o, int argc, char **argv)
{
	const char *files = NULL;
	char real[PATH_MAX];

	*o = (struct options){
		.cpus = 2, .tenants = 1, .timeout_s = 300,
		.cpu_model = "qemu64", .accel = "tcg",
		.qemu = "qemu-system-x86_64", .tests = "tests/boot",
		.job = "full", .words = "", .points = "", .via = "pasture",
		.dir = "build/linux/run", .guest_mib = 128, .minutes = 5,
	};
	set_command(o, argv[1]);
	o->guests = o->command == COMMAND_MANY ? 200 : 8;
	const struct setting table[] = {
		{ "GUESTS", &o->guests, 1, 250, NULL },
		{ "MEM", &o->mem_mib, 16, 1024 * 1024, NULL },
		{ "CPUS", &o->cpus, 1, 64, NULL },
		{ "TENANTS", &o->tenants, 1, 250, NULL },
		{ "OVERCOMMIT", &o->overcommit, 0, 1, NULL },
		{ "TIMEOUT", &o->timeout_s, 1, 100000, NULL },
		{ "V", &o->verbose, 0, 1, NULL },
		{ "CPU_MODEL", NULL, 0, 0, &o->cpu_model },
		{ "ACCEL", NULL, 0, 0, &o->accel },
		{ "QEMU", NULL, 0, 0, &o->qemu },
		{ "TESTS", NULL, 0, 0, &o->tests },
		{ "FILES", NULL, 0, 0, &files },
		{ "GUEST_MEM", &o->guest_mib, 1, 1024 * 1024, NULL },
		{ "MINUTES", &o->minutes, 1, 10000, NULL },
		{ "PLAIN", &o->plain, 0, 1, NULL },
		{ "KERNEL", NULL, 0, 0, &o->kernel },
		{ "INITRD", NULL, 0, 0, &o->initrd },
		{ "JOB", NULL, 0, 0, &o->job },
		{ "WORDS", NULL, 0, 0, &o->words },
		{ "VIA", NULL, 0, 0, &o->via },
		{ "POINTS", NULL, 0, 0, &o->points },
		{ "DIR", NULL, 0, 0, &o->dir },
		{ NULL, NULL, 0, 0, NULL },
	};
	for (const struct setting *s = table; s->name; s++) {
		const char *value = getenv(s->name);

		if (value && *value)
			set(s, value);
	}
	for (int i = 2; i < argc; i++) {
		if (set_word(table, argv[i]))
			continue;
		if (o->command == COMMAND_BOOT_TEST && argv[i][0] != '-')
			strings_add(&o->names, argv[i]);
		else
			set_switch(o, argc, argv, &i);
	}
	if (o->iso) {
		if (!realpath(o->iso, real))
			die("%s: %s; 'make iso' makes one", o->iso,
			    strerror(errno));
		o->iso = xstrdup(real);
	}
	if (strchr(o->qemu, '/') && realpath(o->qemu, real))
		o->qemu = xstrdup(real);	/* QEMU starts elsewhere */
	if (files)
		strings_split(&o->files, files, " ,");
	check(o);
}
