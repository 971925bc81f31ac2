/* SPDX-License-Identifier: MIT */
/* What pv/ asks of the layers above. */
#ifndef HV_PV_ABOVE_H
#define HV_PV_ABOVE_H

#include "pv/hypercall.h"

/*
 * The sharing hypercall (abi/share.h): a handler like the others of the table.
 * offer/op_share.c
 */
long op_share(struct hypercall_args *args);

#endif
