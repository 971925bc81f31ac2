// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * A page that was a table becomes writable, and a second CPU wants to write it
 * before the first has flushed (T6, TL9): whatever the second one's way is, it
 * waits.  The flush is held up for as long as that takes; the second CPU is a
 * thread.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <pthread.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/xencomm.h"
#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "mm/pagetype.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define REF	9
#define WORD	0x123456789abcd007UL

static uint64_t pfn;		/* of granter's: the page, mapped read-only */
static mfn_t mfn;
static uint64_t args;		/* of granter's: its requests */
static uint32_t handle;

/* A table once, not used as one now; a CPU of granter's may still walk it. */
static void start(void)
{
	struct mmuext_op *op;

	g_start();
	pfn = page + 5;
	args = page + 200;
	mfn = fake_mfn(granter, pfn);
	fake_run(granter);
	ck_assert_int_eq(g_update(pfn, pte_make(mfn, G_RO)), 0);
	op = (void *)fake_page(granter, args);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(mfn) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(args), 1, 0, DOMID_SELF),
			 0);
	op->cmd = MMUEXT_UNPIN_TABLE;
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(args), 1, 0, DOMID_SELF),
			 0);
	ck_assert_uint_eq(mfn_to_frame(mfn)->type,
			  (uint64_t)CLASS_L1 << TYPE_CLASS_SHIFT);
	g_grant(granter, REF, pfn, user, false);
}

/* --- ways to write --- */

static long by_mmu_update(void)
{
	*(struct mmu_update *)fake_page(granter, args) = (struct mmu_update){
		mfn_n(mfn) << PAGE_SHIFT, WORD,
	};
	return op_mmu_update(&(struct hypercall_args){
		.a = { fake_va(args), 1, 0, DOMID_SELF } });
}

static long by_va_mapping(void)
{
	return op_update_va_mapping(&(struct hypercall_args){
		.a = { fake_va(pfn), pte_make(mfn, G_RW), 0 } });
}

static long by_clear_page(void)
{
	*(struct mmuext_op *)fake_page(granter, args) = (struct mmuext_op){
		.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = mfn_n(mfn),
	};
	return op_mmuext(&(struct hypercall_args){
		.a = { fake_va(args), 1, 0, DOMID_SELF } });
}

static long by_descriptor(void)
{
	return op_update_descriptor(&(struct hypercall_args){
		.a = { maddr_n(mfn_to_maddr(mfn)), 0 } });
}

static long by_grant_copy(void)
{
	*(struct gnttab_copy *)fake_page(granter, args) = (struct gnttab_copy){
		.source = { .u.gmfn = mfn_n(fake_mfn(granter, args)),
			    .domid = DOMID_SELF },
		.dest = { .u.gmfn = mfn_n(mfn), .domid = DOMID_SELF }, .len = 8,
	};
	return op_grant_table(&(struct hypercall_args){
		.a = { GNTTABOP_copy, fake_va(args), 1 } });
}

static long by_xencomm(void)
{
	/* An output by machine address. */
	return op_memory(&(struct hypercall_args){
		.a = { XENMEM_machphys_mapping,
		       XENCOMM_INLINE + maddr_n(mfn_to_maddr(mfn)) } });
}

static long by_grant_map(void)
{
	*(struct gnttab_map_grant_ref *)fake_page(user, args) =
		(struct gnttab_map_grant_ref){
			.host_addr = fake_va(page), .flags = HOST, .ref = REF,
			.dom = granter->id,
		};
	return op_grant_table(&(struct hypercall_args){
		.a = { GNTTABOP_map_grant_ref, fake_va(args), 1 } });
}

static long (*const ways[])(void) = {
	by_mmu_update, by_va_mapping, by_clear_page, by_descriptor,
	by_grant_copy, by_xencomm, by_grant_map,
};
#define WAYS ARRAY_COUNT(ways)
#define BY_GRANT_MAP (WAYS - 1)

/* --- the second CPU --- */

static unsigned int way;
static bool done;			/* atomic */
static long result;
static pthread_t thread;

static void *second(void *arg)
{
	this_cpu()->current = (way == BY_GRANT_MAP ? user : granter)->vcpu[0];
	result = ways[way]();
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	reclaim_flush_all();
	return NULL;
}

/*
 * Before the first CPU's flush: it is not made before the second has tried for
 * a while.
 */
static void on_flush(void)
{
	uint64_t spins = port_spins;

	fake_machine.on_flush = NULL;
	done = false;
	pthread_create(&thread, NULL, second, NULL);
	while (__atomic_load_n(&port_spins, __ATOMIC_SEQ_CST) < spins + 100 &&
	       !__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		;
	ck_assert_msg(!__atomic_load_n(&done, __ATOMIC_ACQUIRE),
		      "way %u wrote before the flush", way);
	ck_assert_uint_eq(type_count(mfn_to_frame(mfn)->type), 1);
}

/* TL9: user's grant map is first. */
START_TEST(grant_map_first)
{
	way = _i;
	fake_run(user);
	granter->cpu_mask = 2;
	fake_machine.on_flush = on_flush;
	ck_assert_int_eq(g_map(granter, REF, page, HOST, &handle), GNTST_okay);
	ck_assert_ptr_null(fake_machine.on_flush);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, 0);
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/* TL9: granter's own entry is first; both orders of LOCK_MM and LOCK_GRANT. */
START_TEST(own_entry_first)
{
	way = BY_GRANT_MAP;
	fake_run(granter);
	fake_machine.on_flush = on_flush;
	ck_assert_int_eq(g_update(pfn, pte_make(mfn, G_RW)), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, 0);
	ck_assert_int_eq(((struct gnttab_map_grant_ref *)fake_page(user, args))
			 ->status, GNTST_okay);
	fake_run(user);
	ck_assert_int_eq(g_unmap(page, 0), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("type");

	tcase_add_checked_fixture(tc, start, g_end);
	tcase_add_loop_test(tc, grant_map_first, 0, BY_GRANT_MAP);
	tcase_add_test(tc, own_entry_first);
	return suite_run();
}
