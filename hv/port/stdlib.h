/* SPDX-License-Identifier: MIT */
/*
 * What <xxhash.h> finds under this name in the hypervisor: two names that its
 * streaming half mentions.  Nobody calls that half, and nothing defines them.
 */
#ifndef HV_PORT_STDLIB_H
#define HV_PORT_STDLIB_H

#include <stddef.h>

void *malloc(size_t bytes);
void free(void *p);

#endif
