// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * Grants mapped and unmapped, by the attacks' numbers; pv_grant_more.c has the
 * others.  Two vCPUs (GT2) are shown by interleaving at the flush.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_grants.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define DEV	GNTMAP_device_map
#define RDONLY	GNTMAP_readonly

/* --- the plain way --- */

START_TEST(map_and_unmap)
{
	mfn_t theirs = fake_mfn(granter, page), mine = fake_mfn(user, page);
	uint32_t handle, ref = fake_ref(theirs);

	g_grant(granter, 9, page, user, false);
	strcpy((char *)fake_page(granter, page), "over there");
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(user, page)), mfn_n(theirs));
	ck_assert_str_eq((char *)fake_page(user, page), "over there");
	ck_assert_uint_eq(*fake_pte(user, page) & PTE_RW, PTE_RW);
	ck_assert_uint_eq(g_status(9), GTF_reading | GTF_writing);
	ck_assert_uint_eq(fake_ref(theirs), ref + 1);
	g_check();
	ck_assert_int_eq(g_unmap(page, handle), 0);
	ck_assert_uint_eq(*fake_pte(user, page), 0);
	ck_assert_uint_eq(g_status(9), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_int_eq(g_unmap(page, handle), GNTST_bad_handle);
	ck_assert_int_eq(g_update(page, pte_make(mine, G_RW)), 0);
}
END_TEST

START_TEST(read_only)
{
	uint32_t handle;

	g_grant(granter, 9, page, user, true);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle),
			 GNTST_general_error);
	ck_assert_uint_eq(g_status(9), 0);
	ck_assert_int_eq(g_map(granter, 9, page, HOST | RDONLY, &handle), 0);
	ck_assert_uint_eq(*fake_pte(user, page) & PTE_RW, 0);
	ck_assert_uint_eq(g_status(9), GTF_reading);
	g_check();
	/* A guest cannot make it writable by itself. */
	ck_assert_int_eq(g_update(page, *fake_pte(user, page) | PTE_RW),
			 -EPERM);
	/* Nor lose the mark by writing the same again. */
	ck_assert_int_eq(g_update(page, *fake_pte(user, page) & ~PTE_AVL_GRANT),
			 0);
	ck_assert(*fake_pte(user, page) & PTE_AVL_GRANT);
	g_check();
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

START_TEST(by_pte_and_avail_bits)
{
	uint32_t handle, flags = HOST | GNTMAP_contains_pte | 1u << 16;
	maddr_t at = virt_to_maddr(fake_pte(user, page));

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, flags, &handle), 0);
	ck_assert_uint_eq(*fake_pte(user, page) >> 9 & 7, 1);
	g_check();
	ck_assert_int_eq(g_unmap_raw(fake_va(page), 0, handle),
			 GNTST_general_error);
	ck_assert_int_eq(g_unmap_raw(maddr_n(at), 0, handle), 0);
}
END_TEST

/* Own pages, mapped a second time by a grant to oneself. */
START_TEST(to_oneself)
{
	uint32_t handle;

	fake_run(granter);
	g_grant(granter, 9, page, granter, false);
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &handle), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(granter, page + 1)), mfn_n(fake_mfn(granter, page)));
	g_check();
	ck_assert_int_eq(g_unmap(page + 1, handle), 0);
	/* Dropped by a plain write, too. */
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &handle), 0);
	ck_assert_int_eq(g_update(page + 1, 0), 0);
	g_check();
	ck_assert_int_eq(g_unmap(page + 1, handle), GNTST_bad_handle);
}
END_TEST

/* --- GT1, GT17: host and device parts --- */

START_TEST(gt1_gt17_host_and_device)
{
	mfn_t theirs = fake_mfn(granter, page);
	uint32_t handle, ref = fake_ref(theirs);
	uint64_t dev = mfn_n(theirs) << PAGE_SHIFT;
	unsigned int order;

	g_grant(granter, 9, page, user, false);
	for (order = 0; order < 2; order++) {
		ck_assert_int_eq(g_map(granter, 9, page, HOST | DEV, &handle),
				 0);
		ck_assert_uint_eq(fake_ref(theirs), ref + 2);
		g_check();
		ck_assert_int_eq(g_unmap_raw(0, dev + 8, handle),
				 GNTST_bad_dev_addr);
		ck_assert_int_eq(g_unmap_raw(fake_va(page), dev ^ 0x1000,
					     handle), GNTST_bad_dev_addr);
		ck_assert_int_eq(g_unmap_raw(0, 0, handle), 0);	/* nothing */
		ck_assert_uint_eq(fake_ref(theirs), ref + 2);
		ck_assert_int_eq(g_unmap_raw(order ? fake_va(page) : 0,
					     order ? 0 : dev, handle), 0);
		ck_assert_uint_eq(fake_ref(theirs), ref + 1);
		ck_assert_uint_eq(g_status(9), GTF_reading | GTF_writing);
		g_check();
		/* The part that is gone does not go twice. */
		ck_assert_int_ne(g_unmap_raw(order ? fake_va(page) : 0,
					     order ? 0 : dev, handle), 0);
		ck_assert_int_eq(g_unmap_raw(order ? 0 : fake_va(page),
					     order ? dev : 0, handle), 0);
		ck_assert_uint_eq(fake_ref(theirs), ref);
		ck_assert_uint_eq(g_status(9), 0);
	}
	ck_assert_int_eq(g_map(granter, 9, page, DEV, &handle), 0);
	g_check();
	ck_assert_int_eq(g_unmap_raw(fake_va(page), dev, handle),
			 GNTST_general_error);
	ck_assert_int_eq(g_unmap_raw(0, dev, handle), 0);
}
END_TEST

/* GT18: no mapping unless asked for. */
START_TEST(gt18_neither)
{
	pte_t before = *fake_pte(user, page);
	uint32_t handle;

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, 0, &handle),
			 GNTST_bad_gntref);
	ck_assert_int_eq(g_map(granter, 9, page, DEV, &handle), 0);
	ck_assert_uint_eq(*fake_pte(user, page), before);
	ck_assert_int_eq(g_unmap_raw(0, mfn_n(fake_mfn(granter, page)) << 12, handle),
			 0);
}
END_TEST

/* --- two vCPUs, the second at the flush of the first --- */

static uint32_t race_handle;
static int race_status;

static void second_unmap(void)
{
	fake_machine.on_flush = NULL;
	/* GT5, TL7: the bits stand until the flush is over. */
	ck_assert_uint_eq(g_status(9), GTF_reading | GTF_writing);
	race_status = g_unmap(page, race_handle);
}

/* GT2 (second vCPU by interleaving), GT5, TL7 */
START_TEST(gt2_gt5_two_unmap_one_handle)
{
	mfn_t theirs = fake_mfn(granter, page);
	uint32_t ref = fake_ref(theirs);

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &race_handle), 0);
	fake_machine.on_flush = second_unmap;
	ck_assert_int_eq(g_unmap(page, race_handle), 0);
	ck_assert_ptr_null(fake_machine.on_flush);
	ck_assert_int_eq(race_status, GNTST_bad_handle);
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_uint_eq(g_status(9), 0);
}
END_TEST

/* GT5: bits follow what is left, by right and by kind. */
START_TEST(gt5_bits_follow_pins)
{
	uint32_t rw, ro, dev;

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &rw), 0);
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST | RDONLY, &ro), 0);
	ck_assert_int_eq(g_map(granter, 9, 0, DEV | RDONLY, &dev), 0);
	g_check();
	ck_assert_int_eq(g_unmap(page, rw), 0);
	ck_assert_uint_eq(g_status(9), GTF_reading);
	g_check();
	ck_assert_int_eq(g_unmap(page + 1, ro), 0);
	ck_assert_uint_eq(g_status(9), GTF_reading);
	ck_assert_int_eq(g_unmap_raw(0, mfn_n(fake_mfn(granter, page)) << 12, dev), 0);
	ck_assert_uint_eq(g_status(9), 0);
}
END_TEST

/* GT3, GT4: the track grows, is used up, and every handle comes back. */
START_TEST(gt3_gt4_handles_run_out)
{
	const uint32_t limit = GRANT_HANDLE_PAGES * GRANT_HANDLES_PER_PAGE;
	static uint32_t handles[GRANT_HANDLE_PAGES * GRANT_HANDLES_PER_PAGE];
	uint64_t dev = mfn_n(fake_mfn(granter, page)) << 12;
	uint32_t n = 0, i, count;
	int status = 0;

	/* Each entry takes 255 pins of a kind. */
	for (i = 0; i < 512; i++)
		g_grant(granter, i, page, user, true);
	while (n < limit) {
		status = g_map(granter, n / 255, 0, DEV | RDONLY, &handles[n]);
		if (status)
			break;
		n++;
	}
	/* The promise of memory may end before the track does. */
	if (status)
		ck_assert_int_eq(status, GNTST_no_space);
	ck_assert_uint_ge(n, GRANT_HANDLES_PER_PAGE * 4);
	ck_assert_int_eq(g_map(granter, 300, 0, DEV | RDONLY, &i),
			 GNTST_no_space);
	count = user->grant->handle_count;
	g_check();
	for (i = 0; i < n; i += 2)
		ck_assert_int_eq(g_unmap_raw(0, dev, handles[i]), 0);
	g_check();
	for (i = 0; i < n; i += 2)
		ck_assert_int_eq(g_map(granter, i / 255, 0, DEV | RDONLY,
				       &handles[i]), 0);
	ck_assert_uint_eq(user->grant->handle_count, count);
	g_check();
	/* GT15: a handle beyond the last. */
	ck_assert_int_eq(g_unmap_raw(0, dev, count), GNTST_bad_handle);
	ck_assert_int_eq(g_unmap_raw(0, dev, ~0u), GNTST_bad_handle);
	ck_assert_int_eq(g_unmap_raw(0, dev, 1u << 31), GNTST_bad_handle);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(g_unmap_raw(0, dev, handles[i]), 0);
}
END_TEST

/* --- GT6, GT20: page-table entries change by other ways --- */

START_TEST(gt6_guest_rewrites_entry)
{
	mfn_t theirs = fake_mfn(granter, page), own = fake_mfn(user, page + 2);
	uint32_t handle, ref = fake_ref(theirs);
	struct gnttab_unmap_and_replace op;

	g_grant(granter, 9, page, user, false);
	/* RW to RO, to another of the granter's: refused, all stays. */
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	ck_assert_int_eq(g_update(page, pte_make(theirs, G_RO)), -EPERM);
	ck_assert_int_eq(g_update(page, pte_make(fake_mfn(granter, page + 1),
						 G_RW)), -EPERM);
	g_check();
	ck_assert_int_eq(g_unmap(page, handle), 0);
	/* To one of its own: the handle goes with the entry. */
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	ck_assert_int_eq(g_update(page, pte_make(own, G_RW)), 0);
	g_check();
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_uint_eq(g_status(9), 0);
	ck_assert_int_eq(g_unmap(page, handle), GNTST_bad_handle);
	op = (struct gnttab_unmap_and_replace){
		.host_addr = fake_va(page), .new_addr = fake_va(page + 3),
		.handle = handle,
	};
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, GNTST_bad_handle);
	ck_assert_uint_eq(mfn_n(fake_mfn(user, page)), mfn_n(own));
	/* With a device part the handle outlives its entry. */
	ck_assert_int_eq(g_map(granter, 9, page, HOST | DEV, &handle), 0);
	ck_assert_int_eq(g_update(page, 0), 0);
	g_check();
	ck_assert_int_eq(g_unmap(page, handle), GNTST_general_error);
	ck_assert_int_eq(g_unmap_raw(0, mfn_n(theirs) << 12, handle), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref);
}
END_TEST

/* A grant over a grant: the first handle goes. */
START_TEST(gt20_grant_over_grant)
{
	uint32_t first, second;

	g_grant(granter, 9, page, user, false);
	g_grant(granter, 10, page + 1, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &first), 0);
	ck_assert_int_eq(g_map(granter, 10, page, HOST, &second), 0);
	g_check();
	ck_assert_uint_eq(g_status(9), 0);
	ck_assert_int_eq(g_unmap(page, second), 0);
	if (first != second)
		ck_assert_int_eq(g_unmap(page, first), GNTST_bad_handle);
}
END_TEST

static long ext(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op *op = (void *)fake_page(user, page + 200);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn_n(mfn) };
	return FAKE_CALL(op_mmuext, fake_va(page + 200), 1, 0, DOMID_SELF);
}

/* GT20: the L1 that holds them is unpinned, and freed. */
START_TEST(gt20_table_unpinned)
{
	mfn_t table = fake_mfn(user, page + 1), theirs = fake_mfn(granter, page);
	uint32_t handle[3], i, ref = fake_ref(theirs);
	struct gnttab_map_grant_ref op;

	ck_assert_int_eq(g_update(page + 1, pte_make(table, G_RO)), 0);
	memset(mfn_to_virt(table), 0, PAGE_SIZE);
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, table), 0);
	g_grant(granter, 9, page, user, false);
	for (i = 0; i < 3; i++) {
		op = (struct gnttab_map_grant_ref){
			.host_addr = (mfn_n(table) << 12) + i * 8, .ref = 9,
			.flags = HOST | GNTMAP_contains_pte |
				 (i == 2 ? DEV : 0),
			.dom = granter->id,
		};
		ck_assert_int_eq(G_ONE(GNTTABOP_map_grant_ref, &op), 0);
		ck_assert_int_eq(op.status, 0);
		handle[i] = op.handle;
	}
	g_check();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, table), 0);
	g_check();
	ck_assert_uint_eq(fake_ref(theirs), ref + 1);
	for (i = 0; i < 3; i++)
		ck_assert_int_ne(g_unmap_raw((mfn_n(table) << 12) + i * 8, 0,
					     handle[i]), 0);
	ck_assert_int_eq(g_unmap_raw(0, mfn_n(theirs) << 12, handle[2]), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref);
	/* What is left in the page is a guest's word like any other. */
	((pte_t *)mfn_to_virt(table))[5] = pte_make(theirs, G_RW | PTE_AVL_GRANT);
	((pte_t *)mfn_to_virt(table))[0] = 0;
	((pte_t *)mfn_to_virt(table))[1] = 0;
	((pte_t *)mfn_to_virt(table))[2] = 0;
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, table), -EPERM);
	((pte_t *)mfn_to_virt(table))[5] = pte_make(fake_mfn(user, page + 4),
						    G_RW | PTE_AVL_GRANT);
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, table), 0);
	ck_assert(!(((pte_t *)mfn_to_virt(table))[5] & PTE_AVL_GRANT));
	g_check();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, table), 0);
}
END_TEST

/* GT7: misaligned, no L1, not ours, the hypervisor's. */
START_TEST(gt7_bad_entries)
{
	maddr_t good = virt_to_maddr(fake_pte(user, page));
	maddr_t bad[] = {
		maddr_add(good, 4), maddr_add(good, 1), maddr_add(mfn_to_maddr(user->vcpu[0]->kernel_l4), 8),
		mfn_to_maddr(fake_mfn(user, page + 1)), mfn_to_maddr(fake_mfn(granter, page)),
		virt_to_maddr(fake_pte(granter, page)), MADDR(0), MADDR(~7ul),
		virt_to_maddr(user->m2p.l3), MADDR(FAKE_HOLE << 12),
	};
	uint64_t vas[] = { HV_VIRT_START, HV_VIRT_END - 8, 1UL << 47, 0x5000,
			   ~0ul };
	struct gnttab_map_grant_ref op;
	unsigned int i;

	g_grant(granter, 9, page, user, false);
	for (i = 0; i < ARRAY_COUNT(bad) + ARRAY_COUNT(vas); i++) {
		bool pte = i < ARRAY_COUNT(bad);

		op = (struct gnttab_map_grant_ref){
			.host_addr = pte ? maddr_n(bad[i]) : vas[i - ARRAY_COUNT(bad)],
			.flags = HOST | (pte ? GNTMAP_contains_pte : 0),
			.ref = 9, .dom = granter->id,
		};
		ck_assert_int_eq(G_ONE(GNTTABOP_map_grant_ref, &op), 0);
		ck_assert_int_eq(op.status, GNTST_general_error);
		ck_assert_uint_eq(g_status(9), 0);
	}
}
END_TEST

/* --- GT8, GT21: the granter scribbles --- */

START_TEST(gt8_entry_changes_while_pinned)
{
	mfn_t theirs = fake_mfn(granter, page);
	uint32_t handle, second, ref = fake_ref(theirs);

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	/* Another frame in the entry: a further mapping is of the first. */
	g_v1(granter, 9)->frame = mfn_n(fake_mfn(granter, page + 1));
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &second), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(user, page + 1)), mfn_n(theirs));
	g_check();
	ck_assert_int_eq(g_unmap(page + 1, second), 0);
	/*
	 * Another's, no longer ours; ours again, but of another type;
	 * read-only.
	 */
	g_v1(granter, 9)->domid = granter->id;
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &second),
			 GNTST_general_error);
	fake_run(granter);
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &second),
			 GNTST_general_error);
	fake_run(user);
	g_v1(granter, 9)->domid = user->id;
	g_v1(granter, 9)->flags = GTF_accept_transfer;
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &second),
			 GNTST_general_error);
	g_v1(granter, 9)->flags = GTF_permit_access | GTF_readonly;
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &second),
			 GNTST_general_error);
	/* The entry is wiped: the mapping stays, and goes in order. */
	memset(g_v1(granter, 9), 0, sizeof(struct grant_entry_v1));
	fake_check();
	ck_assert_int_eq(g_unmap(page, handle), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref);
}
END_TEST

/*
 * GT21: the entry is another in each of its fields, at every flush and between
 * all operations.
 */
static unsigned int scribbles;

static void scribble(void)
{
	struct grant_entry_v1 *e = g_v1(granter, scribbles % 16);

	scribbles++;
	e->flags = scribbles * 7;
	e->domid = scribbles % 3 ? user->id : granter->id;
	e->frame = scribbles * 2654435761u % (FAKE_FRAMES + 100);
}

START_TEST(gt21_scribbled_entries)
{
	uint32_t handle, i, mapped = 0;

	fake_machine.on_flush = scribble;
	for (i = 0; i < 20000; i++) {
		scribble();
		if (i % 3 == 0)
			g_grant(granter, i % 16, page + i % 8, user, i & 8);
		if (g_map(granter, i % 16, page + i % 5, i & 1 ? HOST :
			  HOST | RDONLY, &handle))
			continue;
		mapped++;
		scribble();
		if (i % 500 == 0)
			fake_check();
		ck_assert_int_eq(g_unmap(page + i % 5, handle), 0);
	}
	fake_machine.on_flush = NULL;
	ck_assert_uint_gt(mapped, 1000);
	fake_check();
	memset(granter->grant->frames[0], 0, PAGE_SIZE);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(*fake_pte(user, page + i) & PTE_AVL_GRANT, 0);
}
END_TEST

/* --- unmap and replace --- */

START_TEST(replace)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = fake_va(page), .new_addr = fake_va(page + 1),
	};
	mfn_t own = fake_mfn(user, page + 1);
	uint32_t handle, other;

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	ck_assert_int_eq(g_map(granter, 9, page + 2, HOST, &other), 0);
	/* Its own entry, one that does not exist. */
	op.handle = handle;
	op.new_addr = fake_va(page);
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, GNTST_general_error);
	op.new_addr = 0x5000;
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, GNTST_general_error);
	g_check();
	op.new_addr = fake_va(page + 1);
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(mfn_n(fake_mfn(user, page)), mfn_n(own));
	ck_assert_uint_eq(*fake_pte(user, page + 1), 0);
	g_check();
	op = (struct gnttab_unmap_and_replace){
		.host_addr = fake_va(page + 2), .handle = other };
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(*fake_pte(user, page + 2), 0);
}
END_TEST

/*
 * Another handle's entry moves like any: the handle is of its new place then.
 */
START_TEST(replace_by_a_grant)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = fake_va(page), .new_addr = fake_va(page + 2),
	};
	uint32_t other;
	pte_t e;

	g_grant(granter, 9, page, user, false);
	g_grant(granter, 10, page + 1, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &op.handle), 0);
	ck_assert_int_eq(g_map(granter, 10, page + 2, HOST, &other), 0);
	e = *fake_pte(user, page + 2);
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(*fake_pte(user, page), e);
	ck_assert_uint_eq(*fake_pte(user, page + 2), 0);
	ck_assert_uint_eq(g_status(9), 0);
	ck_assert_uint_eq(g_status(10), GTF_reading | GTF_writing);
	g_check();
	ck_assert_int_eq(g_unmap(page + 2, other), GNTST_general_error);
	ck_assert_int_eq(g_unmap(page, other), 0);
	ck_assert_uint_eq(*fake_pte(user, page), 0);
	ck_assert_uint_eq(g_status(10), 0);
	g_check();
}
END_TEST

/* --- PR2: continued at every chunk, the same comes out --- */

START_TEST(pr2_long_batches)
{
	struct gnttab_map_grant_ref map[100];
	struct gnttab_unmap_grant_ref unmap[100];
	unsigned int i, flushes;

	fake_machine.preempt = true;
	for (i = 0; i < 100; i++) {
		g_grant(granter, 8 + i, page + i, user, false);
		map[i] = (struct gnttab_map_grant_ref){
			.host_addr = fake_va(page + i), .flags = HOST,
			.ref = 8 + i, .dom = granter->id,
		};
	}
	ck_assert_int_eq(g_call(GNTTABOP_map_grant_ref, map, sizeof(map[0]),
				100), 0);
	g_check();
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(map[i].status, 0);
		ck_assert_uint_eq(mfn_n(fake_mfn(user, page + i)),
				  mfn_n(fake_mfn(granter, page + i)));
		unmap[i] = (struct gnttab_unmap_grant_ref){
			.host_addr = fake_va(page + i),
			.handle = map[i].handle,
		};
	}
	flushes = fake_machine.flushes;
	ck_assert_int_eq(g_call(GNTTABOP_unmap_grant_ref, unmap,
				sizeof(unmap[0]), 100), 0);
	ck_assert_uint_le(fake_machine.flushes, flushes + 4);
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(unmap[i].status, 0);
		ck_assert_uint_eq(*fake_pte(user, page + i), 0);
	}
}
END_TEST

/* GT14: every error of every operation above is negative. */
START_TEST(gt14_errors_are_negative)
{
	struct gnttab_map_grant_ref map[64];
	unsigned int i, seed = 1, ok = 0;

	for (i = 0; i < 8; i++)
		g_grant(granter, 8 + i, page + i, user, i & 1);
	for (i = 0; i < 64; i++) {
		seed = seed * 1103515245 + 12345;
		map[i] = (struct gnttab_map_grant_ref){
			.host_addr = seed & 0x100 ? 3 : fake_va(page + 230 + i % 9),
			.flags = seed >> 16 & 31, .ref = 6 + (seed >> 8) % 12,
			.dom = seed & 0x4000 ? 77 : granter->id, .status = 99,
		};
	}
	ck_assert_int_eq(g_call(GNTTABOP_map_grant_ref, map, sizeof(map[0]),
				64), 0);
	for (i = 0; i < 64; i++) {
		ck_assert_int_le(map[i].status, 0);
		ck_assert_int_ge(map[i].status, GNTST_no_space);
		ok += map[i].status == 0;
	}
	ck_assert_uint_gt(ok, 0);
	ck_assert_uint_lt(ok, 64);
	g_check();
}
END_TEST

/* Memory runs out at every allocation of a growth, and of a first mapping. */
START_TEST(no_memory)
{
	static void *hog[FAKE_FRAMES];
	struct gnttab_setup_table st = { .dom = DOMID_SELF, .nr_frames = 3 };
	unsigned int i, n, refused = 0;
	uint32_t handle;
	int status;

	set_xen_guest_handle(st.frame_list, (xen_pfn_t *)fake_va(page));
	g_grant(granter, 9, page, user, false);
	for (n = 0; (hog[n] = palloc_hv(0)); n++)
		;
	for (i = 0; i < 30; i++) {
		uint64_t promised = granter->promised;

		fake_run(granter);
		ck_assert_int_eq(G_ONE(GNTTABOP_setup_table, &st), 0);
		fake_run(user);
		status = g_map(granter, 9, page + 1, HOST, &handle);
		if (!status && !st.status)
			break;
		refused += st.status != 0;
		ck_assert(!st.status || st.status == GNTST_no_space);
		ck_assert(!status || status == GNTST_no_space);
		ck_assert(!st.status || granter->promised <= promised + 6);
		if (!status)
			ck_assert_int_eq(g_unmap(page + 1, handle), 0);
		palloc_hv_free(hog[--n], 0);
	}
	while (n)
		palloc_hv_free(hog[--n], 0);
	ck_assert_uint_ge(refused, 8);
	ck_assert_uint_eq(granter->grant->frame_count, 3);
	g_check();
	ck_assert_int_eq(g_unmap(page + 1, handle), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("grants");

	tcase_add_checked_fixture(tc, g_start, g_end);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, map_and_unmap);
	tcase_add_test(tc, read_only);
	tcase_add_test(tc, by_pte_and_avail_bits);
	tcase_add_test(tc, to_oneself);
	tcase_add_test(tc, gt1_gt17_host_and_device);
	tcase_add_test(tc, gt18_neither);
	tcase_add_test(tc, gt2_gt5_two_unmap_one_handle);
	tcase_add_test(tc, gt5_bits_follow_pins);
	tcase_add_test(tc, gt3_gt4_handles_run_out);
	tcase_add_test(tc, gt6_guest_rewrites_entry);
	tcase_add_test(tc, gt20_grant_over_grant);
	tcase_add_test(tc, gt20_table_unpinned);
	tcase_add_test(tc, gt7_bad_entries);
	tcase_add_test(tc, gt8_entry_changes_while_pinned);
	tcase_add_test(tc, gt21_scribbled_entries);
	tcase_add_test(tc, replace);
	tcase_add_test(tc, replace_by_a_grant);
	tcase_add_test(tc, pr2_long_batches);
	tcase_add_test(tc, gt14_errors_are_negative);
	tcase_add_test(tc, no_memory);
	return suite_run();
}
