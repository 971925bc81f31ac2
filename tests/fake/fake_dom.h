/* SPDX-License-Identifier: MIT */
/*
 * A machine without a CPU, for the tests of hv/dom: a clock that the test
 * moves, CPUs that take turns, guest memory that is host memory, and a few
 * domains.  Every function in fake_dom.c is weak: it steps aside when the test
 * links the real one.
 */
#ifndef TESTS_FAKE_DOM_H
#define TESTS_FAKE_DOM_H

#include "dom/domain.h"
#include "x86/cpu.h"

#define FAKE_DOMAINS	8
#define FAKE_CPUS	4
#define FAKE_VCPUS	8	/* of a domain */
#define FAKE_BAD_VA	0x10UL	/* a copy from or to here is -EFAULT */

struct fake_domain {
	struct domain d;
	struct vcpu v, more[FAKE_VCPUS - 1];
	struct shared_info si;
	bool listed;		/* domain_find() knows it */
};

struct fake_dom {
	uint64_t now;		/* ns; the TSC counts ns, too */
	uint64_t lapic[FAKE_CPUS]; /* last lapic_timer_set() */
	unsigned int ipis[FAKE_CPUS];
	struct fake_domain dom[FAKE_DOMAINS];
	struct vcpu *loaded[FAKE_CPUS];

	/* what was asked of the layers around */
	unsigned int wakes, blocks, kicks, drains, reaps, shutdowns, area_puts;
	uint32_t shutdown_code;
	uint64_t group_cpus;	/* frame_pool_cpus(), of all groups */
	unsigned int reap_work;	/* reaper_step() has so many steps left */
	uint64_t reap_ns;	/* the clock goes on by so much in each */
	uint32_t domains_left;
	/* objects live; countdown to a failure, 0 none */
	long allocs, alloc_fail_at;
	bool no_copy_out;	/* copy_to_guest() fails */
	void (*on_copy_out)(void); /* after each copy_to_guest() */
	struct frame *area;	/* resolve_area() gives this, NULL: -EPERM */
	char log[16384];	/* log_guest(): "d<id> text\n" each */
	bool log_full;		/* log_has_room() is false */
	const char *typed;	/* what uart_read() gives */
};
extern struct fake_dom fake;

void fake_reset(void);
/* This thread is CPU n from now on. */
void fake_cpu(unsigned int n);
struct percpu *fake_cpu_area(unsigned int n);
/* Domain n (id n + 1) with one vCPU, running, ports and console not made. */
struct domain *fake_domain(unsigned int n);
/* it has so many; none is up */
void fake_vcpus(struct domain *d, unsigned int count);
void fake_current(struct domain *d);	/* its vCPU makes the next hypercall */

/*
 * Run the current CPU's scheduler until it enters a guest or waits: the vCPU,
 * or NULL.
 */
struct vcpu *fake_schedule(void);
/*
 * sched_check(): false if it left for the scheduler (call fake_schedule()
 * then).
 */
bool fake_sched_check(void);

static inline uint64_t fake_va(const void *p)
{
	return (uintptr_t)p;
}

#endif
