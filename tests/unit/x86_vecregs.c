/* SPDX-License-Identifier: MIT */
// links: hv/x86/vecregs.c tests/port/port.c
/*
 * TR9: vector registers that the hypervisor used, as a guest finds them: xmm0
 * to xmm15 as they were, and all else zero.  With this CPU's own registers;
 * widths that it lacks are left out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "unit/suite.h"
#include "x86/cpu.h"
#include "x86/vecregs.h"

void fpu_set_ts(bool on) { }

static struct vec_saved saved;
static _Alignas(64) uint8_t want[16][16], junk[64], got[32][64];

#define EACH16 ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
#define EACH32 ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20," \
	       "21,22,23,24,25,26,27,28,29,30,31\n\t"

/*
 * One piece of assembly each, so that no compiled code uses the registers in
 * between: the guest's values, save, use of all, wipe, load, look.  The
 * functions take rdi and esi and keep to general registers.
 */
#define CALL(fn) "call " #fn "\n\t"
#define CLOBBERS "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", \
	"cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
	"xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

#define CYCLE(use, look, width) \
	__asm__ volatile( \
		"mov %%rsp, %%r15\n\tand $-64, %%rsp\n\t" \
		EACH16 "movups 16*\\n(%[want]), %%xmm\\n\n\t.endr\n\t" \
		"mov %[saved], %%rdi\n\t" CALL(vec_save_xmm) \
		use \
		"mov %[w], %%edi\n\t" CALL(vec_wipe) \
		"mov %[saved], %%rdi\n\t" CALL(vec_load_xmm) \
		look \
		"mov %%r15, %%rsp\n\t" \
		: : [want] "b"(want), [saved] "r"(&saved), [junk] "r"(junk), \
		    [got] "r"(got), [w] "i"(width) \
		: "r15", CLOBBERS)

static void xmm_cycle(void)
{
	CYCLE(EACH16 "movaps (%[junk]), %%xmm\\n\n\t.endr\n\t",
	      EACH16 "movaps %%xmm\\n, 64*\\n(%[got])\n\t.endr\n\t", VEC_XMM);
}

static void ymm_cycle(void)
{
	CYCLE(EACH16 "vmovdqa (%[junk]), %%ymm\\n\n\t.endr\n\t",
	      EACH16 "vmovdqa %%ymm\\n, 64*\\n(%[got])\n\t.endr\n\t", VEC_YMM);
}

static void zmm_cycle(void)
{
	CYCLE(EACH32 "vmovdqa64 (%[junk]), %%zmm\\n\n\t.endr\n\t",
	      EACH32 "vmovdqa64 %%zmm\\n, 64*\\n(%[got])\n\t.endr\n\t", VEC_ZMM);
}

static void setup(void)
{
	for (unsigned int i = 0; i < sizeof(want); i++)
		((uint8_t *)want)[i] = i * 7 + 1;
	memset(junk, 0xee, sizeof(junk));
	memset(got, 0, sizeof(got));
	memset(&saved, 0, sizeof(saved));
}

static void check(unsigned int regs, unsigned int bytes)
{
	static const uint8_t zero[64];

	for (unsigned int i = 0; i < 16; i++)
		ck_assert(!memcmp(got[i], want[i], 16));
	for (unsigned int i = 0; i < regs; i++) {
		unsigned int from = i < 16 ? 16 : 0;

		ck_assert(!memcmp(got[i] + from, zero, bytes - from));
	}
}

START_TEST(xmm)
{
	xmm_cycle();
	check(16, 16);
}
END_TEST

START_TEST(ymm)
{
	if (!__builtin_cpu_supports("avx2")) {
		printf("this CPU has no AVX2\n");
		return;
	}
	ymm_cycle();
	check(16, 32);
}
END_TEST

START_TEST(zmm)
{
	if (!__builtin_cpu_supports("avx512f")) {
		printf("this CPU has no AVX-512\n");
		return;
	}
	zmm_cycle();
	check(32, 64);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, xmm);
	tcase_add_test(tc, ymm);
	tcase_add_test(tc, zmm);
	return suite_run();
}
