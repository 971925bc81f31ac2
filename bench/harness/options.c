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
"       harness machine LOG [UNTIL=TEXT] [TIMEOUT=] [--type] -- WORDS FOR QEMU\n"
"       harness kernel IN OUT         (unpack a bzImage)\n"
"       harness initramfs OUT LIST\n"
"\n"
"  GUESTS=8           guests (many: 200)\n"
"  MEM=MiB            the machine's memory; default what the guests need\n"
"  CPUS=2             processors\n"
"  CPU_MODEL=qemu64   QEMU's -cpu\n"
"  ACCEL=tcg          QEMU's -accel: tcg or kvm\n"
"  FILES=\"a b\"        files for all guests, in place of the default set; a blank or a\n"
"                     comma in a name needs a backslash before it\n"
"  TENANTS=1          split the guests into so many share groups\n"
"  OVERCOMMIT=0       1: a machine with less memory than its guests together (linux: MEM=)\n"
"  UEFI=0             1: the machine of --iso has UEFI in place of a BIOS\n"
"  TIMEOUT=300         seconds until the run is given up (many: 600)\n"
"  SHARED=0  OWN=0    many: KiB of files that are the same in each guest; of its own\n"
"  TESTS=tests/boot   folder of the boot tests\n"
"  QEMU=PROGRAM       another QEMU\n"
"  V=1                show all that the machine prints\n"
"\n"
"  linux only:\n"
"  KERNEL=FILE        bzImage or ELF;  INITRD=\"a b\"  parts of its initial RAM disk\n"
"  GUEST_MEM=128      MiB for each guest (many: 8);  WORDS=\"..\"  for its command line\n"
"  VCPUS=1            of each guest\n"
"  JOB=full           what bench/linux/init does;  MINUTES=5  of JOB=stress\n"
"  VIA=pasture        or plain (no hypervisor), xen (dom0 of a real Xen)\n"
"  PLAIN=0            1: time a boot without hypervisor first\n"
"  SHARING=0          1: the guests share; INITRD must bring pasture.ko\n"
"  LEAN=0             1: with SHARING=1, idle guests without tracefs first\n"
"  TWICE=0            1: with SHARING=1, twice as many idle guests first\n"
"  PEER=ksm           with SHARING=1: the same guests in QEMU with this host's KSM\n"
"  DIR=build/linux/run  folder of the run\n";

/* A number with its limits, or a text. */
struct setting {
	const char *name;
	uint64_t *number;
	uint64_t min, max;
	const char **text;
	unsigned int commands;	/* that it is for, a bit each */
};

#define FOR(command)	(1u << COMMAND_##command)
#define FOR_RUNS	(FOR(RUN) | FOR(MANY))
#define FOR_LINUX	(FOR(LINUX) | FOR(ICOUNT))
#define FOR_ALL		(FOR_RUNS | FOR_LINUX | FOR(BOOT_TEST) | FOR(MACHINE))

static const char *const command_names[] = {
	[COMMAND_RUN] = "run", [COMMAND_MANY] = "many",
	[COMMAND_BOOT_TEST] = "boot-test", [COMMAND_LINUX] = "linux",
	[COMMAND_ICOUNT] = "icount", [COMMAND_MACHINE] = "machine",
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
static bool set_word(const struct setting *table, enum command command,
		     const char *word)
{
	const char *eq = strchr(word, '=');

	/* TEST:KEY=VALUE is a test's name. */
	if (!eq || word[0] == '-' || memchr(word, ':', (size_t)(eq - word)))
		return false;
	for (; table->name; table++) {
		size_t n = strlen(table->name);

		if (n != (size_t)(eq - word) || strncmp(table->name, word, n))
			continue;
		if (!(table->commands & 1u << command))
			die("%s means nothing to 'harness %s'; 'build/harness "
			    "help' lists what does", table->name,
			    command_names[command]);
		set(table, eq + 1);
		return true;
	}
	die("unknown option %s; 'build/harness help' lists them", word);
}

/* A switch of argv[*i]; moves *i over its value. */
static void set_switch(struct options *o, int argc, char **argv, int *i)
{
	const struct { const char *name; const char **text; bool *flag;
		       unsigned int commands; } t[] = {
		{ "--iso", &o->iso, NULL, FOR(RUN) },
		{ "--prepare", &o->prepare, NULL, FOR_RUNS },
		{ "--pasture", &o->pasture, NULL, FOR_RUNS | FOR_LINUX },
		{ "--interactive", NULL, &o->interactive, FOR_RUNS | FOR_LINUX },
		{ "--gdb", NULL, &o->gdb, FOR_RUNS },
		{ "--type", NULL, &o->type, FOR(MACHINE) },
	};

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		if (strcmp(argv[*i], t[k].name) ||
		    !(t[k].commands & 1u << o->command))
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
	for (int i = 0; i <= COMMAND_MACHINE; i++) {
		o->command = (enum command)i;
		if (!strcmp(word, command_names[i]))
			return;
	}
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
	if (o->uefi && !o->iso)
		die("UEFI=1 is for a CD image only: 'make run-iso UEFI=1'");
	if (o->command == COMMAND_MACHINE && o->names.count != 1)
		die("name one log: harness machine LOG -- WORDS FOR QEMU");
}

static bool is_rest(const struct options *o, const char *word)
{
	return o->command == COMMAND_MACHINE && !strcmp(word, "--");
}

/* Words without "=", and all behind "--". */
static void take_words(struct options *o, const struct setting *table,
		       int argc, char **argv)
{
	bool names = o->command == COMMAND_BOOT_TEST ||
		     o->command == COMMAND_MACHINE;
	int i;

	for (i = 2; i < argc && !is_rest(o, argv[i]); i++) {
		if (set_word(table, o->command, argv[i]))
			continue;
		if (names && argv[i][0] != '-')
			strings_add(&o->names, argv[i]);
		else
			set_switch(o, argc, argv, &i);
	}
	while (++i < argc)
		strings_add(&o->words_of_qemu, argv[i]);
}

static void take_environment(const struct options *o,
			     const struct setting *table)
{
	for (; table->name; table++) {
		const char *value = getenv(table->name);

		if (value && *value && table->commands & 1u << o->command)
			set(table, value);
	}
}

/* QEMU starts in another folder. */
static void make_absolute(struct options *o)
{
	char real[PATH_MAX];

	if (o->iso) {
		if (!realpath(o->iso, real))
			die("%s: %s; 'make iso' makes one", o->iso,
			    strerror(errno));
		o->iso = xstrdup(real);
	}
	if (strchr(o->qemu, '/') && realpath(o->qemu, real))
		o->qemu = xstrdup(real);
}

void options_parse(struct options *o, int argc, char **argv)
{
	const char *files = NULL;

	*o = (struct options){
		.cpus = 2, .tenants = 1, .timeout_s = 300,
		.cpu_model = "qemu64", .accel = "tcg",
		.qemu = "qemu-system-x86_64", .tests = "tests/boot",
		.job = "full", .words = "", .points = "", .via = "pasture", .peer = "",
		.dir = "build/linux/run", .guest_mib = 128, .vcpus = 1, .minutes = 5,
	};
	set_command(o, argv[1]);
	o->guests = o->command == COMMAND_MANY ? 200 : o->command == COMMAND_ICOUNT ? 1 : 8;
	/* 200 guests on a host with more to do */
	if (o->command == COMMAND_MANY) {
		o->timeout_s = 600;
		o->guest_mib = 8;
	}
	const struct setting table[] = {
		{ "GUESTS", &o->guests, 1, o->command == COMMAND_MANY ? 1000 : 250, NULL,
		  FOR_RUNS | FOR_LINUX },
		{ "MEM", &o->mem_mib, 16, 1024 * 1024, NULL, FOR_RUNS | FOR_LINUX },
		{ "CPUS", &o->cpus, 1, 64, NULL, FOR_RUNS | FOR(LINUX) },
		{ "TENANTS", &o->tenants, 1, 250, NULL, FOR(RUN) },
		{ "OVERCOMMIT", &o->overcommit, 0, 1, NULL, FOR_RUNS | FOR(LINUX) },
		{ "UEFI", &o->uefi, 0, 1, NULL, FOR(RUN) },
		{ "TIMEOUT", &o->timeout_s, 1, 100000, NULL, FOR_ALL & ~FOR(BOOT_TEST) },
		{ "V", &o->verbose, 0, 1, NULL, FOR_ALL },
		{ "CPU_MODEL", NULL, 0, 0, &o->cpu_model, FOR_RUNS | FOR_LINUX },
		{ "ACCEL", NULL, 0, 0, &o->accel, FOR_ALL },
		{ "QEMU", NULL, 0, 0, &o->qemu, FOR_ALL },
		{ "TESTS", NULL, 0, 0, &o->tests, FOR(BOOT_TEST) },
		{ "FILES", NULL, 0, 0, &files, FOR(RUN) },
		{ "GUEST_MEM", &o->guest_mib, 1, 1024 * 1024, NULL, FOR_LINUX | FOR(MANY) },
		{ "SHARED", &o->shared_kib, 0, 1024 * 1024, NULL, FOR(MANY) },
		{ "OWN", &o->own_kib, 0, 1024 * 1024, NULL, FOR(MANY) },
		{ "VCPUS", &o->vcpus, 1, 32, NULL, FOR_LINUX },
		{ "MINUTES", &o->minutes, 1, 10000, NULL, FOR_LINUX },
		{ "PLAIN", &o->plain, 0, 1, NULL, FOR_LINUX },
		{ "SHARING", &o->sharing, 0, 1, NULL, FOR_LINUX },
		{ "LEAN", &o->lean, 0, 1, NULL, FOR_LINUX },
		{ "TWICE", &o->twice, 0, 1, NULL, FOR(LINUX) },
		{ "PEER", NULL, 0, 0, &o->peer, FOR(LINUX) },
		{ "KERNEL", NULL, 0, 0, &o->kernel, FOR_LINUX },
		{ "INITRD", NULL, 0, 0, &o->initrd, FOR_LINUX },
		{ "JOB", NULL, 0, 0, &o->job, FOR_LINUX },
		{ "WORDS", NULL, 0, 0, &o->words, FOR_LINUX },
		{ "VIA", NULL, 0, 0, &o->via, FOR_LINUX },
		{ "POINTS", NULL, 0, 0, &o->points, FOR(ICOUNT) },
		{ "DIR", NULL, 0, 0, &o->dir, FOR_LINUX },
		{ "UNTIL", NULL, 0, 0, &o->until, FOR(MACHINE) },
		{ NULL, NULL, 0, 0, NULL, 0 },
	};
	take_environment(o, table);
	take_words(o, table, argc, argv);
	make_absolute(o);
	if (files)
		strings_split_escaped(&o->files, files);
	check(o);
}
