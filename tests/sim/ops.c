/* SPDX-License-Identifier: MIT */
/* See ops.h.  In each, "the other one" is the domain on the other CPU. */
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "abi/share.h"
#include "abi/xencomm.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/xencomm.h"
#include "sim/ops.h"
#include "sim/sim.h"
#include "x86/guestcopy.h"

/* Of the side at hand. */
#define LIST_VA		fake_va(page + s->args_page + 1)

static void *list_of(struct side *s)
{
	return fake_page(s->d, page + s->args_page + 1);
}

static uint64_t va_of(unsigned int what)
{
	return fake_va(page + what);
}

/* Nothing to prepare. */
void op_nothing(struct side *s)
{
}

/* --- page-table entries --- */

static void entry(struct side *s, unsigned int what, pte_t e)
{
	s->args = (struct hypercall_args){ .a = { va_of(what), e, 0 } };
}

static long run_update(struct side *s)
{
	return state_call(op_update_va_mapping, &s->args);
}

static void unmap_both(struct side *s) { entry(s, P_BOTH, 0); }
static void unmap_offered(struct side *s) { entry(s, P_OFFERED, 0); }
static void unmap_mapped(struct side *s) { entry(s, P_MAPPED, 0); }

/* The last entry of a page that it held sole (pv/ptbreak.c, K9). */
static void unmap_sole(struct side *s, unsigned int what)
{
	op_break_first(s);
	s->d->breaks.flags |= SHARE_MODE_SOLE;
	s->d->l1_watch |= WATCH_SOLE;
	entry(s, what, 0);
	s->args.a[2] = UVMF_INVLPG | UVMF_ALL;
}

static void unmap_sole_both(struct side *s) { unmap_sole(s, P_BOTH); }
static void unmap_sole_alone(struct side *s) { unmap_sole(s, P_ALONE); }

static void map_again(struct side *s)
{
	entry(s, P_PLACE, s->mfn[P_BOTH] << PAGE_SHIFT | G_RO);
}

static void map_offered_ro(struct side *s)
{
	entry(s, P_OFFERED, s->mfn[P_OFFERED] << PAGE_SHIFT | G_RO);
}

/* The other one's page, which was never ours. */
static void map_foreign(struct side *s)
{
	entry(s, P_PLACE, s->other->mfn[P_OFFERED] << PAGE_SHIFT | G_RW);
}

static void map_guessed(struct side *s)
{
	entry(s, P_PLACE, s->other->mfn[P_SPARE] << PAGE_SHIFT | G_RW);
}

static void mmuext(struct side *s, unsigned int cmd, uint64_t arg1, uint64_t arg2)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = arg1;
	op.arg2.src_mfn = arg2;
	memcpy(args_of(s), &op, sizeof(op));
	s->args = (struct hypercall_args){ .a = { args_va(s), 1, 0, DOMID_SELF } };
}

static long run_mmuext(struct side *s)
{
	return state_call(op_mmuext, &s->args);
}

static void pin_offered(struct side *s)
{
	mmuext(s, MMUEXT_PIN_L1_TABLE, s->mfn[P_OFFERED], 0);
}

/* Read-only first, then a table: what a kernel does. */
static long run_pin_offered(struct side *s)
{
	struct hypercall_args ro = {
		.a = { va_of(P_OFFERED),
		       s->mfn[P_OFFERED] << PAGE_SHIFT | G_RO, 0 },
	};
	long r = state_call(op_update_va_mapping, &ro);

	return r ? r : run_mmuext(s);
}

static void pin_blank(struct side *s)
{
	mmuext(s, MMUEXT_PIN_L1_TABLE, s->mfn[P_BLANK], 0);
}

static void unpin_table(struct side *s)
{
	mmuext(s, MMUEXT_UNPIN_TABLE, s->mfn[P_TABLE], 0);
}

static void clear_offered(struct side *s)
{
	mmuext(s, MMUEXT_CLEAR_PAGE, s->mfn[P_OFFERED], 0);
}

static void copy_to_offered(struct side *s)
{
	mmuext(s, MMUEXT_COPY_PAGE, s->mfn[P_OFFERED], s->mfn[P_BOTH]);
}

static void write_table(struct side *s)
{
	struct mmu_update u = {
		.ptr = s->mfn[P_TABLE] << PAGE_SHIFT,
		.val = s->mfn[P_OFFERED] << PAGE_SHIFT | G_RW,
	};

	memcpy(args_of(s), &u, sizeof(u));
	s->args = (struct hypercall_args){ .a = { args_va(s), 1, 0, DOMID_SELF } };
}

static long run_mmu_update(struct side *s)
{
	return state_call(op_mmu_update, &s->args);
}

static void clear_old_table(struct side *s)
{
	op_old_table(s);
	mmuext(s, MMUEXT_CLEAR_PAGE, s->mfn[P_TABLE], 0);
}

static void map_old_table(struct side *s)
{
	op_old_table(s);
	entry(s, P_PLACE, s->mfn[P_TABLE] << PAGE_SHIFT | G_RW);
}

static void set_gdt(struct side *s)
{
	uint64_t *list = args_of(s);

	list[0] = s->mfn[P_GDT];
	s->args = (struct hypercall_args){ .a = { args_va(s), 512 } };
}

static long run_set_gdt(struct side *s)
{
	return state_call(op_set_gdt, &s->args);
}

/* --- memory --- */

static void reservation(struct side *s, unsigned int cmd, uint64_t first)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};

	*(uint64_t *)list_of(s) = first;
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)LIST_VA);
	memcpy(args_of(s), &r, sizeof(r));
	s->args = (struct hypercall_args){ .a = { cmd, args_va(s) } };
}

long op_run_memory(struct side *s)
{
	return state_call(op_memory, &s->args);
}

static void populate(struct side *s)
{
	reservation(s, XENMEM_populate_physmap, page + P_HOLE);
}

/* The one page that the domain may have (ME5, ME8). */
static void populate_last(struct side *s)
{
	s->d->pages.max = s->d->pages.limit = s->d->pages.total + 1;
	populate(s);
}

static void give_spare(struct side *s)
{
	reservation(s, XENMEM_decrease_reservation, s->mfn[P_SPARE]);
}

static void give_offered(struct side *s)
{
	reservation(s, XENMEM_decrease_reservation, s->mfn[P_OFFERED]);
}

/* The number of a page that may be about to come here. */
static void give_guessed(struct side *s)
{
	reservation(s, XENMEM_decrease_reservation, s->other->mfn[P_SPARE]);
}

/* Likewise: the one that the next populate draws. */
static void give_populated(struct side *s)
{
	unsigned int me = sim_cpu;
	uint64_t mfn;

	sim_cpu = s->cpu;
	populate(s);
	CHECK(op_run_memory(s) == 1);
	mfn = *(uint64_t *)list_of(s);
	reservation(s, XENMEM_decrease_reservation, mfn);
	CHECK(op_run_memory(s) == 1);
	sim_cpu = me;
	reservation(s, XENMEM_decrease_reservation, mfn);
}

/* The one that the other CPU draws next, whatever for. */
static void give_drawn(struct side *s)
{
	unsigned int me = sim_cpu;
	void *drawn;

	sim_cpu = 1 - s->cpu;
	drawn = palloc_hv(0);
	CHECK(drawn);
	reservation(s, XENMEM_decrease_reservation, mfn_n(virt_to_mfn(drawn)));
	palloc_hv_free(drawn, 0);
	sim_cpu = me;
}

static void exchange_spare(struct side *s)
{
	uint64_t *list = list_of(s);
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .nr_extents = 1, .domid = DOMID_SELF },
	};

	list[0] = s->mfn[P_SPARE];
	list[1] = page + P_SPARE;
	set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)LIST_VA);
	set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)(LIST_VA + 8));
	memcpy(args_of(s), &x, sizeof(x));
	s->args = (struct hypercall_args){ .a = { XENMEM_exchange, args_va(s) } };
}

/* --- sharing --- */

static void share_single(struct side *s, unsigned int what)
{
	s->args = (struct hypercall_args){
		.a = { SHAREOP_single, va_of(what), 0, 0 },
	};
}

/* The frame's number is the machine's choice. */
static long run_share_single(struct side *s)
{
	long r = state_call(op_share, &s->args);

	return r > 0 ? 0 : r;
}

static void offer_own(struct side *s) { share_single(s, P_OWN); }
static void offer_same(struct side *s) { share_single(s, P_SAME); }
static void offer_offered(struct side *s) { share_single(s, P_OFFERED); }
static void offer_lent(struct side *s) { share_single(s, P_LENT); }

static void batch(struct side *s, unsigned int op, unsigned int a,
		  unsigned int b)
{
	struct shareop_entry e[2] = {
		{ .pte = { va_of(a) }, .nr_ptes = 1 },
		{ .pte = { va_of(b) }, .nr_ptes = 1 },
	};

	memcpy(args_of(s), e, sizeof(e));
	s->args = (struct hypercall_args){ .a = { op, args_va(s), 2, 0 } };
}

static long run_batch(struct side *s)
{
	const struct shareop_entry *e = args_of(s);
	long r = state_call(op_share, &s->args);

	return r ? r : e[0].status * 100 + e[1].status;
}

static void offer_two(struct side *s)
{
	batch(s, SHAREOP_batch, P_SAME, P_OFFERED);
}

static void unshare_two(struct side *s)
{
	batch(s, SHAREOP_unshare, P_BOTH, P_ALONE);
}

/* --- events --- */

static void event(struct side *s, unsigned int cmd, const void *arg, size_t n)
{
	memcpy(args_of(s), arg, n);
	s->args = (struct hypercall_args){ .a = { cmd, args_va(s) } };
}

static long call_event(struct hypercall_args *args)
{
	return op_event_channel(&args->a[0], args->a[1]);
}

long op_run_event(struct side *s)
{
	return state_call(call_event, &s->args);
}

static void bind(struct side *s)
{
	struct evtchn_bind_interdomain b = {
		.remote_dom = s->other->d->id,
		.remote_port = s->other->port_unbound,
	};

	event(s, EVTCHNOP_bind_interdomain, &b, sizeof(b));
}

static void send(struct side *s)
{
	struct evtchn_send e = { .port = s->port_bound };

	event(s, EVTCHNOP_send, &e, sizeof(e));
}

static void close_bound(struct side *s)
{
	struct evtchn_close c = { .port = s->port_bound };

	event(s, EVTCHNOP_close, &c, sizeof(c));
}

static void close_unbound(struct side *s)
{
	struct evtchn_close c = { .port = s->port_unbound };

	event(s, EVTCHNOP_close, &c, sizeof(c));
}

static void reset(struct side *s)
{
	struct evtchn_reset r = { .dom = DOMID_SELF };

	event(s, EVTCHNOP_reset, &r, sizeof(r));
}

/* --- registered buffers --- */

static void register_offered(struct side *s)
{
	*(uint64_t *)args_of(s) = s->mfn[P_OFFERED];
	s->args = (struct hypercall_args){
		.a = { XENCOMMOP_register, args_va(s), 1 },
	};
}

static long run_xencomm(struct side *s)
{
	return state_call(op_xencomm, &s->args);
}

static void store_by_number(struct side *s)
{
	s->args = (struct hypercall_args){
		.a = { XENCOMM_INLINE + (s->mfn[P_OFFERED] << PAGE_SHIFT) },
	};
}

/* What a call does with a result that goes to a machine address. */
static long call_store(struct hypercall_args *args)
{
	const uint64_t value = 0x77;

	return copy_to_guest(args->a[0], &value, sizeof(value));
}

static long run_call_store(struct side *s)
{
	return state_call(call_store, &s->args);
}

/* --- guests --- */

static long access_by(struct side *s, unsigned int what, bool write)
{
	uint64_t *at = sim_tlb_access(s->cpu, va_of(what), write);

	if (!at)
		return -EFAULT;
	sim_access(at, sizeof(*at), write);
	/* The CPU may have lost the translation before it got here. */
	at = sim_tlb_access(s->cpu, va_of(what), write);
	if (at && write)
		WRITE_ONCE(*at, 0x77);
	return at ? 0 : -EFAULT;
}

static long run_store_lent(struct side *s) { return access_by(s, P_MAPPED, true); }
static long run_store_offered(struct side *s) { return access_by(s, P_OFFERED, true); }

/* --- ends --- */

/* Its CPU has no guest then. */
static void begin_to_die(struct side *s)
{
	unsigned int me = sim_cpu;

	sim_cpu = s->cpu;
	domain_end(s->d);
	state_exit();
	sim_cpu = me;
}

/* The other one stays where it is, as if another CPU had it. */
static void reap_until(struct side *s, unsigned int step)
{
	struct domain *other = s->other->d;
	unsigned int me = sim_cpu;

	sim_cpu = s->cpu;
	atomic_store(&other->end.reaped_by, 1);
	while (s->d->end.phase < step)
		CHECK(reaper_step());
	atomic_store(&other->end.reaped_by, 0);
	sim_cpu = me;
}

/* All the rest, alone; in the end nothing is left. */
static void reap_all(struct side *s)
{
	struct domain *d = s->d;

	if (!d)
		return;
	s->d = NULL;
	while (!domain_is_gone(d))
		CHECK(reaper_step());
	fake_forget(d);
}

static long run_reaper(struct side *s)
{
	(void)reaper_step();
	return 0;
}

#define STEP(n) \
	static void reap_to_##n(struct side *s) \
	{ \
		begin_to_die(s); \
		reap_until(s, n); \
	}
STEP(0) STEP(1) STEP(2) STEP(3) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10)
STEP(11) STEP(12) STEP(13) STEP(14)

/* Another CPU ends it while it is in a call. */
static void prepare_kill(struct side *s)
{
	s->args.a[0] = s->other->d->id;
	state_take(s->cpu, s->v);
}

static long run_kill(struct side *s)
{
	struct domain *victim = domain_find((domid_hv_t)s->args.a[0]);
	unsigned int i;

	if (victim) {
		domain_shutdown(victim, SHUTDOWN_poweroff);
		domain_put(victim);
	}
	for (i = 0; i < 4; i++)
		state_reap();
	return 0;
}

static void reap_other(struct side *s)
{
	reap_all(s->other);
}

/* The last vCPU took its domain along: of both sides, once. */
void op_end_of_last(struct side *s)
{
	struct domain *d = s->d;

	if (!d || d->state == DOM_RUNNING)
		return;
	sides[0].d = sides[1].d = d;
	reap_all(s);
	sides[0].d = sides[1].d = NULL;
}

static const struct op ops[] = {
	{ "unmap-shared", unmap_both, run_update },
	{ "unmap-sole", unmap_sole_both, run_update },
	{ "unmap-sole-alone", unmap_sole_alone, run_update },
	{ "map-shared-again", map_again, run_update },
	{ "unmap-granted", unmap_offered, run_update },
	{ "lower-granted", map_offered_ro, run_update },
	{ "map-foreign", map_foreign, run_update },
	{ "map-guessed", map_guessed, run_update },
	{ "overwrite-grant-map", unmap_mapped, run_update },
	{ "pin-granted", pin_offered, run_pin_offered },
	{ "pin-blank", pin_blank, run_mmuext },
	{ "pin-parts", op_pin_parts, run_mmuext },
	{ "pin-old-parts", op_pin_old_parts, run_mmuext },
	{ "unpin", unpin_table, run_mmuext },
	{ "write-table", write_table, run_mmu_update },
	{ "clear-page", clear_offered, run_mmuext },
	{ "copy-page", copy_to_offered, run_mmuext },
	{ "set-gdt", set_gdt, run_set_gdt },
	{ "populate", populate, op_run_memory },
	{ "populate-last", populate_last, op_run_memory },
	{ "give-back", give_spare, op_run_memory },
	{ "give-back-granted", give_offered, op_run_memory },
	{ "give-back-guessed", give_guessed, op_run_memory },
	{ "exchange", exchange_spare, op_run_memory },
	{ "offer", offer_own, run_share_single },
	{ "offer-same", offer_same, run_share_single },
	{ "offer-granted", offer_offered, run_share_single },
	{ "offer-lent", offer_lent, run_share_single },
	{ "offer-batch", offer_two, run_batch },
	{ "unshare", unshare_two, run_batch },
	{ "event-bind", bind, op_run_event },
	{ "event-send", send, op_run_event },
	{ "event-close", close_bound, op_run_event },
	{ "event-close-unbound", close_unbound, op_run_event },
	{ "event-reset", reset, op_run_event },
	{ "buffer-register", register_offered, run_xencomm },
	{ "store-by-number", store_by_number, run_call_store },
	{ "store-granted", op_nothing, run_store_lent },
	{ "store", op_nothing, run_store_offered },
	{ "break", op_break_first, op_run_store_twice },
	{ "store-both", op_nothing, op_run_store_both_once },
	{ "break-second", op_break_first, op_run_store_second },
	{ "break-one", op_break_first, op_run_store_both },
	{ "break-last", op_break_first, op_run_store_alone },
	{ "clear-old-table", clear_old_table, run_mmuext },
	{ "map-old-table", map_old_table, run_update },
	{ "give-populated", give_populated, op_run_memory },
	{ "give-drawn", give_drawn, op_run_memory },
	{ "load-twice", op_nothing, op_run_load_twice },
	{ "names-twice", op_nothing, op_run_names_twice },
	{ "vcpu-initialise", op_initialise, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-initialise-refused", op_initialise_refused, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-initialise-gdt", op_initialise_gdt, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-up", op_up, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-up-early", op_up_early, op_run_up, NULL, OP_ONE_DOMAIN },
	{ "vcpu-down", op_down, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-down-itself", op_down_itself, op_run_vcpu, op_end_of_last, OP_ONE_DOMAIN },
	{ "vcpu-is-up", op_is_up, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-info", op_register_info, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "vcpu-nmi", op_send_nmi, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "foreign-map", op_foreign_map, op_run_foreign, NULL, OP_FIRST },
	{ "foreign-map-ro", op_foreign_map_ro, op_run_foreign, NULL, OP_FIRST },
	{ "foreign-map-table", op_foreign_map_table, op_run_foreign, NULL, OP_FIRST },
	{ "foreign-map-shared", op_foreign_map_shared, op_run_foreign, NULL, OP_FIRST },
	{ "foreign-unmap", op_foreign_unmap, op_run_foreign, NULL, OP_FIRST },
	{ "foreign-name", op_foreign_name, op_run_foreign, NULL, OP_FIRST },
	{ "foreign-pin", op_foreign_pin, op_run_foreign_ext, NULL, OP_FIRST },
	{ "foreign-unpin", op_foreign_unpin, op_run_foreign_ext, NULL, OP_FIRST },
	{ "foreign-clear", op_foreign_clear, op_run_foreign_ext, NULL, OP_FIRST },
	{ "foreign-populate", op_foreign_populate, op_run_foreign_memory, NULL, OP_FIRST },
	{ "foreign-give-back", op_foreign_give, op_run_foreign_memory, NULL, OP_FIRST },
	{ "foreign-set-map", op_foreign_set_map, op_run_foreign_memory, NULL, OP_FIRST },
	{ "foreign-grants", op_foreign_grants, op_run_foreign_memory, NULL, OP_FIRST },
	{ "domain-create", op_create, op_run_domctl, op_create_end, OP_FIRST },
	{ "domain-max-mem", op_max_mem, op_run_domctl, NULL, OP_FIRST },
	{ "domain-max-mem-more", op_max_mem_more, op_run_domctl, NULL, OP_FIRST },
	{ "domain-info", op_domain_info, op_run_domctl, NULL, OP_FIRST },
	{ "domain-context", op_set_context, op_run_domctl, NULL, OP_FIRST },
	{ "domain-get-context", op_get_context, op_run_domctl, NULL, OP_FIRST },
	{ "domain-trigger", op_trigger, op_run_domctl, NULL, OP_FIRST },
	{ "domain-pause", op_pause, op_run_pause, NULL, OP_FIRST },
	{ "domain-destroy", op_destroy, op_run_destroy, op_reap_other, OP_FIRST },
	{ "label", op_label, op_run_label, NULL, OP_FIRST },
	{ "shut", op_shut, op_run_shut, op_reap, OP_TWO_DOMAINS },
	{ "kill", prepare_kill, run_kill, reap_other, OP_TWO_DOMAINS },
	{ "die-0", reap_to_0, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-1", reap_to_1, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-2", reap_to_2, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-3", reap_to_3, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-6", reap_to_6, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-7", reap_to_7, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-8", reap_to_8, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-9", reap_to_9, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-10", reap_to_10, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-11", reap_to_11, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-12", reap_to_12, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-13", reap_to_13, run_reaper, reap_all, OP_TWO_DOMAINS },
	{ "die-14", reap_to_14, run_reaper, reap_all, OP_TWO_DOMAINS },
};

/* In the order of their numbers. */
static const struct {
	const struct op *ops;
	const unsigned int *count;
} others[] = {
	{ ops_grant, &ops_grant_count },
	{ ops_calls, &ops_calls_count },
	{ ops_timer, &ops_timer_count },
	{ ops_sched, &ops_sched_count },
	{ ops_domctl, &ops_domctl_count },
	{ ops_audit, &ops_audit_count },
	{ ops_device, &ops_device_count },
};

unsigned int op_count(void)
{
	unsigned int i, n = ARRAY_COUNT(ops);

	for (i = 0; i < ARRAY_COUNT(others); i++)
		n += *others[i].count;
	return n;
}

const struct op *op_at(unsigned int i)
{
	unsigned int file = 0;

	if (i < ARRAY_COUNT(ops))
		return &ops[i];
	for (i -= ARRAY_COUNT(ops); i >= *others[file].count; file++)
		i -= *others[file].count;
	return &others[file].ops[i];
}
