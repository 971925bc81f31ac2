/* SPDX-License-Identifier: MIT */
/* What memory.c and memory_exchange.c share. */
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
long memory_exchange(struct hypercall_args *args);
long memory_acquire_resource(uint64_t va);

#endif
