/* SPDX-License-Identifier: MIT */
/* Descriptor tables of guests: GDT frames and LDT. */
#ifndef HV_PV_DESC_H
#define HV_PV_DESC_H

#include "dom/domain.h"

/* The caller has checked that `entries` fit in GDT_FRAMES_MAX frames. */
int desc_set_gdt(struct vcpu *v, const mfn_t *named, unsigned int entries);
/* and the LDT */
void desc_drop_gdt(struct vcpu *v) needs_lock(&v->domain->mm);
/* validates and normalises 512 descriptors */
bool desc_check_page(void *page);
/* may a guest set this address and number of entries as an LDT? */
bool desc_ldt_ok(uint64_t va, uint64_t entries);
/*
 * Set an LDT (MMUEXT_SET_LDT) of the current vCPU, or of one that is not up.
 * -EINVAL: !desc_ldt_ok().
 */
int desc_set_ldt(struct vcpu *v, uint64_t va, uint32_t entries);

#endif
