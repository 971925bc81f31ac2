/* SPDX-License-Identifier: MIT */
// links: @machine
/*
 * The simulator: two operations on two CPUs, every schedule with at most two
 * preemptions.
 *
 *   tsan.c     each access of the sources under test ends here: the sources are
 *              compiled, unmodified, with gcc's -fsanitize=thread and linked
 *              with our functions in place of its library
 *   cpu.c      CPUs as coroutines, interrupts, waits; which CPU goes on
 *   tlb.c      what each CPU may have cached, and what it must not (I8)
 *   state.c    the prepared machine: two domains that share, grant, signal;
 *              the CPUs run one of each, or two vCPUs of one
 *   vcpus.c    the scheduler itself, between a call and the guest (RUN1-RUN4)
 *   ops*.c     the operations
 *   locks.c    a lock is taken and freed: two steps
 *   reduce.c   which second preemptions can make a difference
 *   explore.c  schedules of a pair, the verdict
 *   main.c     which pairs
 *
 * SIM1  One CPU runs at a time, and another one goes on only at an access to
 *       memory that both operations touch and one of them writes, or where a
 *       CPU waits; nor one that waits for a word that was not written since.
 * SIM2  A CPU in the hypervisor answers a flush only where the real one does:
 *       in its own wait loops, and on its way to the guest.  Before its turn
 *       comes it is in its guest, and answers at once.  An interrupt of the
 *       scheduler's is steps of the CPU that gets it, also after its
 *       operation.  What a CPU does while all others are stopped (dom/stop.h)
 *       is one step, and the stop is not that file's (unit:dom_stop has it).
 * SIM3  A CPU caches every translation that its tables ever offered since its
 *       last flush.
 */
/*
 * Triples (the same built for three CPUs): A's domain has a second vCPU on the
 * third CPU.  A runs to a point, B to another, C whole; then the two that are
 * left, either one first.  Or A whole, then B and C as a pair.  By every CPU as
 * A, and either other one as B.  Which:
 * all triples of `around` (main.c): an offer of a page that the other domain
 * has, and of one that is granted; an unshare of two, and a break by a store;
 * a share that is unmapped, a page that is given back, a grant that is mapped,
 * and a domain that is ended.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <port.h>

#include "dom/domain.h"

/* Threads as CPUs (tests/threads) have one each. */
#ifndef SIM_PER_THREAD
#define SIM_PER_THREAD
#endif
#ifndef SIM_CPUS		/* 3: for triples (sim.mk) */
#define SIM_CPUS	2
#endif
#define SIM_SWITCHES	2	/* preemptions of a schedule, at most */

/* --- cpu.c --- */

typedef long (*sim_fn)(void *arg);

/* What an operation does to a word; a lock is drawn a ticket of, and freed. */
enum sim_access { SIM_READS, SIM_WRITES, SIM_TAKES, SIM_FREES };

struct sim_schedule {
	unsigned int first;		/* the CPU that starts */
	/* the running CPU's n-th point (from 1); 0: never */
	unsigned int at[SIM_SWITCHES];
	/* who goes on is so many further; 0 is 1 */
	unsigned int step;
	bool back;		/* the other way round after the last one */
	bool whole;		/* the first CPU is: the others are left */
};

/* What became of the last one. */
struct sim_outcome {
	bool switched[SIM_SWITCHES];	/* the preemption took place */
	long result[SIM_CPUS];
	uint64_t changes;		/* sim_changes() */
	uint64_t digest;		/* of what the guests see */
	uint64_t points[SIM_CPUS];
	char text[400];			/* why it failed; "": it did not */
};
extern struct sim_outcome sim_outcome;

extern bool sim_active;		/* accesses count */
/* One CPU stopped all others: what it does is one step, and time passes. */
extern bool sim_stopped;
extern SIM_PER_THREAD unsigned int sim_cpu;	/* the one that runs */

/* Both operations, by that schedule. */
void sim_run(const struct sim_schedule *s, const sim_fn fn[SIM_CPUS],
	     void *const arg[SIM_CPUS]);
void sim_say(const char *text);	/* explore.c: why it ended */
/* Once, before the first run: a signal is a failure of its schedule. */
void sim_catch_signals(void);
/* The running CPU cannot go on by itself: another one's turn. */
void sim_wait(void);
/*
 * The running CPU is about to touch memory that matters to the other one: the
 * word of that number.  is_point: another CPU may go on here.
 */
void sim_point(unsigned int conflict, enum sim_access how, bool is_point);
/*
 * Interrupts of the scheduler's.  Does one wait for the running CPU; and it is
 * taken; and the CPU sleeps until one comes (false: none ever will).
 */
bool sim_interrupt_waits(void);
bool sim_interrupted(void);
bool sim_idle(void);
/* It is that time now, unless it was once before; ~0: never. */
bool sim_time_passes(uint64_t ns);
void sim_exit(void);	/* state.c: the way out to the guest */
/*
 * The verdict: this schedule is over, and sim_run() returns; without one the
 * process ends.
 */
void sim_fail(const char *fmt, ...) printf_like(1, 2) noreturn;

/* --- tsan.c --- */

/* Addresses (divided by 8) that a CPU touched; writes apart. */
struct sim_touched;
/* From now on, by who touches it; NULL: none. */
void sim_record(struct sim_touched *const t[SIM_CPUS]);
size_t sim_touched_bytes(void);	/* of a struct, zeroed by the caller */
/*
 * The addresses that a run on each CPU touched become the points of what
 * follows.
 */
void sim_conflicts(struct sim_touched *const t[SIM_CPUS]);
/* The machine is again as it was before sim_run(). */
void sim_undo(void);
/*
 * A number for the state of the machine that this schedule left; equal states
 * have equal ones.
 */
uint64_t sim_changes(void);
/* Does the other CPU wait for a word that nobody wrote since it looked? */
bool sim_other_waits(void);
bool sim_waits(unsigned int cpu);
/* cpu.c: it has not come to its operation's end. */
bool sim_todo(unsigned int cpu);
/* As an access of instrumented code: for guests, and what libraries do. */
void sim_access(const void *at, size_t bytes, bool write);

/* --- locks.c --- */

/* What each CPU is in. */
enum sim_in_lock {
	SIM_NOT_IN_LOCK, SIM_TAKES_LOCK, SIM_FREES_LOCK, SIM_LOOKS_AT_LOCK,
};
extern enum sim_in_lock sim_in_lock[SIM_CPUS];

/* --- reduce.c --- */

#define SIM_CONFLICTS	16384u	/* words: more than there can be */
#define SIM_FLUSHES	SIM_CONFLICTS	/* no word: a TLB forgets; */
#define SIM_RESUMES	(SIM_CONFLICTS + 1)	/* who was left goes on */
#define SIM_STOPS	(SIM_CONFLICTS + 2)	/* all others: RED8 */

/* An access to a word that both operations touch and one of them writes. */
struct sim_step {
	unsigned int conflict;	/* which word, from 0 */
	unsigned int point;	/* the CPU's n-th; 0: none goes on there */
	uint8_t cpu;
	bool late;		/* the CPU was left before it */
	enum sim_access how;
	uint64_t held;		/* reduce.c: the CPU's locks before it */
};

extern bool reduce_nothing;	/* every point of the second CPU is one */
/*
 * A number for what met what in that run, in which order: whose write each read
 * saw, and each write followed.  Runs that are the same have the same one.
 */
uint64_t reduce_order(void);

/* While a schedule runs. */
void reduce_restart(void);
void reduce_step(struct sim_step step);
void reduce_switched(unsigned int n);	/* before the last step; n from 0 */
void reduce_holds(const void *lock, bool holds);	/* the running CPU */
void reduce_flushes(unsigned int cpu);
void reduce_resumes(void);
void reduce_stops(void);
/* That run was of CPU `cpu`'s operation and then the other one's. */
void reduce_alone(unsigned int cpu);
/*
 * That run left its first CPU at a point until the others' end; or, if that is
 * whole, the next one.
 * After reduce_from() has its schedule, or the one back, reduce_next() has the
 * second preemptions that are worth a run, and 0 when there are none left;
 * reduce_learn() is after each such run.
 */
void reduce_whole(void);
/* That run was of all in order, of which the first is whole in what follows. */
void reduce_after_first(unsigned int first);
void reduce_from(const struct sim_schedule *s);
unsigned int reduce_next(void);
void reduce_learn(void);

/* --- tlb.c --- */

/* Whose tables are loaded; NULL: the hypervisor's own. */
struct domain *sim_cpu_domain(unsigned int cpu);

/*
 * What is cached now is what each schedule starts with, and what sim_tlb_undo()
 * brings back.
 */
void sim_tlb_start(void);
void sim_tlb_undo(void);

void sim_tlb_flush(unsigned int cpu);
void sim_tlb_flush_page(unsigned int cpu, uint64_t va);
/* After a write to a page-table entry. */
void sim_tlb_learn(void);
/* I8 for one frame, after its record was changed. */
void sim_tlb_check(mfn_t mfn);
/* The CPU may walk through that frame, until it flushes. */
void sim_tlb_walked(unsigned int cpu, mfn_t mfn);
/* The hypervisor writes a page's bytes. */
void sim_tlb_check_write(mfn_t mfn);
/* The hypervisor reads a page's bytes. */
void sim_tlb_check_read(mfn_t mfn);
/*
 * A guest's access by the oldest translation that the CPU holds; NULL: a fault.
 */
uint64_t *sim_tlb_access(unsigned int cpu, uint64_t va, bool write);

#endif
