/* SPDX-License-Identifier: MIT */
/*
 * One QEMU: started with its serial line on two pipes, read line by line,
 * judged when it ends.  Several can run at once (machines_pump()).
 *
 * The hypervisor leaves by isa-debug-exit: its code c arrives as QEMU's exit
 * status 33 + 2c, which QEMU itself never uses (it fails with 1;
 * hv/x86/exit.c).
 *
 * Whatever an earlier run left in the two logs is removed before QEMU starts;
 * it dies with this program, however that ends; and this program with the
 * script that called it.
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
	/* QEMU's folder; console.log and qemu.log go there */
	const char *dir;
	/* another place for these two: LOG and LOG.qemu; or NULL */
	const char *log;
	/* for QEMU, in place of processor, memory and kernel; or NULL */
	const struct strings *words;
	bool memory_file;		/* memory.h can read it */
	uint64_t gdb_port;		/* 0: none; else wait there for gdb */
	/* Ctrl-A leads to QEMU's; Ctrl-C is the guest's */
	bool monitor;
	/* a socket for the second serial port, seen from dir; or NULL */
	const char *control;
	const char *extra;		/* further words for QEMU, or NULL */
};

#define MACHINE_TAIL	12

enum machine_end {
	MACHINE_RUNS,
	/* by the debug port: `code` is the hypervisor's */
	MACHINE_EXITED,
	MACHINE_RESET,		/* reset or power-off: a triple fault, mostly */
	MACHINE_DIED,		/* QEMU gave up, or was killed: see qemu.log */
};

struct machine {
	pid_t pid;
	int in, out;		/* its serial line; -1: closed */
	FILE *log;		/* console.log */
	char *log_path, *qemu_path;
	/* errno: what the machine printed is not all in the log */
	int log_error;
	char line[4096];
	size_t length;
	char *tail[MACHINE_TAIL]; /* last lines, a ring */
	size_t lines;
	char *panic;	/* the first "panic on CPU" line, or NULL */
	enum machine_end end;
	int code, signal;	/* signal: which one killed QEMU, or 0 */
	double started;
	/* nothing came, and KVM should have been quick */
	bool quiet_kvm;
	bool kvm;
	bool echo;
	void (*on_line)(void *arg, const char *line);
	void *arg;
};

#define MACHINE_EXIT_BASE 33

/* Dies if QEMU is not there or ACCEL=kvm cannot work; checks nothing else. */
void machine_check_tools(const char *qemu, const char *accel);
/* Set on_line, arg and echo first. */
void machine_start(struct machine *m, const struct machine_config *c);
/* Become QEMU on this terminal. */
__attribute__((noreturn))
void machine_become(const struct machine_config *c);
/*
 * Read what there is, or wait so long; lines go to on_line.  Dies, QEMUs
 * included, if nobody reads our own output any more.  Stops a machine that says
 * nothing for too long (quiet_kvm).
 */
void machines_pump(struct machine *const *m, size_t count, int wait_ms);
void machine_send(struct machine *m, const char *text);
void machine_kill(struct machine *m);
void machine_fini(struct machine *m);
void machine_print_tail(const struct machine *m);
/* How it ended, as one sentence; to be freed. */
char *machine_why(const struct machine *m);

#endif
