/* SPDX-License-Identifier: MIT */
/* Control channels of clients in the first domain: abi/control.h, control.h. */
#ifndef HV_CTL_SESSIONS_H
#define HV_CTL_SESSIONS_H

#include "abi/control.h"
#include "lib/types.h"

/*
 * Once, before the frames that must be free at the end are counted.  False: no
 * memory, and no session.
 */
bool sessions_start(void) must_check;
/* Each has its turn; boot CPU. */
void sessions_look(void);
/*
 * A call of the first domain's; from any CPU, no lock held.  0, with *op
 * changed, or -errno.
 */
long sessions_call(struct pasture_control *op);

#endif
