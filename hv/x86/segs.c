/* SPDX-License-Identifier: MIT */
/*
 * Segment registers of the guest that runs.  While the hypervisor runs, its own
 * GS base is live and the guest's waits in MSR_KERNEL_GS_BASE; the selectors
 * are the guest's all the time.
 */
#include <port.h>

#include "x86/extable.h"
#include "x86/init.h"
#include "x86/insn.h"

/*
 * Load a selector; one that is refused is replaced by null.  The exception that
 * refuses it leaves the register, and so GS base, as it was.
 */
#define LOAD_SELECTOR(reg, sel) ({ \
	bool ok_ = true; \
	__asm__ volatile("1: mov %k1, %%" reg "\n\t" \
			 "jmp 3f\n" \
			 "2: xor %k0, %k0\n\t" \
			 "mov %k0, %%" reg "\n" \
			 "3:\n\t" EXTABLE("1b", "2b") \
			 : "+q"(ok_) : "r"((uint32_t)(sel)) : "memory"); \
	ok_; })

#define READ_SELECTOR(reg) ({ \
	uint32_t sel_; \
	__asm__ volatile("mov %%" reg ", %0" : "=r"(sel_)); \
	(uint16_t)sel_; })

/* Bases come from guests; one that would fault is taken as 0. */
static uint64_t base_checked(uint64_t base)
{
	return va_is_canonical(base) ? base : 0;
}

/*
 * Loading GS changes the live base, which is ours: keep ours in a local, and
 * make the base that the descriptor gave the guest's.  Nothing here may use
 * this_cpu() until the base is back; NMI and #DB do not trust GS (entry.asm,
 * ENTRY3).
 */
static bool load_gs(uint16_t sel)
{
	uint64_t ours = rdmsr(MSR_GS_BASE);
	bool ok = LOAD_SELECTOR("gs", sel);
	uint64_t theirs = rdmsr(MSR_GS_BASE);

	wrmsr(MSR_GS_BASE, ours);
	wrmsr(MSR_KERNEL_GS_BASE, ok && sel & ~3u ? theirs : 0);
	return ok;
}

void segs_save(struct guest_segs *s)
{
	s->ds = READ_SELECTOR("ds");
	s->es = READ_SELECTOR("es");
	s->fs = READ_SELECTOR("fs");
	s->gs = READ_SELECTOR("gs");
	s->fs_base = segs_read_fs_base();
	s->gs_base = segs_read_gs_base();
}

bool segs_load(const struct guest_segs *s)
{
	bool ok = true;

	/* Null over null is the common case, and changes nothing. */
	if (s->ds || READ_SELECTOR("ds"))
		ok &= LOAD_SELECTOR("ds", s->ds);
	if (s->es || READ_SELECTOR("es"))
		ok &= LOAD_SELECTOR("es", s->es);
	if (s->fs || READ_SELECTOR("fs"))
		ok &= LOAD_SELECTOR("fs", s->fs);
	if (s->gs || READ_SELECTOR("gs"))
		ok &= load_gs(s->gs);
	segs_write_fs_base(s->fs_base);
	segs_write_gs_base(s->gs_base);
	return ok;
}

bool segs_load_gs_user(uint16_t sel)
{
	return load_gs(sel);
}

uint64_t segs_read_gs_base(void)
{
	return rdmsr(MSR_KERNEL_GS_BASE);
}

void segs_write_gs_base(uint64_t base)
{
	wrmsr(MSR_KERNEL_GS_BASE, base_checked(base));
}

uint64_t segs_read_fs_base(void)
{
	return rdmsr(MSR_FS_BASE);
}

void segs_write_fs_base(uint64_t base)
{
	wrmsr(MSR_FS_BASE, base_checked(base));
}

uint32_t segs_rights(uint16_t sel)
{
	uint32_t rights = 0;

	__asm__ volatile("lar %1, %0" : "+r"(rights) : "r"((uint32_t)sel) : "cc");
	return rights;
}
