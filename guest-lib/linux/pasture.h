/* SPDX-License-Identifier: MIT */
/*
 * pasture.ko: stock Linux under Xen's PV ABI shares its pages with its
 * neighbours, by Pasture's one hypercall (abi share.h), and gives memory that
 * it does not need back to the machine.  No patch of the kernel; nothing is
 * done on a hypervisor without the call.
 *
 * A page's pfn is its identity, and never changes; the frame behind it does.
 * An offer gives the frame up for one that others may hold too; any write, by
 * whatever way, and any new page-table entry for it gets a frame of the guest's
 * own back first (break first, sole).  So Linux notices nothing: what is left
 * for the module is to choose pages, and a moment at which nobody holds the
 * old frame's number in a register.
 *
 *   kind      pages                                  moment
 *   text      kernel text                            once, quiet
 *   rodata    kernel rodata                          once, quiet
 *   filler    between parts of text: given back but  once
 *             for one page
 *   reserved  data, bss, boot-time tables, that have unchanged for a while
 *             one entry, the linear map's
 *   cache     page cache that no process maps, or     soon after it was read,
 *             has used for a second                   or a second after its use
 *   vmalloc   large areas of vmalloc                 unchanged for a while
 *   large     kernel's blocks of 64 KiB and more      unchanged for a while
 *   free      what the balloon leaves, all zero       soon after it was freed
 *   balloon   free memory: given back, not shared
 *
 * Invariants
 *  LX1  no page is offered unless the hypervisor accepted break first, one pfn
 *       a frame, sole, and the linear map's base (hyper.c).  Without sole an
 *       entry of a table that nobody counts would go stale, and Linux read a
 *       bogus pfn from it.
 *  LX2  an offer names one entry, the linear map's, or of an area of vmalloc's
 *       and the memory map the area's, too.  Any other reference makes the
 *       hypervisor refuse: further mappings (stacks, modules, user space), page
 *       tables, grants, areas that it writes itself.
 *       What processes map is not offered (LX3; quiet.c): of one that is going
 *       away the hypervisor does not count the entries.
 *  LX3  a page of the cache is offered while it is locked, unmapped, and its
 *       reference count frozen, after a grace period since it was so: nobody
 *       can have its frame's number at hand (cache.c).  A block device's pages
 *       are left alone, for there that does not follow.
 *  LX4  interrupts are off for one batch of OFFER_BATCH pages, never longer, on
 *       all CPUs where pages of the kernel's go (offer.c).
 *  LX5  the table says "shared" of a page that was offered with success; it may
 *       have been broken since.  Only table_sweep() finds that out, so what is
 *       counted as broken lags.
 *  LX6  a page that broke, or was refused, rests for a time that doubles; a
 *       reserved one's is forgotten when the balloon has come to rest, since
 *       the balloon writes to the memory map, and one's of the cache when
 *       none of them breaks any more.
 *  LX7  the balloon's target is the module's own only as long as nobody else
 *       sets one (balloon.c).
 *
 * Locks: pasture_lock is over everything here but what a field names itself.
 * It is a mutex; the tracepoint, the shrinker and the out-of-memory notifier
 * never take it.
 */
#ifndef PASTURE_LINUX_H
#define PASTURE_LINUX_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <share.h>

#define OFFER_BATCH	64
#define RESULTS		(SHARE_HELD + 1)

enum page_kind {
	KIND_NONE,		/* not ours, or given up */
	KIND_TEXT,
	KIND_RODATA,
	KIND_RESERVED,
	KIND_VMALLOC,
	KIND_CACHE,
	KIND_FREE,
	KIND_LARGE,
	KINDS
};

struct kind_counters {
	u64 offered;		/* put to the hypervisor, ever */
	u64 accepted;		/* of them shared then, ever */
	u64 broken;		/* found private again, ever */
	u64 shared;		/* now, as far as is known (LX5) */
};

extern struct mutex pasture_lock;
extern struct kind_counters kind_counters[KINDS];
extern const char *const kind_names[KINDS];

/* main.c: the thread's next look comes now. */
void main_wake(void);
void main_sleep(void);		/* all private, and nothing offered any more */
void main_rest(void);		/* nothing offered any more */
void main_wake_up(void);
int main_run_get(void);
int main_run_set(unsigned int run);
bool main_is_sharing(void);	/* pasture_lock held */

/* params.c: what `modinfo` lists, in range. */
extern bool param_text, param_cache, param_cold, param_reserved, param_vmalloc, param_free, param_large,
	param_balloon;
extern unsigned int param_sleep_ms, param_free_mib, param_spare_mib;

/* hyper.c */
extern unsigned long hyper_pfns;	/* pfns are below; fixed at load */
extern bool hyper_last_breaks;		/* SHARE_INFO_LAST_BREAKS */
int hyper_probe(void);
int hyper_mode_set(void);
int hyper_info(struct shareop_info *info);
long hyper_offer(struct shareop_entry *entries, unsigned int count);
/* The frame of a page of RAM that is the domain's own; false: it has none. */
bool hyper_frame_of(unsigned long pfn, unsigned long *mfn);
/* The raw entry of a page in the linear map; 0: none. */
u64 hyper_entry_of(unsigned long pfn);
/*
 * A copy of the page, good until the next call (pasture_lock); NULL: it cannot
 * be read, for it was given back, or its linear entry was taken away.
 */
const void *hyper_look(unsigned long pfn);
/* A symbol that the kernel does not export; 0: there is none. */
unsigned long hyper_symbol(const char *name);

/* table.c: a byte for each pfn */
int table_init(void);
void table_fini(void);
void table_claim(unsigned long pfn, enum page_kind kind);
void table_drop(unsigned long pfn);
enum page_kind table_kind(unsigned long pfn);
bool table_is_shared(unsigned long pfn);
/*
 * Of this kind, which the caller knows how to offer; not shared, and not
 * resting.
 */
bool table_may_offer(unsigned long pfn, enum page_kind kind);
/* The page was just put to this use; may it be offered? */
bool table_new_life(unsigned long pfn, enum page_kind kind);
/* The page is of this kind now, if it is not shared as what it was before. */
bool table_take(unsigned long pfn, enum page_kind kind);
void table_offered(unsigned long pfn, int status);
/* It could not even be offered. */
void table_refused(unsigned long pfn);
/* No entry of a shared page is writable, or was when it was offered. */
bool table_is_read_only(unsigned long pfn);
/* Of such a page, offered with success. */
void table_note_frame(unsigned long pfn, unsigned long mfn);
bool table_still_shared(unsigned long pfn);
void table_forgive(enum page_kind kind);
/* Pages of the cache broke, and have not for a while: true once. */
bool table_came_to_rest(void);
void table_unshared(unsigned long pfn);
void table_sweep(void);
/*
 * Once every few seconds, around a round: in it those whose rest is over may be
 * offered again.
 */
void table_epoch_begin(void);
void table_epoch_end(void);
bool table_in_epoch(void);
unsigned long table_bytes(void);

/* offer.c */
struct offer {
	unsigned int count;
	unsigned long pfn[OFFER_BATCH];
	struct shareop_entry entry[OFFER_BATCH];
};
extern u64 offer_results[RESULTS];
extern u64 offer_calls_failed;
extern struct offer offer_batch;	/* the one that all use */
/* second_va: where else it is mapped, or 0; true: it is full now */
bool offer_add(struct offer *o, unsigned long pfn, unsigned long second_va);
long offer_call(struct offer *o);	/* of pages whose frames nobody uses */
/* May this page still go, a moment before?  arg: the caller's. */
typedef bool (*offer_fn)(const void *arg, unsigned long pfn);
/*
 * May sleep; no other CPU does anything meanwhile.  Pages that may not go are
 * dropped; may_go: NULL, all do.
 */
long offer_send(struct offer *o, offer_fn may_go, const void *arg);
/* And empty it.  as: the kind that who offered took them for, all. */
void offer_account(struct offer *o, enum page_kind as, long rc);

/* image.c */
int image_init(void);
void image_round(void);
void image_fini(void);
/* Its frame is still the one that it was given when it was offered. */
bool image_is_current(unsigned long pfn);

/* filler.c: pages first to end, at va, are kernel text */
void filler_init(unsigned long va, unsigned long first, unsigned long end);
void filler_round(void);
void filler_restore(void);	/* all have frames again, if there is memory */
unsigned long filler_given(void);

/* reserved.c */
int reserved_init(void);
void reserved_fini(void);
void reserved_round(void);

/* quiet.c */
struct quiet_page {
	unsigned long va;	/* the second entry's, or 0 */
	u32 pfn;
	u32 sum;		/* of the look before; 0: there was none */
};
struct quiet_list {
	struct quiet_page *page;
	unsigned long count, most;
	unsigned int looks;	/* left, at all of it */
	unsigned int again;	/* quiet_again(), as far as it was heard */
	enum page_kind kind;	/* what has become another is not the list's */
};
extern u64 quiet_volatile;	/* looks at pages that had changed */
int quiet_alloc(struct quiet_list *l, enum page_kind kind, unsigned long most);
void quiet_free(struct quiet_list *l);
void quiet_add(struct quiet_list *l, unsigned long pfn, unsigned long va);
void quiet_round(struct quiet_list *l);
/* Much was written, and has come to rest: all is looked at again. */
void quiet_again(void);
/* Further pages may be found soon. */
bool quiet_looks_left(void);

/* vmalloc.c */
void vmalloc_init(void);
void vmalloc_round(void);
void vmalloc_fini(void);
bool vmalloc_is_own(unsigned long pfn);	/* one that was, still? */

/* large.c */
void large_round(void);
void large_fini(void);
bool large_is_one(unsigned long pfn);

/* cache.c */
int cache_init(void);
void cache_fini(void);
void cache_round(void);
void cache_again(unsigned long pfn);

/* free.c */
int free_init(void);
void free_fini(void);
void free_look(void);		/* without pasture_lock */
/*
 * Where the block of free pages ends that this one is in; the page itself: it
 * is not free.
 */
unsigned long free_until(unsigned long pfn);

/* balloon.c */
struct balloon_counters {
	u64 given, taken;	/* pages, ever */
	u64 pressure, oom;	/* calls for memory */
	unsigned long out;	/* given back, now */
	unsigned long cache;	/* kept for what was missed, now */
	bool yielded;
};
int balloon_init(void);
void balloon_fini(void);
void balloon_round(void);
void balloon_restore(void);	/* all is asked for again */
void balloon_resume(void);	/* the target is ours, whoever set it */
bool balloon_rests(void);	/* it is where it is to be, or is not ours */
bool balloon_moved(void);	/* since it was asked last */
void balloon_counters_get(struct balloon_counters *out);

/* given.c: the list of what was given back, in the pages' order */
void given_init(void);
bool given_order(void);		/* something was not; the balloon rests */
unsigned long given_out_of_order(void);

/* unshare.c: everything private again; returns what is left. */
unsigned long unshare_all(void);
int unshare_init(void);
void unshare_fini(void);

/* check.c: every page's name, M2P[p2m[pfn]] == pfn. */
void check_names(unsigned long *pages, unsigned long *wrong);

/* private.c: pages that are not shared, and those of them that are all zero. */
enum private_use {
	PRIVATE_RESERVED, PRIVATE_FREE, PRIVATE_SLAB, PRIVATE_TABLES,
	PRIVATE_CACHE, PRIVATE_ANONYMOUS, PRIVATE_OTHER, PRIVATE_USES
};
struct private_count {
	unsigned long pages, zero;
};
extern const char *const private_names[PRIVATE_USES];
void private_count(struct private_count out[PRIVATE_USES]);

/* sysfs.c */
int sysfs_init(void);
void sysfs_fini(void);

#endif
