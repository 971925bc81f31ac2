/* SPDX-License-Identifier: MIT */
/*
 * A xenstore for each guest: the hypervisor answers on its ring.  The store is
 * empty but for the relative paths `domid` and `cpu/N/availability` (online,
 * for each vCPU), and stays so: writes and watches are accepted and have no
 * effect, since no one else is there to read or write.  GRUB and others ask it
 * for devices and wait for an answer without end.
 */
#ifndef HV_DOM_STORE_H
#define HV_DOM_STORE_H

#include "dom/domain.h"

/*
 * ring_frame: the domain's store page, on which a writable reference is taken.
 * -ENOMEM, -EPERM, -EBUSY.
 */
int store_init(struct domain *d, struct frame *ring_frame, uint32_t port);
void store_fini(struct domain *d);
/* on which it has its reference; for recounts */
struct frame *store_ring_frame(const struct domain *d);
void store_serve(struct domain *d);	/* answer what was asked; any CPU */

#endif
