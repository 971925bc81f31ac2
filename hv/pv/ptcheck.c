/* SPDX-License-Identifier: MIT */
/*
 * Entries of page tables; ptcheck.h has the invariants (TABLE1-TABLE4),
 * pttree.c the tables.
 *
 * Order when an entry changes: take what the new value needs, write the entry
 * (one atomic exchange, since the CPU sets A and D meanwhile), then let go of
 * what the old one held.  So a failure leaves no trace but the break of a share
 * (pv/ptbreak.c, K9), which shows in no contents, and if the old and the
 * new entry name the same frame, its count never drops to zero in between.
 */
#include <port.h>
#include <errno.h>

#include "abi/share.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "dom/tally.h"
#include "io/ioframe.h"
#include "mm/objpool.h"
#include "pv/grant.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck_private.h"
#include "pv/pttree.h"
#include "pv/resolve.h"
#include "sharing/holds.h"
#include "sharing/ownpage.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

/* Bits a guest may not set.  PWT, PCD, PAT: RAM has one cache type (PT17). */
#define PTE_HIGH_MBZ	(1UL << 62)
#define L1_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | PTE_HIGH_MBZ)
#define DEVICE_REFUSED	PTE_HIGH_MBZ	/* IOFRAME4 */
#define UPPER_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | PTE_G | PTE_HIGH_MBZ)

static bool flags_ok(pte_t e, uint64_t refused)
{
	if (e & refused)
		return false;
	return cpu_features.nx || !(e & PTE_NX);
}

bool ptcheck_l1_flags_ok(pte_t e)
{
	return flags_ok(e, L1_REFUSED);
}

/*
 * What becomes of the accessed and dirty bits that CPUs set while an entry
 * changes.
 */
enum ptcheck_ad {
	AD_REPLACE,	/* the new value has them, or not */
	AD_PRESERVE,	/* they are added to it */
	/* if CPUs set them meanwhile, the entry is not changed */
	AD_EXACT,
};

/* --- L1 entries --- */

/* Not inlined: its caller's shorter ways save fewer registers. */
#define apart	__attribute__((noinline))

/* A mapping of a page that the domain owns; the general reference was taken. */
static int l1_get_owned(struct domain *d, struct frame *f, pte_t e)
	needs_lock(&d->mm)
{
	int r;

	if (!(e & PTE_RW))
		return 0;
	r = domain_writable_get(d, f);
	if (r)
		frame_put(f);
	return r;
}

static pte_t pte_renamed(pte_t e, const struct frame *f)
{
	return pte_make(frame_to_mfn(f), e & ~PTE_ADDR_MASK);
}

/*
 * resolve() said r of e: must the share be broken first?  A writable entry asks
 * for it, and of a domain that chose SHARE_MODE_SOLE any: the frame has its
 * entries already.
 */
static bool l1_breaks(const struct domain *d, int r, pte_t e)
{
	return (r == -EBUSY && (e & PTE_RW)) ||
	       (r == 1 && (d->breaks.flags & SHARE_MODE_SOLE));
}

/* The share is broken, and *e names the page that came of it; or why not. */
static int l1_break(struct domain *d, const pte_t *pte, pte_t *e,
		    struct frame **f) needs_lock(&d->mm)
{
	mfn_t mfn = pte_mfn(*e);
	int r;

	if (!frame_is_shared(mfn_to_frame(mfn)))
		return -EBUSY;
	if (pte && !((*pte & PTE_P) && mfn_eq(pte_mfn(*pte), mfn)))
		pte = NULL;
	r = ptbreak_write(d, pte, *e, mfn, f);
	if (!r)
		*e = pte_renamed(*e, *f);
	else if (r == -ENOMEM && ptbreak_waits(d))
		r = -ERESTART;
	return r;
}

/*
 * As resolve(); but the old name of a page whose share was just broken still
 * leads to that page.
 */
static int l1_resolve(struct domain *d, pte_t *e, struct frame **f)
	needs_lock(&d->mm)
{
	enum frame_use use = *e & PTE_RW ? USE_WRITE : USE_READ;
	int r = resolve(d, pte_mfn(*e), use, f);
	mfn_t now;

	if (likely(r != -EPERM))
		return r;
	now = ptbreak_name_now(d, pte_mfn(*e));
	if (mfn_eq(now, INVALID_MFN))
		return r;
	*e = pte_make(now, *e & ~PTE_ADDR_MASK);
	return resolve(d, now, use, f);
}

/* A mapping of what is no RAM. */
static int l1_get_device(struct domain *d, pte_t e, pte_t *out)
	needs_lock(&d->mm)
{
	if (!flags_ok(e, DEVICE_REFUSED))
		return -EINVAL;
	*out = e;
	return ioframe_take(d, out);
}

/*
 * Take what the present entry e needs; *out is the value that the table will
 * hold.  pte: the entry that e will replace, whose old value still holds what
 * it took; NULL: there is none.
 */
static int l1_get(struct domain *d, const pte_t *pte, pte_t e, pte_t *out)
	needs_lock(&d->mm)
{
	struct frame *f;
	int r;

	*out = e;
	if (!(e & PTE_P))
		return 0;
	if (!flags_ok(e, L1_REFUSED))
		return l1_get_device(d, e, out);
	/* No new entry while old ones are being renamed (pv/ptbreak.c, K2). */
	if (ptbreak_left(d))
		return -ERESTART;
	r = l1_resolve(d, &e, &f);
	if (unlikely(r) && l1_breaks(d, r, e))
		r = l1_break(d, pte, &e, &f);
	if (unlikely(r == -EINVAL))
		return l1_get_device(d, e, out);
	if (r < 0)
		return r;
	if (r == 1)
		r = holds_map(d, pte_mfn(e));
	else
		r = l1_get_owned(d, f, e);
	/*
	 * Both kernel and user run in ring 3; G would survive a change of cr3.
	 */
	*out = (e & ~(PTE_AVL_OURS | PTE_G)) | PTE_US;
	return r;
}

/* The same as l1_put(), of an entry that is no page of the domain's own. */
static apart void l1_put_marked(struct domain *d, pte_t *pte, pte_t e)
	needs_lock(&d->mm)
{
	if (e & PTE_AVL_GRANT) {	/* TABLE5 */
		grant_pte_gone(d, pte);
		return;
	}
	if (e & PTE_AVL_DEVICE) {	/* IOFRAME2 */
		ioframe_drop(d);
		return;
	}
	d->foreign_entries--;
	tally_foreign(d, pte, e, -1);
	reclaim_foreign(d, e);
}

/*
 * Let go of what e, at *pte, held; `new` is what replaced it, 0 at
 * devalidation.
 */
static void l1_put(struct domain *d, pte_t *pte, pte_t e, pte_t new)
	needs_lock(&d->mm)
{
	struct frame *f;

	if (!(e & PTE_P))
		return;
	if (unlikely(e & (PTE_AVL_OURS & ~PTE_AVL_SHARED))) {
		l1_put_marked(d, pte, e);
		return;
	}
	f = mfn_to_frame(pte_mfn(e));
	if (frame_is_shared(f)) {
		bool broke = (new & PTE_P) && (new & PTE_RW);

		holds_unmap(d, pte_mfn(e), broke);
		if (!broke)
			ptbreak_gone_note(d, pte_mfn(e));
		return;
	}
	if (e & PTE_RW)
		domain_writable_put(f);
	frame_put(f);
}

/* Of the value of an entry that goes on naming what `old` names. */
static uint64_t l1_refused(pte_t old)
{
	return old & PTE_AVL_DEVICE ? DEVICE_REFUSED : L1_REFUSED;
}

/* Same page, same right to write: no count changes. */
static bool l1_same_use(pte_t old, pte_t new)
{
	const uint64_t matters = PTE_P | PTE_RW | PTE_ADDR_MASK;

	return (old & PTE_P) && (old & matters) == (new & matters);
}

/*
 * Exchange *pte, which held *old a moment ago, for `new`.  CPUs may set A and D
 * in it meanwhile.  False, for AD_EXACT alone: a CPU did, and *old is the
 * entry's value now.
 */
static bool entry_write(pte_t *pte, pte_t new, enum ptcheck_ad ad, pte_t *old)
{
	pte_t want;

	do {
		want = new;
		if (ad == AD_PRESERVE && (new & PTE_P))
			want |= *old & (PTE_A | PTE_D);
		if (atomic_cas(pte, old, want))
			return true;
	} while (ad != AD_EXACT);
	return false;
}

/*
 * Write `new`, for which l1_get() took what it needs, into the entry; if that
 * must not be, let go of what was taken.
 */
static int l1_replace(struct domain *d, pte_t *pte, pte_t old, pte_t new,
		      enum ptcheck_ad ad) needs_lock(&d->mm)
{
	bool done = entry_write(pte, new, ad, &old);

	l1_put(d, pte, done ? old : new, done ? new : 0);
	return done ? 0 : -EAGAIN;
}

/*
 * l1_replace() for an entry whose new frame is a copy of the page.  The entry
 * becomes writable only when no CPU reads the old frame any more: such a CPU
 * would not see stores to the new one.
 */
static void l1_rename(struct domain *d, pte_t *pte, pte_t old, pte_t new,
		      enum ptcheck_ad ad) needs_lock(&d->mm)
{
	(void)entry_write(pte, new & ~PTE_RW, ad, &old);
	l1_put(d, pte, old, new);
	domain_flush_tlb(d);
	atomic_fetch_or(pte, new & PTE_RW);
}

int ptcheck_break(struct domain *d, pte_t *pte)
{
	pte_t e = READ_ONCE(*pte);
	mfn_t own;
	int r = ptbreak_entry(d, pte, pte_mfn(e), &own);

	if (r)
		return r;
	/* No CPU knows another frame at this place, and the name stays. */
	if (mfn_eq(pte_mfn(e), own))
		(void)entry_write(pte, ownpage_pte(e, own), AD_PRESERVE, &e);
	else
		l1_rename(d, pte, e, ownpage_pte(e, own), AD_PRESERVE);
	tally_entry(d, pte, e, READ_ONCE(*pte));
	return 0;
}

/*
 * The last entry of a shared page is replaced, of a domain that chose
 * SHARE_MODE_SOLE?
 */
static bool l1_is_last(struct domain *d, pte_t old, pte_t new)
	needs_lock(&d->mm)
{
	uint32_t mappings;

	if (!(d->l1_watch & WATCH_SOLE) || !(old & PTE_P) ||
	    (old & (PTE_AVL_OURS & ~PTE_AVL_SHARED)) ||
	    !frame_is_shared(mfn_to_frame(pte_mfn(old))) ||
	    ((new & PTE_P) && mfn_eq(pte_mfn(new), pte_mfn(old))))
		return false;
	return holds_find(d, pte_mfn(old), &mappings, NULL) && mappings == 1;
}

/* ptcheck_break() of an entry that is not to become writable. */
static int l1_break_read_only(struct domain *d, pte_t *pte) needs_lock(&d->mm)
{
	pte_t e = READ_ONCE(*pte);
	struct frame *f;
	int r = ptbreak_write(d, pte, e, pte_mfn(e), &f);

	if (r)
		return r;
	if (mfn_eq(pte_mfn(e), frame_to_mfn(f))) {
		frame_put(f);	/* the entry has its own reference */
		return 0;
	}
	(void)entry_write(pte, ownpage_pte(e, frame_to_mfn(f)), AD_PRESERVE, &e);
	tally_entry(d, pte, e, READ_ONCE(*pte));
	holds_unmap(d, pte_mfn(e), true);
	domain_flush_tlb(d);
	return 0;
}

/*
 * The hold would go with its last entry, but the guest may make the page
 * another one later, under the name that its list has: it has a frame of its
 * own first (K9).  One that cannot be had ends nothing: the entry goes, and the
 * page with it.  What is to be empty does not wait for a frame, since that is
 * how a guest gives frames back.
 */
static int l1_last_break(struct domain *d, pte_t *pte, pte_t old, pte_t new,
			 enum ptcheck_ad ad) needs_lock(&d->mm)
{
	int r;

	if (ptbreak_left(d))
		return -ERESTART;
	r = old & PTE_AVL_SHARED ? ptcheck_break(d, pte) : l1_break_read_only(d, pte);
	if (r == -ENOMEM && (new & PTE_P) && ptbreak_waits(d))
		return -ERESTART;
	/* What it is now is not what the store was made of. */
	return ad == AD_EXACT && READ_ONCE(*pte) != old ? -EAGAIN : 0;
}

/* The entry gets another use. */
static apart int l1_change(struct domain *d, pte_t *pte, pte_t old, pte_t new,
			   enum ptcheck_ad ad) needs_lock(&d->mm)
{
	pte_t adjusted;
	int r;

	r = l1_get(d, pte, new, &adjusted);
	if (r)
		return r;
	if (likely(!((adjusted ^ new) & PTE_ADDR_MASK)))
		return l1_replace(d, pte, old, adjusted, ad);
	/*
	 * Only a break changes the frame that was asked for.  The share is
	 * broken now, so the entry must name the new frame.
	 */
	l1_rename(d, pte, old, adjusted, ad == AD_EXACT ? AD_PRESERVE : ad);
	return 0;
}

/* The same, of a domain with something more to look at. */
static apart int l1_change_watched(struct domain *d, pte_t *pte, pte_t old, pte_t new,
				   enum ptcheck_ad ad) needs_lock(&d->mm)
{
	pte_t before;
	int r;

	if (l1_is_last(d, old, new)) {
		r = l1_last_break(d, pte, old, new, ad);
		if (r)
			return r;
		old = READ_ONCE(*pte);
	}
	before = READ_ONCE(*pte);
	r = l1_change(d, pte, old, new, ad);
	tally_entry(d, pte, before, READ_ONCE(*pte));
	return r;
}

static int l1_set(struct domain *d, pte_t *pte, pte_t old, pte_t new,
		  enum ptcheck_ad ad) needs_lock(&d->mm)
{
	pte_t adjusted;

	if (l1_same_use(old, new)) {
		if (!flags_ok(new, l1_refused(old)))
			return -EINVAL;
		adjusted = (new & ~(PTE_AVL_OURS | PTE_G)) | PTE_US |
			   (old & PTE_AVL_OURS);
		return entry_write(pte, adjusted, ad, &old) ? 0 : -EAGAIN;
	}
	if (unlikely(d->l1_watch))
		return l1_change_watched(d, pte, old, new, ad);
	return l1_change(d, pte, old, new, ad);
}

void ptcheck_foreign_set(struct domain *d, pte_t *pte, pte_t e, bool preserve_ad)
{
	pte_t old = READ_ONCE(*pte);

	ASSERT(spin_is_locked(&d->mm) && (e & PTE_AVL_FOREIGN));
	(void)entry_write(pte, e, preserve_ad ? AD_PRESERVE : AD_REPLACE, &old);
	tally_entry(d, pte, old, e);
	d->foreign_entries++;
	tally_foreign(d, pte, e, 1);
	/* Of a page that it mapped before, nothing took the place. */
	l1_put(d, pte, old, 0);
}

void ptcheck_l1_put(struct domain *d, pte_t *pte, pte_t old, pte_t new)
{
	ASSERT(spin_is_locked(&d->mm));
	if (!(old & PTE_P))
		return;
	tally_entry(d, pte, old, new);
	l1_put(d, pte, old, new);
}

/* --- L2 to L4 entries --- */

/*
 * Before an entry in this slot of an L4 leads to an L4: nothing is read for the
 * guest by such addresses any more, and who reads now has ended (LP10).
 */
static int slot_linked(struct domain *d, unsigned int slot) needs_lock(&d->mm)
{
	uint64_t *slots = d->l4_linked, bit = 1UL << slot % 64;

	if (!slots)
		slots = obj_alloc(GUESTCOPY_SLOTS_BYTES);
	if (!slots)
		return -ENOMEM;
	if (atomic_fetch_or(&slots[slot / 64], bit) & bit)
		return 0;
	atomic_store(&d->l4_linked, slots);
	guestcopy_look(domain_cpus(d));
	domain_flush_tlb(d);
	return 0;
}

/*
 * A linear use of f, which is referenced, by the entry in `slot` of `table`
 * (T2).
 */
static int linear_get(struct domain *d, struct frame *table, unsigned int slot,
		      struct frame *f, pte_t e) needs_lock(&d->mm)
{
	int r;

	if (e & PTE_RW)
		return -EINVAL;	/* LP1 */
	r = frame_class(table) == CLASS_L4 ? slot_linked(d, slot) : 0;
	if (r || f == table)
		return r;
	r = pagetype_linear_out_get(table);
	if (r)
		return r;
	r = pagetype_linear_get(f, frame_class(table));
	if (r)
		pagetype_linear_out_put(table);
	return r;
}

static enum child_state linear_put(struct frame *table, struct frame *f)
{
	if (f == table)
		return CHILD_DONE;
	pagetype_linear_out_put(table);
	return pagetype_linear_put(f) ? CHILD_UNFINISHED : CHILD_DONE;
}

static bool same_class(const struct frame *table, const struct frame *f)
{
	return frame_class(f) == frame_class(table);
}

/*
 * Does naming f from `table` mean a linear use?  The class alone does not tell:
 * a frame that is no longer a table keeps its old class until it is reused.
 */
static bool is_linear(const struct frame *table, const struct frame *f)
{
	return same_class(table, f) &&
	       (f == table || (READ_ONCE(f->type) & TYPE_VALIDATED));
}

/*
 * Present entry *e of a table: the flags, and f with a general reference; *e
 * names f, which may have been shared, and broken for this.
 */
static int upper_resolve(struct domain *d, pte_t *e, struct frame **f)
	needs_lock(&d->mm)
{
	mfn_t mfn = pte_mfn(*e);
	int r;

	if (!flags_ok(*e, UPPER_REFUSED))
		return -EINVAL;
	r = resolve_typed(d, &mfn, f);
	if (!r)
		*e = pte_make(mfn, *e & ~PTE_ADDR_MASK);
	return r;
}

static pte_t upper_adjusted(pte_t e)
{
	return e & PTE_P ? (e & ~PTE_AVL_SHARED) | PTE_US : e;
}

static int upper_take(struct domain *d, struct frame *table, unsigned int level,
		      unsigned int slot, pte_t *e, enum child_state *below)
	needs_lock(&d->mm)
{
	struct frame *f;
	int r;

	if (!(*e & PTE_P))
		return 0;
	r = upper_resolve(d, e, &f);
	if (r)
		return r;
	if (is_linear(table, f))
		r = linear_get(d, table, slot, f, *e);
	else
		r = domain_type_get(d, f, level_class(level - 1));
	if (r < 0)
		frame_put(f);
	else if (r == TYPE_FRESH)
		*below = CHILD_UNFINISHED;
	return r < 0 ? r : 0;
}

/*
 * Let go of entry e and its general reference; but if the table below has to be
 * devalidated, that reference is kept for it.
 */
static enum child_state upper_drop(struct frame *table, pte_t e)
{
	enum child_state below;
	struct frame *f;

	if (!(e & PTE_P))
		return CHILD_DONE;
	f = mfn_to_frame(pte_mfn(e));
	if (same_class(table, f))
		below = linear_put(table, f);
	else
		below = pagetype_put(f) ? CHILD_UNFINISHED : CHILD_DONE;
	if (below == CHILD_DONE)
		frame_put(f);
	return below;
}

/*
 * pttree_begin(), before an entry of `table` changes.  It may drop a result
 * that nobody came for (pttree.c, TREE3), and with it the last use of `table`
 * itself.  Then `table` is no table any more, and the caller must look again at
 * what it is (PT23).
 */
static int upper_begin(struct domain *d, const struct frame *table,
		       unsigned int level, mfn_t wanted) needs_lock(&d->mm)
{
	int r = pttree_begin(d, wanted);

	return !r && !frame_is_table(table, level) ? -ERESTART : r;
}

/* As resolve_name(), of what present entry *e names. */
static int upper_rename(struct domain *d, pte_t *e) needs_lock(&d->mm)
{
	mfn_t mfn = pte_mfn(*e);
	int r = resolve_name(d, &mfn);

	if (!r)
		*e = pte_make(mfn, *e & ~PTE_ADDR_MASK);
	return r;
}

/* The new value's uses; a table below is validated by pttree.c, in parts. */
static int upper_get(struct domain *d, struct frame *table, unsigned int level,
		     unsigned int slot, pte_t *e) needs_lock(&d->mm)
{
	struct frame *f;
	int r;

	if (!(*e & PTE_P))
		return upper_begin(d, table, level, INVALID_MFN);
	/* The result that this vCPU waits for has that name. */
	r = upper_rename(d, e);
	if (!r)
		r = upper_begin(d, table, level, pte_mfn(*e));
	if (!r)
		r = upper_resolve(d, e, &f);
	if (r)
		return r;
	if (is_linear(table, f)) {
		r = upper_begin(d, table, level, INVALID_MFN);
		if (!r)
			r = linear_get(d, table, slot, f, *e);
		if (r)
			frame_put(f);
		return r;
	}
	frame_put(f);
	return pttree_get(d, pte_mfn(*e), level - 1);
}

static int upper_set(struct domain *d, pte_t *pte, unsigned int level,
		     unsigned int slot, pte_t new, bool preserve_ad)
	needs_lock(&d->mm)
{
	struct frame *table = mfn_to_frame(virt_to_mfn(pte));
	pte_t old = READ_ONCE(*pte);
	int r;

	if (slot_is_hypervisor(level, slot))
		return -EINVAL;	/* PT14 */
	r = upper_get(d, table, level, slot, &new);
	if (r)
		return r;
	(void)entry_write(pte, upper_adjusted(new),
			  preserve_ad ? AD_PRESERVE : AD_REPLACE, &old);
	tally_upper(d, frame_to_mfn(table), old, new);
	if (upper_drop(table, old) == CHILD_UNFINISHED)
		pttree_drop(d, pte_mfn(old));
	return 0;
}

int ptcheck_entry_set(struct domain *d, pte_t *pte, unsigned int level,
		      unsigned int slot, pte_t new, bool preserve_ad)
{
	if (level == 1)
		return l1_set(d, pte, READ_ONCE(*pte), new,
			      preserve_ad ? AD_PRESERVE : AD_REPLACE);
	return upper_set(d, pte, level, slot, new, preserve_ad);
}

int ptcheck_entry_swap(struct domain *d, pte_t *pte, pte_t old, pte_t new)
{
	return l1_set(d, pte, old, new, AD_EXACT);
}

/* --- entries of a table that is being (de)validated --- */

void ptcheck_fill_hypervisor_slots(struct domain *d, pte_t *l4)
{
	const pte_t *template = maddr_to_virt(cpu_idle_cr3);

	memcpy(&l4[HV_FIRST_SLOT], &template[HV_FIRST_SLOT],
	       (HV_LAST_SLOT - HV_FIRST_SLOT + 1) * sizeof(pte_t));
	l4[M2P_SLOT] = pte_make(virt_to_mfn(d->m2p.l3),
				PTE_P | PTE_RW | PTE_US | PTE_A);
}

int ptcheck_entry_take(struct domain *d, struct frame *table, unsigned int level,
	       unsigned int slot, enum child_state *below)
{
	pte_t *pte = (pte_t *)mfn_to_virt(frame_to_mfn(table)) + slot, out;
	int r;

	if (slot_is_hypervisor(level, slot))
		return 0;
	if (level == 1) {
		r = l1_get(d, NULL, *pte, &out);
	} else {
		out = *pte;
		r = upper_take(d, table, level, slot, &out, below);
		out = upper_adjusted(out);
	}
	/*
	 * Nobody can write the page now (TABLE2), nor does any CPU walk it yet.
	 */
	if (!r && out != *pte)
		*pte = out;
	if (!r && level > 1)
		tally_upper(d, frame_to_mfn(table), 0, out);
	return r;
}

enum child_state ptcheck_entry_drop(struct domain *d, struct frame *table, unsigned int level,
		      pte_t *pte)
{
	enum child_state below;

	if (level == 1) {
		l1_put(d, pte, *pte, 0);
		return CHILD_DONE;
	}
	/* While the frame that it names is what it was. */
	tally_upper(d, frame_to_mfn(table), *pte, 0);
	below = upper_drop(table, *pte);
	/* The table below is let go of when its entries have been. */
	if (below != CHILD_DONE)
		tally_upper(d, frame_to_mfn(table), 0, *pte);
	return below;
}

/* --- walks --- */

pte_t *ptcheck_table(struct domain *d, mfn_t l4, uint64_t va)
{
	pte_t e = pte_make(l4, PTE_P);
	unsigned int level;

	for (level = 4; level > 1; level--) {
		e = ((const pte_t *)mfn_to_virt(pte_mfn(e)))[pt_slot(va, level)];
		if (!(e & PTE_P))
			return NULL;
	}
	/*
	 * A linear link of an L4 leads on through the slots of the hypervisor,
	 * too, whose tables have large pages: nothing there has US, and all
	 * that was checked for a guest has (LP9).  With any other linear link
	 * on the way this table is not an L1 table.
	 */
	if (!(e & PTE_US) || frame_class(mfn_to_frame(pte_mfn(e))) != CLASS_L1)
		return NULL;
	return mfn_to_virt(pte_mfn(e));
}

pte_t *ptcheck_walk(struct domain *d, mfn_t l4, uint64_t va)
{
	pte_t *table = ptcheck_table(d, l4, va);

	return table ? &table[pt_slot(va, 1)] : NULL;
}

bool ptcheck_writable(mfn_t l4, uint64_t va)
{
	pte_t e = pte_make(l4, PTE_P | PTE_RW);
	unsigned int level;

	for (level = 4; level >= 1 && (e & PTE_RW); level--)
		e = READ_ONCE(((pte_t *)mfn_to_virt(pte_mfn(e)))[pt_slot(va, level)]);
	return (e & PTE_P) && (e & PTE_RW);
}
