/* SPDX-License-Identifier: MIT */
/*
 * A guest without a machine, for the tests of hv/pv: one domain with one vCPU,
 * a few pieces of guest memory, and records of what the code under test asked
 * of the layers below it.
 */
#ifndef TESTS_FAKE_PV_H
#define TESTS_FAKE_PV_H

#include "pv/hypercall.h"

struct fake_pv {
	struct domain domain;
	struct vcpu vcpu;
	struct vcpu_info info;
	/* text of the first domain_crash(), "" = none */
	char crash[256];
	unsigned int crashes;
	unsigned int mode_changes;	/* vcpu_set_mode() calls */
	unsigned int blocks;	/* sched_block() calls */
	mfn_t base_asked;	/* by a write to cr3, and what it is told */
	int base_answer;
	unsigned int flushes;	/* tlb_flush_local() calls */
	/* sched_preempt_pending() is true after so many looks; -1 never */
	int preempt_after;
	uint64_t gs_base, fs_base; /* the guest's live bases */
	uint64_t gs_user_base;	/* what loading a GS selector gives */
	uint64_t hw_dr[8];
	uint64_t hw_cr4;	/* what cpu_cr4_set_guest() was told last */
	bool hw_ts;
};
extern struct fake_pv fake_pv;

/*
 * A fresh guest: running, kernel mode, callbacks and trap handlers at
 * FAKE_HANDLER(n).
 */
struct vcpu *fake_pv_reset(void);
#define FAKE_HANDLER(n)		(0xffffffff81000000UL + 16 * (uint64_t)(n))
#define FAKE_EVENT_CB		FAKE_HANDLER(0x101)
#define FAKE_FAILSAFE_CB	FAKE_HANDLER(0x102)
#define FAKE_SYSCALL_CB		FAKE_HANDLER(0x103)
/* segments that segs_rights() knows, in GDT and LDT */
#define FAKE_CODE64		0x33
#define FAKE_CODE32		0x23
#define FAKE_KERNEL_SP		0xffff888000003ff0UL

/* Guest memory at va, backed by host memory that stays the caller's. */
void fake_memory_add(uint64_t va, void *host, size_t bytes, bool writable);
void *fake_memory_at(uint64_t va);	/* host address; NULL: none */

/*
 * The guest's kernel stack: two pages that end 16 bytes above FAKE_KERNEL_SP.
 */
uint64_t fake_stack_word(uint64_t va);
#define FAKE_STACK_BASE		0xffff888000002000UL

#endif
