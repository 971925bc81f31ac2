/* SPDX-License-Identifier: MIT */
/*
 * What the CPU-independent parts of hv/, and share/ and hash/, need from where
 * they run.  This one is for the hypervisor; tests/port/port.h gives the same
 * names to host builds.  Chosen by -I alone.
 */
#ifndef HV_PORT_PORT_H
#define HV_PORT_PORT_H

#include "lib/types.h"
#include "lib/string.h"
#include "mm/layout.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"
#include "debug/assert.h"

static inline struct percpu *this_cpu(void)
{
	struct percpu *cpu;

	__asm__("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* All RAM, by machine address, for the hypervisor alone. */
static inline void *maddr_to_virt(maddr_t maddr)
{
	return (void *)(DIRECTMAP_VIRT + maddr_n(maddr));
}

static inline void *mfn_to_virt(mfn_t mfn)
{
	return maddr_to_virt(mfn_to_maddr(mfn));
}

static inline maddr_t virt_to_maddr(const void *virt)
{
	return MADDR((uintptr_t)virt - DIRECTMAP_VIRT);
}

static inline mfn_t virt_to_mfn(const void *virt)
{
	return maddr_to_mfn(virt_to_maddr(virt));
}

#define FRAME_TABLE ((struct frame *)FRAMETABLE_VIRT)

/*
 * Called in every wait loop: pause, and answer a waiting TLB flush request
 * (x86/tlb.c).
 */
void port_spin(void);

#endif
