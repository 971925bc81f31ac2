/* SPDX-License-Identifier: MIT */
/* Between the files of physdev_op. */
#ifndef HV_PV_PHYSDEV_H
#define HV_PV_PHYSDEV_H

#include "lib/types.h"

/*
 * Sub-operation `cmd` of physdev_op, on devices, for the running domain; va is
 * its argument's address.  -EPERM: it is not the first domain; -ENOSYS: there
 * is none of that number.  No lock is held.
 */
long physdev_device(uint64_t cmd, uint64_t va);

#endif
