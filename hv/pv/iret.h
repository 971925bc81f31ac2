/* SPDX-License-Identifier: MIT */
/* The return of a guest kernel to where it was interrupted. */
#ifndef HV_PV_IRET_H
#define HV_PV_IRET_H

#include "dom/domain.h"

/* A ring 3 iretq that QEMU's TCG could not do under SMAP; true: done. */
bool iret_after_tcg_fault(struct vcpu *v, uint64_t cr2);
/*
 * What a guest's rflags become in ring 3: IF on, no IOPL, nothing that ring 3
 * could not set.
 */
uint64_t iret_guest_rflags(uint64_t wanted);

#endif
