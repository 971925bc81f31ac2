// SPDX-License-Identifier: MIT
/*
 * A byte for each pfn: what kind of page the module takes it for, whether it is
 * shared (LX5), and how long it rests (LX6).
 *
 * A strike is a break, or a refusal.  With n strikes a page may be offered
 * again when the epoch's number is a multiple of 2^n and a whole epoch lies
 * between; with one more than STRIKES_MAX it is given up.  A page that stays
 * shared for long is forgiven.  A free page gets no strikes: that somebody
 * takes it is what it is for.  Pages of the cache are forgiven when the guest
 * comes to rest: programs that started one after the other broke those of the
 * programs' files each time, and none starts now.
 */
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "pasture.h"
#include "trace.h"

#define KIND_MASK	0x07
#define SHARED		0x08
#define EIGHT		sizeof(u64)
#define SHARED_EIGHT	(SHARED * (~0ull / 0xff))	/* in any of eight */
#define STRIKE_SHIFT	4
#define STRIKES_MAX	7
#define STRIKES_MASK	(STRIKES_MAX << STRIKE_SHIFT)
#define JUST_NOW	0x80	/* the strike is of this epoch */
#define FORGIVE_EPOCHS	64
#define BUSY_BREAKS	16	/* at one look, of pages of the cache */
#define CALM		(2 * HZ)
#define CALM_AGAIN	(4 * HZ)

static u8 *table;
static unsigned int epoch;
static bool epoch_begins;
static u64 breaks_seen;
static unsigned int cache_broke;	/* since the last look */
static bool busy;		/* they broke, and are not forgiven */
static unsigned long busy_at;	/* the last look that found such */
static unsigned long calm_at;	/* forgiven last */
/*
 * Of shared pages that are mapped read-only everywhere, but for the kernel
 * image: their frames.
 */
static DEFINE_XARRAY(frames);

struct kind_counters kind_counters[KINDS];
const char *const kind_names[KINDS] = {
	"none", "text", "rodata", "reserved", "vmalloc", "cache", "free", "large",
};

int table_init(void)
{
	table = vzalloc(round_up(hyper_pfns, EIGHT));
	return table ? 0 : -ENOMEM;
}

void table_fini(void)
{
	xa_destroy(&frames);
	vfree(table);
}

unsigned long table_bytes(void)
{
	return hyper_pfns;
}

enum page_kind table_kind(unsigned long pfn)
{
	return table[pfn] & KIND_MASK;
}

bool table_is_shared(unsigned long pfn)
{
	return table[pfn] & SHARED;
}

static unsigned int strikes_of(unsigned long pfn)
{
	return (table[pfn] & STRIKES_MASK) >> STRIKE_SHIFT;
}

void table_claim(unsigned long pfn, enum page_kind kind)
{
	table[pfn] = kind;
}

void table_drop(unsigned long pfn)
{
	table[pfn] = 0;
}

bool table_may_offer(unsigned long pfn, enum page_kind kind)
{
	unsigned int strikes = strikes_of(pfn);

	if (table_kind(pfn) != kind || table_is_shared(pfn))
		return false;
	return !strikes || (epoch_begins && !(table[pfn] & JUST_NOW) && epoch % (1u << strikes) == 0);
}

static void strike(unsigned long pfn)
{
	unsigned int strikes = strikes_of(pfn) + 1;

	if (table_kind(pfn) == KIND_FREE)
		return;
	if (strikes > STRIKES_MAX)
		table_drop(pfn);
	else
		table[pfn] = (table[pfn] & KIND_MASK) | strikes << STRIKE_SHIFT | JUST_NOW;
}

void table_offered(unsigned long pfn, int status)
{
	if (status != SHARE_DONE && status != SHARE_ALREADY) {
		strike(pfn);
		return;
	}
	table[pfn] |= SHARED;
	kind_counters[table_kind(pfn)].shared++;
}

void table_unshared(unsigned long pfn)
{
	if (!table_is_shared(pfn))
		return;
	kind_counters[table_kind(pfn)].shared--;
	table[pfn] &= ~SHARED;
}

bool table_is_read_only(unsigned long pfn)
{
	return !(hyper_entry_of(pfn) & SHARE_PTE_AVL);
}

/* Without room for it the page will look broken: then it rests. */
void table_note_frame(unsigned long pfn, unsigned long mfn)
{
	if (table_is_read_only(pfn))
		(void)xa_store(&frames, pfn, xa_mk_value(mfn), GFP_KERNEL);
}

/* One that may be written has broken, though nobody else held its frame. */
static bool has_noted_frame(unsigned long pfn)
{
	unsigned long mfn;
	void *noted = xa_load(&frames, pfn);

	return noted && !(hyper_entry_of(pfn) & _PAGE_RW) && hyper_frame_of(pfn, &mfn) && xa_to_value(noted) == mfn;
}

/*
 * The entry of a shared page that was writable says so itself; others are known
 * by their frames.
 */
bool table_still_shared(unsigned long pfn)
{
	if (table_kind(pfn) == KIND_TEXT || table_kind(pfn) == KIND_RODATA)
		return image_is_current(pfn);
	return !table_is_read_only(pfn) || has_noted_frame(pfn);
}

static void page_broke(unsigned long pfn)
{
	cache_broke += table_kind(pfn) == KIND_CACHE;
	kind_counters[table_kind(pfn)].broken++;
	trace_pasture_broken(pfn, table_kind(pfn));
	table_unshared(pfn);
	strike(pfn);
	xa_erase(&frames, pfn);
}

void table_refused(unsigned long pfn)
{
	strike(pfn);
}

/* What broke pages of this kind has come to rest. */
void table_forgive(enum page_kind kind)
{
	unsigned long pfn;

	for (pfn = 0; pfn < hyper_pfns; pfn++)
		if (table_kind(pfn) == kind)
			table[pfn] &= ~(STRIKES_MASK | JUST_NOW);
}

bool table_came_to_rest(void)
{
	if (cache_broke >= BUSY_BREAKS) {
		busy = true;
		busy_at = jiffies;
	}
	cache_broke = 0;
	if (!busy || time_before(jiffies, busy_at + CALM) || time_before(jiffies, calm_at + CALM_AGAIN))
		return false;
	busy = false;
	calm_at = jiffies;
	return true;
}

/* A page of the kernel image or reserved stays what it is. */
static bool is_fixed(enum page_kind kind)
{
	return kind == KIND_TEXT || kind == KIND_RODATA || kind == KIND_RESERVED;
}

/*
 * A page that was freed while it was shared has been broken by what came then;
 * its rest goes on in the new life, but for the first strike.
 */
bool table_new_life(unsigned long pfn, enum page_kind kind)
{
	enum page_kind before = table_kind(pfn);

	if (is_fixed(before))
		return false;
	if (table_is_shared(pfn) && !table_still_shared(pfn))
		page_broke(pfn);
	if (table_is_shared(pfn) || (before && !table_kind(pfn)))
		return false;	/* as it was, or given up just now */
	table[pfn] = (table[pfn] & ~KIND_MASK) | kind;
	return table_may_offer(pfn, kind) || strikes_of(pfn) <= 1;
}

/*
 * Strikes stay.  What was freed while it was shared costs nothing as it is.
 */
bool table_take(unsigned long pfn, enum page_kind kind)
{
	if (is_fixed(table_kind(pfn)))
		return false;
	if (table_is_shared(pfn) && !table_still_shared(pfn))
		page_broke(pfn);
	if (table_is_shared(pfn))
		return false;
	table[pfn] = (table[pfn] & ~KIND_MASK) | kind;
	return true;
}

/* Of most eights in a row of a large guest's pages none is shared. */
static void sweep_eight(unsigned long first)
{
	unsigned long pfn;

	if (!(*(const u64 *)&table[first] & SHARED_EIGHT))
		return;
	for (pfn = first; pfn < first + EIGHT; pfn++)
		if (table_is_shared(pfn) && !table_still_shared(pfn))
			page_broke(pfn);
}

void table_sweep(void)
{
	struct shareop_info info;
	unsigned long pfn;

	if (hyper_info(&info) || info.breaks == breaks_seen)
		return;
	breaks_seen = info.breaks;
	for (pfn = 0; pfn < hyper_pfns; pfn += EIGHT) {
		sweep_eight(pfn);
		if (pfn % 4096 == 0)
			cond_resched();
	}
}

static void age(unsigned long pfn)
{
	table[pfn] &= ~JUST_NOW;
	if (epoch % FORGIVE_EPOCHS == 0 && table_is_shared(pfn) && strikes_of(pfn))
		table[pfn] -= 1 << STRIKE_SHIFT;
}

bool table_in_epoch(void)
{
	return epoch_begins;
}

void table_epoch_begin(void)
{
	unsigned long pfn;

	epoch++;
	epoch_begins = true;
	for (pfn = 0; pfn < hyper_pfns; pfn++)
		if (table_may_offer(pfn, KIND_CACHE))
			cache_again(pfn);
}

void table_epoch_end(void)
{
	unsigned long pfn;

	epoch_begins = false;
	for (pfn = 0; pfn < hyper_pfns; pfn++)
		age(pfn);
}
