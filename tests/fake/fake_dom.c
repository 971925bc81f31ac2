/* SPDX-License-Identifier: MIT */
/* See fake_dom.h. */
#include <check.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "debug/log.h"
#include "dom/above.h"
#include "dom/console.h"
#include "dom/die.h"
#include "dom/evtchn.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"
#include "mm/framepool.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "mm/pagetype.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

#define FAKE __attribute__((weak))

struct fake_dom fake;

/* --- CPUs: the others' areas are kept while one is live --- */

static struct percpu parked[FAKE_CPUS];

void fake_cpu(unsigned int n)
{
	struct percpu *live = this_cpu();

	if (live->id == n)
		return;
	parked[live->id] = *live;
	cpu_areas[live->id] = &parked[live->id];
	*live = parked[n];
	live->self = live;
	live->id = n;
	cpu_areas[n] = live;
}

struct percpu *fake_cpu_area(unsigned int n)
{
	return cpu_areas[n];
}

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(parked, 0, sizeof(parked));
	*this_cpu() = (struct percpu){ .self = this_cpu() };
	fake.now = 1000000000;
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		parked[i].id = i;
		parked[i].slice_end_tsc = ~(uint64_t)0;
		cpu_areas[i] = &parked[i];
		fake.lapic[i] = ~(uint64_t)0;
	}
	this_cpu()->slice_end_tsc = ~(uint64_t)0;
	cpu_areas[0] = this_cpu();
	cpu_count = FAKE_CPUS;
}

/* --- time --- */

FAKE uint32_t tsc_pv_mul;
FAKE int8_t tsc_pv_shift;

FAKE uint64_t now_ns(void) { return fake.now; }
FAKE uint64_t tsc_read(void) { return fake.now; }
FAKE uint64_t tsc_to_ns(uint64_t tsc) { return tsc; }
FAKE uint64_t ns_to_tsc(uint64_t ns) { return ns; }

FAKE void lapic_timer_set(uint64_t deadline_ns)
{
	fake.lapic[this_cpu()->id] = deadline_ns;
}

FAKE void lapic_send_ipi(unsigned int cpu_id, enum vector vector)
{
	ck_assert_uint_lt(cpu_id, FAKE_CPUS);
	if (cpu_id == this_cpu()->id) { /* the same: it still counts as idle */
		ck_assert_ptr_null(this_cpu()->current);
		return;
	}
	fake.ipis[cpu_id]++;
}

/* --- entering guests --- */

static jmp_buf left_hypervisor;
static struct vcpu *entered;

FAKE void pv_exit_to_guest(struct vcpu *v)
{
	entered = v;
	longjmp(left_hypervisor, 1);
}

FAKE void cpu_idle_wait(void)
{
	longjmp(left_hypervisor, 1);
}

FAKE void sched_loop(void) { abort(); }
FAKE void sched_check(void) { abort(); }

FAKE void stack_reset_call(void (*fn)(void))
{
	longjmp(left_hypervisor, 1);
}

struct vcpu *fake_schedule(void)
{
	entered = NULL;
	sched_idle_end();	/* we may have left its wait by longjmp */
	if (!setjmp(left_hypervisor))
		sched_loop();
	return entered;
}

bool fake_sched_check(void)
{
	if (setjmp(left_hypervisor))
		return false;
	sched_check();
	return true;
}

FAKE void frame_pool_cpu_enters(struct frame_pool *p, uint32_t cpu)
{
	fake.group_cpus |= 1UL << cpu;
}

FAKE void frame_pool_cpu_leaves(struct frame_pool *p, uint32_t cpu)
{
	fake.group_cpus &= ~(1UL << cpu);
}

/* A vCPU is loaded by one CPU at most, and left by that one. */
FAKE void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	unsigned int here = this_cpu()->id;

	if (prev) {
		ck_assert_ptr_eq(fake.loaded[here], prev);
		prev->domain->cpu_mask &= ~(1UL << here);
	}
	fake.loaded[here] = NULL;
	if (next) {
		for (unsigned int i = 0; i < FAKE_CPUS; i++)
			ck_assert_ptr_ne(fake.loaded[i], next);
		next->domain->cpu_mask |= 1UL << here;
	}
	fake.loaded[here] = next;
	this_cpu()->current = next;
}

FAKE void vcpu_update_time(struct vcpu *v) {}
FAKE void vcpu_show_runstate(struct vcpu *v, struct vcpu_runstate_info *r) {}
FAKE void vcpu_areas_show(struct vcpu *v) {}
FAKE void vcpu_ticks_start(struct vcpu *v) {}
FAKE void vcpu_ticks_stop(struct vcpu *v) {}
FAKE int vcpu_context_set(struct vcpu *v, uint64_t arg) { return v->initialised ? -EEXIST : -ENOSYS; }
FAKE int vcpu_register_info(struct vcpu *v, mfn_t mfn, uint32_t offset)
{
	return -EPERM;
}

/* --- domains --- */

static void vcpu_init(struct domain *d, unsigned int id, struct vcpu *v)
{
	v->domain = d;
	v->id = id;
	v->info = &d->shared_info->vcpu_info[id];
	v->runstate.state = RUNSTATE_offline;
	list_init(&v->parked);
	d->vcpu[id] = v;
}

void fake_vcpus(struct domain *d, unsigned int count)
{
	struct fake_domain *f = container_of(d, struct fake_domain, d);

	ck_assert_uint_le(count, FAKE_VCPUS);
	for (unsigned int i = 1; i < count; i++)
		vcpu_init(d, i, &f->more[i - 1]);
	d->vcpu_count = count;
}

struct domain *fake_domain(unsigned int n)
{
	struct fake_domain *f = &fake.dom[n];
	struct domain *d = &f->d;

	memset(f, 0, sizeof(*f));
	d->id = (domid_hv_t)(n + 1);
	snprintf(d->name, sizeof(d->name), "dom%u", n + 1);
	d->refs = 1;
	d->state = DOM_RUNNING;
	d->shared_info = &f->si;
	d->vcpu_count = 1;
	spin_lock_init(&d->lock, LOCK_DOMAIN);
	spin_lock_init(&d->events.lock, LOCK_EVENT);
	sched_account_init(&d->account);
	vcpu_init(d, 0, &f->v);
	f->listed = true;
	fake.domains_left++;
	return d;
}

void fake_current(struct domain *d)
{
	this_cpu()->current = d->vcpu[0];
}

FAKE struct domain *domain_find(domid_hv_t id)
{
	/* It takes LOCK_DOMLIST: no other lock may be held. */
	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
	if (id == 0 || id > FAKE_DOMAINS || !fake.dom[id - 1].listed)
		return NULL;
	fake.dom[id - 1].d.refs++;
	return &fake.dom[id - 1].d;
}

FAKE void domain_put(struct domain *d) { d->refs--; }
FAKE uint32_t domain_count(void) { return fake.domains_left; }

FAKE void domain_for_each(void (*fn)(struct domain *d, void *arg), void *arg)
{
	for (unsigned int i = 0; i < FAKE_DOMAINS; i++)
		if (fake.dom[i].listed)
			fn(&fake.dom[i].d, arg);
}

FAKE void domain_shutdown(struct domain *d, uint32_t code)
{
	d->state = DOM_DYING;
	fake.shutdowns++;
	fake.shutdown_code = code;
}

FAKE enum progress reaper_step(void)
{
	ck_assert_ptr_null(this_cpu()->current);
	ck_assert(!fake.reap_work || fake.reaps < 1000000);
	if (!fake.reap_work)
		return false;
	fake.reap_work--;
	fake.reaps++;
	fake.now += fake.reap_ns;
	return true;
}

/* --- neighbours inside hv/dom --- */

FAKE void console_drain(struct domain *d) { fake.drains++; }
FAKE void store_serve(struct domain *d) { }
FAKE void sched_idle_end(void) { }
FAKE void tlb_answer(void) { this_cpu()->tlb_asked = 0; }
FAKE void sched_kick(struct vcpu *v) { fake.kicks++; }
FAKE void sched_wake(struct vcpu *v) { fake.wakes++; }
FAKE void sched_block(struct vcpu *v) { fake.blocks++; }
FAKE void sched_poll_wake(struct vcpu *v, uint32_t port) {}
FAKE bool sched_preempt_pending(void) { return false; }
FAKE void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){ .cpu = -1, .fn = fn, .arg = arg };
}
FAKE void timer_set(struct timer *t, uint64_t deadline_ns)
{
	t->cpu = 0;
	t->deadline_ns = deadline_ns;
}
FAKE void timer_cancel(struct timer *t) { t->cpu = -1; }
FAKE void timer_run(void) {}
FAKE void timer_arm(void) {}
FAKE void timer_note(void) {}
FAKE void timer_poll(void) {}
FAKE bool timer_noted(void) { return false; }

FAKE bool evtchn_deliverable(const struct vcpu *v)
{
	return v->info->evtchn_upcall_pending && !v->info->evtchn_upcall_mask;
}
FAKE void evtchn_set_pending(struct domain *d, uint32_t port)
{
	d->shared_info->evtchn_pending[port / 64] |= 1UL << (port % 64);
}
FAKE void evtchn_virq(struct vcpu *v, uint32_t virq) {}
FAKE bool evtchn_port_valid(const struct domain *d, uint32_t port)
{
	return port && port < 256;
}
FAKE bool evtchn_port_pending(const struct domain *d, uint32_t port)
{
	return d->shared_info->evtchn_pending[port / 64] >> (port % 64) & 1;
}

/* --- memory --- */

FAKE void *obj_alloc(size_t bytes)
{
	if (fake.alloc_fail_at && --fake.alloc_fail_at == 0)
		return NULL;
	fake.allocs++;
	return calloc(1, bytes);
}

FAKE void obj_free(void *obj, size_t bytes)
{
	fake.allocs -= obj != NULL;
	free(obj);
}

/* Frames are identified by their place in this table. */
static struct frame frames[64];

FAKE struct frame *mfn_to_frame(mfn_t mfn) { return &frames[mfn_n(mfn)]; }
FAKE mfn_t frame_to_mfn(const struct frame *f) { return MFN(f - frames); }
FAKE int frame_get(struct frame *f, domid_hv_t owner)
{
	f->state++;
	return 0;
}
FAKE void frame_put(struct frame *f) { f->state--; }
FAKE int domain_writable_get(struct domain *d, struct frame *f)
{
	if (f->type && type_class(f->type) != CLASS_WRITABLE)
		return -EBUSY;
	f->type = ((uint64_t)CLASS_WRITABLE << TYPE_CLASS_SHIFT) |
		  (type_count(f->type) + 1);
	return 0;
}
FAKE void domain_writable_put(struct frame *f) { f->type--; }

/* --- guest memory --- */

static bool va_bad(uint64_t va)
{
	return va < PAGE_SIZE || (va >= HV_VIRT_START && va < HV_VIRT_END);
}

FAKE bool guest_range_ok(uint64_t va, uint64_t bytes)
{
	return !(va >= HV_VIRT_START && va < HV_VIRT_END) && va + bytes >= va;
}

FAKE bool guest_arg_ok(uint64_t address, uint64_t bytes)
{
	return guest_range_ok(address, bytes);
}

FAKE int copy_from_guest(void *dst, uint64_t guest_src, size_t bytes)
{
	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
	if (bytes && va_bad(guest_src))
		return -EFAULT;
	if (bytes)
		memcpy(dst, (const void *)(uintptr_t)guest_src, bytes);
	return 0;
}

FAKE int copy_to_guest(uint64_t guest_dst, const void *src, size_t bytes)
{
	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
	if (fake.no_copy_out || va_bad(guest_dst))
		return -EFAULT;
	memcpy((void *)(uintptr_t)guest_dst, src, bytes);
	if (fake.on_copy_out)
		fake.on_copy_out();
	return 0;
}

/* --- log and serial line --- */

void log_guest(unsigned int domid, const char *name, const char *text,
		    size_t bytes)
{
	size_t used = strlen(fake.log);

	snprintf(fake.log + used, sizeof(fake.log) - used, "d%u %.*s\n", domid,
		 (int)bytes, text);
}

FAKE bool log_has_room(void)
{
	return !fake.log_full;
}

FAKE bool log_pump(void)
{
	return false;
}

FAKE int uart_read(enum uart_port port)
{
	if (!fake.typed || !*fake.typed)
		return -1;
	return (unsigned char)*fake.typed++;
}

void reclaim_flush_all(void)
{
}
