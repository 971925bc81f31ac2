// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * Each flush that isolation needs, by the mask of CPUs that it goes to (TL2,
 * TL7, T3), and what must not have happened before it.  The CPUs of a domain
 * are those in its cpu_mask: here one more than the one that runs.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "fake/fake_grants.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "pv/hypercall.h"
#include "unit/suite.h"
#include "x86/cpu.h"

#define HOST	GNTMAP_host_map
#define OTHER	4UL		/* a CPU that may know user's tables */
#define REQ	(page + 200)	/* user's page for requests */
#define REF	9

static void end(void)
{
	cpu_features.nx = true;
	g_end();
}

static void watch(struct domain *d)
{
	d->cpu_mask |= OTHER;
	fake_machine.flushed = 0;
}

#define FLUSHED_OTHER() ck_assert(fake_machine.flushed & OTHER)

static long ext(struct mmuext_op op)
{
	*(struct mmuext_op *)fake_page(user, REQ) = op;
	return FAKE_CALL(op_mmuext, fake_va(REQ), 1, 0, DOMID_SELF);
}

static long update(uint64_t ptr, uint64_t val)
{
	*(struct mmu_update *)fake_page(user, REQ) =
		(struct mmu_update){ ptr, val };
	return FAKE_CALL(op_mmu_update, fake_va(REQ), 1, 0, DOMID_SELF);
}

/*
 * Page `pfn` of user is mapped nowhere; it is of class L1 but no table any
 * more.
 */
static mfn_t was_table(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(user, pfn);

	ck_assert_int_eq(g_update(pfn, 0), 0);
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE,
						 .arg1.mfn = mfn_n(mfn) }), 0);
	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE,
						 .arg1.mfn = mfn_n(mfn) }), 0);
	ck_assert_int_eq(type_class(mfn_to_frame(mfn)->type), CLASS_L1);
	watch(user);
	return mfn;
}

/* --- what was a table becomes writable (T3) --- */

START_TEST(table_mapped_writable)
{
	mfn_t mfn = was_table(page + 1);

	ck_assert_int_eq(g_update(page + 1, pte_make(mfn, G_RW)), 0);
	FLUSHED_OTHER();
}
END_TEST

START_TEST(table_written_by_update)
{
	mfn_t mfn = was_table(page + 1);

	ck_assert_int_eq(update(mfn_n(mfn) << PAGE_SHIFT, 5), 0);
	FLUSHED_OTHER();
	ck_assert_uint_eq(*(uint64_t *)mfn_to_virt(mfn), 5);
}
END_TEST

START_TEST(table_written_as_descriptor)
{
	mfn_t mfn = was_table(page + 1);

	ck_assert_int_eq(FAKE_CALL(op_update_descriptor, maddr_n(mfn_to_maddr(mfn)),
				   0x7777), 0);
	FLUSHED_OTHER();
}
END_TEST

START_TEST(table_cleared)
{
	mfn_t mfn = was_table(page + 1);

	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_CLEAR_PAGE,
						 .arg1.mfn = mfn_n(mfn) }), 0);
	FLUSHED_OTHER();
}
END_TEST

/* To oneself, so that user is granter. */
START_TEST(table_granted_writable)
{
	uint32_t handle;
	mfn_t mfn;

	g_setup(user, 1);
	mfn = was_table(page + 1);
	*g_v1(user, REF) = (struct grant_entry_v1){
		GTF_permit_access, user->id, mfn_n(mfn),
	};
	watch(user);
	ck_assert_int_eq(g_map(user, REF, page + 1, HOST, &handle), 0);
	FLUSHED_OTHER();
	ck_assert_int_eq(g_unmap(page + 1, handle), 0);
}
END_TEST

/* --- what was writable becomes a table --- */

START_TEST(page_becomes_table)
{
	mfn_t mfn = fake_mfn(user, page + 1);

	ck_assert_int_eq(g_update(page + 1, 0), 0);
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	watch(user);
	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE,
						 .arg1.mfn = mfn_n(mfn) }), 0);
	FLUSHED_OTHER();
}
END_TEST

START_TEST(page_becomes_gdt)
{
	mfn_t mfn = fake_mfn(user, page + 1);

	ck_assert_int_eq(g_update(page + 1, 0), 0);
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	*(uint64_t *)fake_page(user, REQ) = mfn_n(mfn);
	watch(user);
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(REQ), 512), 0);
	FLUSHED_OTHER();
	ck_assert(fake_machine.flushed & FAKE_FLUSH_LOCAL); /* it is shown */
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(REQ), 0), 0);
}
END_TEST

/* PT9: of two pages the second is refused; neither is held then. */
START_TEST(gdt_refused)
{
	mfn_t mfn = fake_mfn(user, page + 1);
	uint64_t state;

	ck_assert_int_eq(g_update(page + 1, 0), 0);
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	state = mfn_to_frame(mfn)->state;
	((uint64_t *)fake_page(user, REQ))[0] = mfn_n(mfn);
	((uint64_t *)fake_page(user, REQ))[1] = mfn_n(fake_mfn(user, page + 2));
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(REQ), 1024), -EBUSY);
	ck_assert_uint_eq(mfn_to_frame(mfn)->state, state);
	ck_assert_uint_eq(type_count(mfn_to_frame(mfn)->type), 0);
}
END_TEST

START_TEST(ldt_shown)
{
	fake_machine.flushed = 0;
	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_SET_LDT }), 0);
	ck_assert(fake_machine.flushed & FAKE_FLUSH_LOCAL);
}
END_TEST

/* --- what a guest asks for --- */

START_TEST(asked_for)
{
	static const unsigned int all[] = {
		MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL,
		MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI,
	};
	mfn_t mfn = fake_mfn(user, page + 1);
	struct mmuext_op op = { 0 };
	unsigned int i;

	*fake_page(user, page + 2) = 1;	/* the mask: vCPU 0, which runs there */
	user->vcpu[0]->cpu = 2;
	for (i = 0; i < ARRAY_COUNT(all); i++) {
		op.cmd = all[i];
		op.arg1.linear_addr = fake_va(page + 1);
		set_xen_guest_handle(op.arg2.vcpumask, (void *)fake_va(page + 2));
		watch(user);
		ck_assert_int_eq(ext(op), 0);
		FLUSHED_OTHER();
	}
	user->vcpu[0]->cpu = 0;
	watch(user);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(page + 1),
				   pte_make(mfn, G_RO),
				   UVMF_TLB_FLUSH | UVMF_ALL), 0);
	FLUSHED_OTHER();
	watch(user);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(page + 1),
				   pte_make(mfn, G_RW),
				   UVMF_INVLPG | UVMF_ALL), 0);
	FLUSHED_OTHER();
	op.cmd = MMUEXT_TLB_FLUSH_LOCAL;
	fake_machine.flushed = 0;
	ck_assert_int_eq(ext(op), 0);
	ck_assert(fake_machine.flushed & FAKE_FLUSH_LOCAL);
	/* PT12: not of the hypervisor's addresses. */
	op.cmd = MMUEXT_INVLPG_LOCAL;
	op.arg1.linear_addr = HV_VIRT_START;
	fake_machine.flushed = 0;
	ck_assert_int_eq(ext(op), 0);
	ck_assert_uint_eq(fake_machine.flushed, 0);
}
END_TEST

/*
 * Only those that the mask names, of those that there are; bits past the
 * guest's vCPUs name nobody.  A mask that cannot be read is an error, as on
 * Xen: with UVMF after the entry was written.
 */
START_TEST(masks)
{
	static const struct { uint8_t mask; bool other; } m[] = {
		{ 0, false }, { 1, false }, { 2, true }, { 3, true },
		{ 0xfc, false }, { 0xff, true },
	};
	struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_MULTI };
	mfn_t mfn = fake_mfn(user, page + 1);
	struct vcpu second = { .cpu = 2 };

	user->vcpu[1] = &second;
	user->vcpu_count = 2;
	set_xen_guest_handle(op.arg2.vcpumask, (void *)fake_va(page + 2));
	for (unsigned int i = 0; i < ARRAY_COUNT(m); i++) {
		*(uint8_t *)fake_page(user, page + 2) = m[i].mask;
		watch(user);
		ck_assert_int_eq(ext(op), 0);
		ck_assert_int_eq(!!(fake_machine.flushed & OTHER), m[i].other);
		watch(user);
		ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(page + 1),
					   pte_make(mfn, G_RW),
					   UVMF_TLB_FLUSH | fake_va(page + 2)), 0);
		ck_assert_int_eq(!!(fake_machine.flushed & OTHER), m[i].other);
	}
	set_xen_guest_handle(op.arg2.vcpumask, (void *)HV_VIRT_START);
	ck_assert_int_eq(ext(op), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(page + 1),
				   pte_make(mfn, G_RO), UVMF_TLB_FLUSH | HV_VIRT_START),
			 -EFAULT);
	ck_assert_uint_eq(*fake_pte(user, page + 1) & PTE_RW, 0);
	user->vcpu_count = 1;
	user->vcpu[1] = NULL;
}
END_TEST

START_TEST(base_loaded)
{
	struct mmuext_op op = { .cmd = MMUEXT_NEW_BASEPTR,
				.arg1.mfn = mfn_n(user->vcpu[0]->kernel_l4) };

	fake_machine.flushed = 0;
	ck_assert_int_eq(ext(op), 0);
	ck_assert(fake_machine.flushed & FAKE_FLUSH_CR3);
}
END_TEST

/* --- grants: nobody is told before the flush (TL7, XSA-218) --- */

static bool early;	/* at OTHER's flush the granter saw that it was over */

static void look_at_status(void)
{
	early |= (fake_machine.flushed & OTHER) && !g_status(REF);
}

static void grant_watch(void)
{
	early = false;
	watch(user);
	fake_machine.on_flush = look_at_status;
}

static void grant_over(void)
{
	fake_machine.on_flush = NULL;
	FLUSHED_OTHER();
	ck_assert(!early);
	ck_assert_uint_eq(g_status(REF), 0);
}

START_TEST(grant_unmapped)
{
	uint32_t handle;

	g_grant(granter, REF, page, user, false);
	ck_assert_int_eq(g_map(granter, REF, page, HOST, &handle), 0);
	grant_watch();
	ck_assert_int_eq(g_unmap(page, handle), 0);
	grant_over();
}
END_TEST

/* Its entry gets another mapping, a grant or not (GT20). */
START_TEST(grant_overwritten)
{
	uint32_t handle;

	g_grant(granter, REF, page, user, false);
	g_grant(granter, REF + 1, page + 1, user, false);
	ck_assert_int_eq(g_map(granter, REF, page, HOST, &handle), 0);
	grant_watch();
	ck_assert_int_eq(g_update(page, 0), 0);
	grant_over();
	ck_assert_int_eq(g_map(granter, REF, page, HOST, &handle), 0);
	grant_watch();
	ck_assert_int_eq(g_map(granter, REF + 1, page, HOST, &handle), 0);
	grant_over();
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/* --- a page that is transferred --- */

static mfn_t moved;

/* Before the flush it is nobody's else. */
static void look_at_owner(void)
{
	uint64_t state = mfn_to_frame(moved)->state;

	early |= frame_state_kind(state) == FRAME_OWNED &&
		 frame_state_owner(state) == granter->id;
}

START_TEST(page_transferred)
{
	struct gnttab_transfer op = { 0, granter->id, REF, 99 };
	uint64_t pages = user->pages.total;

	granter->pages.max++;
	granter->pages.limit++;
	*g_v1(granter, REF) = (struct grant_entry_v1){
		GTF_accept_transfer, user->id, 0,
	};
	moved = MFN(op.mfn = mfn_n(fake_mfn(user, page + 1)));
	ck_assert_int_eq(g_update(page + 1, 0), 0);
	early = false;
	watch(user);
	fake_machine.on_flush = look_at_owner;
	ck_assert_int_eq(G_ONE(GNTTABOP_transfer, &op), 0);
	fake_machine.on_flush = NULL;
	ck_assert_int_eq(op.status, 0);
	FLUSHED_OTHER();
	ck_assert(!early);
	ck_assert_uint_eq(pfn_n(m2p_get(&user->m2p, moved)), pfn_n(INVALID_PFN));
	ck_assert_uint_eq(user->pages.total, pages - 1);
}
END_TEST

/* --- entries: what is left of a guest's bits --- */

START_TEST(bits_of_entries)
{
	mfn_t mfn = fake_mfn(user, page + 1);

	ck_assert_int_eq(g_update(page + 2, pte_make(mfn, G_RO | PTE_G |
						     PTE_AVL_OURS)), 0);
	ck_assert_uint_eq(*fake_pte(user, page + 2) & (PTE_G | PTE_AVL_OURS), 0);
	/* The fast path, where no count changes (PT1). */
	ck_assert_int_eq(g_update(page + 1, pte_make(mfn, G_RW | PTE_PCD)),
			 -EINVAL);
	ck_assert_int_eq(g_update(page + 1, pte_make(mfn, G_RW | PTE_G |
						     PTE_AVL_OURS)), 0);
	ck_assert_uint_eq(*fake_pte(user, page + 1) & (PTE_G | PTE_AVL_OURS), 0);
	cpu_features.nx = false;
	ck_assert_int_eq(g_update(page + 2, pte_make(mfn, G_RO | PTE_NX)),
			 -EINVAL);
	cpu_features.nx = true;
}
END_TEST

START_TEST(batch_arguments)
{
	*(struct mmu_update *)fake_page(user, REQ) = (struct mmu_update){
		(mfn_n(fake_mfn(user, page + 1))) << PAGE_SHIFT, 7,
	};
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(REQ), 1, 0,
				   granter->id), -EPERM);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(REQ), 1UL << 32 | 1,
				   0, DOMID_SELF), -EINVAL);
	ck_assert_uint_ne(*(uint64_t *)fake_page(user, page + 1), 7);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, g_start, end);
	tcase_add_test(tc, table_mapped_writable);
	tcase_add_test(tc, table_written_by_update);
	tcase_add_test(tc, table_written_as_descriptor);
	tcase_add_test(tc, table_cleared);
	tcase_add_test(tc, table_granted_writable);
	tcase_add_test(tc, page_becomes_table);
	tcase_add_test(tc, page_becomes_gdt);
	tcase_add_test(tc, gdt_refused);
	tcase_add_test(tc, ldt_shown);
	tcase_add_test(tc, asked_for);
	tcase_add_test(tc, masks);
	tcase_add_test(tc, base_loaded);
	tcase_add_test(tc, grant_unmapped);
	tcase_add_test(tc, grant_overwritten);
	tcase_add_test(tc, page_transferred);
	tcase_add_test(tc, bits_of_entries);
	tcase_add_test(tc, batch_arguments);
	return suite_run();
}
