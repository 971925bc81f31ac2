/* SPDX-License-Identifier: MIT */
// links: tests/port/port.c
/*
 * VR1 to VR3, TR9: between vec_take() and vec_give() the registers are ours;
 *     after it they are
 * as the guest had them, no wider part says what we did, and CR0.TS and
 * CR4.OSXSAVE are as before.  Control registers are stand-ins, so vecregs.c is
 * compiled into the test.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <port.h>

#include "unit/suite.h"
#include "x86/cpu.h"

#define HV_X86_INSN_H
static uint64_t cr0, cr4;
static uint64_t read_cr0(void) { return cr0; }
static uint64_t read_cr4(void) { return cr4; }
static void write_cr4(uint64_t v) { cr4 = v; }
static void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]) { out[0] = 0; }

#include "x86/vecregs.c"


void fpu_set_ts(bool on)
{
	cr0 = on ? cr0 | CR0_TS : cr0 & ~CR0_TS;
}

static _Alignas(32) uint8_t want[16][16], junk[32], got[16][32];
static struct vec_saved saved;

static void setup(void)
{
	for (unsigned int i = 0; i < sizeof(want); i++)
		((uint8_t *)want)[i] = i * 7 + 1;
	memset(junk, 0xee, sizeof(junk));
}

#define EACH ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
#define SET_GUEST() __asm__ volatile(EACH \
	"movups 16*\\n(%0), %%xmm\\n\n\t.endr" : : "r"(want) : "memory")
#define LOOK_XMM() __asm__ volatile(EACH \
	"movups %%xmm\\n, 32*\\n(%0)\n\t.endr" : : "r"(got) : "memory")

static void check_xmm(void)
{
	for (unsigned int i = 0; i < 16; i++)
		ck_assert(!memcmp(got[i], want[i], 16));
}

START_TEST(xmm)
{
	SET_GUEST();
	vec_take(&saved, VEC_XMM);
	__asm__ volatile(EACH "movups (%0), %%xmm\\n\n\t.endr"
			 : : "r"(junk) : "memory");
	vec_give(&saved, VEC_XMM);
	LOOK_XMM();
	check_xmm();
}
END_TEST

START_TEST(ymm)
{
	static const uint8_t zero[16];

	if (!__builtin_cpu_supports("avx2")) {
		printf("this CPU has no AVX2\n");
		return;
	}
	SET_GUEST();
	vec_take(&saved, VEC_YMM);
	ck_assert(cr4 & CR4_OSXSAVE);
	SET_GUEST();
	vec_take(&saved, VEC_YMM);
	__asm__ volatile(EACH "vmovdqa (%0), %%ymm\\n\n\t.endr"
			 : : "r"(junk) : "memory");
	vec_give(&saved, VEC_YMM);
	__asm__ volatile(EACH "vmovdqa %%ymm\\n, 32*\\n(%0)\n\t.endr"
			 : : "r"(got) : "memory");
	check_xmm();
	for (unsigned int i = 0; i < 16; i++)
		ck_assert(!memcmp(got[i] + 16, zero, 16));
	ck_assert(!(cr4 & CR4_OSXSAVE));
}
END_TEST

START_TEST(task_switched)
{
	cr0 = CR0_TS;
	vec_take(&saved, VEC_XMM);
	ck_assert(!(cr0 & CR0_TS));
	vec_give(&saved, VEC_XMM);
	ck_assert(cr0 & CR0_TS);
	cr0 = 0;
	vec_take(&saved, VEC_XMM);
	vec_give(&saved, VEC_XMM);
	ck_assert(!(cr0 & CR0_TS));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, xmm);
	tcase_add_test(tc, ymm);
	tcase_add_test(tc, task_switched);
	return suite_run();
}
