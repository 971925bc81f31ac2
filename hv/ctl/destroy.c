/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain, in bounded steps that the CPUs take between guests.
 *
 *   STOP     its vCPUs leave their CPUs; the console is closed; the first
 *            domain is told, as once more after FREE.  A domain that is SHUT
 *            (dom/die.h) does a part of this before, and then waits
 *   PORTS    64 event channels a step
 *   EMPTY    its page tables, L1 first: one table's width a step; shared holds
 *            are dropped
 *   UNHOOK   loaded page tables, descriptor tables, registered areas: one table
 *            a step
 *   GRANTS   what it maps of others is unmapped, some handles a step
 *   DISOWN   domains that map its pages by grant keep the pages; their handles
 *            no longer name this domain
 *   PAGES    64 pages a step, or up to the first one that is a pinned table:
 *            unpin, give up
 *   WAIT     for calls that are copying or unmapping its pages, or that have
 *            looked the domain up by its number (I18)
 *   ORPHANS  pages that such a call gave to it: as PAGES; pages that others
 *            still use become nobody's
 *   VIEW     its M2P, 64 pages a step
 *   POOL     what was set aside for it in its share group: 64 frames, or a
 *            block of 512, a step
 *   FREE     out of the domain table once nobody else refers to it (domain.c,
 *            FIND1); then its sharing state, its heap pages and the struct go
 *
 * Cost: proportional to the domain's own pages and mappings, however many
 * others map its frames.
 *
 * Nothing keeps a dying domain (seed 000):
 * END1  frames name their owner by number and hold no reference to it;
 * END2  what the hypervisor shares with it (heap pages) carries NOHEAP in place
 *       of a reference: the count falls to zero with the domain's tables, step
 *       FREE clears the flag and frees the page;
 * END3  a hypervisor reference to a page of the domain's own (vcpu_info,
 *       console ring, GDT, loaded tables) is listed in its vCPU or console and
 *       dropped in STOP and UNHOOK, before any step that waits;
 * END4  a page that somebody else still uses becomes an orphan: owner
 *       DOMID_ORPHAN, on no list. The last frame_put() frees it.  So the domain
 *       goes at once, and such a page later.
 *
 * END5  Page-table work that a step left unfinished is the next step's first
 *       work, whatever the phase; so no phase meets a table that is half done,
 *       and no step handles more than 512 entries of it.
 * END6  Who gives a domain something from outside (the first domain: a vCPU's
 *       tables, pages) has a reference, and looks whether it is dying: under
 *       LOCK_DOMAIN or LOCK_EVENT, which STOP passes through; or, for pages,
 *       when they are taken from the quota, and ORPHANS comes after all who
 *       saw it alive.
 */
#include <port.h>

#include "ctl/lives.h"
#include "ctl/teardown.h"
#include "dom/above.h"
#include "dom/console.h"
#include "dom/die.h"
#include "dom/domain.h"
#include "dom/evtchn.h"
#include "dom/grant.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/store.h"
#include "io/pirq.h"
#include "pv/grant.h"
#include "pv/memory.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/xencomm.h"
#include "sharing/holds.h"

#define PAGES_PER_STEP 64
#define PASSED_PER_STEP 256
#define HANDLES_PER_STEP 512u

enum phase {
	PHASE_STOP, PHASE_PORTS, PHASE_EMPTY_L1, PHASE_EMPTY_L2, PHASE_EMPTY_L3,
	PHASE_EMPTY_L4, PHASE_UNHOOK, PHASE_GRANTS, PHASE_DISOWN, PHASE_PAGES, PHASE_WAIT,
	PHASE_ORPHANS, PHASE_VIEW, PHASE_POOL, PHASE_FREE,
};

static void vcpus_stop(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++) {
		sched_offline(d->vcpu[i]);
		timer_cancel(&d->vcpu[i]->single_timer);
		timer_cancel(&d->vcpu[i]->poll_timer);
		timer_cancel(&d->vcpu[i]->periodic_timer);
	}
}

/* It is whole, and nothing of it moves: the first domain may look. */
static void tell_shut(struct domain *d)
{
	vcpus_stop(d);
	console_drain(d);
	domain_told(d);
	lives_shut(d);
	evtchn_virq_first(VIRQ_DOM_EXC);
}

static void phase_stop(struct domain *d)
{
	vcpus_stop(d);
	spin_lock(&d->lock);	/* END6 */
	spin_unlock(&d->lock);
	spin_lock(&d->events.lock);
	spin_unlock(&d->events.lock);
	if (d->console)
		console_fini(d);
	if (d->store)
		store_fini(d);
	grant_close(d);
	pirq_end(d);
	evtchn_virq_first(VIRQ_DOM_EXC);
}

/* Until every table of this level is empty. */
static enum progress phase_empty(struct domain *d, unsigned int level)
{
	if (d->end.page && teardown_table(d, d->end.page, level,
					  &d->end.slot) == MORE)
		return MORE;
	/* One table is a step; pages that are none are only passed by. */
	d->end.page = domain_table_after(d, d->end.page, level, PASSED_PER_STEP);
	d->end.slot = 0;
	return d->end.page ? MORE : DONE;
}

/* Until no vCPU is hooked in anywhere. */
static enum progress phase_unhook(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++)
		if (teardown_vcpu(d->vcpu[i]) == MORE)
			return MORE;
	xencomm_domain_fini(d);
	trace_event(d, TRACE_UNHOOKED, 0, MFN(0), 0);
	return DONE;
}

/* Until every page has been seen. */
static enum progress phase_pages(struct domain *d)
{
	bool worked = false;
	unsigned int i;

	for (i = 0; i < PAGES_PER_STEP && !worked; i++) {
		struct frame *f = domain_page_next_left(d);

		if (!f)
			return DONE;
		worked = teardown_page(d, f);
		if (frame_test_and_clear_allocated(f))
			frame_put(f);
		frame_put(f);
		d->end.pages++;
	}
	return MORE;
}

/*
 * Disown some handles of one other domain a step, until all domains were seen.
 * A map that was under way when the grant table was closed may add a
 * handle to a domain that we have passed; then PHASE_WAIT starts again from the
 * first domain.
 */
static enum progress phase_disown(struct domain *d)
{
	unsigned int slot = d->end.disown_slot;
	struct domain *user;
	enum progress left;

	if (!grant_pinned(d))
		return DONE;
	user = domain_from_slot(&slot);
	if (!user)
		return DONE;
	spin_lock(&user->mm);
	left = grant_handles_disown(user, d, d->end.disown_handle, HANDLES_PER_STEP);
	spin_unlock(&user->mm);
	domain_put(user);
	d->end.disown_handle = left == MORE ? d->end.disown_handle + HANDLES_PER_STEP : 0;
	if (left == DONE)
		d->end.disown_slot = slot;
	return MORE;
}

/* Calls in progress still use the domain. */
static bool is_referenced(struct domain *d)
{
	return grant_pinned(d) ||
	       atomic_load_acquire(&d->refs) != 1;
}

/* Until no page is left. */
static enum progress phase_orphans(struct domain *d)
{
	unsigned int i;

	for (i = 0; i < PAGES_PER_STEP; i++)
		if (!domain_page_orphan(d))
			return domain_pages_left(d) ? MORE : DONE;
	return MORE;
}

static void phase_free(struct domain *d)
{
	const struct domain_config *config = d->origin.config;
	uint32_t instance = d->origin.instance, generation = d->origin.generation;
	bool again;

	trace_event(d, TRACE_FREED, 0, MFN(0), d->end.orphans);
	holds_domain_fini(d);
	memory_map_free(d);
	again = lives_gone(d);
	if (again)
		domain_count_hold();
	evtchn_virq_first(VIRQ_DOM_EXC);	/* it is off the table */
	domain_died();
	domain_free(d);
	if (!again)
		return;
	lives_rebuild(config, instance, generation + 1);
	domain_count_release();
}

/* Work on the present phase; DONE: the next one comes. */
static enum progress phase_run(struct domain *d)
{
	switch ((enum phase)d->end.phase) {
	case PHASE_STOP:
		phase_stop(d);
		return DONE;
	case PHASE_PORTS:
		return evtchn_reap(d);
	case PHASE_EMPTY_L1:
	case PHASE_EMPTY_L2:
	case PHASE_EMPTY_L3:
	case PHASE_EMPTY_L4:
		return phase_empty(d, d->end.phase - PHASE_EMPTY_L1 + 1);
	case PHASE_UNHOOK:
		return phase_unhook(d);
	case PHASE_GRANTS:
		return grant_host_reap(d);
	case PHASE_DISOWN:
		return phase_disown(d);
	case PHASE_PAGES:
		return phase_pages(d);
	case PHASE_WAIT:
		if (is_referenced(d) && phase_disown(d) == DONE)
			d->end.disown_slot = 0;
		return is_referenced(d) ? MORE : DONE;
	case PHASE_ORPHANS:
		return phase_pages(d) == MORE ? MORE : phase_orphans(d);
	case PHASE_VIEW:
		return m2p_view_reap(&d->m2p);
	case PHASE_POOL:
		return holds_domain_reap(d);
	case PHASE_FREE:
		break;
	}
	return MORE;
}

/*
 * END5: true if there was unfinished page-table work; a part of it is enough
 * for one step.  Not in PHASE_STOP, when the domain's vCPU may still be doing
 * that work.
 */
static bool unfinished(struct domain *d)
{
	return d->end.phase > PHASE_STOP &&
	       (pttree_settle(d) == MORE || this_cpu()->pte_steps);
}

/* One step of d; DONE: d is gone. */
static enum progress reap_once(struct domain *d)
{
	if (READ_ONCE(d->state) == DOM_SHUT) {
		tell_shut(d);
		return MORE;
	}
	if (unfinished(d))
		return MORE;
	if (d->end.phase == PHASE_FREE && domain_retire(d)) {
		phase_free(d);
		return DONE;
	}
	if (phase_run(d) == DONE) {
		if (d->end.phase == PHASE_PAGES)
			trace_event(d, TRACE_PAGES, 0, MFN(0), d->end.pages);
		d->end.phase++;
	}
	return MORE;
}

static void note_step(struct domain *d, uint64_t ns)
{
	d->end.steps++;
	d->end.ns += ns;
	d->end.max_ns = MAX(d->end.max_ns, ns);
}

/*
 * The time is that of the search and the flush, too.  The last step's is not
 * noted: the domain that kept the figures is gone.
 */
enum progress reaper_step(void)
{
	enum progress left;
	struct domain *d;
	uint64_t start;

	if (!domain_dying_count())
		return DONE;
	start = now_ns();
	d = domain_claim_dying();
	if (!d)
		return DONE;
	left = reap_once(d);
	reclaim_flush();
	if (left == MORE) {
		note_step(d, now_ns() - start);
		atomic_store_release(&d->end.reaped_by, 0);
	}
	return MORE;
}
