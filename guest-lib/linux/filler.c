// SPDX-License-Identifier: MIT
/*
 * Filler of kernel text: sections of it begin at 2 MiB each, and the linker
 * filled the room before them with one byte, a breakpoint's: 995 pages of
 * Debian's kernel, which nobody runs, writes, or frees.  Shared as replicas of
 * each other they would cost the machine 4 MiB.  Their frames are given back
 * instead but for one, the keeper's, which all their entries name, read-only
 * and with the bits that each had.
 *
 * Invariants
 *  LF1  whoever reads, or runs into, filler finds the same bytes before, at and
 *       after the change, on all CPUs: no lock or stop is needed.
 *  LF2  the keeper is not offered: a held frame may have no further entry.
 *  LF3  nobody needs a pfn of filler's to have a frame.  Linux asks for one of
 *       text only to write there; what it writes is code, but for breakpoints
 *       that are set by hand: the area is on the list of where none may be,
 *       before its first page goes.  Without that list none goes.
 *  LF4  a pfn without a frame is none of the table's, as one of the balloon's.
 *  LF5  frames come back, filled before they are mapped, when all is made
 *       private.  Where there is no memory for one, the keeper's stays mapped.
 */
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/interface/memory.h>
#include <xen/xen.h>

#include "pasture.h"

#define FILL	0xcc
#define RUN_MIN	16u	/* pages; shorter ones are worth no entry in the list */

static unsigned long first, end, text_va;	/* pfns, and where first is */
static unsigned long keeper;	/* its pfn; 0: there is none */
static unsigned long given;
static bool looked;		/* since all was private */

static bool is_filler(unsigned long pfn)
{
	const void *page;

	if (table_kind(pfn) != KIND_TEXT || table_is_shared(pfn) || (hyper_entry_of(pfn) & _PAGE_RW))
		return false;
	page = hyper_look(pfn);
	return page && !memchr_inv(page, FILL, PAGE_SIZE);
}

static unsigned long run_until(unsigned long pfn)
{
	while (pfn < end && is_filler(pfn))
		pfn++;
	cond_resched();
	return pfn;
}

/* LF3.  Linux lists whole symbols, and the run is the end of one. */
static bool forbid_probes(unsigned long from, unsigned long to)
{
	bool (*is_listed)(unsigned long va) = (void *)hyper_symbol("within_kprobe_blacklist");
	int (*list)(unsigned long start, unsigned long end) = (void *)hyper_symbol("kprobe_add_area_blacklist");
	unsigned long start = text_va + PFN_PHYS(from - first), stop = text_va + PFN_PHYS(to - first);

	if (!is_listed || !list)
		return false;
	if (!is_listed(start) || !is_listed(stop - 1))
		list(start, stop);
	return is_listed(start) && is_listed(stop - 1);
}

/* The bits stay what they are. */
static int entry_set(unsigned long pfn, unsigned long mfn)
{
	u64 bits = hyper_entry_of(pfn) & ~PTE_PFN_MASK;

	return HYPERVISOR_update_va_mapping((unsigned long)pfn_to_kaddr(pfn),
					    native_make_pte(PFN_PHYS(mfn) | bits), UVMF_INVLPG | UVMF_ALL);
}

/* *frame: the frame to give back; or the pfn that gets one, and then that. */
static bool one_frame(unsigned int op, xen_pfn_t *frame)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, frame);
	return HYPERVISOR_memory_op(op, &r) == 1;
}

static bool page_give(unsigned long pfn)
{
	unsigned long mfn, kept;

	if (!hyper_frame_of(pfn, &mfn) || !hyper_frame_of(keeper, &kept) || entry_set(pfn, kept))
		return false;
	WRITE_ONCE(xen_p2m_addr[pfn], INVALID_P2M_ENTRY);
	if (!one_frame(XENMEM_decrease_reservation, &(xen_pfn_t){ mfn })) {
		WRITE_ONCE(xen_p2m_addr[pfn], mfn);
		entry_set(pfn, mfn);
		return false;
	}
	table_drop(pfn);
	given++;
	return true;
}

static void run_give(unsigned long pfn, unsigned long to)
{
	if (!keeper) {
		keeper = pfn++;
		table_drop(keeper);
	}
	while (pfn < to && page_give(pfn)) {
		pfn++;
		cond_resched();	/* each is two calls, and a flush of all CPUs */
	}
}

void filler_init(unsigned long va, unsigned long from, unsigned long to)
{
	text_va = va;
	first = from;
	end = to;
}

void filler_round(void)
{
	unsigned long pfn, to;

	if (looked)
		return;
	looked = true;
	for (pfn = first; pfn < end; pfn = to + 1) {
		to = run_until(pfn);
		if (to - pfn >= RUN_MIN && forbid_probes(pfn, to))
			run_give(pfn, to);
	}
}

static bool page_take(unsigned long pfn)
{
	xen_pfn_t frame = pfn;
	unsigned long kept;
	struct mmuext_op copy = { .cmd = MMUEXT_COPY_PAGE };

	if (!hyper_frame_of(keeper, &kept) || !one_frame(XENMEM_populate_physmap, &frame))
		return false;
	copy.arg1.mfn = frame;
	copy.arg2.src_mfn = kept;
	if (HYPERVISOR_mmuext_op(&copy, 1, NULL, DOMID_SELF) || entry_set(pfn, frame)) {
		one_frame(XENMEM_decrease_reservation, &frame);
		return false;
	}
	WRITE_ONCE(xen_p2m_addr[pfn], frame);
	table_claim(pfn, KIND_TEXT);
	given--;
	return true;
}

void filler_restore(void)
{
	unsigned long pfn, mfn;

	for (pfn = first; pfn < end && given; pfn++) {
		if (!hyper_frame_of(pfn, &mfn) && !page_take(pfn))
			break;
		cond_resched();
	}
	if (given) {
		pr_warn("no memory for %lu pages of filler: they stay as they are\n", given);
		return;
	}
	if (keeper)
		table_claim(keeper, KIND_TEXT);
	keeper = 0;
	looked = false;
}

unsigned long filler_given(void)
{
	return given;
}
