/* SPDX-License-Identifier: MIT */
/*
 * What <xxhash.h> finds under this name in the hypervisor: C11's static_assert.
 */
#ifndef HV_PORT_ASSERT_H
#define HV_PORT_ASSERT_H

#define static_assert _Static_assert

#endif
