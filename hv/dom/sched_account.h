/* SPDX-License-Identifier: MIT */
/*
 * A domain's run time: what it has had, what it may have.  All its vCPUs draw
 * on one account, so that a domain with many of them gets no more than its
 * weight says.
 */
#ifndef HV_DOM_SCHED_ACCOUNT_H
#define HV_DOM_SCHED_ACCOUNT_H

#include "lib/types.h"
#include "x86/spinlock.h"

#define SCHED_WEIGHT_DEFAULT	256u	/* Xen's */
/* a cap limits the run time in each period of this length */
#define SCHED_PERIOD_NS		30000000UL
#define SCHED_GRANT_MIN_NS	100000UL

/* Of `ns` of run time at the default weight, in the unit of virtual time. */
#define SCHED_VIRTUAL(ns)	((ns) / SCHED_WEIGHT_DEFAULT)

struct sched_account {
	struct spinlock lock;	/* LOCK_ACCOUNT */
	/* 1 to 65535; read without the lock, as the next */
	uint32_t weight;
	uint32_t cap;		/* percent of one CPU, 0 none */
	/* vCPUs that run now; read without the lock, as the next two */
	uint32_t running;
	uint64_t vtime;		/* ns of run time for each unit of weight */
	uint64_t ran_ns;	/* in all */
	uint64_t vtime_rest;	/* ns that do not make a unit yet */
	uint64_t counted_ns;	/* run time is counted up to this moment */
	uint64_t period;	/* number of the one that left_ns is for */
	int64_t left_ns;	/* of the budget; below zero: a debt */
};

static inline void sched_account_init(struct sched_account *a)
{
	spin_lock_init(&a->lock, LOCK_ACCOUNT);
	a->weight = SCHED_WEIGHT_DEFAULT;
}

/* The domain's virtual time, with what its running vCPUs have run up to now. */
uint64_t sched_account_vtime(struct sched_account *a, uint64_t now);
/*
 * Raise the virtual time to `floor` at least: what the domain left unused
 * before is forfeit.
 */
void sched_account_raise(struct sched_account *a, uint64_t floor);
/*
 * May a vCPU run for `want` ns from now on?  Returns how long it may, and it
 * counts as running; 0: not before sched_account_opens(now).  Afterwards call
 * sched_account_end(), with the time granted and the time taken.
 */
uint64_t sched_account_begin(struct sched_account *a, uint64_t now,
			     uint64_t want) must_check;
void sched_account_end(struct sched_account *a, uint64_t now, uint64_t granted,
		       uint64_t ran);
/* Another weight (0: the same) and cap, from now on; what they are. */
void sched_account_set(struct sched_account *a, uint64_t now, uint32_t weight,
		       uint32_t cap);
void sched_account_get(struct sched_account *a, uint32_t *weight, uint32_t *cap);
/* When the next period begins. */
uint64_t sched_account_opens(uint64_t now);

#endif
