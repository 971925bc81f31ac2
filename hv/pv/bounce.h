/* SPDX-License-Identifier: MIT */
/* Delivery of traps, events and system calls into a guest kernel. */
#ifndef HV_PV_BOUNCE_H
#define HV_PV_BOUNCE_H

#include "dom/domain.h"

/* Note an exception for the running vCPU; delivered by pv_exit_to_guest(). */
void bounce_exception(struct vcpu *v, unsigned int vector, bool has_error,
		      uint32_t error_code);
void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code);
/*
 * Deliver what is pending (exception, failsafe, event upcall) by building
 * frames on the guest's stack.  False: nothing was.
 */
bool bounce_pending(struct vcpu *v);
bool bounce_wanted(const struct vcpu *v);	/* is anything pending? */
/* `syscall` from guest user mode. */
void bounce_syscall(struct vcpu *v);
/* `sysenter` from either mode. */
void bounce_sysenter(struct vcpu *v);
/* The failsafe callback: loading the guest's selectors failed. */
void bounce_failsafe(struct vcpu *v);

#endif
