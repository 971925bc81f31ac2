/* SPDX-License-Identifier: MIT */
/*
 * `harness linux`: stock Linux kernels as guests, each with a job from
 * bench/linux/init, followed by what they say ("@guest WORD key=value").
 *
 * With hold=1 (job=full) all guests wait twice for a typed line:
 *   boot -> job -> memory given back -> all there: "snapshot", "next"
 *   -> memory taken again -> all there: "snapshot", "next" -> power off
 * and with SHARING=1
 *   boot -> idle, all shared -> all there: "snapshot", "next"
 *   -> job, all shared again -> all there: "snapshot", "next" -> power off
 * PEER=ksm: the same guests without Pasture afterwards (peer.h).
 *
 * VIA=plain is the same kernel alone in QEMU, VIA=xen the same as dom0 of a
 * real Xen.
 */
#ifndef HARNESS_LINUX_H
#define HARNESS_LINUX_H

#include "harness/machine.h"
#include "harness/options.h"
#include "harness/record.h"

enum linux_via { VIA_PASTURE, VIA_PLAIN, VIA_XEN };

enum share_kind { SHARE_TEXT, SHARE_RODATA, SHARE_RESERVED, SHARE_VMALLOC, SHARE_CACHE, SHARE_FREE,
		  SHARE_LARGE, SHARE_KINDS };
extern const char *const linux_share_kinds[SHARE_KINDS];

/* What a guest's pasture.ko says, in pages. */
struct linux_share {
	bool said;
	uint64_t sharing, breaks, owned, out, names_wrong;
	uint64_t shared[SHARE_KINDS];
	uint64_t image_offered, image_accepted;	/* text and rodata */
};

/* When all guests are idle, and after their jobs. */
enum share_state { SHARE_IDLE, SHARE_AFTER, SHARE_STATES };

/* What the hypervisor says at a snapshot; frames of 4 KiB, but the first. */
struct linux_machine {
	double at;		/* clock */
	uint64_t metadata_bytes;
	uint64_t free, owned, pages_shared, pages_sharing, cow_breaks;
};

/* Frames that are free, or a number that rises and falls with them. */
struct linux_sample {
	double at;		/* clock */
	int64_t free;
};

struct linux_samples {
	struct linux_sample *v;
	size_t count;
};

/* Until when nothing more is saved; all zero at first. */
struct linux_rest {
	double since;		/* clock */
	double least;		/* frames in use at that time */
};

/*
 * The same guests on this host with its KSM (peer.h), when they are idle and
 * after their jobs, in MiB; its records apart.
 */
enum peer_kind { PEER_FOUND, PEER_TUNED, PEER_KINDS };

struct peer {
	double mib, records_mib, job_mib, job_records_mib;
	double seconds_to_saved;
	double started;			/* clock */
	struct linux_samples samples;
};

struct linux_guest {
	char name[32], phase[24], reason[16], failed[80];
	uint64_t domid, memory_pages;
	double created, userspace;	/* clock; 0: not yet */
	bool down, up, held, dead, has_job, job_ok;
	uint64_t steps_ok, complaints, cpu_ms;
	uint64_t kb_before, kb_down, kb_up; /* its balloon's own words */
	struct linux_share share[SHARE_STATES];
};

/* Where the run is; see above. */
enum linux_stage { STAGE_JOB, STAGE_DOWN, STAGE_AGAIN, STAGE_UP, STAGE_END };

struct linux_run {
	const struct options *options;
	const char *dir;
	enum linux_via via;
	struct linux_guest *guests;
	uint64_t count, mem_mib;
	enum linux_stage stage;
	uint64_t finals;		/* answers to "snapshot" */
	uint64_t owned, owned_down, owned_up;
	uint64_t frames_lost, audit_errors;
	bool has_end;
	uint64_t free_at_start, frame_bytes;
	struct linux_machine now, at[SHARE_STATES];
	struct linux_samples samples;
	struct linux_rest rest;		/* of this stage */
	bool has_peers;
	struct peer peers[PEER_KINDS];
	double lean_mib, twice_mib;	/* 0: not measured */
	uint64_t at_once;		/* guests, idle at one time */
	double plain_seconds;		/* 0: not measured */
	double seconds;
	struct machine machine;
	struct strings problems;
};

int linux_main(const struct options *o);
/* VIA=, or dies. */
enum linux_via linux_via_of(const struct options *o);

/* linux_prepare.c: the run folder; dies with one line if it cannot work. */
void linux_prepare(struct linux_run *r, struct machine_config *c);

/* linux_state.c: what the lines mean; then, at the end, what is wrong. */
void linux_init(struct linux_run *r, const struct options *o,
		enum linux_via via, const char *dir);
void linux_line(void *run, const char *line);
uint64_t linux_in_userspace(const struct linux_run *r);
bool linux_all_at(const struct linux_run *r, enum linux_stage stage);
uint64_t linux_alive(const struct linux_run *r);
void linux_judge(struct linux_run *r);
__attribute__((format(printf, 2, 3)))
void linux_problem(struct linux_run *r, const char *fmt, ...);
void linux_fini(struct linux_run *r);

/* linux_share.c: what is said of sharing, and what follows from it. */
void linux_share_guest(struct linux_guest *g, const struct record *rec);
void linux_share_boot(struct linux_run *r, const struct record *rec);
void linux_share_stat(struct linux_run *r, const struct record *rec);
void linux_share_judge(struct linux_run *r);
/* Of machine memory, records of the hypervisor's included; 0: no snapshot. */
double linux_footprint_mib(const struct linux_run *r, enum share_state state);
/*
 * What each of the second half of twice as many guests takes; 0: not measured.
 */
double linux_further_mib(const struct linux_run *r);
double linux_seconds_to_saved(const struct linux_run *r);
void linux_samples_add(struct linux_samples *s, int64_t free);
/*
 * For so many frames in use now: has nothing more been saved for a while?  The
 * same rule for Pasture and for its peers.
 */
bool linux_rests(struct linux_rest *rest, double now, double frames);
/*
 * What is saved in the end: clock, frames that are free then, and how many
 * fewer are used.
 */
struct linux_saving {
	double start, until;
	int64_t free, saved;
};
/* Seconds from `start` until 99 % of it is there, and stays until `until`. */
double linux_samples_saved(const struct linux_samples *s, const struct linux_saving *w);

/* linux_share_report.c */
struct json_t;
/* into an object of the report */
void linux_put(struct json_t *o, const char *key, uint64_t n);
void linux_put_real(struct json_t *o, const char *key, double x);
void linux_share_table(const struct linux_run *r);
void linux_share_figures(const struct linux_run *r, struct json_t *figures);
struct json_t *linux_share_json(const struct linux_guest *g);

/* linux_report.c */
struct linux_progress {
	bool terminal;
	uint64_t drawn;
	double last;
	char (*said)[24];
};
void linux_progress_show(struct linux_progress *p, const struct linux_run *r);
void linux_table(const struct linux_run *r);
void linux_json(const struct linux_run *r);

#endif
