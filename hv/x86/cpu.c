/* SPDX-License-Identifier: MIT */
/* What this processor can do, and its control registers and MSRs. */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"

#define CR0_MP		(1UL << 1)
#define CR0_EM		(1UL << 2)
#define CR0_TS		(1UL << 3)
#define CR0_NE		(1UL << 5)
#define CR0_WP		(1UL << 16)
#define CR0_AM		(1UL << 18)
#define CR0_NW		(1UL << 29)
#define CR0_CD		(1UL << 30)

#define CR4_PAE		(1UL << 5)
#define CR4_MCE		(1UL << 6)
#define CR4_PGE		(1UL << 7)
#define CR4_OSFXSR	(1UL << 9)
#define CR4_OSXMMEXCPT	(1UL << 10)
#define CR4_SMEP	(1UL << 20)
#define CR4_SMAP	(1UL << 21)

#define EFER_SCE	(1UL << 0)
#define EFER_NXE	(1UL << 11)

#define MSR_PAT		0x277
/* what a reset leaves, and guests are told (pv/msr.c) */
#define PAT_RESET	0x0007040600070406UL

#define MSR_SYSENTER_CS	0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

struct cpu_features cpu_features;
maddr_t cpu_idle_cr3;

static void detect_extended(void)
{
	struct cpu_features *f = &cpu_features;
	uint32_t r[4], max;

	cpuid(0x80000000, 0, r);
	max = r[0];
	cpuid(0x80000001, 0, r);
	f->nx = r[3] & (1u << 20);
	f->page1gb = r[3] & (1u << 26);
	f->maxphysaddr = 36;
	if (max >= 0x80000008) {
		cpuid(0x80000008, 0, r);
		f->maxphysaddr = r[0] & 0xff;
	}
}

void cpu_detect(void)
{
	struct cpu_features *f = &cpu_features;
	uint32_t r[4], max;

	cpuid(0, 0, r);
	max = r[0];
	cpuid(1, 0, r);
	f->mce = r[3] & (1u << 7);
	f->sep = r[3] & (1u << 11);
	f->pge = r[3] & (1u << 13);
	f->pat = r[3] & (1u << 16);
	f->pcid = r[2] & (1u << 17);
	f->xsave = r[2] & (1u << 26);
	f->rdrand = r[2] & (1u << 30);
	if (max >= 7) {
		cpuid(7, 0, r);
		f->fsgsbase = r[1] & (1u << 0);
		f->smep = r[1] & (1u << 7);
		f->rdseed = r[1] & (1u << 18);
		f->smap = r[1] & (1u << 20);
	}
	detect_extended();
}

uint32_t cpu_apic_id(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[1] >> 24;
}

static uint64_t wanted_cr4(void)
{
	const struct cpu_features *f = &cpu_features;

	return CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT |
	       (f->mce ? CR4_MCE : 0) | (f->pge ? CR4_PGE : 0) | (f->smep ? CR4_SMEP : 0) |
	       (f->smap ? CR4_SMAP : 0);
}

/*
 * STAR: syscall loads SEL_HV_CS and, 8 above, SEL_HV_DS; sysret loads its base
 * + 8 as SS and + 16 as CS.
 */
static void init_syscall(void)
{
	_Static_assert(SEL_HV_DS == SEL_HV_CS + 8, "STAR");
	_Static_assert(SEL_USER_DS == SEL_USER_CS32 + 8, "STAR");
	_Static_assert(SEL_USER_CS64 == SEL_USER_CS32 + 16, "STAR");

	wrmsr(MSR_STAR, (uint64_t)SEL_USER_CS32 << 48 |
			(uint64_t)SEL_HV_CS << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	wrmsr(MSR_CSTAR, (uintptr_t)syscall_entry32);
	wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL |
			  RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
	if (!cpu_features.sep)
		return;
	wrmsr(MSR_SYSENTER_CS, SEL_HV_CS);	/* SS is 8 above, here too */
	/* the stub loads its own at once */
	wrmsr(MSR_SYSENTER_ESP, 0);
	wrmsr(MSR_SYSENTER_EIP, (uintptr_t)sysenter_entry);
}

uint64_t cpu_cr4_for_guests(void)
{
	return CR4_TSD | CR4_DE | (cpu_features.fsgsbase ? CR4_FSGSBASE : 0);
}

/* Most vCPUs want none: the register is written only where it changes. */
void cpu_cr4_set_guest(uint64_t bits)
{
	uint64_t old = read_cr4();
	uint64_t new = (old & ~CR4_LOADED) | (bits & CR4_LOADED);

	if (new != old)
		write_cr4(new);
}

void cpu_forget_all(void)
{
	uint64_t cr4 = read_cr4();

	write_cr4(cr4 & ~CR4_PGE);
	write_cr4(cr4);
}

void cpu_init(void)
{
	uint64_t cr0 = read_cr0();

	cr0 &= ~(CR0_EM | CR0_TS | CR0_AM | CR0_NW | CR0_CD);
	write_cr0(cr0 | CR0_WP | CR0_NE | CR0_MP);
	/* Entries for devices choose by it, as their kernel reads it. */
	if (cpu_features.pat)
		wrmsr(MSR_PAT, PAT_RESET);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE |
			(cpu_features.nx ? EFER_NXE : 0));
	write_cr4(wanted_cr4());
	vec_init_cpu();
	init_syscall();
}
