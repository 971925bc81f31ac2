/* SPDX-License-Identifier: MIT */
/*
 * What the user asked for: a command, words NAME=VALUE (the environment gives
 * the same names, the command line wins) and a few switches.  A word that the
 * command has no use for is a mistake; in the environment it may be meant for
 * others.
 */
#ifndef HARNESS_OPTIONS_H
#define HARNESS_OPTIONS_H

#include "harness/util.h"

enum command { COMMAND_RUN, COMMAND_MANY, COMMAND_BOOT_TEST, COMMAND_LINUX,
	       COMMAND_ICOUNT, COMMAND_MACHINE };

struct options {
	enum command command;
	uint64_t guests;
	uint64_t mem_mib;	/* 0: as much as the guests need */
	uint64_t cpus;
	uint64_t tenants;	/* share groups */
	/* 1: less memory than the guests have, together */
	uint64_t overcommit;
	uint64_t timeout_s;
	uint64_t verbose;
	const char *cpu_model, *accel, *qemu;
	const char *tests;	/* folder of the boot tests */
	struct strings files;	/* for all guests; none: the default set */
	const char *pasture;	/* the hypervisor's image; NULL: default */
	const char *iso;	/* boot this CD instead of -kernel; or NULL */
	uint64_t uefi;		/* 1: by UEFI; only with a CD */
	const char *prepare;	/* only write the CD's folder; or NULL */
	bool interactive, gdb;	/* become QEMU on this terminal */
	struct strings names;	/* boot tests; `harness machine`: its log */
	/* `harness machine` */
	const char *until;
	bool type;
	struct strings words_of_qemu;
	/* `harness linux` */
	const char *kernel, *initrd; /* NULL: not named */
	const char *job, *words;     /* for bench/linux/init; for the kernel */
	const char *via, *dir;
	const char *points;	     /* for icount.h */
	uint64_t guest_mib, vcpus, minutes, plain;
	uint64_t shared_kib, own_kib;	/* many: pages of each guest */
	/* 1: the guests are one group, with pasture.ko */
	uint64_t sharing;
	const char *peer;	/* "": none */
	/* 1: a further run, without tracefs; of twice as many guests */
	uint64_t lean, twice;
};

/* Dies with one line at a mistake. */
void options_parse(struct options *o, int argc, char **argv);

#endif
