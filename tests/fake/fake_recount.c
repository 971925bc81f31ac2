/* SPDX-License-Identifier: MIT */
/*
 * Every reference and type count from the page tables themselves (I3, I4, I6,
 * I7, I16).
 */
#include <check.h>
#include <port.h>
#include <string.h>

#include "dom/grant.h"
#include "dom/reclaim.h"
#include "fake/fake_machine.h"
#include "mm/pagetype.h"
#include "mm/ram.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/xencomm.h"

/*
 * As ck_assert_msg(), which tells libcheck of each success: here there are
 * millions.
 */
#define must(condition, ...) \
	do { \
		if (!(condition)) \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static uint32_t refs[FAKE_FRAMES], types[FAKE_FRAMES];
/* page-table entries of the domain at hand that are grants, or foreign */
static uint32_t grant_entries, foreign_entries, device_entries;
static uint32_t links_in[FAKE_FRAMES], links_out[FAKE_FRAMES];

static void expect_use(mfn_t mfn, bool typed)
{
	refs[mfn_n(mfn)]++;
	types[mfn_n(mfn)] += typed;
}

/* 1 .. 4 for tables, else 0. */
static unsigned int fake_level(mfn_t mfn)
{
	unsigned int class = type_class(mfn_to_frame(mfn)->type);

	return class >= CLASS_L1 && class <= CLASS_L4 ? class - CLASS_L1 + 1 : 0;
}

/*
 * Entry e of `table`, a table of `level`, names another of its level (seed
 * 003).
 */
static void count_link(mfn_t table, pte_t e)
{
	mfn_t mfn = pte_mfn(e);

	must(!(e & PTE_RW), "LP1: %lx links %lx writable", (long)mfn_n(table), (long)mfn_n(mfn));
	refs[mfn_n(mfn)]++;
	if (mfn_eq(mfn, table))
		return;
	links_in[mfn_n(mfn)]++;
	links_out[mfn_n(table)]++;
}

static void count_entry(struct domain *d, mfn_t table, unsigned int level,
			pte_t e)
{
	mfn_t mfn = pte_mfn(e);

	if (!(e & PTE_P))
		return;
	if (e & PTE_AVL_DEVICE) {	/* IOFRAME1 */
		device_entries++;
		must(level == 1 && !frame_valid(mfn), "%lx: %lx is marked a device's",
		     (long)mfn_n(table), (long)e);
		return;
	}
	must(frame_valid(mfn), "%lx names %lx", (long)mfn_n(table), (long)mfn_n(mfn));
	must(e & PTE_US, "%lx: an entry without US", (long)mfn_n(table));
	if (fake_kind(mfn) == FRAME_SHARED) {
		must(level == 1 && !(e & PTE_RW), "I14: level %u names shared %lx as %lx",
		     level, (long)mfn_n(mfn), (long)e);
		refs[mfn_n(mfn)]++;
		return;
	}
	must(!(e & PTE_AVL_SHARED), "%lx is not shared", (long)mfn_n(mfn));
	if (e & PTE_AVL_GRANT) {	/* TABLE5: its handle holds */
		grant_entries++;
		return;
	}
	if (e & PTE_AVL_FOREIGN) {	/* FOR2 */
		foreign_entries++;
		must(level == 1 && frame_state_owner(mfn_to_frame(mfn)->state) != d->id,
		     "%lx: %lx is marked foreign", (long)mfn_n(table), (long)e);
		expect_use(mfn, e & PTE_RW);
		return;
	}
	must(frame_state_owner(mfn_to_frame(mfn)->state) == d->id,
	     "I3: d%u names %lx of another", d->id, (long)mfn_n(mfn));
	if (level > 1 && fake_level(mfn) == level)
		count_link(table, e);
	else
		expect_use(mfn, level > 1 || (e & PTE_RW));
}

static void count_page(struct domain *d, mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);
	unsigned int level = fake_level(mfn), slot;
	const pte_t *table = mfn_to_virt(mfn);

	/* I7: nothing is half-way outside of a call. */
	must(!(f->type & (TYPE_PARTIAL | TYPE_CHILD | TYPE_DONE_MASK)),
	     "I7: %lx: %lx", (long)mfn_n(mfn), (long)f->type);

	if (f->state & FRAME_ALLOCATED)
		refs[mfn_n(mfn)]++;
	if (f->type & TYPE_PINNED)
		expect_use(mfn, true);
	if (!level || !(f->type & TYPE_VALIDATED))
		return;
	for (slot = 0; slot < PT_SLOTS; slot++)
		if (level < 4 || slot < HV_FIRST_SLOT || slot > HV_LAST_SLOT)
			count_entry(d, mfn, level, table[slot]);
}

static void count_handles(struct domain *d)
{
	uint32_t n, hosts = 0;

	for (n = 0; n < d->grant->handle_count; n++) {
		const struct grant_handle *h = grant_handle_get(d, n);

		if (h && (h->kinds & GRANT_HOST)) {
			expect_use(MFN(h->mfn), h->writable);
			hosts++;
		}
		if (h && (h->kinds & GRANT_DEVICE))
			expect_use(MFN(h->mfn), h->writable);
	}
	must(hosts == grant_entries, "I16: d%u has %u host handles, %u entries",
	     d->id, hosts, grant_entries);
}

static void count_list(struct domain *d, uint32_t mfn)
{
	for (; mfn; mfn = mfn_to_frame(MFN(mfn))->next)
		count_page(d, MFN(mfn));
}

static void count_registered(mfn_t mfn, void *arg)
{
	expect_use(mfn, true);
}

/* A result that waits for who asked holds a use (TREE3). */
static void count_result(const struct pt_result *result)
{
	if (result->state == PT_VALIDATED)
		expect_use(result->root, true);
}

static void count_vcpu(struct vcpu *v)
{
	unsigned int i;

	count_result(&v->pt_result);
	if (v->info_frame)
		expect_use(frame_to_mfn(v->info_frame), true);
	if (!mfn_eq(v->kernel_l4, INVALID_MFN))
		expect_use(v->kernel_l4, true);
	if (!mfn_eq(v->user_l4, INVALID_MFN))
		expect_use(v->user_l4, true);
	for (i = 0; i < GDT_FRAMES_MAX; i++)
		if (mfn_n(v->gdt_frames[i]))
			expect_use(v->gdt_frames[i], true);
	for (i = 0; i < LDT_FRAMES_MAX; i++)
		if (mfn_n(v->ldt_frames[i]))
			expect_use(v->ldt_frames[i], true);
}

static void count_domain(struct domain *d, void *arg)
{
	ck_assert(!pttree_work_left(d));
	grant_entries = foreign_entries = device_entries = 0;
	count_list(d, d->pages.list);
	count_list(d, d->pages.left);
	count_handles(d);
	(void)xencomm_frames(d, count_registered, NULL);
	for (uint32_t i = 0; i < d->vcpu_count; i++)
		count_vcpu(d->vcpu[i]);
	count_result(&d->pending.outside);
	must(foreign_entries == d->foreign_entries, "I21: d%u has %u foreign entries, counts %lu",
	     d->id, foreign_entries, (unsigned long)d->foreign_entries);
	must(device_entries == d->io.entries, "I22: d%u has %u device entries, counts %lu",
	     d->id, device_entries, (unsigned long)d->io.entries);
}

static void compare(mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	enum frame_kind kind = fake_kind(mfn);

	if (kind != FRAME_OWNED && kind != FRAME_SHARED && kind != FRAME_HEAP)
		return;
	must(fake_ref(mfn) == refs[mfn_n(mfn)], "I3: %lx: %u, recount %u", (long)mfn_n(mfn),
	     fake_ref(mfn), refs[mfn_n(mfn)]);
	if (kind == FRAME_SHARED)
		return;
	must(type_linear_in(f->type) == links_in[mfn_n(mfn)] &&
	     type_linear_out(f->type) == links_out[mfn_n(mfn)],
	     "I6: %lx: linear %u in %u out, recount %u %u", (long)mfn_n(mfn),
	     type_linear_in(f->type), type_linear_out(f->type),
	     links_in[mfn_n(mfn)], links_out[mfn_n(mfn)]);
	must(type_count(f->type) == types[mfn_n(mfn)],
	     "I4: %lx (%s): %u, recount %u", (long)mfn_n(mfn),
	     pagetype_class_name(type_class(f->type)), type_count(f->type),
	     types[mfn_n(mfn)]);
}

void fake_recount(void)
{
	unsigned int i;
	mfn_t mfn;

	reclaim_flush_all();
	memset(refs, 0, sizeof(refs));
	memset(types, 0, sizeof(types));
	memset(links_in, 0, sizeof(links_in));
	memset(links_out, 0, sizeof(links_out));
	domain_for_each(count_domain, NULL);
	for (i = 0; i < ram_range_count; i++)
		for (mfn = ram_ranges[i].first; mfn_n(mfn) < mfn_n(ram_ranges[i].end);
		     mfn = mfn_add(mfn, 1))
			compare(mfn);
}
