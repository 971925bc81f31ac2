/* SPDX-License-Identifier: MIT */
/* Faults and interrupts of a guest: for the guest's handler, or for us. */
#ifndef HV_PV_TRAPS_H
#define HV_PV_TRAPS_H

#include "dom/domain.h"

/* The fault or interrupt in v->regs; cr2 for #PF. */
void trap_handle(struct vcpu *v, uint64_t cr2);

/*
 * ptwrite.c: a guest kernel's store to a page table of its own; true: done, rip
 * advanced.
 */
bool ptwrite_fault(struct vcpu *v, uint64_t cr2, uint32_t error);
/*
 * sharefault.c: a write to a shared page of a domain that chose break first;
 * true: do it again.
 */
bool sharefault(struct vcpu *v, uint64_t va, uint32_t error);

/* traps_ops.c */
/* none, or outside of the hypervisor's range */
bool traps_handler_ok(uint64_t address);
/* also for emulated mov to cr0 */
void traps_set_fpu_taskswitch(struct vcpu *v, bool on);

#endif
