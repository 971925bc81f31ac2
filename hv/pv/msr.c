/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers of a guest kernel (rdmsr and wrmsr fault in ring 3).
 *
 * Everything that is not listed is refused with #GP; kernels probe with a
 * handler in place.  Nothing here touches a hardware MSR but the segment bases.
 * The caller is in guest kernel mode on the vCPU's own CPU.
 */
#include <port.h>


#include "pv/emulate.h"
#include "x86/insn.h"
#include "x86/pte.h"

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_SMI_COUNT		0x34
#define MSR_FEATURE_CONTROL	0x3a
#define MSR_MICROCODE_REV	0x8b
#define MSR_PLATFORM_INFO	0xce
#define MSR_MISC_FEATURES	0x140
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_EIP	0x176
#define MSR_MISC_ENABLE		0x1a0
#define MSR_PAT			0x277
#define MSR_AMD_PERF_FIRST	0xc0010000
#define MSR_AMD_PERF_LAST	0xc0010007
#define MSR_AMD_HWCR		0xc0010015
#define MSR_AMD_DE_CFG		0xc0011029

#define EFER_VIEW		0xd01UL		/* SCE LME LMA NXE */
#define FEATURE_CONTROL_LOCKED	1UL
/* no branch trace store, no PEBS */
#define MISC_ENABLE_VIEW	0x1800UL
/* on, where every machine has it; of the first processor */
#define APIC_BASE_VIEW		0xfee00900UL
#define PAT_VIEW		0x0007040600070406UL

/* Registers that read as a constant and whose writes do nothing. */
static bool msr_constant(uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_EFER:
		*value = EFER_VIEW;
		return true;
	case MSR_APIC_BASE:
		*value = APIC_BASE_VIEW;
		return true;
	case MSR_PAT:
		*value = PAT_VIEW;
		return true;
	case MSR_FEATURE_CONTROL:
		*value = FEATURE_CONTROL_LOCKED;
		return true;
	case MSR_MISC_ENABLE:
		*value = MISC_ENABLE_VIEW;
		return true;
	case MSR_SMI_COUNT: case MSR_MICROCODE_REV: case MSR_PLATFORM_INFO:
	case MSR_MISC_FEATURES: case MSR_AMD_HWCR: case MSR_AMD_DE_CFG:
	case MSR_AMD_PERF_FIRST ... MSR_AMD_PERF_LAST:
	case MSR_SYSENTER_CS ... MSR_SYSENTER_EIP:
	case MSR_STAR ... MSR_SFMASK:	/* set by hypercall instead */
		*value = 0;
		return true;
	default:
		return false;
	}
}

bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_TSC:
		*value = tsc_read();
		return true;
	case MSR_FS_BASE:
		*value = segs_read_fs_base();
		return true;
	case MSR_GS_BASE:
		*value = segs_read_gs_base();
		return true;
	case MSR_KERNEL_GS_BASE:
		*value = v->gs_base_user;
		return true;
	}
	if (msr_constant(msr, value))
		return true;
	*value = 0;
	/* no #GP handler yet: the register reads 0, as on Xen */
	return !v->traps[VEC_GP].address;
}

bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	uint64_t constant;

	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		if (!va_is_canonical(value))
			return false;
		if (msr == MSR_FS_BASE)
			segs_write_fs_base(value);
		else if (msr == MSR_GS_BASE)
			segs_write_gs_base(value);
		else
			v->gs_base_user = value;
		return true;
	case MSR_TSC:
		return true;
	default:
		return msr_constant(msr, &constant);
	}
}
