/* SPDX-License-Identifier: MIT */
/* The domain builder: a domain from an image. */
#ifndef HV_CTL_BUILD_H
#define HV_CTL_BUILD_H

#include "ctl/config.h"
#include "dom/domain.h"

/*
 * A domain that build_domain() will be asked for: lets budgets be shared out
 * fairly.
 */
void build_plan(const struct domain_config *config);
/*
 * Create, build and start; generation counts the rebuilds of a config with
 * repeat.  NULL after one logged line that says what is wrong.
 */
struct domain *build_domain(const struct domain_config *config,
			    uint32_t instance, uint32_t generation);
/*
 * The same; with overcommit on, NULL and *no_memory says nothing: it may fit
 * later.
 */
struct domain *build_domain_try(const struct domain_config *config,
				uint32_t instance, uint32_t generation,
				bool *no_memory);
/* The name that an instance of the config gets. */
void build_name(const struct domain_config *config, uint32_t instance,
		char *name, size_t bytes);

#endif
