/* SPDX-License-Identifier: MIT */
/*
 * One QEMU: started with its serial line on two pipes, read line by line,
 * judged when it ends.  Several can run at once (machines_pump()).
 *
 * The hypervisor leaves by isa-debug-exit: its code c arrives as 2c + 1.  QEMU
 * itself fails with 1 too, so code 0 counts only after an "@end" line.
 */
#ifndef HARNESS_MACHINE_H
#define HARNESS_MACHINE_H

#include <stdio.h>
#include <sys/types.h>

#include "harness/util.h"

struct machine_config {
	const char *qemu, *accel, *cpu_model;
	uint64_t cpus, mem_mib;
	const char *kernel, *append;	/* kernel NULL: boot the CD */
	const char *iso;
	struct strings modules;		/* "FILE WORDS", FILE seen from dir */
	const char *dir;		/* QEMU's folder; console.log goes there */
	uint64_t gdb_port;		/* 0: none; else wait there for gdb */
	bool monitor;			/* Ctrl-A leads to QEMU's; Ctrl-C is the guest's */
	const char *extra;		/* further words for QEMU, or NULL */
};

#define MACHINE_TAIL	12

enum machine_end {
	MACHINE_RUNS,
	MACHINE_EXITED,		/* by the debug port: `code` is the hypervisor's */
	MACHINE_RESET,		/* reset or power-off: a triple fault, mostly */
	MACHINE_DIED,		/* QEMU gave up, or was killed: see qemu.log */
};

struct machine {
	pid_t pid;
	int in, out;		/* its serial line; -1: closed */
	FILE *log;		/* console.log */
	char *dir;
	char line[4096];
	size_t length;
	char *tail[MACHINE_TAIL]; /* last lines, a ring */
	size_t lines;
	char *panic;		/* the hypervisor's first "panic on CPU" line, or NULL */
	bool ended;		/* saw "@end" */
	enum machine_end end;
	int code;
	double started;
	bool echo;
	void (*on_line)(void *arg, const char *line);
	void *arg;
};

/* Dies if QEMU is not there or ACCEL=kvm cannot work; checks nothing else. */
void machine_check_tools(const char *qemu, const char *accel);
/* Set on_line, arg and echo first. */
void machine_start(struct machine *m, const struct machine_config *c);
/* Become QEMU on this terminal. */
__attribute__((noreturn))
void machine_become(const struct machine_config *c);
/* Read what there is, or wait so long; lines go to on_line. */
void machines_pump(struct machine *const *m, size_t count, int wait_ms);
void machine_send(struct machine *m, const char *text);
void machine_kill(struct machine *m);
void machine_fini(struct machine *m);
void machine_print_tail(const struct machine *m);
/* How it ended, as one sentence; to be freed. */
char *machine_why(const struct machine *m);

#endif
