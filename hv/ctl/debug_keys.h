/* SPDX-License-Identifier: MIT */
/* `xl debug-keys`: what the hypervisor says of itself, in its log. */
#ifndef HV_CTL_DEBUG_KEYS_H
#define HV_CTL_DEBUG_KEYS_H

#define DEBUG_KEYS_MOST	64u	/* of one call; the rest is not looked at */

/* One that means nothing does nothing, as on Xen. */
void debug_keys_press(char key);

#endif
