// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * Grants: copy, transfer, the table and its versions, sharing, who dies first
 * (GT9-GT19, GT22, SH4).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "audit/audit.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "offer/mode.h"
#include "pv/above.h"
#include "pv/grant.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define DEV	GNTMAP_device_map
#define RDONLY	GNTMAP_readonly

/* --- GT9, GT13, GT16: copy and transfer --- */

static int copy(struct gnttab_copy_ptr from, struct gnttab_copy_ptr to,
		unsigned int len, unsigned int flags)
{
	struct gnttab_copy op = { from, to, len, flags, 99 };

	ck_assert_int_eq(G_ONE(GNTTABOP_copy, &op), 0);
	return op.status;
}

static struct gnttab_copy_ptr by_ref(struct domain *d, uint32_t ref,
				     unsigned int offset)
{
	return (struct gnttab_copy_ptr){ { .ref = ref }, d->id, offset };
}

static struct gnttab_copy_ptr by_mfn(mfn_t mfn, unsigned int offset)
{
	return (struct gnttab_copy_ptr){ { .gmfn = mfn_n(mfn) }, DOMID_SELF, offset };
}

START_TEST(gt9_copy)
{
	mfn_t own = fake_mfn(user, page + 1);

	g_grant(granter, 9, page, user, true);
	g_grant(granter, 10, page + 1, user, false);
	memset(fake_page(granter, page), 0x5a, PAGE_SIZE);
	ck_assert_int_eq(copy(by_ref(granter, 9, 100), by_mfn(own, 200), 300,
			      GNTCOPY_source_gref), 0);
	ck_assert_uint_eq(fake_page(user, page + 1)[200], 0x5a);
	ck_assert_uint_eq(fake_page(user, page + 1)[199], 0);
	ck_assert_uint_eq(fake_page(user, page + 1)[499], 0x5a);
	ck_assert_uint_eq(fake_page(user, page + 1)[500], 0);
	/* Both granted. */
	ck_assert_int_eq(copy(by_ref(granter, 9, 0), by_ref(granter, 10, 4095),
			      1, GNTCOPY_source_gref | GNTCOPY_dest_gref), 0);
	ck_assert_uint_eq(fake_page(granter, page + 1)[4095], 0x5a);
	/* Onto itself. */
	ck_assert_int_eq(copy(by_ref(granter, 10, 0), by_ref(granter, 10, 0),
			      4096, GNTCOPY_source_gref | GNTCOPY_dest_gref),
			 0);
	g_check();
	/* Read-only; beyond the page; not ours to name. */
	ck_assert_int_eq(copy(by_mfn(own, 0), by_ref(granter, 9, 0), 8,
			      GNTCOPY_dest_gref), GNTST_general_error);
	ck_assert_int_eq(copy(by_ref(granter, 9, 4000), by_mfn(own, 0), 97,
			      GNTCOPY_source_gref), GNTST_bad_copy_arg);
	ck_assert_int_eq(copy(by_ref(granter, 9, 65535), by_mfn(own, 65535),
			      65535, GNTCOPY_source_gref), GNTST_bad_copy_arg);
	ck_assert_int_eq(copy((struct gnttab_copy_ptr){ { .gmfn =
				mfn_n(fake_mfn(granter, page)) }, granter->id, 0 },
			      by_mfn(own, 0), 8, 0), GNTST_permission_denied);
	ck_assert_int_eq(copy(by_mfn(fake_mfn(granter, page), 0),
			      by_mfn(own, 0), 8, 0), GNTST_bad_page);
	ck_assert_int_eq(copy(by_ref(granter, 9, 0),
			      by_mfn(virt_to_mfn(user->shared_info), 0), 8,
			      GNTCOPY_source_gref), GNTST_bad_page);
	ck_assert_int_eq(copy(by_ref(granter, 9, 0),
			      by_mfn(user->vcpu[0]->kernel_l4, 0), 8,
			      GNTCOPY_source_gref), GNTST_bad_page);
	ck_assert_int_eq(copy(by_ref(granter, 600, 0), by_mfn(own, 0), 8,
			      GNTCOPY_source_gref), GNTST_bad_gntref);
	g_check();
}
END_TEST

/*
 * GT9: version 2's parts of pages may be copied, not mapped; transitive ones
 * neither.
 */
START_TEST(gt9_sub_page_and_transitive)
{
	mfn_t own = fake_mfn(user, page + 1);
	uint32_t handle;

	ck_assert_int_eq(grant_set_version(granter, 2), 0);
	g_grant(granter, 9, page, user, true);
	g_v2(granter, 9)->sub_page.page_off = 100;
	g_v2(granter, 9)->sub_page.length = 50;
	g_v2(granter, 9)->hdr.flags |= GTF_sub_page;
	ck_assert_int_eq(g_map(granter, 9, page, HOST | RDONLY, &handle),
			 GNTST_general_error);
	ck_assert_int_eq(copy(by_ref(granter, 9, 100), by_mfn(own, 0), 50,
			      GNTCOPY_source_gref), 0);
	ck_assert_int_eq(copy(by_ref(granter, 9, 99), by_mfn(own, 0), 50,
			      GNTCOPY_source_gref), GNTST_general_error);
	ck_assert_int_eq(copy(by_ref(granter, 9, 101), by_mfn(own, 0), 50,
			      GNTCOPY_source_gref), GNTST_general_error);
	/* A part that is all of it is a part, as on Xen. */
	g_v2(granter, 9)->sub_page.page_off = 0;
	g_v2(granter, 9)->sub_page.length = PAGE_SIZE;
	ck_assert_int_eq(g_map(granter, 9, page, HOST | RDONLY, &handle),
			 GNTST_general_error);
	*g_v2(granter, 10) = (union grant_entry_v2){ .transitive = {
		.hdr = { GTF_transitive, user->id }, .trans_domid = user->id,
		.gref = 10 } };
	ck_assert_int_eq(copy(by_ref(granter, 10, 0), by_mfn(own, 0), 8,
			      GNTCOPY_source_gref), GNTST_general_error);
	ck_assert_int_eq(g_map(granter, 10, page, HOST | RDONLY, &handle),
			 GNTST_general_error);
	g_check();
}
END_TEST

/* GT13: frames that are nobody's to grant. */
START_TEST(gt13_system_frames)
{
	mfn_t bad[] = {
		virt_to_mfn(granter->shared_info),
		virt_to_mfn(granter->grant->frames[0]),
		virt_to_mfn(granter->m2p.l3), MFN(FAKE_HOLE), MFN(5), MFN(FAKE_FRAMES),
		MFN(0xfffffffe), MFN(0xffffffff), fake_mfn(user, page), MFN(FAKE_MODULES),
	};
	uint32_t handle, i;

	for (i = 0; i < ARRAY_COUNT(bad); i++) {
		g_grant(granter, 9, page, user, false);
		g_v1(granter, 9)->frame = mfn_n(bad[i]);
		ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle),
				 GNTST_general_error);
		ck_assert_int_eq(g_map(granter, 9, page, HOST | RDONLY, &handle),
				 GNTST_general_error);
	}
	/* A page table may be granted for reading only. */
	g_grant(granter, 9, page, user, false);
	g_v1(granter, 9)->frame = mfn_n(granter->vcpu[0]->kernel_l4);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle),
			 GNTST_general_error);
	ck_assert_uint_eq(g_status(9), 0);
	g_check();
}
END_TEST

static int transfer(mfn_t mfn, struct domain *to, uint32_t ref)
{
	struct gnttab_transfer op = { mfn_n(mfn), to->id, ref, 99 };

	ck_assert_int_eq(G_ONE(GNTTABOP_transfer, &op), 0);
	return op.status;
}

static void accept_transfer(uint32_t ref)
{
	*g_v1(granter, ref) = (struct grant_entry_v1){
		GTF_accept_transfer, user->id, 0,
	};
}

/* Room for one page in granter's quota. */
static void give_one(struct domain *d, uint64_t pfn)
{
	struct xen_memory_reservation *r;
	xen_pfn_t *list = (void *)(fake_page(d, page + 201) + 512);

	fake_run(d);
	*list = mfn_n(fake_mfn(d, pfn));
	ck_assert_int_eq(g_update(pfn, 0), 0);
	r = (void *)fake_page(d, page + 201);
	*r = (struct xen_memory_reservation){ .nr_extents = 1,
					      .domid = DOMID_SELF };
	set_xen_guest_handle(r->extent_start,
			     (xen_pfn_t *)(fake_va(page + 201) + 512));
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_decrease_reservation,
				   fake_va(page + 201)), 1);
	fake_run(user);
}

/* GT15: to an entry that there is not. */
START_TEST(gt15_transfer_to_nothing)
{
	uint32_t refs = grant_refs(granter->grant);
	const uint32_t bad[] = { refs, refs + 1, ~0u - 1, ~0u };
	mfn_t mfn;

	give_one(granter, page + 7);
	for (unsigned int i = 0; i < ARRAY_COUNT(bad); i++) {
		mfn = fake_mfn(user, page + 1 + i);
		ck_assert_int_eq(g_update(page + 1 + i, 0), 0);
		ck_assert_int_eq(transfer(mfn, granter, bad[i]),
				 GNTST_bad_gntref);
	}
	fake_check();
}
END_TEST

/* GT16, PT6 */
START_TEST(gt16_transfer)
{
	mfn_t mfn = fake_mfn(user, page + 1);
	uint64_t pages = user->pages.total;
	uint32_t handle;

	give_one(granter, page + 7);
	accept_transfer(9);
	/* Mapped still; not ours; a table; nothing of ours: the page stays. */
	ck_assert_int_eq(transfer(mfn, granter, 9), GNTST_bad_page);
	ck_assert_int_eq(transfer(fake_mfn(granter, page), granter, 9),
			 GNTST_bad_page);
	ck_assert_int_eq(transfer(user->vcpu[0]->kernel_l4, granter, 9),
			 GNTST_bad_page);
	ck_assert_int_eq(transfer(MFN(~0ul), granter, 9), GNTST_bad_page);
	memset(fake_page(user, page + 1), 0x77, PAGE_SIZE);
	ck_assert_int_eq(g_update(page + 1, 0), 0);
	ck_assert_int_eq(transfer(mfn, granter, 9), 0);
	ck_assert_uint_eq(g_v1(granter, 9)->frame, mfn_n(mfn));
	ck_assert_uint_eq(g_v1(granter, 9)->flags, GTF_accept_transfer |
			  GTF_transfer_committed | GTF_transfer_completed);
	ck_assert_uint_eq(frame_state_owner(mfn_to_frame(mfn)->state),
			  granter->id);
	ck_assert_uint_eq(fake_ref(mfn), 1);
	ck_assert_uint_eq(mfn_to_frame(mfn)->type, 0);
	ck_assert_uint_eq(((uint8_t *)mfn_to_virt(mfn))[9], 0x77);
	ck_assert_uint_eq(user->pages.total, pages - 1);
	ck_assert_int_eq(g_update(page + 1, pte_make(mfn, G_RO)), -EPERM);
	fake_check();
	/*
	 * The entry is used up; granter has no room: the page is lost, as Xen's
	 * header says.
	 */
	mfn = fake_mfn(user, page + 2);
	ck_assert_int_eq(g_update(page + 2, 0), 0);
	ck_assert_int_eq(transfer(mfn, granter, 9), GNTST_general_error);
	fake_check();
	mfn = fake_mfn(user, page + 3);
	ck_assert_int_eq(g_update(page + 3, 0), 0);
	accept_transfer(10);
	ck_assert_int_eq(transfer(mfn, granter, 10), GNTST_no_space);
	ck_assert_uint_eq(user->pages.total, pages - 3);
	/* A granted page is not transferred. */
	fake_run(granter);
	g_grant(granter, 11, page, user, false);
	fake_run(user);
	ck_assert_int_eq(g_map(granter, 11, page, HOST, &handle), 0);
	fake_run(granter);
	mfn = fake_mfn(granter, page);
	ck_assert_int_eq(g_update(page, 0), 0);
	ck_assert_int_eq(transfer(mfn, user, 0), GNTST_bad_page);
	fake_run(user);
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/* --- GT10-GT12, GT15: the table itself --- */

START_TEST(gt10_gt11_gt12_versions)
{
	struct gnttab_get_status_frames sf = { .nr_frames = 1,
					       .dom = DOMID_SELF };
	struct gnttab_set_version sv = { 2 };
	struct gnttab_get_version gv = { .dom = DOMID_SELF };
	uint32_t handle;
	mfn_t status;

	g_grant(granter, 9, page, user, false);
	g_grant(granter, 1, page, user, true);
	/* where entry 9 will be */
	g_grant(granter, 18, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	fake_run(granter);
	ck_assert_int_eq(G_ONE(GNTTABOP_set_version, &sv), -EBUSY);
	ck_assert_uint_eq(sv.version, 1);
	set_xen_guest_handle(sf.frame_list, (uint64_t *)fake_va(page));
	ck_assert_int_eq(G_ONE(GNTTABOP_get_status_frames, &sf), 0);
	ck_assert_int_eq(sf.status, GNTST_general_error);
	fake_run(user);
	ck_assert_int_eq(g_unmap(page, handle), 0);
	fake_run(granter);
	sv.version = 3;
	ck_assert_int_eq(G_ONE(GNTTABOP_set_version, &sv), -EINVAL);
	sv.version = 2;
	ck_assert_int_eq(G_ONE(GNTTABOP_set_version, &sv), 0);
	ck_assert_int_eq(G_ONE(GNTTABOP_get_version, &gv), 0);
	ck_assert_uint_eq(gv.version, 2);
	/* The first eight survive, the rest is gone. */
	ck_assert_uint_eq(g_v2(granter, 1)->full_page.frame,
			  mfn_n(fake_mfn(granter, page)));
	ck_assert_uint_eq(g_v2(granter, 9)->hdr.flags, 0);
	ck_assert_int_eq(G_ONE(GNTTABOP_get_status_frames, &sf), 0);
	ck_assert_int_eq(sf.status, GNTST_okay);
	status = MFN(*(uint64_t *)fake_page(granter, page));
	sf.nr_frames = 2;	/* GT11 */
	ck_assert_int_eq(G_ONE(GNTTABOP_get_status_frames, &sf), 0);
	ck_assert_int_eq(sf.status, GNTST_general_error);
	/* Entries work, with status apart. */
	g_grant(granter, 200, page, user, false);
	fake_run(user);
	ck_assert_int_eq(g_map(granter, 200, page, HOST, &handle), 0);
	ck_assert_uint_eq(((uint16_t *)mfn_to_virt(status))[200],
			  GTF_reading | GTF_writing);
	ck_assert_uint_eq(g_v2(granter, 200)->hdr.flags, GTF_permit_access);
	g_check();
	ck_assert_int_eq(g_map(granter, 256, page + 1, HOST, &handle + 0),
			 GNTST_bad_gntref);
	ck_assert_int_eq(g_unmap(page, handle), 0);
	ck_assert_uint_eq(((uint16_t *)mfn_to_virt(status))[200], 0);
	/* GT10: not while the status frames are mapped. */
	fake_run(granter);
	ck_assert_int_eq(g_update(page + 1, pte_make(status, G_RW)), 0);
	sv.version = 1;
	ck_assert_int_eq(G_ONE(GNTTABOP_set_version, &sv), -EBUSY);
	ck_assert_uint_eq(sv.version, 2);
	ck_assert_int_eq(g_update(page + 1, 0), 0);
	sv.version = 1;
	ck_assert_int_eq(G_ONE(GNTTABOP_set_version, &sv), 0);
	/* GT12: they are the domain's still, and known to nobody else. */
	ck_assert_uint_eq(granter->grant->status_count, 1);
	ck_assert_uint_eq(g_v1(granter, 1)->frame, mfn_n(fake_mfn(granter, page)));
	/* Grown under version 2: entries and status frames grow together. */
	sv.version = 2;
	ck_assert_int_eq(G_ONE(GNTTABOP_set_version, &sv), 0);
	g_setup(granter, 9);
	ck_assert_uint_eq(granter->grant->status_count, 2);
}
END_TEST

START_TEST(gt15_limits)
{
	struct gnttab_setup_table st = { .dom = DOMID_SELF,
					 .nr_frames = GRANT_FRAMES_MAX + 1 };
	struct gnttab_query_size qs = { .dom = DOMID_SELF };
	const uint32_t refs[] = { 512, 1u << 31, ~0u, 16384 };
	struct gnttab_map_grant_ref op = { 0 };
	struct gnttab_dump_table dump = { .dom = DOMID_SELF };
	struct gnttab_cache_flush cf = { .op = GNTTAB_CACHE_CLEAN };
	uint32_t handle, i;

	for (i = 0; i < ARRAY_COUNT(refs); i++)
		ck_assert_int_eq(g_map(granter, refs[i], page, HOST, &handle),
				 GNTST_bad_gntref);
	for (i = 0; i < 3; i++) {
		op.flags = HOST;
		op.host_addr = fake_va(page);
		op.dom = (const domid_t[]){ 0, DOMID_SELF, 0x7fff }[i];
		ck_assert_int_eq(G_ONE(GNTTABOP_map_grant_ref, &op), 0);
		ck_assert_int_eq(op.status, GNTST_bad_domain);
	}
	/* Counts. */
	ck_assert_int_eq(g_call(GNTTABOP_map_grant_ref, &op, 0, 0), 0);
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_map_grant_ref,
				   fake_va(page), 1u << 31), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_map_grant_ref,
				   fake_va(page), ~0u), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_map_grant_ref,
				   fake_va(page), 0x7fffffff), -EFAULT);
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_map_grant_ref,
				   HV_VIRT_START, 1), -EFAULT);
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_setup_table,
				   fake_va(page), 2), -EINVAL);
	ck_assert_int_eq(G_ONE(GNTTABOP_dump_table, &dump), -ENOSYS);
	ck_assert_int_eq(FAKE_CALL(op_grant_table, 13, fake_va(page), 1),
			 -ENOSYS);
	ck_assert_int_eq(G_ONE(GNTTABOP_cache_flush, &cf), -EPERM);
	cf.offset = 4096;
	ck_assert_int_eq(G_ONE(GNTTABOP_cache_flush, &cf), -EINVAL);
	ck_assert_int_eq(G_ONE(GNTTABOP_setup_table, &st), 0);
	ck_assert_int_eq(st.status, GNTST_general_error);
	/* Others' tables. */
	st.dom = qs.dom = granter->id;
	ck_assert_int_eq(G_ONE(GNTTABOP_setup_table, &st), 0);
	ck_assert_int_eq(st.status, GNTST_permission_denied);
	ck_assert_int_eq(G_ONE(GNTTABOP_query_size, &qs), 0);
	ck_assert_int_eq(qs.status, GNTST_permission_denied);
	qs.dom = 999;
	ck_assert_int_eq(G_ONE(GNTTABOP_query_size, &qs), 0);
	ck_assert_int_eq(qs.status, GNTST_bad_domain);
	qs.dom = user->id;
	ck_assert_int_eq(G_ONE(GNTTABOP_query_size, &qs), 0);
	ck_assert_int_eq(qs.status, GNTST_okay);
	ck_assert_uint_eq(qs.nr_frames, 0);
	ck_assert_uint_eq(qs.max_nr_frames, GRANT_FRAMES_MAX);
	/* GT15: the pins of an entry do not wrap. */
	g_grant(granter, 9, page, user, true);
	for (i = 0; i < GRANT_PINS_MAX; i++)
		ck_assert_int_eq(g_map(granter, 9, 0, DEV | RDONLY, &handle), 0);
	ck_assert_int_eq(g_map(granter, 9, 0, DEV | RDONLY, &handle),
			 GNTST_general_error);
	ck_assert_int_eq(g_map(granter, 9, page, HOST | RDONLY, &handle),
			 GNTST_general_error);
}
END_TEST

START_TEST(grows_to_the_limit)
{
	struct gnttab_setup_table st = { .dom = DOMID_SELF,
					 .nr_frames = GRANT_FRAMES_MAX };
	uint64_t commit = granter->promised;
	uint32_t handle, last = GRANT_FRAMES_MAX * 512 - 1;

	fake_run(granter);
	fake_machine.preempt = true;
	set_xen_guest_handle(st.frame_list, (xen_pfn_t *)fake_va(page));
	ck_assert_int_eq(G_ONE(GNTTABOP_setup_table, &st), 0);
	ck_assert_int_eq(st.status, GNTST_okay);
	ck_assert_uint_eq(granter->grant->frame_count, GRANT_FRAMES_MAX);
	ck_assert_uint_gt(granter->promised, commit);
	g_grant(granter, last, page + 1, user, false);
	fake_run(user);
	ck_assert_int_eq(g_map(granter, last, page, HOST, &handle), 0);
	g_check();
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/*
 * A frame of the table is mapped by its owner, writable, and is not RAM for any
 * other use.
 */
START_TEST(table_frames)
{
	mfn_t frame = virt_to_mfn(granter->grant->frames[0]);

	fake_run(granter);
	ck_assert_int_eq(g_update(page, pte_make(frame, G_RW)), 0);
	g_check();
	fake_run(user);
	ck_assert_int_eq(g_update(page, pte_make(frame, G_RO)), -EPERM);
	fake_run(granter);
	ck_assert_int_eq(g_update(page, 0), 0);
}
END_TEST

START_TEST(swap_entries)
{
	struct gnttab_swap_grant_ref op = { 9, 10, 99 };
	uint32_t handle;

	fake_run(granter);
	g_grant(granter, 9, page, user, true);
	ck_assert_int_eq(G_ONE(GNTTABOP_swap_grant_ref, &op), 0);
	ck_assert_int_eq(op.status, 0);
	ck_assert_uint_eq(g_v1(granter, 9)->flags, 0);
	ck_assert_uint_eq(g_v1(granter, 10)->frame, mfn_n(fake_mfn(granter, page)));
	fake_run(user);
	ck_assert_int_eq(g_map(granter, 10, page, HOST | RDONLY, &handle), 0);
	fake_run(granter);
	ck_assert_int_eq(G_ONE(GNTTABOP_swap_grant_ref, &op), 0);
	ck_assert_int_eq(op.status, GNTST_eagain);
	op.ref_a = 10;		/* either of them is too many */
	op.ref_b = 9;
	ck_assert_int_eq(G_ONE(GNTTABOP_swap_grant_ref, &op), 0);
	ck_assert_int_eq(op.status, GNTST_eagain);
	op.ref_b = 512;
	ck_assert_int_eq(G_ONE(GNTTABOP_swap_grant_ref, &op), 0);
	ck_assert_int_eq(op.status, GNTST_bad_gntref);
	fake_run(user);
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/* --- GT22, SH4: grants and sharing exclude each other --- */

static long offer(uint64_t pfn)
{
	return FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn), 0, 0);
}

static int32_t offer_status(uint64_t pfn)
{
	struct shareop_entry *e = (void *)fake_page(current_vcpu()->domain,
						  page + 210);

	*e = (struct shareop_entry){ .pte = { fake_va(pfn) }, .nr_ptes = 1 };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(page + 210),
				   1, 0), 0);
	return e->status;
}

START_TEST(gt22_sh4_grants_and_sharing)
{
	uint32_t handle;
	long canonical;

	memset(fake_page(granter, page), 0x33, PAGE_SIZE);
	g_grant(granter, 9, page, user, false);
	g_grant(granter, 10, page, user, true);
	/* Granted for writing, for reading: not offered; nor by who maps it. */
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	ck_assert_int_eq(offer(page), -EBUSY);
	ck_assert_int_eq(offer_status(page), SHARE_GRANTED);
	fake_run(granter);
	ck_assert_int_eq(offer(page), -EBUSY);
	ck_assert_int_eq(offer_status(page), SHARE_GRANTED);
	fake_run(user);
	ck_assert_int_eq(g_unmap(page, handle), 0);
	ck_assert_int_eq(g_map(granter, 10, page, HOST | RDONLY, &handle), 0);
	fake_run(granter);
	ck_assert_int_eq(offer_status(page), SHARE_GRANTED);
	g_check();
	fake_run(user);
	ck_assert_int_eq(g_unmap(page, handle), 0);
	/*
	 * Named in an entry that nobody uses: offered, and the entry names
	 * nothing.
	 */
	fake_run(granter);
	canonical = offer(page);
	ck_assert_int_gt(canonical, 0);
	fake_run(user);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle),
			 GNTST_general_error);
	/* The shared frame itself is not granted, in no way. */
	g_grant(granter, 9, page, user, false);
	ck_assert_uint_eq(g_v1(granter, 9)->frame, (uint64_t)canonical);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle),
			 GNTST_bad_page);
	ck_assert_int_eq(g_map(granter, 10, page, HOST | RDONLY, &handle),
			 GNTST_general_error);
	g_grant(granter, 10, page, user, true);
	ck_assert_int_eq(g_map(granter, 10, page, HOST | RDONLY, &handle),
			 GNTST_bad_page);
	ck_assert_int_eq(copy(by_ref(granter, 10, 0),
			      by_mfn(fake_mfn(user, page + 1), 0), 8,
			      GNTCOPY_source_gref), GNTST_bad_page);
	ck_assert_uint_eq(g_status(9) | g_status(10), 0);
	/* Who holds it may copy out of it, not into it. */
	fake_run(granter);
	ck_assert_int_eq(copy(by_mfn(MFN(canonical), 0),
			      by_mfn(fake_mfn(granter, page + 1), 0), 8, 0), 0);
	ck_assert_uint_eq(fake_page(granter, page + 1)[7], 0x33);
	ck_assert_int_eq(copy(by_mfn(fake_mfn(granter, page + 1), 0),
			      by_mfn(MFN(canonical), 0), 8, 0), GNTST_bad_page);
	g_check();
}
END_TEST

static void choose_break_first(void)
{
	const struct shareop_mode m = {
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST,
	};

	memcpy(fake_page(user, page + 210), &m, sizeof(m));
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(page + 210),
				   sizeof(m)), 0);
}

/* Page page + i of d is shared. */
static mfn_t share_page(struct domain *d, unsigned int i)
{
	long mfn;

	fake_run(d);
	memset(fake_page(d, page + i), 0x10 + i, PAGE_SIZE);
	mfn = offer(page + i);
	ck_assert_int_gt(mfn, 0);
	return MFN(mfn);
}

/*
 * Break first: one call writes to many shared pages, named by frame, and to one
 * of them again.
 */
START_TEST(copy_breaks_many)
{
	static const unsigned int pages[] = { 17, GRANT_CHUNK, 48 };
	unsigned int n = pages[_i / 2], i, again = n / 2;
	bool others = _i & 1;
	struct gnttab_copy op[49];

	choose_break_first();
	g_grant(granter, 9, page + 100, user, true);
	memset(fake_page(granter, page + 100), 0x5a, PAGE_SIZE);
	for (i = 0; i < n; i++) {
		mfn_t mfn = share_page(user, i);

		if (others)
			ck_assert_uint_eq(mfn_n(share_page(granter, i)), mfn_n(mfn));
		op[i] = (struct gnttab_copy){ by_ref(granter, 9, 0),
			by_mfn(mfn, 16), 8, GNTCOPY_source_gref, 99 };
	}
	op[n] = op[again];
	op[n].dest.offset = 32;
	fake_run(user);
	ck_assert_int_eq(g_call(GNTTABOP_copy, op, sizeof(op[0]), n + 1), 0);
	ck_assert(!pttree_work_left(user));
	for (i = 0; i < n; i++) {
		const uint8_t *at = fake_page(user, page + i);

		ck_assert_int_eq(op[i].status, GNTST_okay);
		ck_assert(*fake_pte(user, page + i) & PTE_RW);
		ck_assert_uint_eq(at[15], 0x10 + i);
		ck_assert_uint_eq(at[16], 0x5a);
		ck_assert_uint_eq(at[32], i == again ? 0x5a : 0x10 + i);
		ck_assert_uint_eq(fake_page(granter, page + i)[16],
				  others ? 0x10 + i : 0);
	}
	ck_assert_int_eq(op[n].status, GNTST_okay);
}
END_TEST

/* A granted-in page of one's own, too. */
START_TEST(gt22_loopback_is_not_offered)
{
	uint32_t handle;

	fake_run(granter);
	g_grant(granter, 9, page, granter, false);
	ck_assert_int_eq(g_map(granter, 9, page + 1, HOST, &handle), 0);
	ck_assert_int_eq(offer_status(page + 1), SHARE_GRANTED);
	ck_assert_int_eq(offer_status(page), SHARE_GRANTED);
	g_check();
	ck_assert_int_eq(g_unmap(page + 1, handle), 0);
}
END_TEST

/* --- GT19: who dies first --- */

START_TEST(gt19_grantee_dies)
{
	mfn_t theirs = fake_mfn(granter, page);
	uint32_t handle, ref = fake_ref(theirs), i;

	g_grant(granter, 9, page, user, false);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(g_map(granter, 9, page + i,
				       i & 1 ? HOST : HOST | DEV, &handle), 0);
	fake_end(user);
	user = NULL;
	fake_run(granter);
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_uint_eq(g_status(9), 0);
	g_check();
}
END_TEST

/* Between any two steps the audit finds each use of each page. */
static void reap_all(void)
{
	uint64_t cross;

	while (domain_dying_count()) {
		(void)reaper_step();
		ck_assert_uint_eq(audit_machine(&cross), 0);
	}
}

/* GT19, DD2: he is gone at once; the page stays for who has it mapped. */
START_TEST(gt19_granter_dies)
{
	mfn_t theirs = fake_mfn(granter, page);
	domid_hv_t id = granter->id;
	uint32_t handle;

	g_grant(granter, 9, page, user, _i & 1);
	memset(fake_page(granter, page), 0x66, PAGE_SIZE);
	ck_assert_int_eq(g_map(granter, 9, page, HOST | DEV | (_i & 1 ? RDONLY : 0),
			       &handle), 0);
	domain_shutdown(granter, 0);
	reap_all();
	ck_assert_ptr_null(domain_find(id));
	fake_forget(granter);
	granter = NULL;
	ck_assert_uint_eq(fake_page(user, page)[5], 0x66);
	ck_assert_uint_eq(fake_kind(theirs), FRAME_OWNED);
	ck_assert_uint_eq(frame_state_owner(mfn_to_frame(theirs)->state),
			  DOMID_ORPHAN);
	if (_i < 2) {	/* else it goes with the user, at the end of the test */
		ck_assert_int_eq(g_unmap(page, handle), 0);
		reclaim_flush_all();
		/* device part */
		ck_assert_uint_eq(fake_kind(theirs), FRAME_OWNED);
	}
}
END_TEST

START_TEST(gt19_both_die)
{
	uint32_t handle;

	g_setup(user, 1);
	g_grant(user, 9, page + 3, granter, false);
	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST | DEV, &handle), 0);
	fake_run(granter);
	ck_assert_int_eq(g_map(user, 9, page + 1, HOST, &handle), 0);
	g_check();
	fake_run(NULL);
	domain_shutdown(granter, 0);
	domain_shutdown(user, 0);
	reap_all();
	ck_assert_uint_eq(domain_count(), 0);
	fake_forget(granter);
	fake_forget(user);
	granter = user = NULL;
}
END_TEST

/*
 * SH29: what a growth that fails half-way leaves behind stays promised, and is
 * promised once.
 */
START_TEST(growth_without_memory)
{
	uint64_t before = granter->promised, left;
	uint32_t *kept = calloc(FAKE_FRAMES, sizeof(*kept)), n = 0, i;
	void *p;

	while ((p = palloc_hv(0)))
		kept[n++] = mfn_n(virt_to_mfn(p));
	for (i = 0; i < 5; i++) {	/* frames that there are */
		ck_assert_int_eq(grant_grow(granter, 2), GNTST_no_space);
		palloc_hv_free(mfn_to_virt(MFN(kept[--n])), 0);
		left = palloc_free_count();
		ck_assert_int_eq(grant_grow(granter, 2),
				 i < 4 ? GNTST_no_space : GNTST_okay);
		ck_assert_uint_eq(left - palloc_free_count(), 1);
		/*
		 * Four pages of active entries; the table's own is in the
		 * allowance.
		 */
		ck_assert_uint_eq(granter->promised - before, 4);
	}
	while (n)
		palloc_hv_free(mfn_to_virt(MFN(kept[--n])), 0);
	free(kept);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("grants");

	tcase_add_checked_fixture(tc, g_start, g_end);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, gt9_copy);
	tcase_add_test(tc, gt9_sub_page_and_transitive);
	tcase_add_test(tc, gt13_system_frames);
	tcase_add_test(tc, gt15_transfer_to_nothing);
	tcase_add_test(tc, gt16_transfer);
	tcase_add_test(tc, gt10_gt11_gt12_versions);
	tcase_add_test(tc, gt15_limits);
	tcase_add_test(tc, grows_to_the_limit);
	tcase_add_test(tc, growth_without_memory);
	tcase_add_test(tc, table_frames);
	tcase_add_test(tc, swap_entries);
	tcase_add_test(tc, gt22_sh4_grants_and_sharing);
	tcase_add_loop_test(tc, copy_breaks_many, 0, 6);
	tcase_add_test(tc, gt22_loopback_is_not_offered);
	tcase_add_test(tc, gt19_grantee_dies);
	tcase_add_loop_test(tc, gt19_granter_dies, 0, 4);
	tcase_add_test(tc, gt19_both_die);
	return suite_run();
}
