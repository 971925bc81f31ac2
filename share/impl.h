/* SPDX-License-Identifier: MIT */
/*
 * Inside share/: the structures behind share.h.
 *
 * A group has its own content index: so what one group holds can change neither
 * the result nor the work of another group's calls, and groups do not contend.
 * The hash is salted with the group besides.
 *
 * The life of a canonical frame:
 *
 *	            share_offer (miss)      share_offer (hit), share_hold:
 *	                                    count up
 *	pool ------------------------> in the index, count >= 1, holders >= 1
 *	  ^                               |                  |
 *	  |   share_drop, last holder     |                  | share_take, only
 *	  |                               |                  | holder
 *	  `-------------------------------'                  `----> the caller's
 *
 * A hold ends, and a domain joins, under the stripe of the frame's hash.  So
 * while a stripe is locked no frame of that stripe can leave, and a frame
 * without holders is already out of the index.
 *
 *  SHARE1  canonical zero frames have the group's zero_hash, and no other frame
 *          has; but for replicas of them (replica.c), which are frames like any
 *          other.
 *  SHARE2  d->held = entries of d->holds <= budget; d->mappings = sum of their
 *          mappings.
 *  SHARE3  unshared_gone of a group + the sum of its domains' `unshared` =
 *          frames of the group with count 1.
 *  SHARE4  during an audit: dom->seen counts the holds below
 *          share->audit_place, group->seen the frames whose tag is below
 *          group->audit_tag.
 *  SHARE5  d->last is as a search of d->holds would end now: it is forgotten
 *          when a hold comes or goes, which may move others.  So who asks for a
 *          frame's hold again, or adds or removes it then, searches no more.
 */
#ifndef SHARE_IMPL_H
#define SHARE_IMPL_H

#include <port.h>
#include <hash/index.h>
#include <hash/lintab.h>
#include <hash/page.h>
#include <share/share.h>

#define GROUP_BUCKETS	64

/*
 * An audit goes through the holds by place, of all domains at once, then
 * through the index of one group after another, by tag; others work between its
 * parts.  These structs hold what the audit counted of one domain, or group, so
 * far; a call that changes something behind the audit's place updates them
 * (SHARE4).
 */
struct audited_dom {		/* as the domain's holds */
	uint64_t holds, mappings, zero;
	/* the audit found an error in the table of holds */
	bool inconsistent;
};

struct audited_group {		/* atomic, as the record's count */
	uint64_t frames, mappings, unshared;
	uint64_t twins;		/* only the audit's */
	bool inconsistent;
};

struct share_group {
	struct share_group *next;	/* share->lock */
	struct share *share;		/* constant */
	struct share_record *records;	/* the share's; constant */
	unsigned char *pages;		/* of ops, or NULL; constant */
	void *ctx;			/* of ops; constant */
	struct lintab_mem mem;		/* constant */
	/* domains, at most SHARE_DOMS_MAX; share->lock */
	uint64_t members;
	uint64_t salt;			/* constant */
	uint64_t zero_hash;		/* constant; SHARE1 */
	uint64_t zero_frames;		/* stripe of zero_hash */
	uint64_t max_chain;		/* atomic */
	/*
	 * atomic: frames made although an equal one was there, since the domain
	 * had SHARE_DOM_CAP mappings of that
	 */
	uint64_t twins;
	/* atomic: frames that are replicas, and those of them all zero */
	uint64_t replicas, zero_replicas;
	/* SHARE3, of domains that are gone; share->lock */
	int64_t unshared_gone;
	uint16_t id;			/* constant */
	uint64_t mark;			/* constant: of records, state >> 32 */
	uint64_t audit_tag;		/* SHARE4; written while nothing runs */
	struct audited_group seen;
	struct index index;
};

/*
 * Counters of one domain that only grow; written under its lock, read by
 * anyone.
 */
struct share_events {
	uint64_t offered, refused, zero, breaks, last_breaks, drops;
};

/* After so many new pages in a row the next one is most likely new, too. */
#define FOLLOW_FRESH	8

/*
 * What a domain expects to offer next (follow.c).  Frames are numbers + 1; 0:
 * none.
 */
struct follow {
	uint32_t ahead[2];	/* for the next page, and the one after */
	uint32_t last;		/* that the last page joined */
	uint32_t after;		/* its successor at that time */
	uint64_t ended;		/* the domain's holds_ended at that time */
	uint32_t stale;		/* a successor that was not there any more */
	uint8_t trust, wrong;
	uint8_t fresh;		/* new pages in a row, FOLLOW_FRESH at most */
	bool looked;		/* at ahead[0], in this batch */
	struct lintab_spot hold; /* of ahead[0], if looked */
};

/* A domain's right to map one canonical frame, and its mappings of it. */
struct hold {
	uint32_t frame;			/* number << 1 | 1 */
	uint32_t pfn;			/* HOLD_NO_PFN: none, or too large */
	uint32_t mappings;		/* 1 .. SHARE_DOM_CAP */
};

#define HOLD_NO_PFN	UINT32_MAX

/*
 * Where the last search of a domain's holds ended: at the frame's hold, or, if
 * there is none, at the end of the chain where it would be.
 */
struct hold_search {
	uint32_t frame;			/* as in struct hold; 0: none */
	struct hold *hold;
	struct lintab_cursor at;
};

struct share_dom {
	struct share_dom *next, *before; /* share->lock */
	struct share_group *group;	/* constant */
	uint64_t budget;		/* lock; read without, too */
	/* an audit is under way; written while nothing runs */
	bool audited;
	/* LOCK_SHARE_DOM: all below; counters are read without */
	struct spinlock lock;
	bool one_pfn;			/* share_dom_one_pfn() */
	bool replicas;			/* share_dom_replicas() */
	uint32_t zero_low;		/* replica.c */
	struct lintab holds;
	/* SHARE5 */
	struct hold_search last;
	uint64_t holds_ended;		/* ever */
	/* So that a hold can be added, and an entry of the group's index: */
	struct lintab_room room, index_room;
	uint64_t mappings;		/* SHARE2 */
	uint64_t zero_mappings;		/* of those, of zero frames */
	/*
	 * SHARE3: how many frames our changes brought to one mapping, less how
	 * many they took from one.
	 */
	uint64_t unshared;
	struct follow follow;
	struct share_events events;
	struct audited_dom seen;	/* SHARE4 */
};

/* Only the audit. */
struct share_audit {
	void (*report)(void *ctx, const char *msg);
	void *ctx;
	enum { AUDIT_NONE, AUDIT_HOLDS, AUDIT_DOMS, AUDIT_GROUPS } phase;
	uint32_t group;		/* groups below this id are done */
	uint64_t errors, cross_group;
	uint32_t buckets;	/* of this part, and their frames */
	uint64_t frames;
};

struct share {
	const struct share_ops *ops;	/* all constant but the lists */
	void *ctx;
	struct share_record *records;
	const struct page_fns *fns;
	uint64_t audit_place;		/* SHARE4; written while nothing runs */
	struct share_audit audit;
	/* LOCK_SHARE_DOM, but never with a domain's: the lists */
	struct spinlock lock;
	struct share_dom *doms;
	struct share_group *groups[GROUP_BUCKETS];
	struct share_events gone;	/* of domains that are gone; lock */
	uint64_t max_chain_gone;	/* of groups that are gone; lock */
	uint64_t fixed_bytes;		/* our own structures; lock */
	uint8_t secret[SHARE_SECRET_BYTES];
};

/* create.c: memory for a structure of ours, and its true size. */
size_t share_block_bytes(size_t bytes);

/* group.c.  get and put: share->lock. */
struct share_group *group_get(struct share *s, uint16_t id);
void group_put(struct share_group *g);
/* The hash that a page has in this group; *zero: is it the zero page? */
uint64_t group_hash(const struct share_group *g, const void *page, bool *zero);
/*
 * Of a page that is not the zero page.  SHARE1: the page hash 0 is set aside
 * for the zero page, which is not hashed.
 */
static inline uint64_t group_hash_filled(const struct share_group *g, const struct page_fns *fns,
					 const void *page)
{
	uint64_t hash = fns->hash(page, g->share->secret);

	return (hash ? hash : 1) ^ g->salt;
}

/*
 * record.next: the successor's number + 1; or the frame is a replica and has
 * none.
 */
#define FOLLOW_NONE	0u
#define FOLLOW_REPLICA	(1u << 31)
_Static_assert(INDEX_MAX_FRAME + 1 < FOLLOW_REPLICA, "room for the mark");

/* replica.c: may a frame with this content's hash have that one stored? */
bool replica_of(uint64_t hash, uint64_t stored);
/* There is one replica with this hash more (1), or one less (-1). */
void replica_count(struct share_group *g, uint64_t stored, int64_t n);
/* d's hold of a frame with this hash ends. */
void replica_left(struct share_dom *d, uint64_t stored) needs_lock(&d->lock);

/* hold.c; the domain's lock. */
bool hold_init(struct share_dom *d) must_check;
void hold_fini(struct share_dom *d);
bool hold_prepare_now(struct share_dom *d) must_check needs_lock(&d->lock);
static inline bool hold_prepare(struct share_dom *d) needs_lock(&d->lock)
{
	return likely(d->room.node && d->index_room.node) || hold_prepare_now(d);
}
struct hold *hold_search(const struct share_dom *d, uint32_t frame,
			 struct hold_search *to) needs_lock(&d->lock);
static inline struct hold *hold_find(struct share_dom *d, uint32_t frame)
	needs_lock(&d->lock)
{
	return d->last.frame == (frame << 1 | 1) ? d->last.hold :
						   hold_search(d, frame, &d->last);
}
/* The page that the hold stands for, as share.h has it. */
static inline uint64_t hold_pfn(const struct hold *h)
{
	return h->pfn == HOLD_NO_PFN ? UINT64_MAX : h->pfn;
}
/*
 * Is there room for so many mappings more?  Other domains' mappings do not
 * count: no domain can use up a frame for the others.
 */
static inline bool hold_has_room(const struct hold *h, uint32_t mappings)
{
	return mappings <= SHARE_DOM_CAP - h->mappings;
}
/*
 * Ask for what the next call about this frame will read, and remember where
 * that is.
 */
void hold_ask(const struct share_dom *d, uint32_t frame, struct lintab_spot *spot)
	needs_lock(&d->lock);
/* hold_find(), with what hold_ask() found. */
struct hold *hold_find_at(struct share_dom *d, uint32_t frame, struct lintab_spot *spot)
	needs_lock(&d->lock);
/* After hold_prepare(). */
void hold_add(struct share_dom *d, uint32_t frame, uint64_t pfn,
	      uint32_t mappings) needs_lock(&d->lock);
/* The same of a frame that nobody holds. */
void hold_add_first(struct share_dom *d, uint32_t frame, struct lintab_spot *spot,
		    uint64_t pfn, uint32_t mappings) needs_lock(&d->lock);
void hold_remove(struct share_dom *d, struct hold *h) needs_lock(&d->lock);
/*
 * SHARE4: `holds` holds and `mappings` mappings come or go (below zero); if the
 * audit has passed the frame's place, its counts must follow.
 */
__attribute__((cold, noinline))
void audit_hold(struct share_dom *d, uint32_t frame, int holds, int64_t mappings);
/* Note that the domain has so many mappings of the frame more or fewer. */
static inline void hold_count(struct share_dom *d, uint32_t frame, int64_t mappings)
	needs_lock(&d->lock);

/*
 * count.c: the share count of a frame; atomic.  The domain's lock.  Add: after
 * hold_has_room().
 */
static inline void count_add(struct share_dom *d, uint32_t frame, uint32_t mappings)
	needs_lock(&d->lock);
void count_sub(struct share_dom *d, uint32_t frame, uint32_t mappings)
	needs_lock(&d->lock);
/* SHARE3, for one group; nothing runs. */
uint64_t count_unshared(const struct share_group *g);

static inline struct share_record *group_record(const struct share_group *g,
						uint32_t frame)
{
	return &g->records[frame];
}

static inline void *group_page(const struct share_group *g, uint32_t frame)
{
	if (likely(g->pages))
		return g->pages + (size_t)frame * SHARE_PAGE_BYTES;
	return g->share->ops->map(g->share->ctx, frame);
}

/* audit_group.c: SHARE4, of a group; the frame's hash is still there. */
__attribute__((cold, noinline))
void audit_count(struct share_group *g, uint32_t frame, uint32_t was,
		 uint32_t is);
/* Audit some more of the group's index. */
enum progress audit_group(struct share *s, struct share_group *g);
void audit_group_forget(struct share_group *g);

/* audit.c */
void audit_wrong(struct share *s, const char *rule, uint64_t which,
		 const char *what, uint64_t is, uint64_t should_be);
void audit_expect(struct share *s, const char *rule, uint64_t which,
		  const char *what, uint64_t is, uint64_t should_be);

/* A counter that one CPU at a time changes and others read at any time. */
static inline void counter_add(uint64_t *counter, int64_t n)
{
	atomic_store_relaxed(counter, atomic_load_relaxed(counter) +
			 (uint64_t)n);
}

static inline uint64_t counter_get(const uint64_t *counter)
{
	return atomic_load_relaxed(counter);
}

/* SHARE4 */
static inline void count_note_audit(const struct share_dom *d, uint32_t frame,
				    uint32_t was, uint32_t is)
{
	if (unlikely(d->audited))
		audit_count(d->group, frame, was, is);
}

/*
 * SHARE3: when a frame's count goes to 1 or leaves 1, exactly one CPU sees
 * that.  Each domain counts its own changes, so that threads do not share a
 * cache line.
 */
static inline void count_note_unshared(struct share_dom *d, uint32_t was, uint32_t is)
{
	counter_add(&d->unshared, (is == 1) - (was == 1));
}

/* A frame's count went from `was` to `is`. */
static inline void count_note(struct share_dom *d, uint32_t frame, uint32_t was,
			      uint32_t is) needs_lock(&d->lock)
{
	count_note_unshared(d, was, is);
	count_note_audit(d, frame, was, is);
}

static inline void count_add(struct share_dom *d, uint32_t frame, uint32_t mappings)
{
	uint32_t was = atomic_fetch_add(&group_record(d->group, frame)->count, mappings);

	CHECK(was + mappings <= SHARE_COUNT_CAP);
	count_note(d, frame, was, was + mappings);
}

/* hold_count(), of a frame with this hash. */
static inline void hold_count_of(struct share_dom *d, uint32_t frame, uint64_t hash,
				 int64_t mappings) needs_lock(&d->lock)
{
	counter_add(&d->mappings, mappings);
	if (hash == d->group->zero_hash)
		counter_add(&d->zero_mappings, mappings);
	if (unlikely(d->audited))
		audit_hold(d, frame, 0, mappings);
}

static inline void hold_count(struct share_dom *d, uint32_t frame, int64_t mappings)
{
	hold_count_of(d, frame, group_record(d->group, frame)->hash, mappings);
}

#endif
