/* SPDX-License-Identifier: MIT */
/*
 * Vector registers for the hypervisor's own use; it is compiled without them.
 *
 * Between vec_take() and vec_give() code of that width may run.  At vec_take()
 * the registers hold the current vCPU's values, if there is a current vCPU
 * (they are loaded and saved with it, not lazily); else nobody's.  All that
 * guests have of them is xmm0 to xmm15 and MXCSR: CR4.OSXSAVE is off while they
 * run, so VEX and EVEX instructions and XSAVE are undefined for them, and CPUID
 * tells them so.  Hence
 *
 *  VR1  only xmm0 to xmm15 are saved; page functions leave MXCSR and x87 alone;
 *  VR2  outside of take and give CR4.OSXSAVE is off, and everything above bit
 *       127 of the 16 registers, zmm16 to zmm31 and the opmasks is zero;
 *  VR3  CR0.TS, which a guest may have set, is as it was.
 *
 * In between no guest runs, nothing is scheduled and no fault is expected;
 * interrupts are off, and neither #DB, NMI nor #MC uses such registers.
 */
#ifndef HV_X86_VECREGS_H
#define HV_X86_VECREGS_H

#include "lib/types.h"

enum vec_width { VEC_NONE, VEC_XMM, VEC_YMM, VEC_ZMM };

#define VEC_REGS	16

struct vec_saved {
	uint8_t xmm[VEC_REGS][16];	/* VR1 */
	bool ts;			/* VR3 */
};

/* what this machine has; constant after cpu_init() */
enum vec_width vec_widest(void);
void vec_take(struct vec_saved *s, enum vec_width w);
void vec_give(const struct vec_saved *s, enum vec_width w);

/* The parts of vec_take() and vec_give() that need no privilege. */
void vec_save_xmm(struct vec_saved *s);
void vec_load_xmm(const struct vec_saved *s);
void vec_wipe(enum vec_width w);	/* VR2 */

#endif
