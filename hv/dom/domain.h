/* SPDX-License-Identifier: MIT */
/*
 * Domains: what a guest is to the hypervisor.
 *
 *   domain_create() -> BUILDING -> (pv/build.c) -> domain_start() -> RUNNING
 *   RUNNING -> domain_shutdown()/domain_crash() -> DYING -> reaper (destroy.c) -> gone
 *
 * D1  refs = 1 while on the table + one per domain_find().  Frames do not hold the domain (seed 000):
 *     they name it by number, and all of them are gone before the number is free again.
 * D2  tot_pages = length of the page list <= max_pages (I10).
 * D3  DYING domains run no vCPU and no hypercall.
 */
#ifndef HV_DOM_DOMAIN_H
#define HV_DOM_DOMAIN_H

#include "lib/types.h"

#include <xen/xen.h>

#include "dom/current.h"
#include "dom/vcpu.h"
#include "lib/list.h"
#include "mm/m2p.h"
#include "x86/spinlock.h"

#define MAX_DOMAINS	1024	/* alive at once */
#define MAX_VCPUS	1	/* a guest has one vCPU for now; arrays and masks are sized by this */
#define DOMAIN_NAME_MAX	32
#define EVTCHN_PORTS	4096	/* 2-level ABI on 64 bit */

enum domain_state { DOM_BUILDING, DOM_RUNNING, DOM_DYING, DOM_DEAD };

struct evtchn;			/* dom/evtchn.c */
struct domain_config;		/* boot/config.h */
struct share_dom;		/* share/ */
struct console;			/* dom/console.c */
struct store;			/* dom/store.c */
struct xencomm;			/* pv/xencomm_buffer.c */

struct domain {
	domid_hv_t id;		/* constant */
	char name[DOMAIN_NAME_MAX]; /* constant */
	uint16_t group;		/* share group; constant */
	char group_name[DOMAIN_NAME_MAX];
	uint32_t refs;		/* atomic; D1 */
	enum domain_state state; /* LOCK_DOMAIN to change */
	struct spinlock lock;	/* LOCK_DOMAIN */

	struct spinlock mm;	/* LOCK_MM: see lib/lockorder.h */
	uint64_t cpu_mask;	/* atomic: CPUs that may hold translations of this domain (have its tables loaded) */
	struct m2p_view m2p;

	struct spinlock pages_lock; /* LOCK_PAGELIST: next three */
	uint32_t page_list;	/* mfn of the first OWNED page, 0 = none; linked by frame.next/prev */
	uint32_t page_list_left; /* pages that the reaper let go of but others still use */
	uint64_t tot_pages;
	uint64_t max_pages;

	struct shared_info *shared_info; /* HEAP page; constant until the destructor */

	struct spinlock event_lock; /* LOCK_EVENT: ports */
	struct evtchn *ports;	/* array, grown in pages; see evtchn.c */
	uint32_t port_count;	/* valid entries in ports */

	struct xencomm *xencomm; /* pv/xencomm_buffer.c; NULL or, once set, constant while RUNNING */

	struct share_dom *share; /* constant while RUNNING */
	struct console *console; /* constant while RUNNING */
	struct store *store;	/* constant while RUNNING */

	struct vcpu *vcpu[MAX_VCPUS];
	uint32_t vcpu_count;	/* constant */

	uint32_t vm_assist;	/* bits of VMASST_TYPE_*; atomic */
	uint32_t shutdown_code;	/* SHUTDOWN_*; valid once DYING */
	bool crashed;		/* domain_crash(): the message was logged */
	const struct domain_config *config; /* what it was built from (boot/config.h); constant */
	uint64_t commit;	/* frames promised to it (domain.c); constant */
	uint32_t instance;	/* of config.count; constant */
	uint32_t generation;	/* of config.repeat; constant */
	uint64_t share_budget;	/* constant */

	uint32_t reaped_by;	/* atomic: 1 while a CPU is in a step of its destruction */
	uint32_t destroy_step;	/* reaper's place; only the reaper */
};

/* --- table of domains (domain.c) --- */
/*
 * BUILDING, with an id that no frame names.  Promises max_pages frames and, with
 * overcommit off, one for each page of share_budget.  NULL: no memory, or table full.
 */
struct domain *domain_create(const char *name, uint64_t max_pages,
			     uint64_t share_budget);
void domain_free(struct domain *d);		/* by the reaper, or a builder that failed: nothing names it any more */
uint64_t domain_commit_left(void);		/* frames that are promised to nobody */
void domain_set_overcommit(bool on);		/* once, at boot */
bool domain_overcommit(void);
struct domain *domain_find(domid_hv_t id);	/* with a reference; NULL if none or DEAD */
void domain_put(struct domain *d);
void domain_start(struct domain *d);		/* vCPU 0 becomes runnable */
uint32_t domain_count(void);			/* not yet gone, or about to be rebuilt */
void domain_count_hold(void);			/* keep it above 0 across a rebuild */
void domain_count_release(void);
void domain_for_each(void (*fn)(struct domain *d, void *arg), void *arg); /* alive; under LOCK_DOMLIST */

/* --- the end of a domain (destroy.c) --- */
/* Stop it and leave it to the reaper.  Any CPU, any locks; returns (its own vCPU stops at the next exit to guest). */
void domain_shutdown(struct domain *d, uint32_t code);
/* A guest's mistake that has no error code: log why, then domain_shutdown(SHUTDOWN_crash). */
void domain_crash(struct domain *d, const char *fmt, ...) printf_like(2, 3);
/* A BUILDING domain that failed: to the reaper, silently. */
void domain_abandon(struct domain *d);
/* One bounded step of destruction; false when there is nothing to do.  Called from each CPU's scheduling loop. */
bool reaper_step(void);

/* --- pages (pages.c) --- */
/* A new zeroed page within the quota, on the list, M2P not set.  INVALID_MFN: -ENOMEM for the guest. */
mfn_t domain_page_alloc(struct domain *d);
/* 2^order contiguous ones; all or nothing. */
mfn_t domain_pages_alloc(struct domain *d, unsigned int order);
/* The two halves of adopting a frame that was taken out of sharing: room in the quota, then the list. */
bool domain_quota_take(struct domain *d) must_check;
void domain_quota_give(struct domain *d);
void domain_page_link(struct domain *d, struct frame *f);
/* An existing frame (kind OWNED, owner d, ref >= 1) joins the list. -ENOMEM over quota. */
int domain_page_adopt(struct domain *d, struct frame *f) must_check;

/* --- frames freed while the domain runs (reclaim.c) --- */
/*
 * Frames whose last reference went wait on this CPU until the TLBs of the
 * domains that could still read them are flushed.  Called at the end of every
 * hypercall and at preemption points; cheap when nothing waits.
 */
void reclaim_flush(void);
/* Also the few canonical frames that reclaim_flush() lets wait; when idle, and before an allocation fails. */
void reclaim_flush_all(void);
#define RECLAIM_KEPT	64	/* at most so many of them wait on each CPU */
/* Put a canonical frame that left sharing in the same queue. */
void reclaim_canonical(mfn_t mfn);
uint64_t reclaim_waiting(void);	/* frames in all CPUs' queues */

/*
 * Provided above, for the end of a domain: let go of what page tables, descriptor
 * tables and sharing know of it.
 */
void pv_vcpu_unhook(struct vcpu *v);		/* cr3s, GDT, registered areas */
void xencomm_domain_fini(struct domain *d);	/* registered buffers; no vCPU runs */
void pv_page_unpin(struct domain *d, struct frame *f);
void sharing_domain_fini(struct domain *d);	/* all holds are gone */
/* Reports the end of d; true: it shall be built again (repeat=). */
bool domain_gone(struct domain *d);
/* Called after d is free, for a true answer. */
void domain_rebuild(const struct domain_config *config, uint32_t instance,
		    uint32_t generation);

#endif
