/* SPDX-License-Identifier: MIT */
/*
 * Domains: what a guest is to the hypervisor.
 *
 *   domain_create() -> BUILDING -> (ctl/build.c) -> domain_start() -> RUNNING
 *   RUNNING -> domain_shutdown()/domain_crash() -> DYING -> reaper (destroy.c) -> DEAD -> gone
 *
 * D1  refs = 1 while on the table + one per domain_find().  Frames do not hold the domain (seed 000):
 *     they name it by number, and none of them does any more when the number is free again (destroy.c, END1-END4).
 * D2  tot_pages = length of the page list <= max_pages (I10).
 * D3  DYING domains run no vCPU and no hypercall.
 */
#ifndef HV_DOM_DOMAIN_H
#define HV_DOM_DOMAIN_H

#include "lib/types.h"

#include <xen/xen.h>

#include "dom/current.h"
#include "dom/heappages.h"
#include "dom/ptpending.h"
#include "dom/tracebuf.h"
#include "dom/vcpu.h"
#include "lib/list.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "x86/spinlock.h"
#include "x86/tlb.h"

#define MAX_DOMAINS	1024	/* alive at once */
#define DOMID_ORPHAN	0x7fe0	/* owner of pages whose domain is gone; no domain has this id */
#define MAX_VCPUS	32	/* of a domain: what shared_info has room for; masks of vCPUs are 32 bits */
#define DOMAIN_NAME_MAX	32
#define EVTCHN_PORTS	4096	/* 2-level ABI on 64 bit */

/* Only forwards.  DEAD: off the table, nobody has it but the reaper. */
enum domain_state { DOM_BUILDING, DOM_RUNNING, DOM_DYING, DOM_DEAD };

struct evtchn;			/* dom/evtchn.c */
struct domain_config;		/* ctl/config.h */
struct share_dom;		/* share/ */
struct frame_pool;		/* mm/framepool.h */
struct console;			/* dom/console.c */
struct grant_table;		/* dom/grant.h */
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
	struct pt_pending pending;	/* LOCK_MM */
	struct break_mode breaks;	/* LOCK_MM */
	uint64_t cpu_mask;	/* atomic: CPUs that may hold translations of this domain (have its tables loaded) */
	struct m2p_view m2p;

	struct spinlock pages_lock; /* LOCK_PAGELIST: next three */
	uint32_t page_list;	/* mfn of the first OWNED page, 0 = none; linked by frame.next/prev */
	uint32_t page_list_left; /* pages that the reaper let go of but others still use */
	uint64_t tot_pages;
	uint64_t max_pages;

	uint32_t heap_list;	/* mfn of the first HEAP page (heappages.c); LOCK_PAGELIST */
	uint32_t heap_count[HEAP_KINDS]; /* LOCK_PAGELIST */
	struct shared_info *shared_info; /* HEAP page; constant until the destructor */

	struct tracebuf trace;

	struct spinlock event_lock; /* LOCK_EVENT: ports */
	struct evtchn *ports;	/* array, grown in pages; see evtchn.c */
	uint32_t port_count;	/* valid entries in ports */
	uint32_t ports_reaped;	/* only the reaper: evtchn_reap()'s place */

	struct grant_table *grant; /* constant */
	struct xencomm *xencomm; /* pv/xencomm_buffer.c; NULL or, once set, constant while RUNNING */

	struct share_dom *share; /* constant while RUNNING */
	struct frame_pool *frames; /* its group's; the same */
	bool frames_stopped;	/* the reaper's: frame_pool_stop() was called */
	struct console *console; /* constant while RUNNING */
	struct store *store;	/* constant while RUNNING */

	struct vcpu *vcpu[MAX_VCPUS]; /* the first vcpu_count; constant */
	uint32_t vcpu_count;	/* constant once it is on the table */

	uint32_t vm_assist;	/* bits of VMASST_TYPE_*; atomic */
	uint32_t shutdown_code;	/* SHUTDOWN_*; valid once DYING */
	bool crashed;		/* domain_crash(): the message was logged */
	const struct domain_config *config; /* what it was built from (ctl/config.h); constant */
	uint64_t commit;	/* frames promised to it (promise.c); atomic */
	uint32_t instance;	/* of config.count; constant */
	uint32_t generation;	/* of config.repeat; constant */
	uint64_t share_budget;	/* constant */

	uint32_t reaped_by;	/* atomic: 1 while a CPU is in a step of its destruction */
	/* The reaper's place; only the reaper (destroy.c). */
	uint32_t destroy_step;
	struct frame *destroy_page; /* referenced; NULL: none */
	unsigned int destroy_slot;
	unsigned int disown_slot;	/* STEP_DISOWN's place: table of domains, */
	uint32_t disown_handle;		/* handle of that one */
	uint64_t destroy_pages;	/* given up */
	uint64_t destroy_steps, destroy_ns, destroy_max_ns; /* steps: how many, all of them, the longest */
	uint64_t orphans;	/* END4: pages that outlived it */
};

/* CPUs that may hold translations of d's.  One that comes later finds what was written before (VCPU1). */
static inline uint64_t domain_cpus(const struct domain *d)
{
	return atomic_load(&d->cpu_mask);
}

/* When it returns, no CPU has a translation of d's that its tables did not allow at the call.  Any locks. */
static inline void domain_flush_tlb(const struct domain *d)
{
	tlb_flush_mask(domain_cpus(d));
}

/*
 * Frames beyond RAM and share budget that each domain is promised: vCPU, ports, the fixed
 * part of its tables; and its heap pages (HEAP3).  domain_metadata() has what comes on top.
 */
#define DOMAIN_ALLOWANCE	(64 + HEAP_PAGES_MAX)
/* And for each vCPU after the first: itself, its part of the tables of descriptors, its first context, its pairs. */
#define VCPU_ALLOWANCE		6

/* --- table of domains (domain.c) --- */
/*
 * BUILDING, with an id that no frame names, and so many vCPUs (1 to MAX_VCPUS).  Promises max_pages
 * frames and, with overcommit off, one for each page of share_budget.  NULL: no memory, or table full.
 */
struct domain *domain_create(const char *name, uint64_t max_pages,
			     uint64_t share_budget, uint32_t vcpus);
/*
 * The one way to a domain by a number that a guest named.  With a reference: it stays whole (FIND2) until
 * domain_put().  NULL: there is none, or it is being built.  It may be dying.
 */
struct domain *domain_find(domid_hv_t id);
void domain_put(struct domain *d);
/* By the reaper, for a dying domain: off the table and DEAD, if nobody else has it; then domain_free(). */
bool domain_retire(struct domain *d) must_check;
void domain_free(struct domain *d);
void domain_start(struct domain *d);		/* vCPU 0 becomes runnable */
uint32_t domain_count(void);			/* not yet gone, or about to be rebuilt */
void domain_count_hold(void);			/* keep it above 0 across a rebuild */
void domain_count_release(void);
void domain_for_each(void (*fn)(struct domain *d, void *arg), void *arg); /* alive; under LOCK_DOMLIST */

/* --- promises of memory (promise.c); any locks --- */
uint64_t domain_commit_left(void);		/* frames that are promised to nobody */
/* Promise d some frames more (false: there are none left); take the promise back. */
bool domain_commit_more(struct domain *d, uint64_t pages) must_check;
void domain_commit_less(struct domain *d, uint64_t pages);
/* Frames of metadata that a domain of so many pages (those of its budget too) and vCPUs is promised. */
uint64_t domain_metadata(uint64_t pages, uint32_t vcpus);
/* Of its budget, what is set aside for its share group (mm/framepool.h; and metadata, which is a part of that). */
uint64_t domain_set_aside(uint64_t budget);
void domain_set_overcommit(bool on);		/* once, at boot */
bool domain_overcommit(void);
/* For the audit: what is promised, may be, and was in use before the first domain. */
void domain_promises(uint64_t *promised, uint64_t *most, uint64_t *boot);

/* --- the end of a domain (die.c) --- */
/* Stop it and leave it to the reaper.  Any CPU, any locks; returns (its own vCPU stops at the next exit to guest). */
void domain_shutdown(struct domain *d, uint32_t code);
/* A guest's mistake that has no error code: log why, then domain_shutdown(SHUTDOWN_crash). */
void domain_crash(struct domain *d, const char *fmt, ...) printf_like(2, 3);
/* A BUILDING domain that failed: to the reaper, silently. */
void domain_abandon(struct domain *d);

/* --- pages (pages.c) --- */
/*
 * New pages come in two steps, so that what can be named is whole (mm/frame.h, F3).  _prepare:
 * 2^order zeroed pages in a row, all or nothing, with room in the quota; they are nobody's yet.
 * INVALID_MFN: -ENOMEM for the guest.  Then the caller names them in the M2P, says which they are, writes
 * their entries; and _publish makes them d's, or _cancel takes all of it back.
 */
mfn_t domain_pages_prepare(struct domain *d, unsigned int order) must_check;
/* Likewise one, with the bytes of `from`. */
mfn_t domain_page_prepare_copy(struct domain *d, mfn_t from) must_check;
void domain_pages_publish(struct domain *d, mfn_t mfn, unsigned int order);
void domain_pages_cancel(struct domain *d, mfn_t mfn, unsigned int order);
/* Room in the quota, for a frame that comes another way: out of sharing, or from another domain. */
bool domain_quota_take(struct domain *d) must_check;
void domain_quota_give(struct domain *d);
/* One page that there is room for, on the list and then published, with `refs` references beside d's own. */
void domain_page_publish(struct domain *d, struct frame *f, uint32_t refs);
/* A page that frame_claim() took, used as nothing, leaves d for the heap. */
void domain_page_discard(struct domain *d, struct frame *f);
/*
 * The page after `at` (NULL: the first) on the list, with a reference; that of `at` is
 * dropped.  NULL: the end.  A page that joins meanwhile may be missed.
 */
struct frame *domain_page_after(struct domain *d, struct frame *at) must_check;
/*
 * One page for another: `old`, which frame_claim() took, leaves d for the heap, and `new`, of the
 * hypervisor's and of no type, becomes d's in its place: nobody else can take the room (D2).
 */
void domain_page_replace(struct domain *d, struct frame *old, struct frame *new);

/* --- uses of pages (pages.c) --- */
/*
 * A use of f, a page of d's that the caller references, as `class`, with the flush of d's
 * TLBs that has to come before it (mm/pagetype.h, T3, T6): TYPE_SAME; TYPE_FRESH, a table or
 * descriptor page is to be validated now; or -errno of pagetype_get().
 */
int domain_type_get(struct domain *d, struct frame *f,
		    enum page_class class) must_check;
/* A writable use: 0 or -errno.  No lock is needed, any may be held. */
int domain_writable_get(struct domain *d, struct frame *f) must_check;
void domain_writable_put(struct frame *f);

/* --- frames freed while the domain runs (reclaim.c) --- */
/*
 * Frames whose last reference went wait on this CPU until the TLBs of the
 * domains that could still read them are flushed.  Called at the end of every
 * hypercall and at preemption points; cheap when nothing waits.
 */
void reclaim_flush(void);
/* Also the few canonical frames that reclaim_flush() lets wait; when idle, and before an allocation fails. */
void reclaim_flush_all(void);
/* Frames that outlived their domain (destroy.c, END4). */
uint64_t reclaim_orphans(void);
uint64_t reclaim_orphan_changes(void);	/* made or freed, ever */
#define RECLAIM_KEPT	64	/* at most so many of them wait in each group */
/*
 * When so many others wait, a long call stops at its next look at the clock, at most 64 pages
 * or 512 entries later; so RECLAIM_WAITING wait on one CPU at most.
 */
#define RECLAIM_OWNED	128
#define RECLAIM_WAITING	(RECLAIM_KEPT + 64 + RECLAIM_OWNED + 512)
/* A canonical frame that left sharing waits in its group's pool.  And all that wait there are flushed and freed. */
void reclaim_canonical(struct frame_pool *p, mfn_t mfn);
void reclaim_pool(struct frame_pool *p);
uint64_t reclaim_waiting(void);	/* frames in all CPUs' queues */

#endif
