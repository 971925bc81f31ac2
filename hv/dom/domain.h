/* SPDX-License-Identifier: MIT */
/*
 * Domains: what a guest is to the hypervisor.
 *
 *   domain_create() -> BUILDING -> (ctl/build.c) -> domain_start() -> RUNNING
 *   RUNNING -> domain_shutdown()/domain_crash() -> DYING, or, where a first
 *              domain rules (die.h), SHUT -> domain_end() -> DYING
 *   DYING -> reaper (destroy.c) -> DEAD -> gone
 *
 * D1  refs = 1 while on the table + one per domain_find() and domain_hold().
 *     Who made it holds it while it may end in his hands.  Frames hold no
 *     reference to the domain (seed 000): they name it by number, and when that
 *     number is free again, no frame names it any more (destroy.c, END1-END4).
 * D2  pages.total = length of the page list <= pages.max (I10).
 * D3  SHUT and DYING domains run no vCPU and no hypercall.
 */
#ifndef HV_DOM_DOMAIN_H
#define HV_DOM_DOMAIN_H

#include "lib/types.h"

#include <xen/xen.h>

#include "dom/current.h"
#include "dom/heappages.h"
#include "dom/ptpending.h"
#include "dom/sched_account.h"
#include "dom/tracebuf.h"
#include "dom/vcpu.h"
#include "lib/list.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "mm/pagetype.h"
#include "x86/spinlock.h"
#include "x86/tlb.h"

#define MAX_DOMAINS	1024	/* alive at once */
/* owner of pages whose domain is gone; no domain has this id */
#define DOMID_ORPHAN	0x7fe0
/*
 * The ABI's domain 0: the first domain, which has the privilege; no other ever
 * has this id, and in a machine without one nobody has.  It is an id like any
 * other here, and no alias at the edge of the ABI: a frame's kind tells whether
 * it has an owner, never the owner's number (mm/frame.h, F1 and F2), and a
 * port's state tells whether it has a peer.
 */
#define DOMID_FIRST	0
/*
 * of one domain: shared_info has room for so many; masks of vCPUs are 32 bits
 */
#define MAX_VCPUS	32
#define DOMAIN_NAME_MAX	32
#define EVTCHN_PORTS	4096	/* 2-level ABI on 64 bit */

/* Only forwards.  DEAD: off the table; only the reaper refers to it. */
enum domain_state { DOM_BUILDING, DOM_RUNNING, DOM_SHUT, DOM_DYING, DOM_DEAD };

struct evtchn;			/* dom/evtchn.c */
struct evtchn_pirq;		/* dom/evtchn_pirq.c */
struct domain_config;		/* ctl/config.h */
struct share_dom;		/* share/ */
struct frame_pool;		/* mm/framepool.h */
struct console;			/* dom/console.c */
struct grant_table;		/* dom/grant.h */
struct store;			/* dom/store.c */
struct tally;			/* dom/tally.h */
struct xencomm;			/* pv/xencomm_buffer.c */
struct memory_map;		/* pv/memory_map.c */

/* Its pages of RAM; pages.h. */
struct domain_pages {
	struct spinlock lock;	/* LOCK_PAGELIST: all of it, and heap */
	/* mfn of the first OWNED page, 0 = none; linked by frame.next/prev */
	uint32_t list;
	/* first of the pages that the reaper let go of but others still use */
	uint32_t left;
	/*
	 * max: I10.  limit: what the operator allows; below max while the
	 * domain still has more than that (promise.h)
	 */
	uint64_t total, max, limit;
	/* what metadata was promised for: the highest max so far */
	uint64_t most;
	/* holds are charged to max (SHARE_MODE_OWN_QUOTA) */
	bool own;
	struct palloc_place place;	/* of its single pages */
	/* own: pages and holds that are promised; total + held at least */
	uint64_t promised;
	/* frames that it holds, or is about to; LOCK_MM to change */
	uint64_t held;
};

/* Pages of the hypervisor's heap that it may map; heappages.h; pages.lock. */
struct domain_heap {
	uint32_t list;		/* mfn of the first HEAP page */
	uint32_t count[HEAP_KINDS];
};

/* Its ports; evtchn.c. */
struct domain_events {
	struct spinlock lock;	/* LOCK_EVENT */
	struct evtchn *port;	/* array, grown in pages */
	uint32_t count;		/* valid entries in port */
	uint32_t last;		/* no port beyond; constant while RUNNING */
	/* of PIRQS_MAX; NULL: it never had a device's interrupt */
	struct evtchn_pirq *pirq;
	/* only the reaper: how far evtchn_reap() has come */
	uint32_t reaped;
};

/* Its part of sharing; sharing/holds.c.  Constant while RUNNING. */
struct domain_sharing {
	uint32_t group_number;	/* sharing/groups.h; 0: alone */
	uint16_t group;
	char group_name[DOMAIN_NAME_MAX];
	/* only the reaper: frame_pool_stop() was called */
	bool frames_stopped;
	uint64_t budget;	/* pages */
	struct share_dom *dom;
	struct frame_pool *frames; /* its group's */
};

/*
 * Bits of cpuid's feature leaves that its kernel does not see beside what no
 * guest sees (pv/cpuid.h).
 */
struct cpuid_less {
	uint32_t bits[6];
};

/* What the first domain set up (ctl/create.c); LOCK_DOMAIN to change. */
struct domain_setup {
	bool made;		/* by createdomain; constant */
	bool has_vcpus;		/* the tools asked for its vCPUs */
	bool started;		/* LOCK_DOMAIN: it was unpaused once */
	uint8_t handle[16];	/* its UUID */
	uint64_t claim;		/* XENMEM_claim_pages: pages in all; or 0 */
};

/* What it has of devices (io/). */
struct domain_io {
	uint64_t entries;	/* in its tables (io/ioframe.h); LOCK_MM */
	/* what it wrote to port 0xcf8 (io/pciconf.h); atomic */
	uint32_t config_address;
	/* what it wrote to port 0x70 (io/cmos.h); atomic */
	uint8_t cmos_register;
};

/* What it was built from (ctl/config.h); constant. */
struct domain_origin {
	const struct domain_config *config;
	uint32_t instance;	/* of config.count */
	uint32_t generation;	/* of config.repeat */
	bool again;		/* it is built again when it is gone */
	/* of all domains, in turn: not the one before it of its number */
	uint32_t life;
};

/*
 * How far the domain's end has come; only for the CPU that set reaped_by
 * (ctl/destroy.c).
 */
struct domain_end {
	/* atomic: 1 while a CPU is in a step of its destruction */
	uint32_t reaped_by;
	/* it is SHUT, and the first domain was told; atomic */
	bool told;
	uint32_t phase;
	/* the page that PHASE_EMPTY is at, referenced; NULL: none, */
	struct frame *page;
	unsigned int slot;	/* and the entry that comes next */
	/* PHASE_DISOWN's place: table of domains, */
	unsigned int disown_slot;
	/* and the handle in that domain's table */
	uint32_t disown_handle;
	uint64_t pages;		/* given up */
	/* steps: how many, all of them, the longest */
	uint64_t steps, ns, max_ns;
	uint64_t orphans;	/* END4: pages that outlived it */
};

struct domain {
	domid_hv_t id;		/* constant */
	char name[DOMAIN_NAME_MAX]; /* constant */
	/* the first domain; constant, and only for privilege.c */
	bool privileged;
	uint32_t refs;		/* atomic; D1 */
	enum domain_state state; /* LOCK_DOMAIN to change */
	struct spinlock lock;	/* LOCK_DOMAIN */
	struct domain_origin origin;
	struct domain_setup setup;
	struct cpuid_less cpuid;	/* constant once it has started */

	struct spinlock mm;	/* LOCK_MM: see lib/lockorder.h */
	uint32_t l1_watch;	/* WATCH_*; LOCK_MM, or machine stopped */
	struct pt_pending pending;	/* LOCK_MM */
	struct break_mode breaks;	/* LOCK_MM */
	/* entries of its tables for frames of others (pv/foreign.h); LOCK_MM */
	uint64_t foreign_entries;
	/*
	 * the audit is at its pages; and at those of a domain for whose frames
	 * its tables may have entries, which it has seen.  NULL: it is not;
	 * machine stopped to change
	 */
	struct tally *tally, *tally_foreign;
	/*
	 * atomic: CPUs that may hold translations of this domain (have its
	 * tables loaded)
	 */
	uint64_t cpu_mask;
	/*
	 * slots of its L4 tables that ever led to an L4, or NULL: none did
	 * (x86/guestcopy.h); atomic; LOCK_MM to change
	 */
	uint64_t *l4_linked;
	struct m2p_view m2p;

	struct domain_pages pages;
	uint64_t promised;	/* frames promised to it (promise.h); atomic */
	struct domain_heap heap;
	/* HEAP page; constant until the destructor */
	struct shared_info *shared_info;
	struct domain_sharing sharing;

	struct vcpu *vcpu[MAX_VCPUS]; /* the first vcpu_count; constant */
	uint32_t vcpu_count;	/* constant once it is on the table */
	/* how often it is paused (pause.h); LOCK_DOMAIN to change */
	uint32_t paused;
	struct sched_account account; /* its run time */

	struct domain_events events;
	struct domain_io io;
	struct grant_table *grant; /* constant */
	/* pv/xencomm_buffer.c; NULL or, once set, constant while RUNNING */
	struct xencomm *xencomm;
	struct console *console; /* constant while RUNNING */
	struct store *store;	/* constant while RUNNING */
	struct memory_map *map;	/* LOCK_DOMAIN; NULL: none was set */
	struct tracebuf trace;
	uint32_t vm_assist;	/* bits of VMASST_TYPE_*; atomic */

	/* SHUTDOWN_* + 1, set before SHUT and DYING; 0: none yet; atomic */
	uint32_t shutdown_reason;
	bool crashed;		/* domain_crash(): the message was logged */
	bool destroyed;		/* atomic: domain_destroy() */
	struct domain_end end;
};

/* Until it is false, what its builder writes into it is nobody else's. */
static inline bool domain_is_building(const struct domain *d)
{
	return atomic_load_acquire(&d->state) == DOM_BUILDING;
}

/*
 * CPUs that may hold translations of d's.  A CPU that joins them later sees the
 * tables as they were written before this call (VCPU1).
 */
static inline uint64_t domain_cpus(const struct domain *d)
{
	return atomic_load(&d->cpu_mask);
}

/*
 * When it returns, no CPU has a translation of d's that its tables did not
 * allow at the call.  Any locks.
 */
static inline void domain_flush_tlb(const struct domain *d)
{
	tlb_flush_mask(domain_cpus(d));
}

/* --- table of domains (domain.c) --- */
/*
 * A new domain in state BUILDING, with an id that no frame names, and `vcpus`
 * vCPUs (1 to MAX_VCPUS).  Promises max_pages frames and, with overcommit off,
 * one for each page of share_budget.  NULL: no memory, or table full.
 */
struct domain *domain_create(const char *name, uint64_t max_pages,
			     uint64_t share_budget, uint32_t vcpus);
/* The same, for the first domain: once. */
struct domain *domain_create_first(const char *name, uint64_t max_pages,
				   uint64_t share_budget, uint32_t vcpus);
/*
 * The same for one that the first domain makes, under the number `id` (0: any);
 * it has no pages yet.  -EEXIST: the number is in use; -ENOMEM.  The caller
 * ends with domain_start_paused(), or domain_abandon().
 */
int domain_create_empty(domid_hv_t id, uint32_t vcpus, struct domain **made);
/*
 * The one way to a domain by a number that a guest named.  The caller gets a
 * reference, so the domain stays whole (FIND2) until domain_put().  NULL: there
 * is none, or it is being built.  It may be dying.
 */
struct domain *domain_find(domid_hv_t id);
void domain_put(struct domain *d);
/*
 * A reference of a domain that cannot go meanwhile: the caller made it, or has
 * one, or the lock of the table.
 */
static inline void domain_hold(struct domain *d)
{
	atomic_add(&d->refs, 1);
}
/* SHUTDOWN_*, of a domain that is SHUT or DYING. */
static inline uint32_t domain_shutdown_code(const struct domain *d)
{
	return atomic_load(&d->shutdown_reason) - 1;
}
/*
 * The domain that a frame names as its owner; it exists as long as one of its
 * frames does.
 */
struct domain *domain_owner(domid_hv_t id);
/*
 * The first domain in table slots from *slot on, with a reference; *slot goes
 * behind it.  NULL: none.
 */
struct domain *domain_from_slot(unsigned int *slot);
/*
 * The domain of the lowest number from `id` on that domain_find() would find,
 * with a reference.  NULL: none.
 */
struct domain *domain_from_id(domid_hv_t id);
/*
 * A DYING domain, or one that is SHUT and untold, that no other CPU works on;
 * the caller clears end.reaped_by.
 */
struct domain *domain_claim_dying(void);
/*
 * For the reaper: take a dying domain off the table and make it DEAD, if nobody
 * else has a reference; then domain_free().
 */
bool domain_retire(struct domain *d) must_check;
void domain_free(struct domain *d);
void domain_start(struct domain *d);		/* vCPU 0 becomes runnable */
/* It can be found; no vCPU is up, and it is paused once (pause.h). */
void domain_start_paused(struct domain *d);
/* how many domains are not yet gone, or about to be rebuilt */
uint32_t domain_count(void);
/* keep it above 0 across a rebuild */
void domain_count_hold(void);
void domain_count_release(void);
/* alive; under LOCK_DOMLIST */
void domain_for_each(void (*fn)(struct domain *d, void *arg), void *arg);

#endif
