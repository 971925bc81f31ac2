/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers in a heap per CPU (LOCK_TIMER of that CPU).  A timer fires on
 * the CPU where it was set, in timer_run() on the way back to a guest or from
 * idle, with no lock held.  set and cancel work from any CPU.
 */
#ifndef HV_DOM_TIMER_H
#define HV_DOM_TIMER_H

#include "lib/pheap.h"

struct timer {
	/* in its CPU's heap while it waits; that CPU's LOCK_TIMER, */
	struct pheap_node armed;
	uint64_t deadline_ns;	/* also this, */
	uint64_t turn;		/* and which came first; TM4 */
	int32_t cpu;		/* whose heap it is in, -1: it is not armed */
	/* how often it was taken off to fire, and fn returned; atomic, TM2 */
	uint32_t taken, returned;
	void (*fn)(void *arg);	/* constant; does not free the timer */
	void *arg;
};

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg);
void timer_set(struct timer *t, uint64_t deadline_ns);	/* re-arms if armed */
/*
 * After the return fn does not run any more (it waits for a running one on
 * another CPU, so the caller holds no lock that fn takes).  From inside fn it
 * only disarms.
 */
void timer_cancel(struct timer *t);
void timer_run(void);			/* fire what is due on this CPU */
/* this CPU's earliest deadline, ~0 = none */
uint64_t timer_next_ns(void);
/*
 * Program the local APIC for the earlier of this CPU's slice end and
 * timer_next_ns().
 */
void timer_arm(void);
/* the timer interrupt came: timer_poll() has work */
void timer_note(void);
bool timer_noted(void);
/* timer_run() and timer_arm() if it came since the last call */
void timer_poll(void);

#endif
