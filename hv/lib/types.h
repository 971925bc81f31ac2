/* SPDX-License-Identifier: MIT */
/*
 * Words and widths used everywhere in hv/.
 *
 * The dictionary (hv/DESIGN.md has the words of sharing):
 *
 *   mfn     machine frame number: physical address >> 12 (types: lib/mfn.h)
 *   pfn     guest-physical frame number: a domain's own name for a page
 *   maddr   machine (physical) address
 *   frame   the 24-byte record that the frame table keeps for an mfn
 *   va      guest virtual address
 *   slot    an entry of a page table, counted from 0
 *   l1e..l4e  the value of an entry at that level (L1 maps 4 KiB pages)
 */
#ifndef HV_LIB_TYPES_H
#define HV_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/mfn.h"

/* a domain's number; Xen's domid_t on the ABI */
typedef uint16_t domid_hv_t;

/* What a bounded step of some work answers: is there more of it to do? */
enum progress { DONE, MORE };

#define ARRAY_COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	(((x) + ((a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a) - 1))
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) \
	((type *)((uintptr_t)(ptr) - offsetof(type, member)))

#define must_check	__attribute__((warn_unused_result))
#define noreturn	__attribute__((noreturn))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define aligned_to(n)	__attribute__((aligned(n)))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* A single access that the compiler neither repeats nor splits. */
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

#endif
