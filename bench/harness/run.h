/* SPDX-License-Identifier: MIT */
/*
 * A run, as the harness sees it: fed line by line (run_line()), asked by the
 * progress display and by the report.
 *
 *   guests work -> all settled -> "snapshot" sent -> "@stat final=1"
 *   -> "go" sent -> guests end -> "@end" -> QEMU leaves
 *
 * A guest is settled when it printed phase=done or phase=hold (it then waits
 * with what it has), or when it is dead.
 */
#ifndef HARNESS_RUN_H
#define HARNESS_RUN_H

#include "harness/memory.h"
#include "harness/prepare.h"
#include "harness/record.h"

struct guest {
	char name[32], group[32];
	uint64_t domid;		/* 0: not created yet */
	char phase[16];		/* "" until it says something */
	uint64_t done, total;	/* of the phase */
	bool finished;		/* printed phase=done */
	bool settled, dead;
	bool waited;		/* for memory, before it was created */
	unsigned int complaints; /* error lines */
	char reason[16];	/* of its end */
	uint64_t memory_pages;	/* given to it */
	/* from its first page to its first instruction; and from its end on */
	uint64_t build_us, reap_us;
	uint64_t files, pages, offered, shared, refused, zero, faults, breaks,
		 /* from phase=done */
		 reoffered, verify_errors, read_errors, ms, returned;
	uint64_t tot_pages;	/* its own at the end of its work */
};

struct stats {
	uint64_t t_ms, free, domains, owned, pages_shared, pages_sharing,
		 pages_unshared, zero_frames, zero_mappings, cow_breaks, offers,
		 refusals, metadata_bytes, m2p_pages, cross_group, audit_errors;
};

struct run {
	const struct options *options;
	const struct plan *plan;
	struct guest *guests;
	uint64_t count;
	struct stats now, final; /* latest; at the snapshot */
	struct stats *samples;	/* all, for a picture (saved.h) */
	size_t sample_count;
	struct memory memory;	/* at the snapshot */
	bool booted, has_final, has_end;
	uint64_t boot_cpus, boot_memory_kib, boot_free, frame_bytes;
	uint64_t frames_lost, end_audit_errors, end_cross_group; /* @end */
	double seconds, stuck_since; /* 0: not stuck */
	struct machine machine;
	char refused_why[48];	/* the guests' word for most refusals, or "" */
	uint64_t refused_most;	/* by one guest for that reason */
	struct strings problems;	/* empty: all is well */
};

struct figures;

/* `harness run` and `harness many`; the program's exit status. */
int run_main(const struct options *o);

void run_init(struct run *r, const struct options *o, const struct plan *p);
void run_line(void *run, const char *line);
uint64_t run_settled(const struct run *r);
/*
 * Guests that wait for memory.  They start in the order of the list, and only
 * the first says that it waits: all behind it do, too.
 */
uint64_t run_waiting(const struct run *r);
/* After the machine's end: fill r->problems. */
void run_judge(struct run *r, const struct figures *f);
void run_fini(struct run *r);
__attribute__((format(printf, 2, 3)))
void run_problem(struct run *r, const char *fmt, ...);

#endif
