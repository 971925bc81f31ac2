/* SPDX-License-Identifier: MIT */
/*
 * Machine frames, pseudo-physical frames and machine addresses are three types,
 * so that the compiler refuses one for another, or for a plain number.  Each is
 * a struct of one field, which travels in a register as the number would.
 *
 * Plain numbers stand where a format says so (Xen's ABI, entries of page
 * tables, the 32-bit links of struct frame) and become typed where they are
 * read: MFN(n) makes one, mfn_n() is its number.
 */
#ifndef HV_LIB_MFN_H
#define HV_LIB_MFN_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096UL
#define PAGE_MASK	(~(PAGE_SIZE - 1))

typedef struct { uint64_t n; } mfn_t;
typedef struct { uint64_t n; } pfn_t;
typedef struct { uint64_t n; } maddr_t;

#define MFN(number)	((mfn_t){ (number) })
#define PFN(number)	((pfn_t){ (number) })
#define MADDR(number)	((maddr_t){ (number) })

#define INVALID_MFN	MFN(~0UL)
#define INVALID_PFN	PFN(~0UL)

static inline uint64_t mfn_n(mfn_t mfn)
{
	return mfn.n;
}

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
	return mfn_n(a) == mfn_n(b);
}

static inline mfn_t mfn_add(mfn_t mfn, uint64_t n)
{
	return MFN(mfn_n(mfn) + n);
}

static inline mfn_t mfn_min(mfn_t a, mfn_t b)
{
	return mfn_n(a) < mfn_n(b) ? a : b;
}

static inline mfn_t mfn_max(mfn_t a, mfn_t b)
{
	return mfn_n(a) > mfn_n(b) ? a : b;
}

static inline uint64_t pfn_n(pfn_t pfn)
{
	return pfn.n;
}

static inline bool pfn_eq(pfn_t a, pfn_t b)
{
	return pfn_n(a) == pfn_n(b);
}

static inline pfn_t pfn_add(pfn_t pfn, uint64_t n)
{
	return PFN(pfn_n(pfn) + n);
}

static inline uint64_t maddr_n(maddr_t maddr)
{
	return maddr.n;
}

static inline bool maddr_eq(maddr_t a, maddr_t b)
{
	return maddr_n(a) == maddr_n(b);
}

static inline maddr_t maddr_add(maddr_t maddr, uint64_t bytes)
{
	return MADDR(maddr_n(maddr) + bytes);
}

static inline maddr_t mfn_to_maddr(mfn_t mfn)
{
	return MADDR(mfn_n(mfn) << PAGE_SHIFT);
}

/* The frame that the address is in. */
static inline mfn_t maddr_to_mfn(maddr_t maddr)
{
	return MFN(maddr_n(maddr) >> PAGE_SHIFT);
}

#endif
