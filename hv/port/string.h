/* SPDX-License-Identifier: MIT */
/* What <xxhash.h> finds under this name in the hypervisor. */
#ifndef HV_PORT_STRING_H
#define HV_PORT_STRING_H

#include "lib/string.h"

#endif
