/* SPDX-License-Identifier: MIT */
/* What memory.c, memory_exchange.c and memory_map.c share. */
#ifndef HV_PV_MEMORY_H
#define HV_PV_MEMORY_H

#include "pv/hypercall.h"

/* 2 MiB: the most an unprivileged domain gets in one piece */
#define MEMORY_ORDER_MAX 9

/*
 * Set the M2P for pages that d is about to get: mfn + i stands for pfn + i.
 * -ENOMEM.
 */
int memory_name_pages(struct domain *d, mfn_t mfn, pfn_t pfn,
		      unsigned int order);
/* -EPERM unless the caller names itself */
int memory_check_domid(domid_t domid);
/*
 * The domain that an operation names, with a reference: the caller's or, for
 * the first domain, any.  -EPERM; -ESRCH.
 */
int memory_domain(domid_t domid, unsigned int op, struct domain **out) must_check;
/* XENMEM_memory_map; set_memory_map, claim_pages: the first domain's. */
/* The firmware's, for the first domain. */
long memory_map_machine(uint64_t va);
long memory_map_get(uint64_t va);
long memory_map_set(uint64_t va);
void memory_map_free(struct domain *d);
long memory_map_claim(uint64_t va);
/* pages of its claim that it has not got yet */
uint64_t memory_map_claimed(const struct domain *d);
long memory_exchange(struct hypercall_args *args);
long memory_resource_acquire(uint64_t va);

#endif
