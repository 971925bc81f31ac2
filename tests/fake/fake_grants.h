/* SPDX-License-Identifier: MIT */
/*
 * Grants on the fake machine: short names for what guests do.  The guest's own
 * pages with requests are FAKE_ARGS_PFN of each domain.
 */
#ifndef TESTS_FAKE_GRANTS_H
#define TESTS_FAKE_GRANTS_H

#include "fake/fake_machine.h"

#include "dom/grant.h"

#define G_RW		(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define G_RO		(PTE_P | PTE_US | PTE_A)

/*
 * One hypercall of the current domain with `count` requests of `bytes` (they
 * are copied in and out).
 */
long g_call(unsigned int cmd, void *ops, size_t bytes, unsigned int count);
#define G_ONE(cmd, op)	g_call(cmd, op, sizeof(*(op)), 1)

/* Table of d with `frames` frames (d becomes current). */
void g_setup(struct domain *d, uint32_t frames);
struct grant_entry_v1 *g_v1(struct domain *d, uint32_t ref);
union grant_entry_v2 *g_v2(struct domain *d, uint32_t ref);
/* Entry `ref` of d grants its page pfn to `to`. */
void g_grant(struct domain *d, uint32_t ref, uint64_t pfn, struct domain *to,
	     bool readonly);
/*
 * The current domain maps `ref` of `from` at pfn's va. Returns the status;
 * *handle on success.
 */
int g_map(struct domain *from, uint32_t ref, uint64_t pfn, uint32_t flags,
	  uint32_t *handle);
int g_unmap(uint64_t pfn, uint32_t handle);
int g_unmap_raw(uint64_t host, uint64_t dev, uint32_t handle);
long g_update(uint64_t pfn, pte_t e);	/* update_va_mapping */
/*
 * For most tests: two domains, the first with a table of one frame, the second
 * current; fixtures that make them and end them (NULL: gone already).
 */
extern struct domain *granter, *user;
extern uint64_t page;		/* pfn of 300 plain pages, the same in both */
void g_start(void);
void g_end(void);
/* GTF_reading, GTF_writing of granter's entry; version 1 */
uint16_t g_status(uint32_t ref);
/* All invariants: fake_check() and the audit of grants with status bits. */
void g_check(void);

#endif
