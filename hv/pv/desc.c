/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables.
 *
 * A guest's GDT is up to 14 of its own frames, each holding a use as
 * CLASS_DESC, shown to the CPU in the domain's descriptor area; page 14 there
 * is the CPU's own (selectors from 0xe000).  Descriptors are made harmless when
 * the frame takes its class: code and data only, DPL 3, accessed bit set (so
 * that the CPU never writes them).  The LDT is up to 16 pages that the guest
 * names by address.  Pages that are present, are the guest's own and hold only
 * harmless descriptors when the LDT is set are taken in the same way and shown
 * behind the GDT.  In place of other pages the CPU sees zeroes, so their
 * selectors give #GP.  A page shows all of its 512 descriptors, so all are
 * checked whatever the number of entries that the guest names (PT19).
 */
#include <port.h>
#include <errno.h>

#include "dom/pages.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "pv/desc.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"
#include "x86/tlb.h"

#define DESC_P		(1UL << 47)
#define DESC_DPL3	(3UL << 45)
#define DESC_S		(1UL << 44)
#define DESC_CODE	(1UL << 43)
#define DESC_CONFORMING	(1UL << 42)
#define DESC_ACCESSED	(1UL << 40)
#define DESC_L		(1UL << 53)
#define DESC_DB		(1UL << 54)
#define DESC_PER_PAGE	(PAGE_SIZE / 8)

/*
 * May a guest have *desc?  If so, *desc is made harmless; an absent descriptor
 * may stay.
 */
static bool desc_check(uint64_t *desc)
{
	uint64_t v = *desc;

	if (!(v & DESC_P))
		return true;
	if (!(v & DESC_S))
		return false;	/* gates, TSS, LDT */
	if ((v & DESC_CODE) && (v & DESC_CONFORMING))
		return false;
	if ((v & DESC_CODE) && (v & DESC_L) && (v & DESC_DB))
		return false;
	*desc = v | DESC_DPL3 | DESC_ACCESSED;
	return true;
}

bool desc_check_page(void *page)
{
	uint64_t *desc = page;
	unsigned int i;

	for (i = 0; i < DESC_PER_PAGE; i++)
		if (!desc_check(&desc[i]))
			return false;
	return true;
}

/*
 * Count a use of *mfn as descriptor page, checked when it is the first; *mfn is
 * its name then (resolve_typed()).  LOCK_MM.
 */
static int desc_page_get(struct domain *d, mfn_t *mfn) needs_lock(&d->mm)
{
	struct frame *f;
	int r = resolve_typed(d, mfn, &f);

	if (r)
		return r;
	r = domain_type_get(d, f, CLASS_DESC);
	if (r == TYPE_FRESH) {
		if (desc_check_page(mfn_to_virt(*mfn))) {
			pagetype_validated(f);
			r = 0;
		} else {
			pagetype_get_failed(f);
			r = -EINVAL;
		}
	}
	if (r < 0)
		frame_put(f);
	return r < 0 ? r : 0;
}

static void desc_page_put(mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);

	if (pagetype_put(f))
		pagetype_devalidated(f);
	frame_put(f);
}

/*
 * Show `mfn` (0: nothing but zeroes) as page `i` of the vCPU's descriptor area.
 */
static int area_show(struct vcpu *v, unsigned int i, mfn_t mfn)
{
	pte_t *pte = m2p_perdom_pte(&v->domain->m2p,
				    v->id * PERDOM_VCPU_PAGES + i);
	pte_t e;

	if (!pte)
		return -ENOMEM;
	e = mfn_n(mfn) ? pte_make(mfn, PTE_P | PTE_RW | PTE_A | PTE_D) :
		  pte_make(vcpu_zero_page_mfn(), PTE_P | PTE_A);
	WRITE_ONCE(*pte, e);
	return 0;
}

static int gdt_show(struct vcpu *v, unsigned int i, mfn_t mfn)
{
	int r = area_show(v, i, mfn);

	if (!r)
		v->gdt_frames[i] = mfn;
	return r;
}

static void gdt_drop(struct vcpu *v) needs_lock(&v->domain->mm)
{
	unsigned int i;

	for (i = 0; i < GDT_FRAMES_MAX; i++) {
		mfn_t mfn = v->gdt_frames[i];

		if (!mfn_n(mfn))
			continue;
		/* The tables exist, so this cannot fail. */
		(void)gdt_show(v, i, MFN(0));
		desc_page_put(mfn);
	}
	v->gdt_entries = 0;
}

int desc_set_gdt(struct vcpu *v, const mfn_t *named, unsigned int entries)
{
	unsigned int frames = (entries + DESC_PER_PAGE - 1) / DESC_PER_PAGE, i;
	mfn_t mfns[GDT_FRAMES_MAX];
	int r = 0;

	spin_lock(&v->domain->mm);
	for (i = 0; i < frames && !r; i++) {
		mfns[i] = named[i];
		r = desc_page_get(v->domain, &mfns[i]);
	}
	if (r) {
		for (i--; i-- > 0; )
			desc_page_put(mfns[i]);
	} else {
		gdt_drop(v);
		for (i = 0; i < frames && !r; i++)
			r = gdt_show(v, i, mfns[i]);
		v->gdt_entries = entries;
	}
	spin_unlock(&v->domain->mm);
	if (!r && current_vcpu() == v)
		tlb_flush_local();
	return r;
}

long op_set_gdt(struct hypercall_args *args)
{
	mfn_t mfns[GDT_FRAMES_MAX];
	uint64_t entries = args->a[1];
	unsigned int frames;

	if (entries > GDT_FRAMES_MAX * DESC_PER_PAGE)
		return -EINVAL;
	frames = (entries + DESC_PER_PAGE - 1) / DESC_PER_PAGE;
	if (copy_from_guest(mfns, args->a[0], frames * sizeof(mfns[0])))
		return -EFAULT;
	return desc_set_gdt(current_vcpu(), mfns, entries);
}

static int desc_store(struct domain *d, struct frame *f, uint64_t *at,
		      uint64_t desc)
{
	int r;

	if (frame_class(f) == CLASS_DESC &&
	    (READ_ONCE(f->type) & TYPE_VALIDATED)) {
		if (!desc_check(&desc))
			return -EINVAL;
		WRITE_ONCE(*at, desc);
		return 0;
	}
	/* Xen allows it on an ordinary page too: a plain store. */
	r = domain_writable_get(d, f);
	if (r)
		return r;
	WRITE_ONCE(*at, desc);
	domain_writable_put(f);
	return 0;
}

long op_update_descriptor(struct hypercall_args *args)
{
	struct domain *d = current_vcpu()->domain;
	maddr_t maddr = MADDR(args->a[0]);
	uint64_t *page;
	struct frame *f;
	int r;

	if (maddr_n(maddr) & 7)
		return -EINVAL;
	r = resolve_write(d, maddr_to_mfn(maddr), &f);
	if (r)
		return r;
	page = mfn_to_virt(frame_to_mfn(f));
	spin_lock(&d->mm);
	r = desc_store(d, f, &page[(maddr_n(maddr) & ~PAGE_MASK) / sizeof(*page)],
		       args->a[1]);
	spin_unlock(&d->mm);
	frame_put(f);
	return r;
}

/* --- LDT --- */

static void ldt_drop(struct vcpu *v) needs_lock(&v->domain->mm)
{
	for (unsigned int i = 0; i < LDT_FRAMES_MAX; i++) {
		mfn_t mfn = v->ldt_frames[i];

		if (!mfn_n(mfn))
			continue;
		(void)area_show(v, LDT_FIRST_PAGE + i, MFN(0));
		v->ldt_frames[i] = MFN(0);
		desc_page_put(mfn);
	}
	v->ldt_entries = 0;
	v->ldt_va = 0;
}

/* Take the page at va as page `i`, if it can be one.  LOCK_MM. */
static void ldt_take(struct vcpu *v, unsigned int i, uint64_t va)
	needs_lock(&v->domain->mm)
{
	pte_t *pte = ptcheck_walk(v->domain, v->kernel_l4, va);
	mfn_t mfn;

	if (!pte || !(*pte & PTE_P))
		return;
	mfn = pte_mfn(*pte);
	if (desc_page_get(v->domain, &mfn))
		return;
	if (area_show(v, LDT_FIRST_PAGE + i, mfn))
		desc_page_put(mfn);
	else
		v->ldt_frames[i] = mfn;
}

void desc_drop_gdt(struct vcpu *v)
{
	gdt_drop(v);
	ldt_drop(v);
}

bool desc_ldt_ok(uint64_t va, uint64_t entries)
{
	return entries <= LDT_FRAMES_MAX * DESC_PER_PAGE &&
	       (!entries || (!(va & ~PAGE_MASK) &&
			     guest_range_ok(va, entries * 8)));
}

/* The pages are those that the guest kernel's tables map now. */
int desc_set_ldt(struct vcpu *v, uint64_t va, uint32_t entries)
{
	unsigned int pages = (entries + DESC_PER_PAGE - 1) / DESC_PER_PAGE, i;

	if (!desc_ldt_ok(va, entries))
		return -EINVAL;
	spin_lock(&v->domain->mm);
	ldt_drop(v);
	for (i = 0; i < pages; i++)
		ldt_take(v, i, va + i * PAGE_SIZE);
	v->ldt_entries = entries;
	v->ldt_va = entries ? va : 0;
	spin_unlock(&v->domain->mm);
	percpu_took_long(this_cpu());	/* up to 8192 descriptors */
	if (v != current_vcpu())
		return 0;
	tlb_flush_local();	/* the area changed */
	gdt_set_ldt(LDT_VIRT(v->id), entries);
	return 0;
}
