/* SPDX-License-Identifier: MIT */
/* CPUID policy; see cpuid.h. */
#include <port.h>
#include <xen/arch-x86/cpuid.h>

#include "dom/domain.h"
#include "dom/privilege.h"
#include "pv/cpuid.h"
#include "x86/insn.h"

#define BIT(n)	(1u << (n))

/* leaf 1 edx: fpu de tsc msr pae cx8 cmov pat clflush mmx fxsr sse sse2 */
#define L1_EDX	(BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | \
		 BIT(15) | BIT(16) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | \
		 BIT(26))
#define L1_EDX_APIC	(1u << 9)
/* leaf 1 ecx: sse3 pclmul ssse3 cx16 sse4.1 sse4.2 movbe popcnt aes rdrand */
#define L1_ECX	(BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | \
		 BIT(22) | BIT(23) | BIT(25) | BIT(30))
#define L1_ECX_HYPERVISOR BIT(31)
/* leaf 7 ebx: fsgsbase bmi1 bmi2 erms rdseed adx clflushopt clwb sha */
#define L7_EBX	(BIT(0) | BIT(3) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | \
		 BIT(23) | BIT(24) | BIT(29))
/* leaf 7 edx: fsrm */
#define L7_EDX	BIT(4)
/* 0x80000001 edx: syscall nx lm, and AMD's copies of leaf 1 */
#define E1_EDX	(BIT(11) | BIT(20) | BIT(29) | (L1_EDX & 0x0183f3ff))
/* 0x80000001 ecx: lahf lzcnt sse4a 3dnowprefetch */
#define E1_ECX	(BIT(0) | BIT(5) | BIT(6) | BIT(8))
/* 0x80000007 edx: invariant TSC */
#define E7_EDX	BIT(8)

static void copy_leaf(const uint32_t host[4], uint32_t out[4])
{
	for (unsigned int i = 0; i < 4; i++)
		out[i] = host[i];
}

static void filter_basic(uint32_t leaf, uint32_t sub, const uint32_t host[4],
			 uint32_t out[4])
{
	switch (leaf) {
	case 0:
		copy_leaf(host, out);
		out[0] = MIN(host[0], CPUID_BASIC_MAX);
		break;
	case 1:
		out[0] = host[0];
		/* clflush size; one CPU, APIC id 0 */
		out[1] = (host[1] & 0x0000ff00) | BIT(16);
		out[2] = (host[2] & L1_ECX) | L1_ECX_HYPERVISOR;
		out[3] = host[3] & L1_EDX;
		break;
	case 2:
		copy_leaf(host, out);
		break;
	case 4:
		copy_leaf(host, out);
		out[0] &= 0x3fff;	/* no count of cores and sharers */
		break;
	case 7:
		out[1] = sub ? 0 : host[1] & L7_EBX;
		out[3] = sub ? 0 : host[3] & L7_EDX;
		break;
	}
}

static void filter_extended(uint32_t leaf, const uint32_t host[4],
			    uint32_t out[4])
{
	switch (leaf) {
	case CPUID_EXT_BASE:
		copy_leaf(host, out);
		out[0] = host[0] < CPUID_EXT_BASE ? 0 :
			 MIN(host[0], CPUID_EXT_MAX);
		break;
	case 0x80000001:
		out[0] = host[0];
		out[2] = host[2] & E1_ECX;
		out[3] = host[3] & E1_EDX;
		break;
	case 0x80000002 ... 0x80000006:	/* brand string, caches */
		copy_leaf(host, out);
		break;
	case 0x80000007:
		out[3] = host[3] & E7_EDX;
		break;
	case 0x80000008:
		/* Address widths; there is no LA57 to give more. */
		out[0] = (host[0] & 0xff) | MIN(host[0] & 0xff00, 48u << 8);
		break;
	}
}

static void filter_hypervisor(uint32_t leaf, uint32_t out[4])
{
	switch (leaf) {
	case CPUID_HV_BASE:
		out[0] = CPUID_HV_MAX;
		out[1] = XEN_CPUID_SIGNATURE_EBX;
		out[2] = XEN_CPUID_SIGNATURE_ECX;
		out[3] = XEN_CPUID_SIGNATURE_EDX;
		break;
	case CPUID_HV_BASE + 1:
		out[0] = PV_XEN_VERSION;
		break;
	case CPUID_HV_BASE + 2:		/* no MSR to ask for a hypercall page */
		out[2] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
		break;
	}
}

void cpuid_filter(uint32_t leaf, uint32_t sub, const uint32_t host[4],
		  uint32_t out[4])
{
	memset(out, 0, 4 * sizeof(out[0]));
	if (leaf <= CPUID_BASIC_MAX)
		filter_basic(leaf, sub, host, out);
	else if (leaf >= CPUID_EXT_BASE)
		filter_extended(leaf, host, out);
	else
		filter_hypervisor(leaf, out);
}

/* A leaf above the host's last one would read as some other leaf. */
void cpuid_host(uint32_t leaf, uint32_t sub, uint32_t host[4])
{
	uint32_t last[4];

	cpuid(leaf & CPUID_EXT_BASE, 0, last);
	memset(host, 0, 4 * sizeof(host[0]));
	if (leaf <= last[0])
		cpuid(leaf, sub, host);
}

/* The words of cpuid that say which features there are. */
static const struct {
	uint32_t leaf;
	unsigned int word;
} features[] = {
	{ 1, 2 }, { 1, 3 }, { 7, 1 }, { 7, 3 }, { 0x80000001, 2 },
	{ 0x80000001, 3 },
};
_Static_assert(ARRAY_COUNT(features) ==
	       ARRAY_COUNT(((struct cpuid_less *)0)->bits), "one each");

void cpuid_take_away(const struct cpuid_less *less, uint32_t leaf, uint32_t sub,
		     uint32_t out[4])
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(features); i++)
		if (features[i].leaf == leaf && !sub)
			out[features[i].word] &= ~less->bits[i];
}

void cpuid_less_note(struct cpuid_less *less, uint32_t leaf, uint32_t sub,
		     const uint32_t has[4], const uint32_t want[4])
{
	unsigned int i, word;

	for (i = 0; i < ARRAY_COUNT(features); i++) {
		word = features[i].word;
		if (features[i].leaf == leaf && !sub)
			less->bits[i] = has[word] & ~want[word];
	}
}

void cpuid_policy(const struct vcpu *v, uint32_t leaf, uint32_t sub,
		  uint32_t out[4])
{
	uint32_t host[4];

	cpuid_host(leaf, sub, host);
	cpuid_filter(leaf, sub, host, out);
	cpuid_take_away(&v->domain->cpuid, leaf, sub, out);
	if (leaf == 1 && !privilege_check(v->domain, PRIV_DEVICE, DEVICE_APIC))
		out[3] |= L1_EDX_APIC;
}
