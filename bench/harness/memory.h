/* SPDX-License-Identifier: MIT */
/*
 * All memory of the machine at the snapshot, read from outside: what a perfect
 * deduplicator of every page of every guest would save, and where what is left
 * of it lies.
 *
 * QEMU is given its memory as a file without a name (a memfd), which is mapped
 * here while the guests wait; nothing is asked of the hypervisor.  Whose a
 * frame is stands in its frame table (hv/mm/frame.h), which is found by its
 * symbols and page tables.
 */
#ifndef HARNESS_MEMORY_H
#define HARNESS_MEMORY_H

#include <sys/types.h>

#include "harness/util.h"

#define MEMORY_DOMAINS	0x7ff0u	/* numbers below are guests' */

/* As the hypervisor has them; tests/unit/harness_memory.c compares. */
#define FRAME_BYTES	24u
#define KIND_SHIFT	48
#define KIND_OWNED	4u
#define KIND_SHARED	6u
#define OWNER_SHIFT	32

struct memory {
	bool known;		/* else all is 0 */
	uint64_t owned, shared;	/* frames of guests; canonical frames */
	uint64_t distinct;	/* contents among all of these */
	/* frames that another one equals: */
	uint64_t twice_zero;	/* all zeros */
	uint64_t twice_shared;	/* a canonical frame has it: not offered */
	uint64_t twice_private;	/* guests' own pages alone */
	uint64_t twice_groups;	/* canonical ones of several groups */
	uint64_t *own;		/* frames by domain id, MEMORY_DOMAINS */
};

/*
 * The memory of QEMU `pid`, of so many MiB, that runs the hypervisor whose
 * symbols are in PASTURE.sym.  Not known if QEMU has no such file, or there are
 * no symbols.
 */
void memory_read(struct memory *m, pid_t pid, uint64_t mib, const char *pasture);
/* The same from a file, for tests. */
void memory_read_fd(struct memory *m, int fd, const char *pasture);
void memory_free(struct memory *m);

#endif
