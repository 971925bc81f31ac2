// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * Fuzzes grants: three domains grant, map, unmap, replace, copy, transfer,
 * swap, overwrite and unpin entries, offer pages for sharing, scribble in their
 * tables, change versions, and die, at random.  After each round all references
 * are recounted (I3, I4, I12, I14) and pins compared with handles (I16); at the
 * end every frame is back.
 *
 *	grants SEED OPERATIONS
 */
#include <check.h>	/* before port.h: both define noreturn */
#include <errno.h>
#include <port.h>
#include <stdio.h>
#include <string.h>

#include "abi/share.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "fuzz/fuzz.h"
#include "fuzz/meanwhile.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"

#define DOMAINS	3u
#define PLAYED	24u		/* pages of each that are played with */
#define REFS	24u		/* entries, from 8 */
#define HANDLES	64u		/* that a domain remembers, right or stale */
#define ROUND	500u
#define BATCH	5u

static struct player {
	struct domain *d;
	uint32_t handles[HANDLES];
	uint64_t pfns[HANDLES];		/* where they were mapped */
	/* a page that is an L1 now and then; 0: none */
	mfn_t table;
} players[DOMAINS];
static uint64_t base, maps, unmaps, copies, moves, deaths, refused;

static struct player *me(void)
{
	unsigned int i;

	for (i = 0; i < DOMAINS; i++)
		if (players[i].d == current_vcpu()->domain)
			return &players[i];
	return NULL;
}

static struct player *somebody(void)
{
	return &players[fuzz_below(DOMAINS)];
}

static uint64_t some_pfn(void)
{
	return base + fuzz_below(PLAYED);
}

static uint32_t some_ref(void)
{
	static const uint32_t odd[] = { 511, 512, 255, 256, ~0u, 1u << 31 };

	return fuzz_below(20) ? 8 + fuzz_below(REFS) :
	       odd[fuzz_below(ARRAY_COUNT(odd))];
}

static domid_t some_domid(void)
{
	return fuzz_below(16) ? somebody()->d->id :
	       fuzz_below(2) ? DOMID_SELF : fuzz_random();
}

/* What pfn maps, 0 for nothing. */
static mfn_t mapped_mfn(struct domain *d, uint64_t pfn)
{
	pte_t *pte = fake_pte(d, pfn);

	return pte && (*pte & PTE_P) ? pte_mfn(*pte) : MFN(0);
}

static mfn_t some_mfn(struct domain *d)
{
	return fuzz_below(16) ? mapped_mfn(d, some_pfn()) :
	       MFN(fuzz_below(FAKE_FRAMES + 64));
}

static uint64_t some_name(bool *by_pte)
{
	uint64_t pfn = some_pfn();
	struct player *p = me();

	*by_pte = !fuzz_below(4);
	if (*by_pte && mfn_n(p->table) && fuzz_below(2))
		return (mfn_n(p->table) << PAGE_SHIFT) + fuzz_below(512) * 8;
	if (!*by_pte)
		return fake_va(pfn);
	return maddr_n(virt_to_maddr(fake_pte(p->d, pfn))) + (fuzz_below(32) ? 0 : 4);
}

/*
 * Mostly an entry that is of type `type` and names us, if a few tries find one;
 * in both versions flags and domid come first.
 */
static void some_entry(uint32_t type, domid_t *dom, uint32_t *ref)
{
	unsigned int i;

	*dom = some_domid();
	*ref = some_ref();
	for (i = 0; i < 40 && fuzz_below(64); i++) {
		struct domain *d = somebody()->d;
		uint32_t r = 8 + fuzz_below(REFS), head;

		if (!d->grant->frame_count)
			continue;
		head = d->grant->version == 1 ? *(uint32_t *)g_v1(d, r) :
						*(uint32_t *)g_v2(d, r);
		if ((head & GTF_type_mask) != type || head >> 16 != me()->d->id)
			continue;
		*dom = d->id;
		*ref = r;
		return;
	}
}

/* --- what a domain does --- */

/* Its own table: right, and less right. */
static void do_grant(void)
{
	struct domain *d = me()->d;
	uint32_t ref = 8 + fuzz_below(REFS);
	uint16_t flags = fuzz_below(8) ? GTF_permit_access : fuzz_random();
	mfn_t mfn = some_mfn(d);
	domid_t to = some_domid();

	if (!d->grant->frame_count)
		return;
	if (fuzz_below(3) == 0)
		flags |= GTF_readonly;
	if (d->grant->version == 1) {
		*g_v1(d, ref) = (struct grant_entry_v1){ flags, to, mfn_n(mfn) };
		return;
	}
	*g_v2(d, ref) = (union grant_entry_v2){ .full_page = {
		.hdr = { flags, to }, .frame = mfn_n(mfn) } };
	if (!fuzz_below(4)) {
		g_v2(d, ref)->hdr.flags |= GTF_sub_page;
		g_v2(d, ref)->sub_page.page_off = fuzz_below(5000);
		g_v2(d, ref)->sub_page.length = fuzz_random();
	}
}

static void do_accept(void)
{
	struct domain *d = me()->d;

	if (d->grant->frame_count && d->grant->version == 1)
		*g_v1(d, 8 + fuzz_below(REFS)) = (struct grant_entry_v1){
			GTF_accept_transfer, some_domid(), 0,
		};
}

static void remember(uint32_t handle, uint64_t pfn)
{
	unsigned int n = fuzz_below(HANDLES);

	me()->handles[n] = handle;
	me()->pfns[n] = pfn;
}

static void do_map(void)
{
	struct gnttab_map_grant_ref ops[BATCH];
	unsigned int i, n = 1 + fuzz_below(BATCH);
	bool by_pte;

	for (i = 0; i < n; i++) {
		ops[i] = (struct gnttab_map_grant_ref){
			.host_addr = some_name(&by_pte),
			.flags = fuzz_below(64) & ~GNTMAP_contains_pte,
			.status = 99,
		};
		some_entry(GTF_permit_access, &ops[i].dom, &ops[i].ref);
		if (fuzz_below(4))
			ops[i].flags |= GNTMAP_host_map;
		if (by_pte)
			ops[i].flags |= GNTMAP_contains_pte;
	}
	if (g_call(GNTTABOP_map_grant_ref, ops, sizeof(ops[0]), n))
		return;
	for (i = 0; i < n; i++) {
		ck_assert_int_le(ops[i].status, 0);	/* GT14 */
		if (ops[i].status == GNTST_okay) {
			remember(ops[i].handle, ops[i].host_addr);
			maps++;
		} else {
			refused++;
		}
	}
}

static void do_unmap(void)
{
	struct gnttab_unmap_grant_ref ops[BATCH];
	unsigned int i, n = 1 + fuzz_below(BATCH), k;
	struct player *p = me();

	for (i = 0; i < n; i++) {
		k = fuzz_below(HANDLES);
		ops[i] = (struct gnttab_unmap_grant_ref){
			.host_addr = fuzz_below(8) ? p->pfns[k] : 0,
			.handle = fuzz_below(16) ? p->handles[k] : fuzz_random(),
		};
		if (!fuzz_below(3)) {
			const struct grant_handle *h =
				grant_handle_get(p->d, ops[i].handle);

			ops[i].dev_bus_addr = h ? (uint64_t)h->mfn << 12 :
						  fuzz_random();
		}
	}
	if (g_call(GNTTABOP_unmap_grant_ref, ops, sizeof(ops[0]), n))
		return;
	for (i = 0; i < n; i++) {
		ck_assert_int_le(ops[i].status, 0);
		unmaps += ops[i].status == GNTST_okay;
	}
}

static void do_replace(void)
{
	unsigned int k = fuzz_below(HANDLES);
	struct gnttab_unmap_and_replace op = {
		.host_addr = me()->pfns[k], .handle = me()->handles[k],
		.new_addr = fuzz_below(4) ? fake_va(some_pfn()) : 0,
	};

	(void)G_ONE(GNTTABOP_unmap_and_replace, &op);
	ck_assert_int_le(op.status, 0);
}

static struct gnttab_copy_ptr copy_side(bool *by_ref)
{
	struct gnttab_copy_ptr p = { .offset = fuzz_below(2100) };

	*by_ref = fuzz_below(2);
	p.domid = some_domid();
	if (*by_ref) {
		some_entry(GTF_permit_access, &p.domid, &p.u.ref);
	} else {
		p.u.gmfn = mfn_n(some_mfn(me()->d));
		if (fuzz_below(8))
			p.domid = DOMID_SELF;
	}
	return p;
}

/*
 * Never onto the pages with the requests, which are not among those played
 * with.
 */
static void do_copy(void)
{
	struct gnttab_copy op = { .len = fuzz_below(2100), .status = 99 };
	bool from, to;

	op.source = copy_side(&from);
	op.dest = copy_side(&to);
	if (!to && op.dest.u.gmfn != mfn_n(mapped_mfn(me()->d, base)))
		op.dest.u.gmfn = mfn_n(mapped_mfn(me()->d, some_pfn()));
	op.flags = (from ? GNTCOPY_source_gref : 0) | (to ? GNTCOPY_dest_gref : 0);
	(void)G_ONE(GNTTABOP_copy, &op);
	ck_assert_int_le(op.status, 0);
	copies += op.status == GNTST_okay;
}

static void do_transfer(void)
{
	struct domain *d = me()->d;
	uint64_t pfn = some_pfn();
	struct gnttab_transfer op = { .mfn = mfn_n(mapped_mfn(d, pfn)), .status = 99 };

	some_entry(GTF_accept_transfer, &op.domid, &op.ref);

	if (fuzz_below(2))
		(void)g_update(pfn, 0);
	(void)G_ONE(GNTTABOP_transfer, &op);
	ck_assert_int_le(op.status, 0);
	moves += op.status == GNTST_okay;
}

static void do_swap(void)
{
	struct gnttab_swap_grant_ref op = { some_ref(), some_ref(), 99 };

	(void)G_ONE(GNTTABOP_swap_grant_ref, &op);
}

static void do_version(void)
{
	struct gnttab_set_version op = { fuzz_below(4) };

	(void)G_ONE(GNTTABOP_set_version, &op);
}

static void do_grow(void)
{
	if (me()->d->grant->frame_count < 3)
		g_setup(me()->d, 1 + fuzz_below(3));
}

/* Entries change by other ways: to own pages, to what is there, to nothing. */
static void do_update(void)
{
	struct domain *d = me()->d;
	uint64_t pfn = some_pfn();
	pte_t e;

	switch (fuzz_below(4)) {
	case 0:
		e = 0;
		break;
	case 1:
		e = *fake_pte(d, pfn) ^ (fuzz_below(2) ? PTE_RW : PTE_A);
		break;
	default:
		e = pte_make(some_mfn(d), fuzz_below(2) ? G_RW : G_RO);
	}
	(void)g_update(pfn, e);
}

/* Get a page of the domain's back where nothing is mapped. */
static void do_refill(void)
{
	struct domain *d = me()->d;
	uint64_t pfn = some_pfn();
	mfn_t mfn;

	if (mfn_n(mapped_mfn(d, pfn)))
		return;
	mfn = domain_pages_prepare(d, 0);
	if (mfn_eq(mfn, INVALID_MFN))
		return;
	domain_pages_publish(d, mfn, 0);
	if (g_update(pfn, pte_make(mfn, G_RW)))
		ck_abort_msg("a new page cannot be mapped");
}

static void do_offer(void)
{
	(void)FAKE_CALL(op_share, SHAREOP_single, fake_va(some_pfn()), 0, 0);
}

static long ext(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op *op = (void *)fake_page(me()->d, base + 220);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn_n(mfn) };
	return FAKE_CALL(op_mmuext, fake_va(base + 220), 1, 0, DOMID_SELF);
}

/* One page is an L1 that grants are mapped into by its entries' addresses. */
static void do_table(void)
{
	struct player *p = me();
	mfn_t mfn = mapped_mfn(p->d, base + 210);

	if (mfn_n(p->table)) {
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, p->table), 0);
		p->table = MFN(0);
		return;
	}
	if (g_update(base + 210, pte_make(mfn, G_RO)))
		return;
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	if (!ext(MMUEXT_PIN_L1_TABLE, mfn))
		p->table = mfn;
}

static void do_scribble(void)
{
	struct grant_table *gt = me()->d->grant;

	if (gt->frame_count)
		((uint32_t *)gt->frames[0])[fuzz_below(8 * REFS)] =
			fuzz_random();
	if (gt->status_count)
		((uint32_t *)gt->status[0])[fuzz_below(REFS)] = fuzz_random();
}

/* --- life and death --- */

static void born(struct player *p)
{
	*p = (struct player){ .d = fake_domain("g", 50) };
	ck_assert_ptr_nonnull(p->d);
	g_setup(p->d, 1);
}

/* Its pages that others map keep it dying for a while; then they let go. */
static void dies(struct player *p)
{
	struct domain *d = p->d;
	domid_hv_t id = d->id;
	unsigned int i;

	fake_run(NULL);
	domain_shutdown(d, 0);
	for (i = 0; i < 2000; i++) {
		(void)reaper_step();
		audit_meanwhile();
	}
	fake_forget(d);
	p->d = NULL;
	for (i = 0; i < DOMAINS; i++) {
		uint32_t n;
		struct domain *o = players[i].d;

		if (!o)
			continue;
		fake_run(o);
		for (n = 0; n < o->grant->handle_count; n++) {
			const struct grant_handle *h = grant_handle_get(o, n);

			if (!h || h->granter != id)
				continue;
			if (h->kinds & GRANT_HOST) {
				spin_lock(&o->mm);
				ck_assert_int_eq(ptcheck_entry_set(o,
					maddr_to_virt(h->pte), 1, 0, 0, false),
					0);
				spin_unlock(&o->mm);
			}
			h = grant_handle_get(o, n);
			if (h && h->granter == id)
				ck_assert_int_eq(g_unmap_raw(0,
					(uint64_t)h->mfn << 12, n), 0);
		}
	}
	reclaim_flush_all();
	fake_run(NULL);
	for (i = 0; i < 2000; i++)
		(void)reaper_step();
	ck_assert_ptr_null(domain_find(id));
	deaths++;
}

static void (*const acts[])(void) = {
	do_grant, do_grant, do_grant, do_map, do_map, do_map, do_unmap,
	do_unmap, do_replace, do_copy, do_transfer, do_swap, do_update,
	do_update, do_refill, do_refill, do_offer, do_table, do_accept,
	do_scribble, do_grow,
};

static void grant_error(void *ctx, const char *text)
{
	ck_abort_msg("%s", text);
}

static void check_all(void)
{
	fake_check();
	(void)audit_grants(grant_error, NULL, false);
}

const uint64_t fuzz_default_operations = 200000;

void fuzz_target(void)
{
	unsigned int i;

	fake_machine_start();
	for (i = 0; i < DOMAINS; i++)
		born(&players[i]);
	base = fake_free_pfn(players[0].d);
	fuzz_ready();
	while (fuzz_more()) {
		fake_run(somebody()->d);
		fake_machine.preempt = fuzz_below(2);
		if (!fuzz_below(200))
			do_version();
		acts[fuzz_below(ARRAY_COUNT(acts))]();
		audit_meanwhile();
		if (fuzz_operations % ROUND == 0)
			check_all();
		if (!fuzz_below(4000)) {
			struct player *p = somebody();

			dies(p);
			check_all();
			born(p);
		}
	}
	check_all();
	for (i = 0; i < DOMAINS; i++)
		dies(&players[i]);
	fake_run(NULL);
	fake_check();
	printf("  %lu operations: %lu maps, %lu refused, %lu unmaps, %lu copies, %lu transfers, %lu deaths, %lu audits\n",
	       fuzz_operations, maps, refused, unmaps, copies, moves, deaths, audits);
}
