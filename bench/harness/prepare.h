/* SPDX-License-Identifier: MIT */
/*
 * The run folder: the hypervisor, the guest kernel, the archives, the domain
 * list and QEMU's module list; or the same as the root of a CD with GRUB.
 */
#ifndef HARNESS_PREPARE_H
#define HARNESS_PREPARE_H

#include "harness/expect.h"
#include "harness/machine.h"

#define CONTROL_SOCKET	"control.sock"	/* of the machine, in the run folder */

struct plan {
	const char *dir;
	const char *pasture;		/* the hypervisor; its symbols beside */
	const char *kernel;		/* the guests' kernel, its base name */
	struct workload workload;
	struct file_set files;
	struct expectation expect;
	uint64_t guest_mib;		/* memory of each guest */
	uint64_t module_bytes;
	struct strings modules;		/* for QEMU or GRUB, seen from dir */
	uint64_t mem_mib;		/* the machine's */
	/* that it has at most use for, overcommit=off */
	uint64_t enough_mib;
};

/* Options of the hypervisor in a run. */
const char *plan_append(const struct options *o);

/* Group of guest g (from 0): "t1" .. ; its name: "g1" .. */
char *plan_group(const struct options *o, uint64_t g);

/* Dies with one line if something is missing or MEM is too small. */
void plan_prepare(struct plan *p, const struct options *o, const char *dir);
void plan_write_grub(const struct plan *p, const struct options *o);
void plan_machine(const struct plan *p, const struct options *o,
		  struct machine_config *c);
void plan_free(struct plan *p);

/* Put a copy-free name for `path` into dir (a link); dies if path is absent. */
void link_into(const char *dir, const char *path, const char *name);

#endif
