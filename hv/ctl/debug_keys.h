/* SPDX-License-Identifier: MIT */
/* `xl debug-keys`: what the hypervisor says of itself, in its log. */
#ifndef HV_CTL_DEBUG_KEYS_H
#define HV_CTL_DEBUG_KEYS_H

#include "lib/types.h"

#define DEBUG_KEYS_MOST	64u	/* of one call; the rest is not looked at */

/*
 * A step of what the key does, some lines; *next is 0 at first, and where to go
 * on if there is MORE.  One that means nothing does nothing, as on Xen.
 */
enum progress debug_keys_press(char key, uint32_t *next);

#endif
