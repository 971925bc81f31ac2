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

/*
 * The calls of the first domain, likewise; each refuses others (privilege.h).
 * ctl/op_domctl.c, op_sysctl.c, op_platform.c, op_xsm.c
 */
long op_domctl(struct hypercall_args *args);
long op_sysctl(struct hypercall_args *args);
long op_platform(struct hypercall_args *args);
long op_xsm(struct hypercall_args *args);

#endif
