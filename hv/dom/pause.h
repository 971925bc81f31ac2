/* SPDX-License-Identifier: MIT */
/* A domain that does not run for a while, as the first domain asks for it. */
#ifndef HV_DOM_PAUSE_H
#define HV_DOM_PAUSE_H

#include "dom/domain.h"

/* as often as that, as on Xen; more is a mistake of the tools */
#define PAUSES_MAX	255

/*
 * Once more.  Its vCPUs leave their CPUs soon; pause_whole() says when none is
 * on one.  -E2BIG.
 */
int pause_begin(struct domain *d) must_check;
bool pause_whole(const struct domain *d);
/* Once less; after the last it goes on.  -EINVAL: it is not paused. */
int pause_end(struct domain *d) must_check;

#endif
