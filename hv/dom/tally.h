/* SPDX-License-Identifier: MIT */
/*
 * What the audit has counted of one domain while it goes on counting.
 *
 * The machine stands still for a part of the audit only.  Between two parts the
 * guests change what was counted, so who changes it counts along.  The place is
 * a frame number: pages below it were seen.
 *
 * TALLY1  `counts` of a frame of the window = the entries for it that the
 *         domain's tables below `place` hold, and the foreign ones of each
 *         domain with `tally_foreign`; of `mapper`, those of tables below
 *         `foreign_place`.  A table holds the entries that its type word says
 *         (mm/pagetype.h T4, T5).
 * TALLY2  `pages` = the pages below `place` that are on the domain's lists;
 *         `foreign`, `devices` = the entries so marked of tables there.  Those
 *         of grants have their handles, and are not counted.
 * TALLY3  What a held entry counts for is in its value alone, and, above L1, in
 *         whether the two tables are of one class; both are the same when it is
 *         taken and when it is let go.  So what is taken off is what was put
 *         on.
 *
 * Place, window and domain change with the machine stopped only, when no CPU is
 * in the middle of anything (dom/stop.h).  The counts of entries are atomic:
 * the owner's LOCK_MM and the first domain's both lead here.  `pages` is under
 * LOCK_PAGELIST.
 *
 * Whoever writes an entry that is held, or begins or ends to hold some, calls
 * tally_entry(), tally_table() or tally_upper(): one test and a jump where no
 * audit is at the domain; none where one entry becomes another, which asks
 * WATCH_TALLY together with what it asked before (pv/ptcheck.c).
 */
#ifndef HV_DOM_TALLY_H
#define HV_DOM_TALLY_H

#include "dom/domain.h"

struct tally_count {
	uint32_t refs;		/* names of the frame */
	uint32_t types;		/* uses as its class */
	/* T2: uses of it as linear table; entries of it that use others */
	uint32_t linear, linear_out;
};

/* Counts are in groups, of which those are looked at that may not be 0. */
#define TALLY_FRAMES	65536u	/* at most */
#define TALLY_GROUP	(PAGE_SIZE / sizeof(struct tally_count))
#define TALLY_GROUPS	(TALLY_FRAMES / TALLY_GROUP)

struct tally {
	/*
	 * of frames [first, first + frames): a page each group, as memory that
	 * guests have come and gone in has no more in a row
	 */
	struct tally_count **counts;
	mfn_t first;
	uint64_t frames;
	mfn_t place, foreign_place;
	domid_hv_t domid;	/* whose frames are counted */
	domid_hv_t mapper;	/* who is at foreign_place */
	uint64_t pages, foreign, devices;
	uint8_t touched[TALLY_GROUPS];
};

/* Those of the window's frame n. */
static inline struct tally_count *tally_count_at(const struct tally *t, uint64_t n)
{
	return &t->counts[n / TALLY_GROUP][n % TALLY_GROUP];
}

/* The counts of mfn, to change them; NULL: not in the window, or no RAM. */
struct tally_count *tally_count_of(struct tally *t, mfn_t mfn);

/* Machine stopped: d's changes are told to t from here on; NULL: to nobody. */
void tally_begin(struct domain *d, struct tally *t);

void tally_l1_add(struct tally *t, pte_t e, int sign);
/* An entry of a table of the class of `table` or the one below. */
void tally_upper_add(struct tally *t, mfn_t table, pte_t e, int sign);
/* Foreign entry e, of another domain's table. */
void tally_foreign_add(struct tally *t, pte_t e, int sign);

/* Out of the way of calls that no audit looks at. */
#define tally_cold	__attribute__((cold, noinline))
tally_cold void tally_entry_changed(const struct domain *d, const pte_t *pte, pte_t old,
				    pte_t new);
tally_cold void tally_table_changed(const struct domain *d, mfn_t table, unsigned int begin,
				    unsigned int end, int sign);
tally_cold void tally_upper_changed(const struct domain *d, mfn_t table, pte_t old,
				    pte_t new);
tally_cold void tally_foreign_changed(const struct domain *d, const pte_t *pte, pte_t e,
				      int sign);
tally_cold void tally_pages_come(const struct domain *d, const struct frame *f, uint64_t count);
tally_cold void tally_pages_gone(const struct domain *d, struct frame *const *f,
				 unsigned int count);

/*
 * Entry *pte of an L1 table held what `old` names, and holds what `new` names;
 * 0: nothing.
 */
static inline void tally_entry(const struct domain *d, const pte_t *pte, pte_t old,
			       pte_t new)
{
	if (unlikely(d->tally))
		tally_entry_changed(d, pte, old, new);
}

/* L1 table: holds its entries [begin, end) (sign 1), or no longer (-1). */
static inline void tally_table(const struct domain *d, mfn_t table, unsigned int begin,
			       unsigned int end, int sign)
{
	if (unlikely(d->tally))
		tally_table_changed(d, table, begin, end, sign);
}

/* The same as tally_entry(), of a table above L1. */
static inline void tally_upper(const struct domain *d, mfn_t table, pte_t old, pte_t new)
{
	if (unlikely(d->tally))
		tally_upper_changed(d, table, old, new);
}

/* The same of *pte, which the first domain, d, has for another's frame. */
static inline void tally_foreign(const struct domain *d, const pte_t *pte, pte_t e,
				 int sign)
{
	if (unlikely(d->tally_foreign))
		tally_foreign_changed(d, pte, e, sign);
}

/* Pages in a row come onto a list of d's.  LOCK_PAGELIST. */
static inline void tally_pages(const struct domain *d, const struct frame *f, uint64_t count)
{
	if (unlikely(d->tally))
		tally_pages_come(d, f, count);
}

/* These go off it.  LOCK_PAGELIST. */
static inline void tally_gone(const struct domain *d, struct frame *const *f,
			      unsigned int count)
{
	if (unlikely(d->tally))
		tally_pages_gone(d, f, count);
}

#endif
