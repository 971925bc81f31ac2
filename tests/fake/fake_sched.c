/* SPDX-License-Identifier: MIT */
/*
 * Nothing is scheduled: the test says which vCPU is current (fake_run()), and
 * when a call's time is up.  And what a domain has beside its memory: vCPUs,
 * console and store.
 */
#include <port.h>

#include "ctl/config.h"
#include "ctl/lives.h"
#include "dom/console.h"
#include "dom/sched.h"
#include "dom/store.h"
#include "fake/fake_machine.h"
#include "mm/objpool.h"
#include "pv/desc.h"
#include "x86/pte.h"

uint64_t vcpu_guest_cpus = 1;

bool sched_preempt_pending(void) { return fake_machine.preempt; }
void sched_yield_cpu(struct vcpu *v) { }
void sched_reap_soon(void) { }
void sched_queue_bar(struct vcpu *v, uint64_t barred) { v->barred = barred; }
void sched_kick(struct vcpu *v) { }
void sched_offline(struct vcpu *v) { v->run = RUN_OFFLINE; }
void sched_online(struct vcpu *v) { v->run = RUN_RUNNABLE; }
void sched_pause(struct vcpu *v)
{
	if (v->run == RUN_RUNNABLE)
		v->run = RUN_PAUSED;
}
void sched_resume(struct vcpu *v)
{
	if (v->run == RUN_PAUSED)
		v->run = RUN_RUNNABLE;
}
void sched_hurry(const struct vcpu *v) { }
bool sched_is_up(const struct vcpu *v) { return v->run != RUN_OFFLINE; }
void timer_cancel(struct timer *t) { }

/* Zeroes in place of its GDT and LDT; false: no memory. */
static bool desc_area_show(struct domain *d, uint32_t id)
{
	for (unsigned int i = 0; i < PERDOM_VCPU_PAGES; i++) {
		pte_t *pte = m2p_perdom_pte(&d->m2p, id * PERDOM_VCPU_PAGES + i);

		if (!pte)
			return false;
		*pte = pte_make(vcpu_zero_page_mfn(), PTE_P | PTE_A);
	}
	return true;
}

struct vcpu *vcpu_create(struct domain *d, uint32_t id)
{
	struct vcpu *v = obj_alloc(sizeof(*v));

	if (!v)
		return NULL;
	v->domain = d;
	v->kernel_l4 = v->user_l4 = INVALID_MFN;
	v->id = id;
	if (!desc_area_show(d, id)) {
		obj_free(v, sizeof(*v));
		return NULL;
	}
	v->info = &d->shared_info->vcpu_info[id];
	return v;
}

void vcpu_free(struct vcpu *v)
{
	obj_free(v, sizeof(*v));
}

bool lives_gone(struct domain *d)
{
	fake_machine.gone++;
	return d->origin.config && d->origin.generation < d->origin.config->repeat;
}

void lives_shut(struct domain *d) { fake_machine.shut++; }
bool lives_ending(void) { return fake_machine.ending; }

void lives_rebuild(const struct domain_config *config, uint32_t instance,
		    uint32_t generation)
{
	fake_machine.rebuilds++;
}

int console_init(struct domain *d, struct frame *f, uint32_t port)
{
	return 0;
}
int console_init_first(struct domain *d) { return 0; }
int console_init_served(struct domain *d) { return 0; }
void console_drain(struct domain *d) { }
void console_fini(struct domain *d) { }
void console_set_raw(struct domain *d) { }
struct frame *console_ring_frame(const struct domain *d) { return NULL; }
struct frame *store_ring_frame(const struct domain *d) { return NULL; }
int store_init(struct domain *d, struct frame *f, uint32_t port) { return 0; }
void store_fini(struct domain *d) { }
