/* SPDX-License-Identifier: MIT */
/*
 * A store of a guest kernel that faulted because its page is read-only: what it
 * is, and its effect, a pure function, for ptwrite.c, its tests, and
 * configwrite.c.
 */
#ifndef HV_PV_PTWRITE_H
#define HV_PV_PTWRITE_H

#include "dom/domain.h"
#include "pv/decode.h"
#include "x86/regs.h"

/*
 * What the instruction makes of `old`, the operand in memory (width bytes, zero
 * extended), is returned; *r gets the registers and flags behind it, but not
 * rip.
 */
uint64_t ptwrite_apply(const struct store *s, struct regs *r, uint64_t old);
/* A page fault of the kernel, at a present page that it may not write? */
bool ptwrite_is_store(const struct vcpu *v, uint64_t cr2, uint32_t error);
/*
 * The instruction at rip.  False: no store that is done for guests.  It may
 * fault: no lock can be held.
 */
bool ptwrite_fetch(struct vcpu *v, struct store *s);

#endif
