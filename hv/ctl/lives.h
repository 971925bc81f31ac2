/* SPDX-License-Identifier: MIT */
/* What becomes of a domain's configuration when the domain has gone. */
#ifndef HV_CTL_LIVES_H
#define HV_CTL_LIVES_H

#include "ctl/config.h"
#include "dom/domain.h"

/* Reports that d has shut down, and stays until it is destroyed. */
void lives_shut(struct domain *d);
/*
 * The first domain is gone, and with it the machine's work: nobody is to start
 * any more.
 */
bool lives_ending(void);
/*
 * Reports the end of d; true: the domain is to be built again (repeat=).  By
 * the reaper; no lock held.
 */
bool lives_gone(struct domain *d);
/* Builds it again; called when lives_gone() said true, once d is freed. */
void lives_rebuild(const struct domain_config *config, uint32_t instance,
		   uint32_t generation);
/* Domains that ended by a crash, and rebuilds that failed. */
uint32_t lives_crashed(void);

#endif
