/* SPDX-License-Identifier: MIT */
/*
 * The table of domains.  Table slot = id modulo MAX_DOMAINS; ids are not reused
 * until they wrapped.
 *
 * FIND1  A domain goes on the table when all that domain_create() makes is
 *        there, and stays until nobody uses it: domain_retire() checks that the
 *        table's reference is the last one and takes the domain off, in one
 *        step under LOCK_DOMLIST.  Only then is any part of the domain freed.
 * FIND2  So a domain from domain_find() stays whole until domain_put(): its
 *        locks, grant table, shared info, vCPUs.  Parts that a dying domain
 *        loses earlier (ports, console, handles, page tables, pages, its M2P
 *        view) are read under the same lock under which they are taken away.
 * FIND3  A domain that is being built cannot be found; it is on the table
 *        nevertheless, since its pages name it.  Before it is on the table, and
 *        after domain_retire(), it has no pages of kind OWNED, so
 *        domain_owner() is never asked for it.
 */
#include <port.h>
#include <errno.h>

#include "dom/die.h"
#include "dom/domain.h"
#include "dom/evtchn.h"
#include "dom/grant.h"
#include "dom/promise.h"
#include "dom/sched.h"
#include "lib/fmt.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "x86/guestcopy.h"

#define DOMID_LAST (DOMID_ORPHAN - 1)	/* special ids start above */

static struct spinlock table_lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct domain *table[MAX_DOMAINS];	/* LOCK_DOMLIST to change */
/*
 * LOCK_DOMLIST; longer than table[]: the slot is taken before the domain is on
 * the table, and given back after
 */
static bool slot_taken[MAX_DOMAINS];
static domid_hv_t slot_id[MAX_DOMAINS];		/* by whom */
static uint32_t count;				/* atomic */
static domid_hv_t last_id;			/* LOCK_DOMLIST */
static uint32_t last_life;			/* LOCK_DOMLIST */

enum wanted_id { ID_ANY, ID_THIS };

/*
 * A free slot's next id, never DOMID_FIRST, which is the answer if all are
 * taken.  LOCK_DOMLIST.
 */
static domid_hv_t next_id(void) needs_lock(&table_lock)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_DOMAINS; tries++) {
		last_id = last_id >= DOMID_LAST ? 1 : last_id + 1;
		if (!slot_taken[last_id % MAX_DOMAINS])
			return last_id;
	}
	return DOMID_FIRST;
}

/*
 * Is a domain of this number there, being made, or about to go?  LOCK_DOMLIST.
 */
static bool id_in_use(domid_hv_t id) needs_lock(&table_lock)
{
	return slot_taken[id % MAX_DOMAINS] && slot_id[id % MAX_DOMAINS] == id;
}

/* LOCK_DOMLIST. */
static void slot_take(domid_hv_t id) needs_lock(&table_lock)
{
	slot_taken[id % MAX_DOMAINS] = true;
	slot_id[id % MAX_DOMAINS] = id;
}

/*
 * Take an id, which the domain's frames will bear; nobody finds the domain by
 * it yet.
 */
static int id_take(struct domain *d, enum wanted_id wanted, domid_hv_t id)
{
	int r = 0;

	spin_lock(&table_lock);
	d->id = wanted == ID_ANY ? next_id() : id;
	if (wanted == ID_THIS && id_in_use(id))
		r = -EEXIST;
	else if (wanted == ID_ANY ? d->id == DOMID_FIRST :
				    slot_taken[id % MAX_DOMAINS])
		r = -ENOMEM;
	else
		slot_take(d->id);
	d->origin.life = ++last_life;
	spin_unlock(&table_lock);
	return r;
}

/* Give the id back: no frame bears it any more. */
static void id_give(struct domain *d)
{
	spin_lock(&table_lock);
	slot_taken[d->id % MAX_DOMAINS] = false;
	spin_unlock(&table_lock);
}

static bool is_whole(const struct domain *d)
{
	return d->shared_info && d->grant && d->vcpu[d->vcpu_count - 1];
}

static void table_add(struct domain *d)
{
	ASSERT(is_whole(d)); /* FIND1 */
	spin_lock(&table_lock);
	table[d->id % MAX_DOMAINS] = d;
	atomic_add(&count, 1);
	spin_unlock(&table_lock);
}

static void domain_init(struct domain *d, const char *name, uint64_t max_pages,
			uint32_t vcpus)
{
	ASSERT(vcpus >= 1 && vcpus <= MAX_VCPUS);
	str_copy(d->name, sizeof(d->name), name);
	d->refs = 1;
	d->state = DOM_BUILDING;
	d->pages.max = d->pages.limit = d->pages.most = max_pages;
	d->vcpu_count = vcpus;
	sched_account_init(&d->account);
	spin_lock_init(&d->lock, LOCK_DOMAIN);
	spin_lock_init(&d->mm, LOCK_MM);
	spin_lock_init(&d->pages.lock, LOCK_PAGELIST);
	spin_lock_init(&d->events.lock, LOCK_EVENT);
}

static size_t renames_bytes(const struct domain *d)
{
	return d->vcpu_count * RENAMES_MAX * sizeof(d->pending.renames.rename[0]);
}

/* Free all parts that are there; d is not on the table. */
static void domain_dismantle(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count && d->vcpu[i]; i++)
		vcpu_free(d->vcpu[i]);
	obj_free(d->pending.renames.rename, renames_bytes(d));
	obj_free(d->l4_linked, GUESTCOPY_SLOTS_BYTES);
	ptpending_recent_free(d->pending.renames.recent);
	/* a domain that was never RUNNING has ports too */
	evtchn_fini(d);
	grant_fini(d);
	heap_pages_free(d);	/* seed 000: nothing maps them any more */
	m2p_view_fini(&d->m2p);
	id_give(d);
	domain_promise_end(d);
	obj_free(d, sizeof(*d));
}

/* False: no memory. */
static bool domain_furnish(struct domain *d)
{
	uint32_t i;

	if (m2p_view_init(&d->m2p))
		return false;
	d->m2p.cpus = &d->cpu_mask;
	d->shared_info = heap_page_share(d, HEAP_SHARED_INFO, 1);
	if (!d->shared_info)
		return false;
	tracebuf_init(d);
	if (evtchn_init(d) || grant_init(d))
		return false;
	d->pending.renames.rename = obj_alloc(renames_bytes(d));
	if (!d->pending.renames.rename)
		return false;
	for (i = 0; i < d->vcpu_count; i++) {
		d->vcpu[i] = vcpu_create(d, i);
		if (!d->vcpu[i])
			return false;
	}
	return true;
}

/* It has its quota and weight; the rest of what every domain has. */
static int create(struct domain *d, enum wanted_id wanted, domid_hv_t id)
{
	int r = domain_promise(d) ? id_take(d, wanted, id) : -ENOMEM;

	if (r) {
		domain_promise_end(d);
		obj_free(d, sizeof(*d));
		return r;
	}
	if (!domain_furnish(d)) {
		domain_dismantle(d);
		return -ENOMEM;
	}
	table_add(d);
	return 0;
}

/* first: the first domain, which is privileged (PRIV1). */
static struct domain *create_full(const char *name, uint64_t max_pages,
				  uint64_t share_budget, uint32_t vcpus, bool first)
{
	struct domain *d = obj_alloc(sizeof(*d));

	if (!d)
		return NULL;
	domain_init(d, name, max_pages, vcpus);
	d->privileged = first;
	d->setup.has_vcpus = true;
	d->sharing.budget = share_budget;
	return create(d, first ? ID_THIS : ID_ANY, DOMID_FIRST) ? NULL : d;
}

_Static_assert(sizeof(struct domain) <= OBJ_LARGEST, "three domains in a page");

struct domain *domain_create(const char *name, uint64_t max_pages,
			     uint64_t share_budget, uint32_t vcpus)
{
	return create_full(name, max_pages, share_budget, vcpus, false);
}

struct domain *domain_create_first(const char *name, uint64_t max_pages,
				   uint64_t share_budget, uint32_t vcpus)
{
	return create_full(name, max_pages, share_budget, vcpus, true);
}

int domain_create_empty(domid_hv_t id, uint32_t vcpus, struct domain **made)
{
	struct domain *d = obj_alloc(sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	domain_init(d, "", 0, vcpus);
	d->paused = 1;
	r = create(d, id ? ID_THIS : ID_ANY, id);
	if (r)
		return r;
	fmt_snprintf(d->name, sizeof(d->name), "dom%u", d->id);
	*made = d;
	return 0;
}

bool domain_retire(struct domain *d)
{
	bool alone;

	spin_lock(&table_lock);
	alone = atomic_load_acquire(&d->refs) == 1 &&
		!grant_pinned(d);
	if (alone) {
		table[d->id % MAX_DOMAINS] = NULL;
		WRITE_ONCE(d->state, DOM_DEAD);
	}
	spin_unlock(&table_lock);
	return alone;
}

void domain_free(struct domain *d)
{
	CHECK(d->state == DOM_DEAD);
	domain_dismantle(d);
	atomic_sub(&count, 1);
}

struct domain *domain_find(domid_hv_t id)
{
	struct domain *d;

	spin_lock(&table_lock);
	d = table[id % MAX_DOMAINS];
	/* FIND3 */
	if (d && (d->id != id || domain_is_building(d)))
		d = NULL;
	if (d) {
		ASSERT(is_whole(d)); /* FIND2 */
		domain_hold(d);
	}
	spin_unlock(&table_lock);
	return d;
}

void domain_put(struct domain *d)
{
	uint32_t left = atomic_sub(&d->refs, 1);

	ASSERT(left > 0); /* D1: the table's goes by domain_retire() */
}

void domain_start(struct domain *d)
{
	d->trace.built_ns = now_ns();
	d->vcpu[0]->initialised = true;
	atomic_store_release(&d->state, DOM_RUNNING);
	sched_online(d->vcpu[0]);
}

void domain_start_paused(struct domain *d)
{
	d->setup.made = true;
	d->trace.built_ns = now_ns();
	atomic_store_release(&d->state, DOM_RUNNING);
}

uint32_t domain_count(void)
{
	return atomic_load_acquire(&count);
}

void domain_count_hold(void)
{
	atomic_add(&count, 1);
}

void domain_count_release(void)
{
	atomic_sub(&count, 1);
}

struct domain *domain_owner(domid_hv_t id)
{
	struct domain *d = READ_ONCE(table[id % MAX_DOMAINS]);

	CHECK(d && d->id == id);
	return d;
}

struct domain *domain_from_slot(unsigned int *slot)
{
	struct domain *d = NULL;

	spin_lock(&table_lock);
	while (*slot < MAX_DOMAINS && !d) {
		d = table[(*slot)++];
		if (d)
			domain_hold(d);
	}
	spin_unlock(&table_lock);
	return d;
}

struct domain *domain_from_id(domid_hv_t id)
{
	struct domain *d = NULL;
	unsigned int i;

	spin_lock(&table_lock);
	/* In the order of the numbers from `id` on. */
	for (i = 0; i < MAX_DOMAINS; i++) {
		struct domain *at = table[(id + i) % MAX_DOMAINS];

		if (!at || at->id < id || domain_is_building(at))
			continue;
		if (!d || at->id < d->id)
			d = at;
		if (at->id == id + i)
			break;	/* those not seen yet are higher */
	}
	if (d)
		domain_hold(d);
	spin_unlock(&table_lock);
	return d;
}

/* Is there work on d for the reaper? */
static bool is_ending(const struct domain *d)
{
	enum domain_state state = READ_ONCE(d->state);

	return state == DOM_DYING ||
	       (state == DOM_SHUT && !atomic_load(&d->end.told));
}

struct domain *domain_claim_dying(void)
{
	/* LOCK_DOMLIST: whose turn it was */
	static unsigned int last;
	struct domain *d = NULL;
	unsigned int i, at;

	spin_lock(&table_lock);
	/*
	 * They take turns, since some wait for long.  But to search the table
	 * takes longer than a step: not for one that is alone.
	 */
	at = last + (domain_dying_count() > 1);
	for (i = 0; i < MAX_DOMAINS && !d; i++, at++) {
		struct domain *t = table[at % MAX_DOMAINS];

		if (!t || !is_ending(t) || atomic_exchange(&t->end.reaped_by, 1))
			continue;
		last = at % MAX_DOMAINS;
		d = t;
	}
	spin_unlock(&table_lock);
	return d;
}

void domain_for_each(void (*fn)(struct domain *d, void *arg), void *arg)
{
	unsigned int i;

	spin_lock(&table_lock);
	for (i = 0; i < MAX_DOMAINS; i++)
		if (table[i])
			fn(table[i], arg);
	spin_unlock(&table_lock);
}
