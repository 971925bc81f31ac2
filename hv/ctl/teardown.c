/* SPDX-License-Identifier: MIT */
/*
 * What a domain that is gone from all CPUs holds by its page tables, pins and
 * vCPUs.  Tables are emptied from below.
 *
 * Letting go of a whole tree at once would take as long as it has entries.  The
 * reaper empties all L1 tables first, then the L2 tables, and so on, so that a
 * table is always empty when its last use goes, and a step is at most 512
 * entries of work.
 */
#include <port.h>
#include <errno.h>

#include "ctl/teardown.h"
#include "dom/above.h"
#include "mm/pagetype.h"
#include "pv/desc.h"
#include "pv/mmu.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"

enum progress teardown_table(struct domain *d, struct frame *f,
			     unsigned int level, unsigned int *slot)
{
	pte_t *table = mfn_to_virt(frame_to_mfn(f));
	unsigned int puts = 0, at = *slot;

	spin_lock(&d->mm);
	/* The first domain may have unpinned it just before the domain died. */
	if (!frame_is_table(f, level)) {
		spin_unlock(&d->mm);
		return DONE;
	}
	/*
	 * An L1 entry is one entry of work; an entry above may drop a whole
	 * table of 512.
	 */
	for (; at < PT_SLOTS && !(level > 1 && puts); at++) {
		if (!(table[at] & PTE_P) || slot_is_hypervisor(level, at))
			continue;
		/* -ERESTART: the next step tries this slot again. */
		if (ptcheck_entry_set(d, &table[at], level, at, 0, false))
			break;
		puts++;
	}
	spin_unlock(&d->mm);
	*slot = at;
	return at == PT_SLOTS ? DONE : MORE;
}

enum progress teardown_vcpu(struct vcpu *v)
{
	struct domain *d = v->domain;
	bool dropped;

	spin_lock(&d->mm);
	dropped = mmu_base_drop(d, &v->kernel_l4) ||
		  mmu_base_drop(d, &v->user_l4);
	spin_known_held(&v->domain->mm);
	if (!dropped)
		desc_drop_gdt(v);
	spin_unlock(&d->mm);
	if (dropped)
		return MORE;
	if (v->info_frame)
		resolve_area_put(d, v->info_frame);
	v->info_frame = NULL;
	return DONE;
}

bool teardown_page(struct domain *d, struct frame *f)
{
	bool pinned;

	spin_lock(&d->mm);
	pinned = !pagetype_clear_pinned(f);
	if (pinned)
		pttree_put(d, frame_to_mfn(f));
	spin_unlock(&d->mm);
	return pinned;
}
