/* SPDX-License-Identifier: MIT */
/* The domain builder: a domain from an image. */
#ifndef HV_CTL_BUILD_H
#define HV_CTL_BUILD_H

#include "ctl/config.h"
#include "dom/domain.h"

/*
 * Announce a domain before build_domain() is asked for it, so that share
 * budgets can be fair to all of them.
 */
void build_plan(const struct domain_config *config);
/*
 * Create, build and start; generation counts the rebuilds of a config with
 * repeat.  NULL after one logged line that says what is wrong.
 */
struct domain *build_domain(const struct domain_config *config,
			    uint32_t instance, uint32_t generation);
/*
 * build_domain(); but with overcommit on, NULL with *no_memory logs nothing:
 * the domain may fit later.
 */
struct domain *build_domain_try(const struct domain_config *config,
				uint32_t instance, uint32_t generation,
				bool *no_memory);
/*
 * build_domain(), never again, whether overcommit is on or not; NULL: `why`
 * says it too, as one sentence.
 */
struct domain *build_domain_told(const struct domain_config *config,
				 uint32_t instance, char *why, size_t bytes);
/* The name that an instance of the config gets. */
void build_name(const struct domain_config *config, uint32_t instance,
		char *name, size_t bytes);

#endif
