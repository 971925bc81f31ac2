/* SPDX-License-Identifier: MIT */
/* Page-table entries: bits, slots, the AVL bit. */
#ifndef HV_X86_PTE_H
#define HV_X86_PTE_H

#include "lib/types.h"

typedef uint64_t pte_t;

#define PTE_P		(1UL << 0)
#define PTE_RW		(1UL << 1)
#define PTE_US		(1UL << 2)
#define PTE_PWT		(1UL << 3)
#define PTE_PCD		(1UL << 4)
#define PTE_A		(1UL << 5)
#define PTE_D		(1UL << 6)
#define PTE_PSE		(1UL << 7)	/* PAT at L1 */
#define PTE_G		(1UL << 8)
/* design decision 17: the hypervisor's bit */
#define PTE_AVL_SHARED	(1UL << 53)
/*
 * the hypervisor's, too: a mapping that belongs to a grant handle (dom/grant.h)
 */
#define PTE_AVL_GRANT	(1UL << 54)
/* and this: a mapping of another domain's frame (pv/foreign.h) */
#define PTE_AVL_FOREIGN	(1UL << 55)
/* and this: a mapping of a device's memory (io/ioframe.h) */
#define PTE_AVL_DEVICE	(1UL << 56)
#define PTE_AVL_OURS \
	(PTE_AVL_SHARED | PTE_AVL_GRANT | PTE_AVL_FOREIGN | PTE_AVL_DEVICE)
#define PTE_NX		(1UL << 63)
#define PTE_ADDR_MASK	0x000ffffffffff000UL

#define PT_SLOTS	512

static inline mfn_t pte_mfn(pte_t e)
{
	return MFN((e & PTE_ADDR_MASK) >> PAGE_SHIFT);
}

static inline pte_t pte_make(mfn_t mfn, uint64_t flags)
{
	return (mfn_n(mfn) << PAGE_SHIFT) | flags;
}

/* The slot of va in the table of `level` (1..4). */
static inline unsigned int pt_slot(uint64_t va, unsigned int level)
{
	return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_SLOTS - 1);
}

static inline bool va_is_canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

#endif
