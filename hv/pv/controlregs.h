/* SPDX-License-Identifier: MIT */
/* CR0 and CR4 as a guest sees them: emulated reads, and its vCPUs' contexts. */
#ifndef HV_PV_CONTROLREGS_H
#define HV_PV_CONTROLREGS_H

#include "dom/domain.h"

#define CR0_VIEW	0x80050033UL	/* PG AM WP NE ET MP PE */
#define CR0_TS		0x8UL
#define CR4_VIEW	0x620UL		/* PAE OSFXSR OSXMMEXCPT */

static inline uint64_t controlregs_cr0(const struct vcpu *v)
{
	return CR0_VIEW | (v->cr0_ts ? CR0_TS : 0);
}

static inline uint64_t controlregs_cr4(const struct vcpu *v)
{
	return CR4_VIEW | (v->cr4 & cpu_cr4_for_guests());
}

#endif
