/* SPDX-License-Identifier: MIT */
/*
 * Stores of the first domain's kernel to configuration space in memory.
 *
 * Such a frame is mapped read-only (io/ioframe.h, IOFRAME5), so the store
 * faults, and is done for it.
 *
 * CFGW1  The register that the address names is written as io/pciconf.h lets
 *        it be, in one access of the instruction's width, and rip is behind
 *        the instruction; or nothing changed and the guest gets its page fault.
 * CFGW2  Only a plain store of 1, 2 or 4 bytes that does not straddle: the
 *        architecture of PCI Express has no other for these.
 */
#ifndef HV_PV_CONFIGWRITE_H
#define HV_PV_CONFIGWRITE_H

#include "dom/domain.h"

/* A page fault of v; true: it was such a store, and it is done. */
bool configwrite_fault(struct vcpu *v, uint64_t cr2, uint32_t error);

#endif
