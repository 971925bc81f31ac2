// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * A frame that changes hands, and other CPUs that name it at every moment
 * (ME12, GT22): at one lock after another that a call takes, or at its flush,
 * another CPU, a thread, gives the frame back, maps it by a grant, or fills it.
 * What can be named is whole, and what is claimed cannot be named.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <pthread.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "mm/palloc.h"
#include "mm/ram.h"
#include "offer/mode.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "unit/suite.h"
#include "x86/above.h"
#include "x86/pte.h"

#define HOST	GNTMAP_host_map
#define RDONLY	GNTMAP_readonly
#define REF	9
#define P_CALL	(page + 200)	/* pages of both: a call's arguments */
#define P_ACT	(page + 201)	/* what the other CPU's call reads */

/* --- the other CPU --- */

static void (*act)(void);
static struct domain *actor;
static unsigned int act_at, locks;	/* at which lock of the call */
static bool acted;

static pthread_t thread;
static bool done;			/* atomic */

static void *other_cpu(void *arg)
{
	this_cpu()->current = actor->vcpu[0];
	act();
	reclaim_flush_all();
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * Until it is done, or waits for a lock of the call at hand: then it goes on
 * behind that.
 */
static void act_now(void)
{
	void (*on_flush)(void) = fake_machine.on_flush;
	uint64_t spins = port_spins;

	fake_machine.on_flush = NULL;
	done = false;
	pthread_create(&thread, NULL, other_cpu, NULL);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&port_spins, __ATOMIC_SEQ_CST) < spins + 100)
		;
	fake_machine.on_flush = on_flush;
	acted = true;
}

static void act_join(void)
{
	pthread_join(thread, NULL);
}

static bool at_m2p;			/* at these locks, too */

/* No lock that the actor needs is held where the call takes these. */
static void on_each_lock(enum lock_level level)
{
	if (level != LOCK_PAGELIST && level != LOCK_SHARE_DOM &&
	    level != LOCK_POOL && !(at_m2p && level == LOCK_M2P))
		return;
	if (locks++ != act_at)
		return;
	port_on_each_lock = NULL;
	act_now();
}

static void race_begin(void (*fn)(void), struct domain *who, unsigned int n)
{
	act = fn;
	actor = who;
	act_at = n;
	locks = 0;
	acted = false;
	port_on_each_lock = on_each_lock;
}

/* False: the call has not so many locks. */
static bool race_end(void)
{
	port_on_each_lock = NULL;
	if (acted)
		act_join();
	return acted;
}

/* --- what it does --- */

/* INVALID_MFN: every frame that is new */
static mfn_t target;
static enum frame_kind before[FAKE_FRAMES];
static unsigned int given, mapped, filled;
/* of those, while the call that is raced held LOCK_MM */
static unsigned int given_inside, mapped_inside;
static uint32_t handle;

static void note_kinds(void)
{
	mfn_t mfn;

	for (mfn = MFN(0); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		before[mfn_n(mfn)] = frame_valid(mfn) ? fake_kind(mfn) :
						 FRAME_RESERVED;
}

static void give_one(mfn_t mfn)
{
	struct {
		struct xen_memory_reservation r;
		uint64_t mfn;
	} *c = (void *)fake_page(actor, P_ACT);
	bool gone;

	*c = (typeof(*c)){ .r = { .nr_extents = 1, .domid = DOMID_SELF },
			   .mfn = mfn_n(mfn) };
	set_xen_guest_handle(c->r.extent_start,
			     (xen_pfn_t *)(fake_va(P_ACT) +
					   offsetof(typeof(*c), mfn)));
	gone = op_memory(&(struct hypercall_args){
		.a = { XENMEM_decrease_reservation, fake_va(P_ACT) } }) == 1;

	given += gone;
	given_inside += gone && spin_is_locked(&granter->mm);
}

static void give_back(void)
{
	mfn_t mfn;

	if (!mfn_eq(target, INVALID_MFN)) {
		give_one(target);
		return;
	}
	for (mfn = MFN(0); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		if (before[mfn_n(mfn)] == FRAME_FREE && fake_kind(mfn) != FRAME_FREE)
			give_one(mfn);
}

static void map_grant(unsigned int flags)
{
	struct gnttab_map_grant_ref *op = (void *)fake_page(actor, P_ACT);

	*g_v1(granter, REF) = (struct grant_entry_v1){
		GTF_permit_access, user->id, mfn_n(target),
	};
	*op = (struct gnttab_map_grant_ref){
		.host_addr = fake_va(page + 100), .flags = flags, .ref = REF,
		.dom = granter->id, .status = 99,
	};
	(void)op_grant_table(&(struct hypercall_args){
		.a = { GNTTABOP_map_grant_ref, fake_va(P_ACT), 1 } });
	mapped += op->status == GNTST_okay;
	mapped_inside += op->status == GNTST_okay && spin_is_locked(&granter->mm);
	handle = op->handle;
}

static void map_ro(void) { map_grant(HOST | RDONLY); }
static void map_rw(void) { map_grant(HOST); }

static void fill(void)
{
	*(struct mmuext_op *)fake_page(actor, P_ACT) = (struct mmuext_op){
		.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = mfn_n(target),
	};
	filled += !op_mmuext(&(struct hypercall_args){
		.a = { fake_va(P_ACT), 1, 0, DOMID_SELF } });
}

static void unmap_user(void)
{
	fake_run(user);
	ck_assert_int_eq(g_unmap(page + 100, handle), 0);
	fake_run(granter);
	mapped = 0;
}

/* --- fixtures --- */

static void start(void)
{
	g_start();
	fake_run(granter);
	target = INVALID_MFN;
}

static void end(void)
{
	port_on_each_lock = NULL;
	g_end();
}

/* A page of granter's goes, so that there is room in the quota. */
static void make_room(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(granter, pfn);

	ck_assert_int_eq(g_update(pfn, 0), 0);
	actor = granter;
	give_one(mfn);
	given = given_inside = 0;
	reclaim_flush_all();
}

static long reserve(unsigned int op, unsigned int order, uint64_t value)
{
	struct {
		struct xen_memory_reservation r;
		uint64_t list;
	} *c = (void *)fake_page(granter, P_CALL);

	*c = (typeof(*c)){ .r = { .nr_extents = 1, .extent_order = order,
				  .domid = DOMID_SELF }, .list = value };
	set_xen_guest_handle(c->r.extent_start,
			     (xen_pfn_t *)(fake_va(P_CALL) +
					   offsetof(typeof(*c), list)));
	return FAKE_CALL(op_memory, op, fake_va(P_CALL));
}

/* --- ME12: new pages --- */

START_TEST(ME12_populate)
{
	unsigned int op = _i ? XENMEM_increase_reservation :
			       XENMEM_populate_physmap;
	unsigned int n;

	for (n = 0; n < 8; n++)
		make_room(page + 10 + n);
	for (n = 0; n == 0 || acted; n++) {
		reclaim_flush_all();
		note_kinds();
		race_begin(give_back, granter, n);
		ck_assert_int_eq(reserve(op, n % 3, page + 10), 1);
		(void)race_end();
		g_check();
		if (given)
			continue;
		/* Nobody took it away: it is there, and may go. */
		target = MFN(((uint64_t *)fake_page(granter, P_CALL))
			[sizeof(struct xen_memory_reservation) / 8]);
		if (n % 3 == 0) {
			actor = granter;
			give_one(target);
			ck_assert_uint_eq(given, 1);
		}
		given = 0;
		target = INVALID_MFN;
		if (n > 20)
			break;
	}
	ck_assert_uint_gt(n, 1);
}
END_TEST

/* ME12: a page that comes from another domain. */
START_TEST(ME12_transfer)
{
	struct gnttab_transfer op;
	unsigned int n;

	for (n = 0; n < 12; n++)
		make_room(page + 10 + n);
	for (n = 0; n == 0 || acted; n++) {
		fake_run(user);
		target = fake_mfn(user, page + 20 + n);
		ck_assert_int_eq(g_update(page + 20 + n, 0), 0);
		*g_v1(granter, REF) = (struct grant_entry_v1){
			GTF_accept_transfer, user->id, 0,
		};
		op = (struct gnttab_transfer){ mfn_n(target), granter->id, REF, 99 };
		race_begin(give_back, granter, n);
		ck_assert_int_eq(G_ONE(GNTTABOP_transfer, &op), 0);
		(void)race_end();
		ck_assert_int_eq(op.status, 0);
		fake_run(granter);
		g_check();
		ck_assert_uint_lt(n, 12);
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_eq(given, 0);
}
END_TEST

/* --- offers --- */

static long offer(uint64_t pfn)
{
	return FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn), 0, 0);
}

/*
 * GT22, ME12: between the look at the references and the end nobody gets at the
 * page.
 */
START_TEST(GT22_offer)
{
	static void (*const acts[])(void) = {
		map_ro, map_rw, give_back, fill,
	};
	unsigned int n, i = 0;
	long r;

	for (n = 0; n == 0 || acted; n++) {
		uint64_t pfn = page + 10 + n;

		memset(fake_page(granter, pfn), 0x40 + n, PAGE_SIZE);
		target = fake_mfn(granter, pfn);
		race_begin(acts[_i], _i < 2 ? user : granter, n);
		r = offer(pfn);
		i += race_end();
		/* It was refused, or it is over. */
		ck_assert_int_eq(mapped + given + filled, 0);
		ck_assert_int_gt(r, 0);
		ck_assert_uint_eq(fake_page(granter, pfn)[100], 0x40 + n);
		g_check();
	}
	ck_assert_uint_gt(i, 2);
}
END_TEST

/* The flush comes before the look: what is mapped until then counts. */
static void map_ro_at_flush(void)
{
	if (acted)
		return;
	act = map_ro;
	actor = user;
	act_now();
	act_join();
}

START_TEST(GT22_before_the_look)
{
	target = fake_mfn(granter, page + 10);
	acted = false;
	fake_machine.on_flush = map_ro_at_flush;
	ck_assert_int_eq(offer(page + 10), -EBUSY);
	fake_machine.on_flush = NULL;
	ck_assert_uint_eq(mapped, 1);
	g_check();
	unmap_user();
	ck_assert_int_gt(offer(page + 10), 0);
}
END_TEST

/* --- breaks --- */

static mfn_t shared_mfn;
static bool seen_writable, acting;
static unsigned int flushes;

/*
 * SH2: when CPUs forget the old frame, nobody writes the page yet, under any
 * name.  Who maps it waits until the break is over.
 */
static void at_flush(void)
{
	pte_t e = *fake_pte(granter, page + 10);

	if (current_vcpu()->domain != granter)
		return;
	flushes++;
	seen_writable |= (e & PTE_RW) != 0;
	if (acting && !__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		return;
	if (acting)
		act_join();
	acting = true;
	target = pte_mfn(e);
	act = map_rw;
	actor = user;
	act_now();
}

static void flushes_over(void)
{
	fake_machine.on_flush = NULL;
	ck_assert_uint_gt(flushes, 0);
	ck_assert(!seen_writable);
	act_join();
	if (mapped)	/* of the page that is granter's by then */
		unmap_user();
}

static void share(bool others)
{
	memset(fake_page(granter, page + 10), 0x33, PAGE_SIZE);
	ck_assert_int_gt(offer(page + 10), 0);
	shared_mfn = fake_mfn(granter, page + 10);
	if (!others)
		return;
	fake_run(user);
	memset(fake_page(user, page + 10), 0x33, PAGE_SIZE);
	ck_assert_int_gt(offer(page + 10), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(user, page + 10)), mfn_n(shared_mfn));
	fake_run(granter);
}

static int32_t unshare_page(void)
{
	struct shareop_entry *e = (void *)fake_page(granter, P_CALL);

	memset(e, 0, sizeof(*e));
	e->nr_ptes = 1;
	e->pte[0] = fake_va(page + 10);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare, fake_va(P_CALL),
				   1, 0), 0);
	return e->status;
}

START_TEST(SH2_unshare_flush)
{
	share(_i);
	reclaim_flush_all();
	fake_machine.on_flush = at_flush;
	ck_assert_int_eq(unshare_page(), SHARE_DONE);
	flushes_over();
	ck_assert_uint_eq(mapped_inside, 0);
	ck_assert(*fake_pte(granter, page + 10) & PTE_RW);
	ck_assert(!(*fake_pte(granter, page + 10) & PTE_AVL_SHARED));
	ck_assert_int_eq(mfn_eq(fake_mfn(granter, page + 10), shared_mfn), !_i);
	g_check();
}
END_TEST

/* The same where the entry is set anew, which breaks the share. */
static void break_first(void)
{
	struct shareop_mode *m = (void *)fake_page(granter, P_CALL);

	*m = (struct shareop_mode){
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST,
	};
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(P_CALL),
				   sizeof(*m), 0), 0);
}

START_TEST(SH2_break_flush)
{
	break_first();
	share(_i % 2);
	reclaim_flush_all();
	fake_machine.on_flush = at_flush;
	if (_i < 2)
		ck_assert_int_eq(g_update(page + 10,
					  pte_make(shared_mfn, G_RW)), 0);
	else
		ck_assert(guest_access_fault(fake_va(page + 10), 3));
	flushes_over();
	ck_assert(*fake_pte(granter, page + 10) & PTE_RW);
	ck_assert_int_eq(mfn_eq(fake_mfn(granter, page + 10), shared_mfn), !(_i % 2));
	g_check();
}
END_TEST

/*
 * ME12: the copy, or the frame that is taken over, is given back by number
 * meanwhile: not before the unshare is over, for which the giver waits.
 */
START_TEST(ME12_unshare)
{
	bool others = _i % 2;

	share(others);
	make_room(page + 30);
	reclaim_flush_all();
	target = others ? INVALID_MFN : shared_mfn;
	note_kinds();
	race_begin(give_back, granter, _i / 2);
	ck_assert_int_eq(unshare_page(), SHARE_DONE);
	(void)race_end();
	ck_assert_uint_eq(given_inside, 0);
	ck_assert_uint_eq(fake_page(granter, page + 10)[9], 0x33);
	g_check();
}
END_TEST

/* --- shared pages, which nobody references while they are read --- */

static long ext(struct mmuext_op op)
{
	*(struct mmuext_op *)fake_page(granter, P_CALL) = op;
	return FAKE_CALL(op_mmuext, fake_va(P_CALL), 1, 0, DOMID_SELF);
}

/* The hold ends, and the frame is another group's by now. */
static void drop_and_reuse(void)
{
	(void)op_update_va_mapping(&(struct hypercall_args){
		.a = { fake_va(page + 10), 0, 0 } });
	reclaim_flush_all();
	memset(mfn_to_virt(shared_mfn), 0x99, PAGE_SIZE);
}

static void drop_at_flush(void)
{
	act = drop_and_reuse;
	actor = granter;
	act_now();
	act_join();
}

/*
 * ME12: COPY_PAGE out of a page that another vCPU lets go of while the target
 * is flushed.
 */
START_TEST(ME12_copy_page)
{
	mfn_t to = fake_mfn(granter, page + 11);

	share(false);
	ck_assert_int_eq(g_update(page + 11, pte_make(to, G_RO)), 0);
	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE,
						 .arg1.mfn = mfn_n(to) }), 0);
	ck_assert_int_eq(ext((struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE,
						 .arg1.mfn = mfn_n(to) }), 0);
	reclaim_flush_all();
	fake_machine.on_flush = drop_at_flush;
	ck_assert_int_eq(ext((struct mmuext_op){
		.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = mfn_n(to),
		.arg2.src_mfn = mfn_n(shared_mfn) }), -EPERM);
	ck_assert_uint_eq(fake_page(granter, page + 11)[8], 0);
}
END_TEST

/* Its last holder wants to write it. */
static void take_over(void)
{
	(void)op_update_va_mapping(&(struct hypercall_args){
		.a = { fake_va(page + 10), pte_make(shared_mfn, G_RW), 0 } });
}

/*
 * A name in the M2P for a shared page, which becomes granter's own meanwhile.
 */
START_TEST(m2p_update)
{
	share(false);
	at_m2p = true;
	race_begin(take_over, granter, 0);
	*(struct mmu_update *)fake_page(granter, P_CALL) = (struct mmu_update){
		(mfn_n(shared_mfn) << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, page + 10,
	};
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(P_CALL), 1, 0,
				   DOMID_SELF), 0);
	ck_assert(race_end());
	at_m2p = false;
	ck_assert_uint_eq(mfn_n(fake_mfn(granter, page + 10)), mfn_n(shared_mfn));
	ck_assert_uint_eq(fake_ref(shared_mfn), 2);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("claim");

	tcase_add_checked_fixture(tc, start, end);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, ME12_populate, 0, 2);
	tcase_add_test(tc, ME12_transfer);
	tcase_add_loop_test(tc, GT22_offer, 0, 4);
	tcase_add_test(tc, GT22_before_the_look);
	tcase_add_loop_test(tc, SH2_unshare_flush, 0, 2);
	tcase_add_loop_test(tc, SH2_break_flush, 0, 4);
	tcase_add_loop_test(tc, ME12_unshare, 0, 12);
	tcase_add_test(tc, ME12_copy_page);
	tcase_add_test(tc, m2p_update);
	return suite_run();
}
