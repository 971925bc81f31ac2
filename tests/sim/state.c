/* SPDX-License-Identifier: MIT */
/* See state.h. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "abi/share.h"
#include "abi/xencomm.h"
#include "ctl/debug_keys.h"
#include "ctl/lives.h"
#include "ctl/sessions.h"
#include "debug/log.h"
#include "dom/evtchn_private.h"
#include "dom/console.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/store.h"
#include "io/pci.h"
#include "mm/framepool.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/memory.h"
#include "pv/mmu.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "sharing/sharing.h"
#include "sim/sim.h"
#include "sim/state.h"
#include "x86/cpu.h"
#include "x86/rtc.h"
#include "x86/tlb.h"

struct side sides[SIM_CPUS < 3 ? 2 : SIM_CPUS];
/* The second domain, when no CPU runs it. */
static struct side waiting;

/* What libcheck's macros call, in place of its library. */
void _ck_assert_failed(const char *file, int line, const char *expr,
		       const char *msg, ...)
{
	char text[300] = "";
	va_list ap;

	va_start(ap, msg);
	if (msg)
		vsnprintf(text, sizeof(text), msg, ap);
	va_end(ap);
	sim_fail("%s:%d: %s %s", file, line, expr, text);
}

void _mark_point(const char *file, int line) { }

void panic(const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_fail("panic: %s", text);
}

/* What sysctls that are no operations would ask. */
long sessions_call(struct pasture_control *c) { return -ENOSYS; }
enum progress debug_keys_press(char key, uint32_t *next) { return DONE; }
uint32_t log_read(uint32_t *at, char *to, uint32_t most) { return 0; }
uint64_t tsc_khz;
uint8_t rtc_register(uint8_t reg) { return 0; }
void rtc_register_set(uint8_t reg, uint8_t value, uint8_t kept) { }

void console_drain(struct domain *d) { }
void store_serve(struct domain *d) { }

static const struct domain *gone[4];

bool lives_gone(struct domain *d)
{
	static unsigned int count;

	gone[atomic_fetch_add(&count, 1) % ARRAY_COUNT(gone)] = d;
	return false;
}

bool domain_is_gone(const struct domain *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(gone); i++)
		if (gone[i] == d)
			return true;
	return false;
}

void sim_exit(void)
{
	state_exit();
}

long state_call(hypercall_fn fn, struct hypercall_args *args)
{
	long r;

	/* The domain was ended before its CPU came so far. */
	if (!this_cpu()->current)
		return -ESRCH;
	do {
		r = fn(args);
		state_exit();
	} while (r == -ERESTART && this_cpu()->current);
	/* Nobody is told what a call returned whose vCPU runs no more. */
	return this_cpu()->current ? r : -ESRCH;
}

/* --- the prepared machine --- */

struct state_tables state_tables[2];

static struct side *now;	/* whose guest runs */

static void as(struct side *s)
{
	now = s;
	fake_run(s->d);
}

static uint64_t pfn(unsigned int what)
{
	return page + what;
}

static void make_domain(struct side *s)
{
	fake_machine.vcpus = 3;
	s->d = fake_domain("g", 50);
	CHECK(s->d);
	s->v = s->d->vcpu[0];
	s->args_page = P_ARGS;
	page = fake_free_pfn(s->d);
	g_setup(s->d, 1);
}

static void fill(unsigned int what, uint64_t value)
{
	uint64_t *words = (void *)fake_page(now->d, pfn(what));
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		words[i] = value * (i + 1);
}

static void offer(unsigned int what)
{
	long r = FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn(what)), 0, 0);

	ck_assert_int_gt(r, 0);
}

/* A page with two entries: who breaks it has to look for the other one. */
static void offer_by_two(unsigned int what, unsigned int second)
{
	struct shareop_entry e = {
		.pte = { fake_va(pfn(what)), fake_va(pfn(second)) }, .nr_ptes = 2,
	};
	void *args = fake_page(now->d, pfn(P_ARGS));

	ck_assert_int_eq(g_update(pfn(second), mfn_n(fake_mfn(now->d, pfn(what))) << PAGE_SHIFT |
				  G_RW), 0);
	memcpy(args, &e, sizeof(e));
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(pfn(P_ARGS)), 1, 0), 0);
	memcpy(&e, args, sizeof(e));
	ck_assert_int_eq(e.status, SHARE_DONE);
}

static void make_pages(struct side *s, unsigned int n)
{
	as(s);
	fill(P_OWN, 0x1111 + n);
	fill(P_SAME, 0x2222);
	fill(P_BOTH, 0x3333);
	fill(P_ALONE, 0x4444 + n);
	fill(P_LENT, 0x5555 + n);
	fill(P_OFFERED, 0);
	fill(P_TWICE, 0x6666);
	offer_by_two(P_TWICE, P_SECOND);
	offer(P_BOTH);
	offer(P_ALONE);
}

static void give_back(uint64_t n)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	uint64_t *list = (void *)fake_page(now->d, pfn(P_ARGS));

	*list = mfn_n(fake_mfn(now->d, n));
	ck_assert_int_eq(g_update(n, 0), 0);
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)fake_va(pfn(P_ARGS)));
	memcpy(list + 8, &r, sizeof(r));
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_decrease_reservation,
				   fake_va(pfn(P_ARGS)) + 64), 1);
}

static void make_table(struct side *s)
{
	struct mmuext_op *op = (void *)fake_page(s->d, pfn(P_ARGS));

	as(s);
	ck_assert_int_eq(g_update(pfn(P_TABLE),
				  s->mfn[P_TABLE] << PAGE_SHIFT | G_RO), 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE,
				  .arg1.mfn = s->mfn[P_TABLE] };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(pfn(P_ARGS)), 1, 0,
				   DOMID_SELF), 0);
	ck_assert_int_eq(g_update(pfn(P_BLANK),
				  s->mfn[P_BLANK] << PAGE_SHIFT | G_RO), 0);
	ck_assert_int_eq(g_update(pfn(P_GDT),
				  s->mfn[P_GDT] << PAGE_SHIFT | G_RO), 0);
}

static void make_grants(struct side *s)
{
	as(s);
	g_grant(s->d, REF_LENT, pfn(P_LENT), s->other->d, false);
	g_grant(s->d, REF_OFFERED, pfn(P_OFFERED), s->other->d, false);
	*g_v1(s->d, REF_ACCEPT) = (struct grant_entry_v1){
		GTF_accept_transfer, s->other->d->id, 0,
	};
	/* Room for the page that comes. */
	ck_assert_int_eq(g_update(pfn(P_SPARE), 0), 0);
	ck_assert_int_eq(g_update(pfn(P_PLACE), 0), 0);
	give_back(pfn(P_HOLE));
}

/* As VCPUOP_initialise: the same tables. */
static void make_second_vcpu(struct side *s)
{
	struct vcpu *v = s->d->vcpu[1];

	ck_assert_int_eq(mmu_base_set(v, &v->kernel_l4, s->v->kernel_l4, false, false), 0);
	v->kernel_mode = v->initialised = true;
}

static void map_lent(struct side *s)
{
	as(s);
	ck_assert_int_eq(g_map(s->other->d, REF_LENT, pfn(P_MAPPED),
			       GNTMAP_host_map, &s->handle), 0);
}

static uint32_t event_call(unsigned int cmd, const void *arg, size_t bytes,
			   size_t port_at)
{
	uint8_t *args = fake_page(now->d, pfn(P_ARGS));
	uint32_t port;

	memcpy(args, arg, bytes);
	ck_assert_int_eq(op_event_channel(&(uint64_t){ cmd }, fake_va(pfn(P_ARGS))), 0);
	memcpy(&port, args + port_at, sizeof(port));
	return port;
}

static uint32_t port_for_other(void)
{
	struct evtchn_alloc_unbound a = {
		.dom = DOMID_SELF, .remote_dom = now->other->d->id,
	};

	return event_call(EVTCHNOP_alloc_unbound, &a, sizeof(a),
			  offsetof(struct evtchn_alloc_unbound, port));
}

static void make_events(struct side *s)
{
	as(s);
	s->port_unbound = port_for_other();
	s->port_bound = port_for_other();
}

static void bind_events(struct side *s)
{
	struct evtchn_bind_interdomain b = {
		.remote_dom = s->other->d->id,
		.remote_port = s->other->port_bound,
	};

	as(s);
	s->port_bound = event_call(EVTCHNOP_bind_interdomain, &b, sizeof(b),
				   offsetof(struct evtchn_bind_interdomain,
					    local_port));
}

static void note_frames(struct side *s)
{
	unsigned int i;

	for (i = 0; i < P_COUNT; i++)
		s->mfn[i] = mfn_n(fake_mfn(s->d, pfn(i)));
}

/*
 * What is behind its stack and is none of P_*: nothing looks at it, and each
 * page is a step of the domain's end, so that two ends met in more ways.
 */
static void give_rest(struct side *s)
{
	uint64_t n = (s->v->regs.rsp - fake_va(0) + PAGE_SIZE - 1) / PAGE_SIZE;

	as(s);
	for (; n < FAKE_PAGES; n++)
		if (n < page || n >= pfn(P_END))
			give_back(n);
}

/* No slice ends. */
static void start_cpus(void)
{
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++) {
		sim_cpu = i;
		cpu_areas[i] = this_cpu();
		this_cpu()->slice_end_tsc = ~(uint64_t)0;
	}
	sim_cpu = 0;
	for (i = 0; i < 2; i++) {
		state_tables[i].d = sides[i].d;
		state_tables[i].cr3 = mfn_to_maddr(sides[i].v->kernel_l4);
	}
}

/* Those whom a CPU runs are told to it later. */
static void start_domain(struct domain *d)
{
	unsigned int i;

	d->account.weight = SCHED_WEIGHT_DEFAULT;
	for (i = 0; i < d->vcpu_count; i++)
		state_bar(d->vcpu[i]);
}

void state_prepare(void)
{
	unsigned int i;

	fake_ram_start();
	cpu_count = SIM_CPUS;	/* each has memory of its own */
	fake_machine_start();
	cpu_count = 1;
	for (i = 0; i < 2; i++) {
		sides[i].cpu = i;
		sides[i].other = &sides[1 - i];
		make_domain(&sides[i]);
	}
	for (i = 0; i < 2; i++) {
		make_pages(&sides[i], i);
		note_frames(&sides[i]);
		make_table(&sides[i]);
		make_grants(&sides[i]);
		make_events(&sides[i]);
	}
	for (i = 0; i < 2; i++) {
		map_lent(&sides[i]);
		make_second_vcpu(&sides[i]);
	}
	bind_events(&sides[1]);
	give_rest(&sides[0]);
	give_rest(&sides[1]);
	fake_check();
	fake_run(NULL);
	cpu_count = SIM_CPUS;
	start_cpus();
	for (i = 0; i < 2; i++)
		start_domain(sides[i].d);
	for (i = 0; i < 2; i++)
		state_run(i, sides[i].v);
}

void state_one_domain(void)
{
	waiting = sides[1];
	waiting.other = &sides[0];
	state_take(1, waiting.v);
	sides[1] = sides[0];
	sides[0].other = sides[1].other = &waiting;
	sides[1].cpu = 1;
	sides[1].args_page = P_ARGS_SECOND;
	sides[1].v = sides[0].d->vcpu[1];
	state_run(1, sides[1].v);
}

void state_three(void)
{
	struct side *s = &sides[SIM_CPUS - 1];

	*s = sides[0];
	s->cpu = SIM_CPUS - 1;
	s->args_page = P_ARGS_SECOND;
	s->v = s->d->vcpu[1];
	state_run(s->cpu, s->v);
}

/* --- the verdict --- */

static bool has_event(const struct vcpu *v)
{
	return evtchn_deliverable(v) || vcpu_nmi_deliverable(v) ||
	       (v->poll_wait && v->poll_port && evtchn_port_pending(v->domain, v->poll_port));
}

/* SCHED1 to SCHED3, when nothing is under way. */
static void check_vcpu(struct domain *d, const struct vcpu *v)
{
	bool here = v->cpu < SIM_CPUS && cpu_areas[v->cpu]->current == v;
	bool queued = v->queued.link;

	ck_assert_msg(here == (v->run == RUN_RUNNING), "SCHED1: vCPU %u is on a CPU, or not", v->id);
	ck_assert_msg((queued || !list_empty(&v->parked)) == (v->run == RUN_RUNNABLE),
		      "SCHED2: vCPU %u waits, or not", v->id);
	ck_assert_msg(!queued || v->cpu >= SIM_CPUS ||
		      cpu_areas[v->cpu]->current, "vCPU %u waits for an idle CPU", v->id);
	ck_assert_msg(v->run != RUN_BLOCKED || !has_event(v), "SCHED3: vCPU %u sleeps on an event", v->id);
	ck_assert_msg(v->run != RUN_PAUSED || d->paused, "SCHED6: vCPU %u is paused", v->id);
	ck_assert_msg(!v->want_offline || v->run == RUN_OFFLINE, "vCPU %u is to stop", v->id);
}

/* And what its vCPUs would do before they run again. */
static void check_domain(struct domain *d)
{
	unsigned int i;

	while (pttree_work_left(d))
		(void)pttree_settle(d);
	for (i = 0; i < d->vcpu_count; i++)
		check_vcpu(d, d->vcpu[i]);
}

/* PCI4; what is said of messages is the hypervisor's to keep (io/msi.h). */
static void check_functions(void)
{
	const struct pci_function *f;
	unsigned int i;

	for (i = 0; (f = pci_nth(i)); i++)
		ck_assert_msg(!f->gone || !(f->msi_used | f->msix_used),
			      "PCI4: function %x is gone and has messages", f->bdf);
}

void state_check(void)
{
	unsigned int i;

	check_functions();
	for (i = 0; i < ARRAY_COUNT(state_tables); i++)
		if (!domain_is_gone(state_tables[i].d))
			check_domain(state_tables[i].d);

	for (i = 0; i < SIM_CPUS; i++) {
		sim_cpu = i;
		ck_assert_msg(!this_cpu()->lock_depth, "I19: a lock is held");
		reclaim_flush_all();
	}
	sim_cpu = 0;
	cpu_count = 1;	/* the audit stops all others */
	fake_check();
}

static uint64_t mix(uint64_t digest, uint64_t value)
{
	return (digest ^ value) * 0x9e3779b97f4a7c15UL + (digest >> 29);
}

static uint64_t page_digest(struct domain *d, uint64_t n, uint64_t digest)
{
	const pte_t *pte = fake_pte(d, n);
	const uint64_t *words;
	unsigned int i;

	if (!pte || !(*pte & PTE_P))
		return mix(digest, 1);
	digest = mix(digest, *pte & (PTE_RW | PTE_AVL_SHARED | PTE_AVL_GRANT));
	words = mfn_to_virt(pte_mfn(*pte));
	for (i = 0; i < PAGE_SIZE / 8; i += 8)
		digest = mix(digest, words[i]);
	return digest;
}

static uint64_t vcpu_digest(struct vcpu *v, uint64_t digest)
{
	digest = mix(digest, v->initialised | v->nmi_pending << 1 |
			     (uint64_t)v->gdt_entries << 2);
	digest = mix(digest, v->initialised ? v->regs.rip : 0);
	digest = mix(digest, !mfn_eq(v->kernel_l4, INVALID_MFN));
	digest = mix(digest, v->info_frame ? (uintptr_t)v->info % PAGE_SIZE : 1);
	digest = mix(digest, v->single_timer.cpu >= 0);
	digest = mix(digest, v->periodic_ns);
	return mix(digest, sched_is_up(v) | (uint64_t)v->run << 1);
}

#define PORTS	8	/* that are looked at: more than are in use */

/* Its ports, and which of them are pending. */
static uint64_t events_digest(struct domain *d, uint64_t digest)
{
	unsigned int i;

	for (i = 1; i < PORTS && i < d->events.count; i++) {
		const struct evtchn *c = &d->events.port[i];

		digest = mix(digest, c->state | (uint64_t)c->vcpu << 8 |
				     (uint64_t)c->remote_dom << 16);
		digest = mix(digest, c->remote_port);
	}
	return mix(digest, d->shared_info->evtchn_pending[0]);
}

static uint64_t domain_digest(struct domain *d, uint64_t digest)
{
	unsigned int i;

	for (i = 0; i < P_COUNT; i++)
		digest = page_digest(d, pfn(i), digest);
	for (i = 0; i < d->vcpu_count; i++)
		digest = vcpu_digest(d->vcpu[i], digest);
	digest = mix(digest, d->account.weight | (uint64_t)d->account.cap << 32);
	digest = mix(digest, memory_map_claimed(d) | (uint64_t)d->setup.handle[0] << 32);
	digest = mix(events_digest(d, digest), d->pages.total);
	return mix(digest, d->grant->frame_count | (uint64_t)d->grant->version << 32);
}

/* The first domain's devices. */
static uint64_t functions_digest(uint64_t digest)
{
	const struct pci_function *f;
	unsigned int i;

	for (i = 0; (f = pci_nth(i)); i++)
		digest = mix(digest, f->gone | (uint64_t)f->msi_used << 1);
	return digest;
}

/*
 * What the guests see: each goes to its own before that, which ends what a call
 * of the other one's began in its tables.
 */
uint64_t state_digest(void)
{
	struct domain *d[2] = { sides[0].d, sides[0].other->d };
	uint64_t digest = 0;
	unsigned int i;

	for (i = 0; i < 2; i++)
		while (d[i] && !domain_is_gone(d[i]) && pttree_settle(d[i]) == MORE)
			;
	for (i = 0; i < 2; i++)
		digest = d[i] && !domain_is_gone(d[i]) && d[i]->state == DOM_RUNNING ?
			 domain_digest(d[i], digest) : mix(digest, 2);
	return functions_digest(digest);
}
