/* SPDX-License-Identifier: MIT */
/* What dom/ asks of the layers above. */
#ifndef HV_DOM_ABOVE_H
#define HV_DOM_ABOVE_H

#include "dom/domain.h"

/*
 * Deliver what is pending and enter the guest.  No lock is held, and nothing on
 * the stack is needed any more.  pv/entry.c
 */
void pv_exit_to_guest(struct vcpu *v) noreturn;

/*
 * Guest memory that the hypervisor writes through the direct map (vcpu_info).
 * Takes a general reference and a WRITABLE type use, so that the frame can be
 * neither shared, typed otherwise nor freed.  0 or -errno.  If mfn was shared,
 * *frame is the page's new frame (resolve_write()).  LOCK_MM is not held.
 * pv/resolve.c
 */
int resolve_area(struct domain *d, mfn_t mfn, struct frame **frame) must_check;
void resolve_area_put(struct domain *d, struct frame *f);

/*
 * A physical interrupt got a port, or has none any more (evtchn_pirq_bound()
 * says which): its mask follows.  No lock is held.  io/pirq.c
 */
void pirq_bound(struct domain *d, uint32_t pirq);

/*
 * One bounded step of the destruction of some domain; DONE: there was nothing
 * to do.  From each CPU's scheduling loop; no lock is held.
 * ctl/destroy.c
 */
enum progress reaper_step(void);

#endif
