/* SPDX-License-Identifier: MIT */
/*
 * Taking and giving back vector registers; see vecregs.h.  In this file no
 * compiler uses them.
 *
 * GAP: what is for AVX-512, here and in hash/page_avx512.c, has run in Bochs
 * only (2.7, Skylake-X; by hand): neither QEMU's TCG nor the machines so far
 * have it.
 */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"
#include "x86/vecregs.h"

#define CR0_TS		(1UL << 3)
#define CR4_OSXSAVE	(1UL << 18)

#define XCR0_XMM	0x3U	/* and x87, which is always there */
#define XCR0_YMM	0x7U
#define XCR0_ZMM	0xe7U

#define L1_ECX_AVX	(1U << 28)
/*
 * sse3 ssse3 sse4.1 sse4.2 popcnt: what code for AVX2 may use beside it; a host
 * may hide them
 */
#define L1_ECX_BELOW	(1U << 0 | 1U << 9 | 1U << 19 | 1U << 20 | 1U << 23)
#define L7_EBX_AVX2	(1U << 5)
#define L7_EBX_AVX512	(1U << 16 | 1U << 30)	/* F and BW */

static enum vec_width widest;		/* constant after boot */

enum vec_width vec_widest(void)
{
	return widest;
}

/* --- what the CPU has --- */

static bool has_all(uint32_t r, uint32_t bits)
{
	return (r & bits) == bits;
}

static enum vec_width detect(void)
{
	uint32_t one[4], seven[4], xcr0[4], last[4];

	cpuid(0, 0, last);
	cpuid(1, 0, one);
	if (last[0] < 0xd || !cpu_features.xsave ||
	    !has_all(one[2], L1_ECX_AVX | L1_ECX_BELOW))
		return VEC_XMM;
	cpuid(7, 0, seven);
	cpuid(0xd, 0, xcr0);
	if (!has_all(seven[1], L7_EBX_AVX2) || !has_all(xcr0[0], XCR0_YMM))
		return VEC_XMM;
	if (!has_all(seven[1], L7_EBX_AVX512) || !has_all(xcr0[0], XCR0_ZMM))
		return VEC_YMM;
	return VEC_ZMM;
}

static void xcr0_write(uint32_t v)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"(v), "d"(0));
}

/* XCR0 stays as it is set here; it counts while CR4.OSXSAVE is on. */
void vec_init_cpu(void)
{
	static const uint32_t xcr0[] = {
		[VEC_XMM] = XCR0_XMM, [VEC_YMM] = XCR0_YMM,
		[VEC_ZMM] = XCR0_ZMM,
	};
	uint64_t cr4 = read_cr4();

	widest = detect();
	if (widest == VEC_XMM)
		return;
	write_cr4(cr4 | CR4_OSXSAVE);
	xcr0_write(xcr0[widest]);
	vec_wipe(widest);
	write_cr4(cr4);
}

/* --- the registers --- */

#define EACH_XMM ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
#define EACH_HIGH_ZMM \
	".irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"

void vec_save_xmm(struct vec_saved *s)
{
	__asm__ volatile(EACH_XMM "movups %%xmm\\n, 16*\\n(%0)\n\t.endr"
			 : : "r"(s->xmm) : "memory");
}

void vec_load_xmm(const struct vec_saved *s)
{
	__asm__ volatile(EACH_XMM "movups 16*\\n(%0), %%xmm\\n\n\t.endr"
			 : : "r"(s->xmm) : "memory");
}

static void wipe_zmm(void)
{
	__asm__ volatile(EACH_HIGH_ZMM
			 "vpxord %%zmm\\n, %%zmm\\n, %%zmm\\n\n\t.endr\n\t"
			 ".irp n, 0,1,2,3,4,5,6,7\n\t"
			 "kxorw %%k\\n, %%k\\n, %%k\\n\n\t.endr" : : : "memory");
}

void vec_wipe(enum vec_width w)
{
	if (w == VEC_ZMM)
		wipe_zmm();
	if (w >= VEC_YMM)
		__asm__ volatile("vzeroupper" : : : "memory");
}

/* --- take, give --- */

void vec_take(struct vec_saved *s, enum vec_width w)
{
	s->ts = read_cr0() & CR0_TS;
	if (s->ts)
		fpu_set_ts(false);
	vec_save_xmm(s);
	if (w >= VEC_YMM)
		write_cr4(read_cr4() | CR4_OSXSAVE);
}

void vec_give(const struct vec_saved *s, enum vec_width w)
{
	vec_wipe(w);
	if (w >= VEC_YMM)
		write_cr4(read_cr4() & ~CR4_OSXSAVE);
	vec_load_xmm(s);
	if (s->ts)
		fpu_set_ts(true);
}
