/* SPDX-License-Identifier: MIT */
/* Arguments by machine address; abi/xencomm.h has the format. */
#ifndef HV_PV_XENCOMM_H
#define HV_PV_XENCOMM_H

#include "pv/hypercall.h"

/* XENCOMMOP_*; takes LOCK_XENCOMM. */
long op_xencomm(struct hypercall_args *args);

/* A dying domain's registered buffers; no vCPU of it runs. */
void xencomm_domain_fini(struct domain *d);

/*
 * Copy within buffer `number`, at most to the end of the page at `offset`:
 * *done says.  The page; NULL: there is no such byte.
 */
uint8_t *xencomm_buffer_copy(struct domain *d, unsigned int number, uint64_t offset,
			     void *hv, size_t bytes, bool to_guest, size_t *done);

/*
 * For recounts, with the machine stopped: each registered frame, as often as it
 * is registered; returns how many.
 */
uint32_t xencomm_frames(const struct domain *d,
			void (*fn)(mfn_t mfn, void *arg), void *arg);

#endif
