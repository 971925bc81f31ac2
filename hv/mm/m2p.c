/* SPDX-License-Identifier: MIT */
/*
 * A domain's own M2P; m2p.h has the contract.
 *
 * Three levels under L4 slot 256: l3 (one page), L2 pages, L1 pages ("tables"),
 * and the leaves that hold 512 pfns each.  Tables live until the view goes:
 * there is one for 1 GiB.  A leaf whose last name goes is remembered, and may
 * be used again; when more than M2P_EMPTY of them are, all that still are empty
 * go, with one flush (M2P3).  So a name that comes and goes costs no leaf, and
 * leaves that come and go cost the domain's own CPUs a flush for M2P_EMPTY.
 *
 * A guest may link its L4 into itself, read-only (seed 003).  Through that link
 * the CPU also walks slot 256, so the guest reads the tables of its view as
 * data: which frames they are (LP8).  Nothing more can be reached: the
 * descriptor area's tables and all of slots 257 to 271 have no US bit, and no
 * path through the link is writable; nor does the hypervisor read there for the
 * guest (x86/guestcopy.h).  What the guest reads there is harmless:
 *  - the number of a frame of the hypervisor's is of no use: a call that names
 *    such a frame is refused (resolve());
 *  - l3 and the first tables came from the heap at the domain's birth, as did
 *    its own pages, whose numbers it knows anyway; later tables come from its
 *    group's own frames, so they tell nothing of other groups (mm/framepool.h);
 *  - entries of the L4 itself name the hypervisor's L3 tables, which were made
 *    at boot and are the same for all.
 *
 * M2P1  tables and leaves come and go, and pfns are read and written, with the
 *       view's lock; guests read them at any time, so a page is whole before
 *       the entry that leads to it is written.
 * M2P2  a word of near[] names a leaf of the view with the leaf's number, or is
 *       0.
 * M2P3  a leaf's frame is used for something else only once no CPU of the
 *       domain can have a translation that leads to it.
 * M2P4  names of a leaf's frame = its entries that are not INVALID_PFN; if that
 *       is 0, its number is in empty[], or it is new.  A number is there once,
 *       and its leaf is in the view.
 * M2P5  pages beyond the promise are paid for once: granted never falls, and
 *       page_count <= promised + granted, however often leaves come and go.
 */
#include <port.h>
#include <errno.h>

#include "mm/framepool.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

#define LEAF_ENTRIES	(PAGE_SIZE / sizeof(pfn_t))
#define LEAVES_L3	(PT_SLOTS * PT_SLOTS)	/* below one entry of l3 */
/* one m2p_view_reap() frees so many and up to 2 more, */
#define REAP_PAGES	62
#define REAP_ENTRIES	512	/* and looks at */
#define M2P_MFNS	((M2P_VIRT_END - M2P_VIRT) / sizeof(pfn_t))

/* Read-only for the guest at every level. */
#define TABLE_FLAGS	(PTE_P | PTE_US | PTE_A)
#define LEAF_FLAGS	(PTE_P | PTE_US | PTE_A)
#define PERDOM_FLAGS	(PTE_P | PTE_RW | PTE_A)
/*
 * An entry's bit: the page below comes from view->from, not from the heap.
 * Some are made before the domain has a group.
 */
#define OF_POOL		(1UL << 9)

int m2p_view_init(struct m2p_view *view)
{
	spin_lock_init(&view->lock, LOCK_M2P);
	view->leaf_count = view->page_count = 0;
	view->reaped = 0;
	view->from = NULL;
	view->cpus = NULL;
	view->granted = 0;
	view->empty_count = 0;
	memset(view->near, 0, sizeof(view->near));
	view->l3 = palloc_hv(0);
	return view->l3 ? 0 : -ENOMEM;
}

/*
 * Reaping goes from the first leaf to the last; a table goes after its last
 * entry.
 */

static pte_t *table_below(const pte_t *entry)
{
	pte_t e = READ_ONCE(*entry);

	return e & PTE_P ? mfn_to_virt(pte_mfn(e)) : NULL;
}

static uint64_t origin(const struct m2p_view *view)
{
	return view->from ? OF_POOL : 0;
}

static void page_give(struct m2p_view *view, void *page, uint64_t from)
{
	if (from & OF_POOL)
		frame_pool_pages_free(view->from, page, 0);
	else
		palloc_hv_free(page, 0);
}

/*
 * Free the page that an entry leads to, if there is one; returns how many (0,
 * 1).
 */
static unsigned int page_drop(struct m2p_view *view, pte_t *entry)
{
	void *page = table_below(entry);
	pte_t was = *entry;

	if (!page)
		return 0;
	*entry = 0;
	page_give(view, page, was);
	return 1;
}

/*
 * Reap one entry, in the lowest table that is there; returns the number of
 * pages freed, 3 at most.
 */
static unsigned int reap_entry(struct m2p_view *view)
{
	uint32_t at = view->reaped, width = LEAVES_L3;
	pte_t *l3e = &view->l3[at / LEAVES_L3];
	pte_t *l2 = table_below(l3e), *l2e = NULL, *l1 = NULL;
	unsigned int pages = 0;

	if (l2) {
		l2e = &l2[at / PT_SLOTS % PT_SLOTS];
		l1 = table_below(l2e);
		width = PT_SLOTS;
	}
	/*
	 * The descriptor area's leaves are frames of others: only its tables
	 * go.
	 */
	if (l1 && at / LEAVES_L3 != PERDOM_L3_SLOT) {
		pages += page_drop(view, &l1[at % PT_SLOTS]);
		view->leaf_count -= pages;
		width = 1;
	}
	at += width;
	if (l2 && at % PT_SLOTS == 0)
		pages += page_drop(view, l2e);
	if (at % LEAVES_L3 == 0)
		pages += page_drop(view, l3e);
	view->reaped = at;
	return pages;
}

enum progress m2p_view_reap(struct m2p_view *view)
{
	unsigned int pages = 0, entries = 0;

	if (!view->l3)
		return DONE;
	memset(view->near, 0, sizeof(view->near));
	view->empty_count = 0;
	while (view->reaped < PT_SLOTS * LEAVES_L3 && pages < REAP_PAGES &&
	       entries++ < REAP_ENTRIES)
		pages += reap_entry(view);
	if (view->reaped < PT_SLOTS * LEAVES_L3)
		return MORE;
	palloc_hv_free(view->l3, 0);
	view->l3 = NULL;
	return DONE;
}

void m2p_view_fini(struct m2p_view *view)
{
	while (m2p_view_reap(view) == MORE)
		;
}

/* M2P5: is there room for one page more within the promise? */
static bool is_paid(struct m2p_view *view) needs_lock(&view->lock)
{
	if (!view->more || view->page_count < READ_ONCE(view->promised) + view->granted)
		return true;
	if (!view->more(view))
		return false;
	view->granted++;
	return true;
}

/*
 * One page more for the view.  The promise is raised after the page was
 * allocated, so that no promise is in vain.
 */
static void *page_new(struct m2p_view *view) needs_lock(&view->lock)
{
	void *page = view->from ? frame_pool_pages(view->from, 0) :
				  palloc_hv(0);

	if (!page)
		return NULL;
	if (!is_paid(view)) {
		page_give(view, page, origin(view));
		return NULL;
	}
	view->page_count++;
	return page;
}

/* The page that `slot` of `table` leads to, made if it is absent. */
static pte_t *descend(struct m2p_view *view, pte_t *table, unsigned int slot,
		      uint64_t flags) needs_lock(&view->lock)
{
	pte_t *page = table_below(&table[slot]);

	if (page)
		return page;
	page = page_new(view);
	if (page)
		atomic_store_release(&table[slot], pte_make(virt_to_mfn(page),
							    flags | origin(view)));
	return page;
}

static pfn_t *leaf_new(struct m2p_view *view, pte_t *entry)
	needs_lock(&view->lock)
{
	pfn_t *leaf = page_new(view);
	unsigned int i;

	if (!leaf)
		return NULL;
	for (i = 0; i < LEAF_ENTRIES; i++)
		leaf[i] = INVALID_PFN;
	view->leaf_count++;
	atomic_store_release(entry, pte_make(virt_to_mfn(leaf), LEAF_FLAGS | pte_nx() |
							       origin(view)));
	return leaf;
}

static uint64_t entry_va(mfn_t mfn)
{
	return M2P_VIRT + mfn_n(mfn) * sizeof(pfn_t);
}

static bool in_view(mfn_t mfn)
{
	return mfn_n(mfn) < M2P_MFNS;
}

/* The leaf with mfn's pfn; NULL if it is absent and cannot be made. */
static pfn_t *leaf_make(struct m2p_view *view, mfn_t mfn)
	needs_lock(&view->lock)
{
	uint64_t va = entry_va(mfn);
	pte_t *l2, *l1, *entry;

	if (!in_view(mfn))
		return NULL;
	l2 = descend(view, view->l3, pt_slot(va, 3), TABLE_FLAGS);
	l1 = l2 ? descend(view, l2, pt_slot(va, 2), TABLE_FLAGS) : NULL;
	if (!l1)
		return NULL;
	entry = &l1[pt_slot(va, 1)];
	return *entry & PTE_P ? mfn_to_virt(pte_mfn(*entry)) : leaf_new(view, entry);
}

/* The entry that leads to mfn's leaf, in a view with l3; NULL: none. */
static pte_t *leaf_entry(const struct m2p_view *view, mfn_t mfn)
{
	uint64_t va = entry_va(mfn);
	pte_t *l2 = table_below(&view->l3[pt_slot(va, 3)]);
	pte_t *l1 = l2 ? table_below(&l2[pt_slot(va, 2)]) : NULL;

	return l1 ? &l1[pt_slot(va, 1)] : NULL;
}

static __attribute__((noinline)) pfn_t *leaf_walk_to(struct m2p_view *view, mfn_t mfn)
{
	pte_t *entry = view->l3 && in_view(mfn) ? leaf_entry(view, mfn) : NULL;

	return entry ? (pfn_t *)table_below(entry) : NULL;
}

static uint64_t leaf_number(mfn_t mfn)
{
	return mfn_n(mfn) / LEAF_ENTRIES;
}

/* The place of mfn's pfn; NULL if its leaf is absent. */
static inline pfn_t *slot_find(struct m2p_view *view, mfn_t mfn)
	needs_lock(&view->lock)
{
	uint64_t number = leaf_number(mfn);
	uint64_t *near = &view->near[number % M2P_NEAR];
	pfn_t *leaf;

	if (likely(*near >> 32 == number + 1)) {
		leaf = mfn_to_virt(MFN((uint32_t)*near));
	} else {
		leaf = leaf_walk_to(view, mfn);
		if (!leaf)
			return NULL;
		*near = (number + 1) << 32 | mfn_n(virt_to_mfn(leaf));
	}
	return &leaf[mfn_n(mfn) % LEAF_ENTRIES];
}

/* The same, made if it is absent. */
static inline pfn_t *slot_make(struct m2p_view *view, mfn_t mfn)
	needs_lock(&view->lock)
{
	pfn_t *slot = slot_find(view, mfn);

	if (unlikely(!slot) && leaf_make(view, mfn))
		slot = slot_find(view, mfn);
	return slot;
}

/* --- leaves without a name --- */

/* Take a leaf of empty[] out of the view; NULL: it is in use again. */
static pfn_t *leaf_unlink(struct m2p_view *view, uint32_t number, uint64_t *from)
	needs_lock(&view->lock)
{
	uint64_t *near = &view->near[number % M2P_NEAR];
	pte_t *entry = leaf_entry(view, MFN(number * LEAF_ENTRIES));
	void *leaf = table_below(entry);

	if (mfn_to_frame(pte_mfn(*entry))->names)
		return NULL;
	*from = atomic_exchange(entry, 0);
	if (*near >> 32 == number + 1UL)
		*near = 0;
	view->leaf_count--;
	view->page_count--;
	return leaf;
}

/* M2P3 */
static __attribute__((noinline)) void leaves_trim(struct m2p_view *view)
	needs_lock(&view->lock)
{
	uint64_t from[M2P_EMPTY];
	void *leaf[M2P_EMPTY];
	unsigned int i, count = 0;

	for (i = 0; i < view->empty_count; i++) {
		leaf[count] = leaf_unlink(view, view->empty[i], &from[count]);
		count += leaf[count] != NULL;
	}
	view->empty_count = 0;
	if (count && view->cpus)
		tlb_flush_mask(atomic_load(view->cpus));
	while (count-- > 0)
		page_give(view, leaf[count], from[count]);
}

/* M2P4 */
static __attribute__((noinline)) void leaf_emptied(struct m2p_view *view, uint32_t number)
	needs_lock(&view->lock)
{
	unsigned int i;

	for (i = 0; i < view->empty_count; i++)
		if (view->empty[i] == number)
			return;
	if (view->empty_count == M2P_EMPTY)
		leaves_trim(view);
	view->empty[view->empty_count++] = number;
}

/* --- names --- */

/* The record of the frame that a leaf is; it counts the leaf's names (M2P4). */
static inline struct frame *leaf_frame(const pfn_t *slot)
{
	return mfn_to_frame(virt_to_mfn(slot));
}

/* A place that has a name loses it. */
static inline void slot_clear(struct m2p_view *view, mfn_t mfn, pfn_t *slot)
	needs_lock(&view->lock)
{
	WRITE_ONCE(*slot, INVALID_PFN);
	if (unlikely(--leaf_frame(slot)->names == 0))
		leaf_emptied(view, leaf_number(mfn));
}

/* A place gets a name; was it without one? */
static inline void slot_set(pfn_t *slot, pfn_t pfn, bool was_clear)
{
	WRITE_ONCE(*slot, pfn);
	leaf_frame(slot)->names += was_clear;
}

void m2p_begin(struct m2p_view *view)
{
	spin_lock(&view->lock);
}

void m2p_end(struct m2p_view *view)
{
	spin_unlock(&view->lock);
}

/* Apart, so that m2p_drop(), which batches call, has one caller: inlined. */
static inline void name_drop(struct m2p_view *view, mfn_t mfn)
	needs_lock(&view->lock)
{
	pfn_t *slot = slot_find(view, mfn);

	if (likely(slot) && !pfn_eq(*slot, INVALID_PFN))
		slot_clear(view, mfn, slot);
}

void m2p_drop(struct m2p_view *view, mfn_t mfn)
{
	name_drop(view, mfn);
}

int m2p_put_first(struct m2p_view *view, mfn_t mfn, pfn_t pfn)
{
	pfn_t *slot = slot_make(view, mfn);

	if (slot && pfn_eq(*slot, INVALID_PFN))
		slot_set(slot, pfn, true);
	return slot ? 0 : -ENOMEM;
}

void m2p_clear(struct m2p_view *view, mfn_t mfn)
{
	m2p_begin(view);
	name_drop(view, mfn);
	m2p_end(view);
}

int m2p_set(struct m2p_view *view, mfn_t mfn, pfn_t pfn)
{
	pfn_t *slot;

	if (pfn_eq(pfn, INVALID_PFN)) {
		m2p_clear(view, mfn);
		return 0;
	}
	m2p_begin(view);
	slot = slot_make(view, mfn);
	if (slot)
		slot_set(slot, pfn, pfn_eq(*slot, INVALID_PFN));
	m2p_end(view);
	return slot ? 0 : -ENOMEM;
}

pfn_t m2p_look(struct m2p_view *view, mfn_t mfn)
{
	const pfn_t *slot = slot_find(view, mfn);

	return slot ? *slot : INVALID_PFN;
}

pfn_t m2p_get(struct m2p_view *view, mfn_t mfn)
{
	pfn_t pfn;

	m2p_begin(view);
	pfn = m2p_look(view, mfn);
	m2p_end(view);
	return pfn;
}

struct walk {
	void (*fn)(mfn_t mfn, pfn_t pfn, void *arg);
	void *arg;
	mfn_t first, end;
};

static void leaf_walk(const struct walk *w, const pfn_t *leaf, mfn_t first)
{
	unsigned int i;

	for (i = 0; i < LEAF_ENTRIES; i++)
		if (!pfn_eq(leaf[i], INVALID_PFN) && mfn_n(first) + i >= mfn_n(w->first) &&
		    mfn_n(first) + i < mfn_n(w->end))
			w->fn(mfn_add(first, i), leaf[i], w->arg);
}

/* Tables of `level` (3..1), whose first entry stands for mfn `first`. */
static void table_walk(const struct walk *w, const pte_t *table,
		       unsigned int level, mfn_t first)
{
	uint64_t step = LEAF_ENTRIES << 9 * (level - 1);
	unsigned int i;

	for (i = 0; i < PT_SLOTS; i++) {
		const void *below = mfn_to_virt(pte_mfn(table[i]));

		if (!(table[i] & PTE_P) || (level == 3 && i == PERDOM_L3_SLOT))
			continue;
		if (mfn_n(first) + (i + 1) * step <= mfn_n(w->first) ||
		    mfn_n(first) + i * step >= mfn_n(w->end))
			continue;
		if (level == 1)
			leaf_walk(w, below, mfn_add(first, i * step));
		else
			table_walk(w, below, level - 1, mfn_add(first, i * step));
	}
}

void m2p_for_each(const struct m2p_view *view, mfn_t first, mfn_t end,
		  void (*fn)(mfn_t mfn, pfn_t pfn, void *arg), void *arg)
{
	const struct walk w = { fn, arg, first, end };

	table_walk(&w, view->l3, 3, MFN(0));
}

/*
 * Entry *n of a level, in `table`, leads on, or one behind it does, of that
 * table and below `end`.
 */
static bool entry_from(const pte_t *table, uint64_t *n, uint64_t end)
{
	do
		if (table[*n % PT_SLOTS] & PTE_P)
			return true;
	while (++*n % PT_SLOTS && *n < end);
	return false;
}

mfn_t m2p_leaf_from(const struct m2p_view *view, mfn_t mfn, mfn_t end)
{
	uint64_t n = mfn_n(mfn), last = MIN(mfn_n(end), M2P_MFNS);
	const pte_t *table = view->l3;
	unsigned int level = 3;

	while (n < last) {
		uint64_t step = LEAF_ENTRIES << 9 * (level - 1), at = n / step;
		bool found = entry_from(table, &at, (last - 1) / step + 1);

		n = MAX(n, at * step);
		if (found && level == 1)
			return MFN(n);
		table = found ? table_below(&table[at % PT_SLOTS]) : view->l3;
		level = found ? level - 1 : 3;
	}
	return INVALID_MFN;
}

pte_t *m2p_perdom_pte(struct m2p_view *view, unsigned int index)
{
	pte_t *l2, *l1 = NULL;

	if (index >= PT_SLOTS * PT_SLOTS)
		return NULL;
	spin_lock(&view->lock);
	l2 = descend(view, view->l3, PERDOM_L3_SLOT, PERDOM_FLAGS);
	if (l2)
		l1 = descend(view, l2, index / PT_SLOTS, PERDOM_FLAGS);
	spin_unlock(&view->lock);
	return l1 ? &l1[index % PT_SLOTS] : NULL;
}
