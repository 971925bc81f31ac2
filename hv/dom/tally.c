/* SPDX-License-Identifier: MIT */
/* The audit's counts, kept true between its parts: tally.h. */
#include <port.h>

#include "dom/tally.h"
#include "x86/cpu.h"

struct tally_count *tally_count_of(struct tally *t, mfn_t mfn)
{
	uint64_t n = mfn_n(mfn) - mfn_n(t->first);

	if (n >= t->frames || !frame_valid(mfn))
		return NULL;
	WRITE_ONCE(t->touched[n / TALLY_GROUP], 1);
	return tally_count_at(t, n);
}

void tally_begin(struct domain *d, struct tally *t)
{
	d->tally = t;
	d->l1_watch = (d->l1_watch & ~WATCH_TALLY) | (t ? WATCH_TALLY : 0);
}

static void add(uint32_t *count, int sign)
{
	atomic_fetch_add(count, (uint32_t)sign);
}

/* A marked entry holds nothing of the domain's own. */
static void marked_add(struct tally *t, pte_t e, int sign)
{
	if (e & PTE_AVL_GRANT)
		return;
	atomic_fetch_add(e & PTE_AVL_DEVICE ? &t->devices : &t->foreign,
			 (uint64_t)(int64_t)sign);
}

static void name_add(struct tally *t, pte_t e, int sign)
{
	struct tally_count *c = tally_count_of(t, pte_mfn(e));

	if (!c)
		return;
	add(&c->refs, sign);
	if (e & PTE_RW)
		add(&c->types, sign);
}

void tally_l1_add(struct tally *t, pte_t e, int sign)
{
	if (!(e & PTE_P))
		return;
	if (e & (PTE_AVL_OURS & ~PTE_AVL_SHARED))
		marked_add(t, e, sign);
	else
		name_add(t, e, sign);
}

/*
 * I6: an entry that names a table of the same level; a table's link to itself
 * is counted in neither field (T2).
 */
static void linear_add(struct tally *t, mfn_t table, mfn_t to, int sign)
{
	struct tally_count *used = tally_count_of(t, to);
	struct tally_count *user = tally_count_of(t, table);

	if (used)
		add(&used->refs, sign);
	if (mfn_eq(table, to))
		return;
	if (used)
		add(&used->linear, sign);
	if (user)
		add(&user->linear_out, sign);
}

void tally_upper_add(struct tally *t, mfn_t table, pte_t e, int sign)
{
	mfn_t to = pte_mfn(e);
	struct tally_count *c;

	if (!(e & PTE_P))
		return;
	if (frame_class(mfn_to_frame(to)) == frame_class(mfn_to_frame(table))) {
		linear_add(t, table, to, sign);
		return;
	}
	c = tally_count_of(t, to);
	if (!c)
		return;
	add(&c->refs, sign);
	add(&c->types, sign);
}

void tally_foreign_add(struct tally *t, pte_t e, int sign)
{
	mfn_t mfn = pte_mfn(e);

	if (frame_valid(mfn) &&
	    frame_state_owner(frame_state(mfn_to_frame(mfn))) == t->domid)
		name_add(t, e, sign);
}

/* --- behind the place --- */

void tally_entry_changed(const struct domain *d, const pte_t *pte, pte_t old, pte_t new)
{
	struct tally *t = d->tally;

	if (mfn_n(virt_to_mfn(pte)) >= mfn_n(t->place))
		return;
	tally_l1_add(t, old, -1);
	tally_l1_add(t, new, 1);
}

void tally_table_changed(const struct domain *d, mfn_t table, unsigned int begin,
			 unsigned int end, int sign)
{
	const pte_t *entry = mfn_to_virt(table);

	if (mfn_n(table) >= mfn_n(d->tally->place))
		return;
	for (; begin < end; begin++)
		tally_l1_add(d->tally, entry[begin], sign);
}

void tally_upper_changed(const struct domain *d, mfn_t table, pte_t old, pte_t new)
{
	if (mfn_n(table) >= mfn_n(d->tally->place))
		return;
	tally_upper_add(d->tally, table, old, -1);
	tally_upper_add(d->tally, table, new, 1);
}

void tally_foreign_changed(const struct domain *d, const pte_t *pte, pte_t e, int sign)
{
	struct tally *t = d->tally_foreign;

	if (d->id != t->mapper || mfn_n(virt_to_mfn(pte)) < mfn_n(t->foreign_place))
		tally_foreign_add(t, e, sign);
}

void tally_pages_come(const struct domain *d, const struct frame *f, uint64_t count)
{
	while (count--)
		d->tally->pages += mfn_n(frame_to_mfn(f++)) < mfn_n(d->tally->place);
}

void tally_pages_gone(const struct domain *d, struct frame *const *f, unsigned int count)
{
	while (count--)
		d->tally->pages -= mfn_n(frame_to_mfn(*f++)) < mfn_n(d->tally->place);
}
