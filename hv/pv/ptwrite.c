/* SPDX-License-Identifier: MIT */
/*
 * Stores of a guest kernel to its own page tables.
 *
 * A table is mapped read-only, so the store faults; kernels rely on it being
 * done for them (Linux clears and write-protects entries that way).  Only
 * entries of
 * L1 tables, as on Xen: an entry above costs the guest a hypercall.
 *
 * WRITE1  The entry becomes what the instruction would have made of it, checked
 *         like any other update (ptcheck_entry_set()), and registers, flags and
 *         rip are those behind it; or nothing changed, and the guest gets its
 *         page fault.
 * WRITE2  The instruction is decoded from one copy of its bytes; the address is
 *         the one that the CPU reported.  A guest that changes the bytes
 *         meanwhile gets another legal store to that same entry.
 * WRITE3  LOCK_MM is held from reading the entry to writing it, and the entry
 *         is written only if no other CPU set its A or D bit in between.  So
 *         the old value that xchg gives is exact, and no bit that `and` or
 *         cmpxchg keeps is lost.  Else the guest makes the store again.
 * WRITE4  The table is the guest's own.  Another domain may let it see one, by
 *         a grant for reading; what that one's entries hold is that domain's.
 */
#include <port.h>
#include <errno.h>

#include "pv/emulate.h"
#include "pv/gpr.h"
#include "pv/ptcheck.h"
#include "pv/ptwrite.h"
#include "pv/traps.h"
#include "x86/guestcopy.h"

#define PF_WRITE_PROTECTED 3u	/* present, write */
#define PF_USER		4u

#define RFLAGS_PF	(1UL << 2)
#define RFLAGS_AF	(1UL << 4)
#define RFLAGS_ZF	(1UL << 6)
#define RFLAGS_SF	(1UL << 7)
#define RFLAGS_OF	(1UL << 11)
#define ARITHMETIC	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | \
			 RFLAGS_SF | RFLAGS_OF)

/* --- the effect of one instruction --- */

static uint64_t mask_of(unsigned int width)
{
	return ~0UL >> (64 - 8 * width);
}

/* ah, ch, dh, bh: byte 1 of the registers 0-3. */
static bool is_high_byte(const struct store *s)
{
	return s->width == 1 && !s->rex && s->gpr >= 4 && s->gpr < 8;
}

static uint64_t reg_get(const struct store *s, struct regs *r)
{
	if (is_high_byte(s))
		return *gpr(r, s->gpr - 4) >> 8 & 0xff;
	return *gpr(r, s->gpr) & mask_of(s->width);
}

/* A write of 4 bytes clears the upper half; narrower ones keep the rest. */
static void reg_merge(uint64_t *reg, uint64_t value, unsigned int width)
{
	uint64_t mask = width == 4 ? ~0UL : mask_of(width);

	*reg = (*reg & ~mask) | (value & mask_of(width));
}

static void reg_set(const struct store *s, struct regs *r, uint64_t value)
{
	uint64_t *reg;

	if (is_high_byte(s)) {
		reg = gpr(r, s->gpr - 4);
		*reg = (*reg & ~0xff00UL) | value << 8;
	} else {
		reg_merge(gpr(r, s->gpr), value, s->width);
	}
}

/* ZF, SF, PF of a result. */
static uint64_t result_flags(uint64_t result, unsigned int width)
{
	uint64_t flags = 0;

	if (!result)
		flags |= RFLAGS_ZF;
	if (result >> (8 * width - 1) & 1)
		flags |= RFLAGS_SF;
	if (!__builtin_parity(result & 0xff))
		flags |= RFLAGS_PF;
	return flags;
}

static void flags_set(struct regs *r, uint64_t flags)
{
	r->rflags = (r->rflags & ~ARITHMETIC) | flags;
}

/* a - b, as cmp has it. */
static uint64_t compare_flags(uint64_t a, uint64_t b, unsigned int width)
{
	uint64_t result = (a - b) & mask_of(width);
	uint64_t flags = result_flags(result, width);

	if (a < b)
		flags |= RFLAGS_CF;
	if ((a & 15) < (b & 15))
		flags |= RFLAGS_AF;
	if (((a ^ b) & (a ^ result)) >> (8 * width - 1) & 1)
		flags |= RFLAGS_OF;
	return flags;
}

static uint64_t apply_cmpxchg(const struct store *s, struct regs *r,
			      uint64_t old, uint64_t source)
{
	uint64_t expected = r->rax & mask_of(s->width);

	flags_set(r, compare_flags(expected, old, s->width));
	if (expected == old)
		return source;
	reg_merge(&r->rax, old, s->width);
	return old;
}

/* Of the flags only CF is defined behind it, and ZF does not change. */
static uint64_t apply_bit(const struct store *s, struct regs *r, uint64_t old,
			  uint64_t source)
{
	uint64_t bit = 1UL << (source & (8 * s->width - 1));

	r->rflags = (r->rflags & ~RFLAGS_CF) | (old & bit ? RFLAGS_CF : 0);
	return s->op == STORE_BTS ? old | bit : old & ~bit;
}

static uint64_t apply_logic(const struct store *s, struct regs *r,
			    uint64_t result)
{
	flags_set(r, result_flags(result, s->width));
	return result;
}

uint64_t ptwrite_apply(const struct store *s, struct regs *r, uint64_t old)
{
	uint64_t source = s->use_imm ? s->imm & mask_of(s->width) :
				       reg_get(s, r);

	switch (s->op) {
	case STORE_XCHG:
		reg_set(s, r, old);
		return source;
	case STORE_CMPXCHG:
		return apply_cmpxchg(s, r, old, source);
	case STORE_AND:
		return apply_logic(s, r, old & source);
	case STORE_OR:
		return apply_logic(s, r, old | source);
	case STORE_BTS: case STORE_BTR:
		return apply_bit(s, r, old, source);
	default: /* STORE_MOV */
		return source;
	}
}

/* --- on a page table --- */

/*
 * The entry of an L1 table that va names, seen through the guest's present
 * tables; NULL: it is none.  LOCK_MM.
 */
static pte_t *entry_at(struct domain *d, mfn_t l4, uint64_t va)
	needs_lock(&d->mm)
{
	pte_t *mapping = ptcheck_walk(d, l4, va);
	struct frame *f;
	uint64_t state;

	if (!mapping || !(*mapping & PTE_P) || !frame_valid(pte_mfn(*mapping)))
		return NULL;
	f = mfn_to_frame(pte_mfn(*mapping));
	state = frame_state(f);
	if (frame_state_kind(state) != FRAME_OWNED || !frame_is_table(f, 1))
		return NULL;
	if (frame_state_owner(state) != d->id)	/* WRITE4 */
		return NULL;
	return (pte_t *)mfn_to_virt(pte_mfn(*mapping)) +
	       (va & ~PAGE_MASK) / sizeof(pte_t);
}

/* WRITE1.  LOCK_MM. */
static int entry_store(struct vcpu *v, pte_t *pte, unsigned int offset,
		       const struct store *s) needs_lock(&v->domain->mm)
{
	uint64_t mask = mask_of(s->width) << (8 * offset);
	pte_t old = READ_ONCE(*pte);
	struct regs after = v->regs;
	uint64_t new = ptwrite_apply(s, &after, (old & mask) >> (8 * offset));
	int r = ptcheck_entry_swap(v->domain, pte, old,
				   (old & ~mask) | new << (8 * offset));

	if (!r)
		v->regs = after;
	return r;
}

bool ptwrite_is_store(const struct vcpu *v, uint64_t cr2, uint32_t error)
{
	return v->kernel_mode && (error & ~PF_USER) == PF_WRITE_PROTECTED &&
	       guest_range_ok(cr2, 1);
}

bool ptwrite_fetch(struct vcpu *v, struct store *s)
{
	uint8_t code[DECODE_MAX];
	int bytes;

	if (!emulate_code_is_long(v->regs.cs))
		return false;
	bytes = guest_read_insn(code, v->regs.rip, sizeof(code));
	return bytes > 0 && decode_store(code, bytes, s);
}

bool ptwrite_fault(struct vcpu *v, uint64_t cr2, uint32_t error)
{
	struct domain *d = v->domain;
	unsigned int offset = cr2 % sizeof(pte_t);
	struct store s;
	pte_t *pte;
	int r = -EINVAL;

	if (!ptwrite_is_store(v, cr2, error))
		return false;
	spin_lock(&d->mm);
	pte = entry_at(d, v->kernel_l4, cr2);
	spin_unlock(&d->mm);
	/*
	 * Fetching may fault, so no lock can be held: look the entry up again
	 * afterwards.
	 */
	if (!pte || !ptwrite_fetch(v, &s) || offset + s.width > sizeof(pte_t))
		return false;
	spin_lock(&d->mm);
	spin_known_held(&v->domain->mm);
	if (entry_at(d, v->kernel_l4, cr2) == pte)
		r = entry_store(v, pte, offset, &s);
	spin_unlock(&d->mm);
	if (r && r != -ERESTART && r != -EAGAIN)
		return false;
	if (!r)
		emulate_advance(v, s.length);
	/* -ERESTART, -EAGAIN: the guest makes the store again */
	return true;
}
