/* SPDX-License-Identifier: MIT */
/*
 * Instructions of guest kernels that ring 3 may not do, and the
 * forced-emulation cpuid.
 */
#ifndef HV_PV_EMULATE_H
#define HV_PV_EMULATE_H

#include "dom/domain.h"

/*
 * After an emulated instruction of `length` bytes: advance rip, take a pending
 * single step.
 */
void emulate_advance(struct vcpu *v, unsigned int length);
/* True: done, rip advanced. False: deliver the fault to the guest. */
bool emulate_privileged(struct vcpu *v);	/* on #GP */
bool emulate_ud(struct vcpu *v);		/* on #UD: ud2a; "xen"; cpuid */
/*
 * Is the selector's segment 64-bit code?  False if the selector is bad by now.
 */
bool emulate_code_is_long(uint64_t selector);

/* msr.c; false = #GP. */
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value);

#endif
