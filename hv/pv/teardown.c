/* SPDX-License-Identifier: MIT */
/*
 * Page tables of a domain that is gone from all CPUs, emptied from below.
 *
 * Letting go of a whole tree at once would take as long as it has entries.  The
 * reaper empties all L1 tables first, then the L2 tables, and so on, so that the last use of a table
 * that goes always finds it empty: one table's width of work (512 entries) a step.
 */
#include <port.h>
#include <errno.h>

#include "mm/pagetype.h"
#include "pv/ptcheck.h"

static bool is_table(const struct frame *f, unsigned int level)
{
	uint64_t type = READ_ONCE(f->type);

	return type_class(type) == CLASS_L1 + (level - 1) &&
	       (type & TYPE_VALIDATED);
}

static bool slot_is_ours(unsigned int level, unsigned int slot)
{
	return level == 4 && slot >= HV_FIRST_SLOT && slot <= HV_LAST_SLOT;
}

bool pv_table_empty(struct domain *d, struct frame *f, unsigned int level,
		    unsigned int *slot)
{
	pte_t *table = mfn_to_virt(frame_to_mfn(f));
	unsigned int puts = 0;

	if (!is_table(f, level))
		return true;
	spin_lock(&d->mm);
	/* An L1 entry is one PTE of work; one above may let a table of 512 go. */
	while (*slot < PT_SLOTS && !(level > 1 && puts)) {
		if ((table[*slot] & PTE_P) && !slot_is_ours(level, *slot)) {
			/* Longer work is tried again from here. */
			if (ptcheck_entry_set(d, &table[*slot], level, *slot,
					      0, false))
				break;
			puts++;
		}
		++*slot;
	}
	spin_unlock(&d->mm);
	return *slot == PT_SLOTS;
}
