/* SPDX-License-Identifier: MIT */
/*
 * FPU and SSE state of guests, by fxsave (CR4.OSXSAVE is off, so guests have no
 * AVX), and debug registers.
 */
#include <port.h>

#include "x86/extable.h"
#include "x86/guestcopy.h"
#include "x86/init.h"
#include "x86/insn.h"

#define CR0_TS		(1UL << 3)
#define FCW_DEFAULT	0x037f
#define MXCSR_DEFAULT	0x1f80
#define DR7_FIXED	(1UL << 10)	/* reads as one */
/* not GD, which would trap our own accesses */
#define DR7_ALLOWED	0xffff03ffUL
#define DR6_ALLOWED	0xffffUL
#define DR6_FIXED	0xffff0ff0UL

struct fxsave {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
};

void fpu_save(void *state512)
{
	fpu_set_ts(false);
	__asm__ volatile("fxsave64 (%0)" : : "r"(state512) : "memory");
}

/*
 * Some processors keep the last FPU instruction's address across fxrstor when
 * no exception is pending: load something harmless first, so that no guest sees
 * another's.  A state that is refused is replaced by the initial one.
 */
void fpu_load(const void *state512)
{
	static const struct {
		struct fxsave s;
		uint8_t rest[FPU_STATE_BYTES - sizeof(struct fxsave)];
	} initial aligned_to(16) = {
		.s = { .fcw = FCW_DEFAULT, .mxcsr = MXCSR_DEFAULT },
	};
	static const uint32_t zero;

	fpu_set_ts(false);
	__asm__ volatile("fnclex; emms; fildl %0" : : "m"(zero));
	__asm__ volatile("1: fxrstor64 (%0)\n\t"
			 "jmp 3f\n"
			 "2: fxrstor64 (%1)\n"
			 "3:\n\t" EXTABLE("1b", "2b")
			 : : "r"(state512), "r"(&initial) : "memory");
}

void fpu_init_state(void *state512)
{
	struct fxsave *s = state512;

	memset(state512, 0, FPU_STATE_BYTES);
	s->fcw = FCW_DEFAULT;
	s->mxcsr = MXCSR_DEFAULT;
}

void fpu_set_ts(bool on)
{
	uint64_t cr0 = read_cr0();

	if (!!(cr0 & CR0_TS) == on)
		return;
	if (on)
		write_cr0(cr0 | CR0_TS);
	else
		__asm__ volatile("clts");
}

/*
 * With a breakpoint inside the hypervisor a guest could trap it at will: such
 * an address becomes 0.
 */
static uint64_t breakpoint_checked(uint64_t va)
{
	return guest_range_ok(va, 8) ? va : 0;
}

void debugreg_write(unsigned int nr, uint64_t v)
{
	switch (nr) {
	case 0:
		__asm__ volatile("mov %0, %%dr0" : : "r"(breakpoint_checked(v)));
		break;
	case 1:
		__asm__ volatile("mov %0, %%dr1" : : "r"(breakpoint_checked(v)));
		break;
	case 2:
		__asm__ volatile("mov %0, %%dr2" : : "r"(breakpoint_checked(v)));
		break;
	case 3:
		__asm__ volatile("mov %0, %%dr3" : : "r"(breakpoint_checked(v)));
		break;
	case 6:
		v = (v & DR6_ALLOWED) | DR6_FIXED;
		__asm__ volatile("mov %0, %%dr6" : : "r"(v));
		break;
	case 7:
		v = (v & DR7_ALLOWED) | DR7_FIXED;
		__asm__ volatile("mov %0, %%dr7" : : "r"(v));
		break;
	}
}

uint64_t debugreg_read(unsigned int nr)
{
	uint64_t v = 0;

	switch (nr) {
	case 0: __asm__ volatile("mov %%dr0, %0" : "=r"(v)); break;
	case 1: __asm__ volatile("mov %%dr1, %0" : "=r"(v)); break;
	case 2: __asm__ volatile("mov %%dr2, %0" : "=r"(v)); break;
	case 3: __asm__ volatile("mov %%dr3, %0" : "=r"(v)); break;
	case 6: __asm__ volatile("mov %%dr6, %0" : "=r"(v)); break;
	case 7: __asm__ volatile("mov %%dr7, %0" : "=r"(v)); break;
	}
	return v;
}
