/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes by CPU mask.  A flush of other CPUs is a request, an IPI, and a
 * wait for all answers; each CPU may have one under way.  A CPU answers from
 * its interrupt handler or from any wait loop (port_spin()), so it never
 * depends on interrupts being on.  When the call returns no CPU of the mask
 * holds an older translation.  No lock is taken, and any may be held.
 */
#ifndef HV_X86_TLB_H
#define HV_X86_TLB_H

#include "lib/types.h"

/* all guest translations of this CPU */
void tlb_flush_local(void);
void tlb_flush_page_local(uint64_t va);
/* bit n is CPU n; may include this one */
void tlb_flush_mask(uint64_t cpu_mask);
void tlb_flush_page_mask(uint64_t cpu_mask, uint64_t va);
/* serve the requests that wait for this CPU, if any */
void tlb_answer(void);
/* load a page table; flushes all but the hypervisor's own (global) entries */
void tlb_load_cr3(maddr_t cr3);

#endif
