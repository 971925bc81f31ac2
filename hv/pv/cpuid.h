/* SPDX-License-Identifier: MIT */
/*
 * What a guest kernel sees of the processor: a whitelist over what the host
 * has.  Features that need state we do not switch (XSAVE, PKU) or belong to the
 * hypervisor (APIC, MTRR, paging extensions) are not in it.  User space runs
 * the CPU's own cpuid.
 */
#ifndef HV_PV_CPUID_H
#define HV_PV_CPUID_H

#include "lib/types.h"

struct cpuid_less;
struct vcpu;

#define CPUID_BASIC_MAX		0xd
#define CPUID_EXT_BASE		0x80000000
#define CPUID_EXT_MAX		0x80000008
#define CPUID_HV_BASE		0x40000000
#define CPUID_HV_MAX		0x40000002

#define PV_XEN_VERSION		(4u << 16 | 17)

/*
 * Pure: out[eax, ebx, ecx, edx] from what the host's cpuid says for leaf and
 * sub.
 */
void cpuid_filter(uint32_t leaf, uint32_t sub, const uint32_t host[4],
		  uint32_t out[4]);

/* What the machine's cpuid says; zeros for a leaf that it does not have. */
void cpuid_host(uint32_t leaf, uint32_t sub, uint32_t host[4]);
/* The bits of `less` go from what a guest sees. */
void cpuid_take_away(const struct cpuid_less *less, uint32_t leaf, uint32_t sub,
		     uint32_t out[4]);
/* Of this leaf it is to see what is in `want`: note what of `has` is not. */
void cpuid_less_note(struct cpuid_less *less, uint32_t leaf, uint32_t sub,
		     const uint32_t has[4], const uint32_t want[4]);

/*
 * What v's kernel sees for leaf and sub: filtered, with v's own numbers filled
 * in.
 */
void cpuid_policy(const struct vcpu *v, uint32_t leaf, uint32_t sub,
		  uint32_t out[4]);

#endif
