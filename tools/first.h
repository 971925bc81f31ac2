/* SPDX-License-Identifier: MIT */
/* The client's end of the control channel in the first domain (abi/control.h). */
#ifndef TOOLS_FIRST_H
#define TOOLS_FIRST_H

#include "tools/client.h"

#define FIRST_PATH	"xen"	/* in the place of a socket's */

/* Is this a system on Xen's ABI whose hypervisor can be asked? */
bool first_is_here(void);
/* NULL, or why not, to be freed.  Once in a program. */
char *first_open(struct client *c);

#endif
