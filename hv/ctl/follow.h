/* SPDX-License-Identifier: MIT */
/* A guest's console, followed on the control channel whose turn it is. */
#ifndef HV_CTL_FOLLOW_H
#define HV_CTL_FOLLOW_H

#include "dom/domain.h"

/* From now on what d prints, and of no other; boot CPU. */
void follow_begin(const struct domain *d);
void follow_end(void);
/*
 * A line that waits is said; false: none does.  When the guest is gone, that is
 * the last line.  Boot CPU.
 */
bool follow_say(void);

#endif
