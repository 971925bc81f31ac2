/* SPDX-License-Identifier: MIT */
/*
 * What <xxhash.h> finds under this name in the hypervisor (the compiler's own
 * wants a C library).
 */
#ifndef HV_PORT_LIMITS_H
#define HV_PORT_LIMITS_H

#define UINT_MAX	(__INT_MAX__ * 2U + 1)
#define ULONG_MAX	(__LONG_MAX__ * 2UL + 1)
#define ULLONG_MAX	(__LONG_LONG_MAX__ * 2ULL + 1)

#endif
