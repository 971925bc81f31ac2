/* SPDX-License-Identifier: MIT */
/*
 * The effect of a decoded store; a pure function, for ptwrite.c and its tests.
 */
#ifndef HV_PV_PTWRITE_H
#define HV_PV_PTWRITE_H

#include "pv/decode.h"
#include "x86/regs.h"

/*
 * What the instruction makes of `old`, the operand in memory (width bytes, zero
 * extended), is returned; *r gets the registers and flags behind it, but not
 * rip.
 */
uint64_t ptwrite_apply(const struct store *s, struct regs *r, uint64_t old);

#endif
