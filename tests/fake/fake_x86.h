/* SPDX-License-Identifier: MIT */
/* The CPU state that hv/dom/vcpu.c loads and saves, as plain variables. */
#ifndef TESTS_FAKE_X86_H
#define TESTS_FAKE_X86_H

#include "mm/layout.h"
#include "x86/cpu.h"
#include "x86/pte.h"

struct fake_x86 {
	uint64_t cr3, gdt, ldt, gs;
	void *rsp0;
	struct guest_segs segs;
	uint64_t dr[8], cr4;
	bool ts, saved_with_ts;	/* fxsave with CR0.TS set would fault */
	bool refuse_segs;	/* segs_load() fails */
	bool no_perdom;		/* m2p_perdom_pte() finds no memory */
	pte_t perdom[2 * PERDOM_VCPU_PAGES];
	uint64_t forgot;		/* cr3 at cpu_forget_all() */
	uint64_t *const *slots;	/* guestcopy_slots(), */
	bool looking;		/* guestcopy_look() since */
};
extern struct fake_x86 fake_x86;

void fake_x86_reset(void);

#endif
