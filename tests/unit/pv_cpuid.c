/* links: hv/pv/cpuid.c hv/dom/privilege.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy: what must show, what must never show, whatever the host
 * has.
 */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "dom/domain.h"
#include "pv/cpuid.h"
#include "unit/suite.h"

#define BIT(n) (1u << (n))

static const uint32_t all[4] = { ~0u, ~0u, ~0u, ~0u };
static const uint32_t none[4];
static uint32_t out[4];
static struct domain d;
static struct vcpu v = { .domain = &d };

START_TEST(features)
{
	cpuid_filter(1, 0, all, out);
	/* vme pse mce sep mtrr pge mca pse36 apic, acpi ht */
	ck_assert_uint_eq(out[3] & (BIT(1) | BIT(3) | BIT(7) | BIT(9) | BIT(11) |
				    BIT(12) | BIT(13) | BIT(14) | BIT(17) |
				    BIT(22) | BIT(28)), 0);
	/* fpu de tsc msr pae cx8 cmov pat clflush mmx fxsr sse sse2 */
	ck_assert_uint_eq(out[3], 0x07898175u & out[3]);
	ck_assert_uint_eq(out[3] & BIT(0), BIT(0));
	ck_assert_uint_eq(out[3] & BIT(26), BIT(26));
	/* monitor vmx fma pcid x2apic tsc_deadline xsave osxsave avx f16c */
	ck_assert_uint_eq(out[2] & (BIT(3) | BIT(5) | BIT(12) | BIT(17) |
				    BIT(21) | BIT(24) | BIT(26) | BIT(27) |
				    BIT(28) | BIT(29)), 0);
	ck_assert_uint_eq(out[2] & BIT(31), BIT(31));
	ck_assert_uint_eq(out[1] >> 24, 0);	/* APIC id */
	cpuid_filter(7, 0, all, out);
	ck_assert_uint_eq(out[1] & BIT(0), BIT(0));	/* fsgsbase */
	/* avx2 smep invpcid mpx avx512f smap */
	ck_assert_uint_eq(out[1] & (BIT(5) | BIT(7) | BIT(10) |
				    BIT(14) | BIT(16) | BIT(20)), 0);
	ck_assert_uint_eq(out[0], 0);
	ck_assert_uint_eq(out[2], 0);		/* umip pku la57 rdpid */
	cpuid_filter(7, 1, all, out);
	ck_assert_int_eq(memcmp(out, none, sizeof(out)), 0);
	cpuid_filter(0x80000001, 0, all, out);
	/* syscall nx lm; not page1gb rdtscp */
	ck_assert_uint_eq(out[3] & (BIT(11) | BIT(20) | BIT(29)),
			  BIT(11) | BIT(20) | BIT(29));
	ck_assert_uint_eq(out[3] & (BIT(26) | BIT(27) | BIT(3) | BIT(13)), 0);
	ck_assert_uint_eq(out[2] & BIT(2), 0);	/* svm */
	ck_assert_uint_eq(out[2] & BIT(0), BIT(0));
}
END_TEST

START_TEST(hidden_leaves)
{
	static const uint32_t leaves[] = {
		3, 5, 6, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0x14, 0x1f, 0x3fffffff,
		0x40000003, 0x40000100, 0x4000ff00, 0x7fffffff, 0x80000009,
		0x8000000a, 0x8000001f, 0x80000021, 0xffffffff,
	};

	for (size_t i = 0; i < ARRAY_COUNT(leaves); i++) {
		memset(out, 0xaa, sizeof(out));
		cpuid_filter(leaves[i], 0, all, out);
		ck_assert_int_eq(memcmp(out, none, sizeof(out)), 0);
	}
}
END_TEST

START_TEST(limits)
{
	cpuid_filter(0, 0, all, out);
	ck_assert_uint_eq(out[0], 0xd);
	ck_assert_uint_eq(out[1], ~0u);		/* vendor */
	cpuid_filter(0, 0, (uint32_t[4]){ 4, 0, 0, 0 }, out);
	ck_assert_uint_eq(out[0], 4);
	cpuid_filter(0x80000000, 0, all, out);
	ck_assert_uint_eq(out[0], 0x80000008);
	cpuid_filter(0x80000000, 0, none, out);
	ck_assert_uint_eq(out[0], 0);
	cpuid_filter(0x80000008, 0, (uint32_t[4]){ 0x3028, 0xf, 0xf, 0xf }, out);
	ck_assert_uint_eq(out[0], 0x3028);
	ck_assert_uint_eq(out[1] | out[2] | out[3], 0);
	cpuid_filter(4, 0, all, out);
	ck_assert_uint_eq(out[0] >> 14, 0);
}
END_TEST

START_TEST(signature)
{
	char text[13] = "";

	cpuid_filter(0x40000000, 0, none, out);
	memcpy(text, &out[1], 12);
	ck_assert_str_eq(text, "XenVMMXenVMM");
	ck_assert_uint_ge(out[0], 0x40000002);
	cpuid_filter(0x40000001, 0, none, out);
	ck_assert_uint_eq(out[0], 4u << 16 | 17);
	cpuid_filter(0x40000002, 0, none, out);
	ck_assert_uint_eq(out[2], 1);
}
END_TEST

/*
 * What the host lacks never shows, the hypervisor bit and our own leaves apart.
 */
START_TEST(nothing_invented)
{
	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		uint32_t leaf = (i & 1 ? 0x80000000 : 0) + rand() % 0x20;
		uint32_t host[4] = { rand(), rand(), rand(), rand() };

		cpuid_filter(leaf, rand() & 3, host, out);
		if (leaf == 1)
			out[2] &= ~BIT(31);
		if (leaf == 1 || leaf == 7 || leaf == 0x80000001) {
			ck_assert_uint_eq(out[2] & ~host[2], 0);
			ck_assert_uint_eq(out[3] & ~host[3], 0);
		}
		if (leaf == 7)
			ck_assert_uint_eq(out[1] & ~host[1], 0);
	}
}
END_TEST

/* On this very machine. */
START_TEST(host_is_asked_within_its_limits)
{
	cpuid_policy(&v, 0, 0, out);
	ck_assert_uint_le(out[0], 0xd);
	cpuid_policy(&v, 0x10000000, 0, out);
	ck_assert_int_eq(memcmp(out, none, sizeof(out)), 0);
	cpuid_policy(&v, 0x80000001, 0, out);
	ck_assert(out[3] & BIT(29));
}
END_TEST

/* A kernel that sees no APIC does not read ACPI's table of lines. */
START_TEST(first_has_apic)
{
	cpuid_policy(&v, 1, 0, out);
	ck_assert(!(out[3] & BIT(9)));
	d.privileged = true;
	cpuid_policy(&v, 1, 0, out);
	ck_assert(out[3] & BIT(9));
	cpuid_policy(&v, 7, 0, out);
	ck_assert(!(out[3] & BIT(9)));
	d.privileged = false;
}
END_TEST

/* CPUPOL1: what one guest is not to see; and nothing that no guest sees. */
START_TEST(taken_away)
{
	struct cpuid_less less = { { 0 } };
	uint32_t want[4];

	cpuid_policy(&v, 1, 0, out);
	memcpy(want, out, sizeof(want));
	want[3] &= ~BIT(26);
	want[2] = ~0u;
	cpuid_less_note(&less, 1, 0, out, want);
	d.cpuid = less;
	cpuid_policy(&v, 1, 0, out);
	ck_assert(!(out[3] & BIT(26)) && out[3] & BIT(25));
	ck_assert_uint_eq(out[3], want[3]);
	ck_assert_uint_eq(out[2] & ~want[2], 0);
	cpuid_less_note(&less, 7, 1, all, none);	/* no such words */
	ck_assert_int_eq(memcmp(&less, &d.cpuid, sizeof(less)), 0);
	d.cpuid = (struct cpuid_less){ { 0 } };
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("cpuid");

	tcase_add_test(tc, features);
	tcase_add_test(tc, hidden_leaves);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, first_has_apic);
	tcase_add_test(tc, taken_away);
	tcase_add_test(tc, signature);
	tcase_add_test(tc, nothing_invented);
	tcase_add_test(tc, host_is_asked_within_its_limits);
	return suite_run();
}
