/* SPDX-License-Identifier: MIT */
#ifndef HV_DOM_CURRENT_H
#define HV_DOM_CURRENT_H

#include <port.h>

/* The vCPU whose hypercall or trap this CPU serves; NULL when idle. */
static inline struct vcpu *current_vcpu(void)
{
	return this_cpu()->current;
}

#endif
