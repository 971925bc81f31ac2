/* SPDX-License-Identifier: MIT */
/*
 * Contents of page tables; ptcheck.h has the invariants (V1-V4).
 *
 * Order when an entry changes: take what the new value needs, write the entry
 * (one atomic exchange, since the CPU sets A and D meanwhile), then let go of
 * what the old one held.  So a failure leaves no trace, and a frame that both
 * name never drops to zero in between.
 */
#include <port.h>
#include <errno.h>

#include "pv/grant.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"
#include "pv/sharehooks.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

/* Bits a guest may not set.  PWT, PCD, PAT: RAM has one cache type (PT17). */
#define PTE_HIGH_MBZ	(1UL << 62)
#define L1_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | PTE_HIGH_MBZ)
#define UPPER_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | PTE_G | PTE_HIGH_MBZ)

static bool flags_ok(pte_t e, uint64_t refused)
{
	if (e & refused)
		return false;
	return cpu_features.nx || !(e & PTE_NX);
}

static enum page_class level_class(unsigned int level)
{
	return CLASS_L1 + (level - 1);
}

static bool slot_is_hypervisor(unsigned int level, unsigned int slot)
{
	return level == 4 && slot >= HV_FIRST_SLOT && slot <= HV_LAST_SLOT;
}

/* --- L1 entries --- */

/* A mapping of a page that the domain owns; the general reference was taken. */
static int l1_get_owned(struct domain *d, struct frame *f, pte_t e)
{
	int r;

	if (!(e & PTE_RW))
		return 0;
	r = pagetype_get(f, CLASS_WRITABLE);
	if (r < 0) {
		frame_put(f);
		return r;
	}
	/* T3: no walk may go on through what was a table a moment ago. */
	if (r == TYPE_FRESH_FLUSH)
		tlb_flush_mask(__atomic_load_n(&d->cpu_mask, __ATOMIC_SEQ_CST));
	return 0;
}

/* Take what present entry e needs; *out is what the table will hold. */
static int l1_get(struct domain *d, pte_t e, pte_t *out)
{
	struct frame *f;
	int r;

	*out = e;
	if (!(e & PTE_P))
		return 0;
	if (!flags_ok(e, L1_REFUSED))
		return -EINVAL;
	r = resolve(d, pte_mfn(e), e & PTE_RW ? USE_WRITE : USE_READ, &f);
	if (r < 0)
		return r;
	if (r == 1)
		r = sharing_map(d, pte_mfn(e));
	else
		r = l1_get_owned(d, f, e);
	/* Both kernel and user run in ring 3; G would survive a change of cr3. */
	*out = (e & ~(PTE_AVL_OURS | PTE_G)) | PTE_US;
	return r;
}

/* Let go of what e, at *pte, held; `new` is what replaced it, 0 at devalidation. */
static void l1_put(struct domain *d, pte_t *pte, pte_t e, pte_t new)
{
	struct frame *f;

	if (!(e & PTE_P))
		return;
	if (e & PTE_AVL_GRANT) {	/* V5 */
		grant_pte_gone(d, pte);
		return;
	}
	f = mfn_to_frame(pte_mfn(e));
	if (frame_state_kind(frame_state(f)) == FRAME_SHARED) {
		sharing_unmap(d, pte_mfn(e),
			      (new & PTE_P) && (new & PTE_RW));
		return;
	}
	if (e & PTE_RW)
		(void)!pagetype_put(f);
	frame_put(f);
}

/* Same page, same right to write: no count changes. */
static bool l1_same_use(pte_t old, pte_t new)
{
	const uint64_t matters = PTE_P | PTE_RW | PTE_ADDR_MASK;

	return (old & PTE_P) && (old & matters) == (new & matters);
}

/* Exchange *pte for `new`, keeping A and D of the old value if asked. */
static pte_t entry_write(pte_t *pte, pte_t new, bool preserve_ad)
{
	pte_t old = READ_ONCE(*pte), want;

	do {
		want = new;
		if (preserve_ad && (new & PTE_P))
			want |= old & (PTE_A | PTE_D);
	} while (!__atomic_compare_exchange_n(pte, &old, want, false,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return old;
}

static int l1_set(struct domain *d, pte_t *pte, pte_t new, bool preserve_ad)
{
	pte_t old = READ_ONCE(*pte), adjusted;
	int r;

	if (l1_same_use(old, new)) {
		if (!flags_ok(new, L1_REFUSED))
			return -EINVAL;
		adjusted = (new & ~(PTE_AVL_OURS | PTE_G)) | PTE_US |
			   (old & PTE_AVL_OURS);
		(void)entry_write(pte, adjusted, preserve_ad);
		return 0;
	}
	r = l1_get(d, new, &adjusted);
	if (r)
		return r;
	old = entry_write(pte, adjusted, preserve_ad);
	l1_put(d, pte, old, adjusted);
	return 0;
}

void ptcheck_l1_put(struct domain *d, pte_t *pte, pte_t old, pte_t new)
{
	ASSERT(spin_is_locked(&d->mm));
	l1_put(d, pte, old, new);
}

/* --- L2 to L4 entries --- */

static int upper_get(struct domain *d, unsigned int level, pte_t e, pte_t *out)
{
	*out = e;
	if (!(e & PTE_P))
		return 0;
	if (!flags_ok(e, UPPER_REFUSED))
		return -EINVAL;
	*out = (e & ~PTE_AVL_OURS) | PTE_US;
	return ptcheck_table_get(d, pte_mfn(e), level - 1);
}

static void upper_put(struct domain *d, pte_t e)
{
	if (e & PTE_P)
		ptcheck_table_put(d, pte_mfn(e));
}

static int upper_set(struct domain *d, pte_t *pte, unsigned int level,
		     unsigned int slot, pte_t new, bool preserve_ad)
{
	pte_t old, adjusted;
	int r;

	if (slot_is_hypervisor(level, slot))
		return -EINVAL;	/* PT14 */
	r = upper_get(d, level, new, &adjusted);
	if (r)
		return r;
	old = entry_write(pte, adjusted, preserve_ad);
	upper_put(d, old);
	return 0;
}

int ptcheck_entry_set(struct domain *d, pte_t *pte, unsigned int level,
		      unsigned int slot, pte_t new, bool preserve_ad)
{
	if (level == 1)
		return l1_set(d, pte, new, preserve_ad);
	return upper_set(d, pte, level, slot, new, preserve_ad);
}

/* --- whole tables --- */

static void entry_put(struct domain *d, unsigned int level, unsigned int slot,
		      pte_t *pte)
{
	if (slot_is_hypervisor(level, slot))
		return;
	if (level == 1)
		l1_put(d, pte, *pte, 0);
	else
		upper_put(d, *pte);
}

static void entries_put(struct domain *d, pte_t *table, unsigned int level,
			unsigned int end)
{
	unsigned int slot;

	for (slot = 0; slot < end; slot++)
		entry_put(d, level, slot, &table[slot]);
}

/* V3. */
static void hypervisor_slots_fill(struct domain *d, pte_t *l4)
{
	const pte_t *template = maddr_to_virt(cpu_idle_cr3);

	memcpy(&l4[HV_FIRST_SLOT], &template[HV_FIRST_SLOT],
	       (HV_LAST_SLOT - HV_FIRST_SLOT + 1) * sizeof(pte_t));
	l4[M2P_SLOT] = pte_make(virt_to_mfn(d->m2p.l3),
				PTE_P | PTE_RW | PTE_US | PTE_A);
}

static int entry_validate(struct domain *d, pte_t *table, unsigned int level,
			  unsigned int slot)
{
	pte_t out;
	int r;

	if (slot_is_hypervisor(level, slot))
		return 0;
	if (level == 1)
		r = l1_get(d, table[slot], &out);
	else
		r = upper_get(d, level, table[slot], &out);
	/* Nobody can write the page now (V2), nor does any CPU walk it yet. */
	if (!r && out != table[slot])
		table[slot] = out;
	return r;
}

static int table_validate(struct domain *d, pte_t *table, unsigned int level)
{
	unsigned int slot;
	int r;

	for (slot = 0; slot < PT_SLOTS; slot++) {
		r = entry_validate(d, table, level, slot);
		if (r) {
			entries_put(d, table, level, slot);
			return r;
		}
	}
	if (level == 4)
		hypervisor_slots_fill(d, table);
	return 0;
}

/* The frame is referenced: count its use and validate it if it is the first. */
static int table_use(struct domain *d, struct frame *f, unsigned int level)
{
	int r = pagetype_get(f, level_class(level));

	if (r < 0 || r == TYPE_SAME)
		return r < 0 ? r : 0;
	if (r == TYPE_FRESH_FLUSH)
		tlb_flush_mask(__atomic_load_n(&d->cpu_mask, __ATOMIC_SEQ_CST));
	r = table_validate(d, mfn_to_virt(frame_to_mfn(f)), level);
	if (r)
		pagetype_get_failed(f);
	else
		pagetype_validated(f);
	return r;
}

int ptcheck_table_get(struct domain *d, mfn_t mfn, unsigned int level)
{
	struct frame *f;
	int r;

	ASSERT(spin_is_locked(&d->mm));
	r = resolve(d, mfn, USE_TYPED, &f);
	if (r)
		return r;
	r = table_use(d, f, level);
	if (r)
		frame_put(f);
	return r;
}

void ptcheck_table_put(struct domain *d, mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);
	unsigned int level = type_class(f->type) - CLASS_L1 + 1;

	if (pagetype_put(f)) {
		entries_put(d, mfn_to_virt(mfn), level, PT_SLOTS);
		pagetype_devalidated(f);
	}
	frame_put(f);
}

pte_t *ptcheck_walk(struct domain *d, mfn_t l4, uint64_t va)
{
	pte_t *table = mfn_to_virt(l4);
	unsigned int level;

	for (level = 4; level > 1; level--) {
		pte_t e = table[pt_slot(va, level)];

		if (!(e & PTE_P))
			return NULL;
		table = mfn_to_virt(pte_mfn(e));
	}
	return &table[pt_slot(va, 1)];
}
