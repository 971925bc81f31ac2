/* SPDX-License-Identifier: MIT */
/*
 * share/: the sharing service.  Portable C: no globals, no hypervisor header,
 * all memory and frame operations behind struct share_ops and <port.h>.
 *
 * What it knows: contents (through hash/), canonical frames, which domain holds
 * which canonical frame and how many of its PTEs map it, groups, budgets,
 * counters.  What it does not know: page tables, PTEs, TLBs, who a domain is.
 * The caller (hv/sharing, or a test) write-protects, flushes and checks that
 * nobody else uses a frame *before* it offers it, and remaps *after*.
 *
 * This half of the invariants of hv/audit/audit_private.h; audit.c recomputes
 * them.
 *  I11: canonical frames and index entries are one to one; hash(content) =
 *      stored hash; a group has no two equal pages, unless a domain had
 *      SHARE_DOM_CAP mappings of the first, or asks for replicas.
 *  I12: record.count = sum over domains of hold.mappings; record.holders =
 *      number of domains that hold the frame; every term > 0 and <=
 *      SHARE_DOM_CAP; so count <= SHARE_COUNT_CAP.
 *  I13: every holder's group is the record's group.
 *
 * Locks: each share_dom has one (LOCK_SHARE_DOM), the index is striped
 * (LOCK_SHARE_STRIPE); order: domain, then stripe, then the ops' own.
 */
#ifndef SHARE_SHARE_H
#define SHARE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_SECRET_BYTES	192
#define SHARE_CHAIN_CAP		4	/* canonical frames with equal hashes */
/*
 * The most mappings of one frame by one domain; the domain's next offer of that
 * content makes a second canonical frame.  The count has room for the caps of
 * as many domains as there can be, so one domain's mappings take nothing from
 * the others (SH35).
 */
#define SHARE_DOM_CAP		(1u << 20)
#define SHARE_DOMS_MAX		1024u	/* members of a group */
#define SHARE_COUNT_CAP		(SHARE_DOMS_MAX * SHARE_DOM_CAP)
#define SHARE_PAGE_BYTES	4096

/* Results; 0 or negative. */
enum share_error {
	SHARE_OK = 0,
	SHARE_ERR_NOMEM = -1,	/* no frame, or no memory for metadata */
	SHARE_ERR_FULL = -2,	/* chain cap reached with different contents */
	/* the domain's budget of distinct holds is used up */
	SHARE_ERR_LIMIT = -3,
	SHARE_ERR_NOT_HELD = -4, /* the domain does not hold this frame */
	/*
	 * the domain would have more than SHARE_DOM_CAP mappings of the frame
	 */
	SHARE_ERR_COUNT = -5,
	SHARE_ERR_OTHERS = -6,	/* share_take(): others still hold it */
	/* share_dom_one_pfn(): the domain holds this content for another pfn */
	SHARE_ERR_HELD = -7,
};

/* In the middle of a word of 8 bytes, so whole loads and stores are atomic. */
typedef uint32_t share_next __attribute__((aligned(2)));

/*
 * What is kept for a frame; in the hypervisor it is the frame-table entry
 * itself (hv/mm/frame.h), hence the bytes that are not ours.
 */
struct share_record {
	union {
		struct {
			uint32_t count;	/* mappings by all domains; atomic */
			uint16_t group;	/* constant while shared */
			/* not ours; share_ops.kind while shared */
			uint16_t kind;
		};
		uint64_t state;		/* atomic: all three */
	};
	uint16_t holders;	/* domains; stripe lock; read without, too */
	share_next next;	/* atomic; share/follow.c */
	uint16_t not_ours_class;
	uint64_t hash;		/* atomic; constant while shared */
};

/* A record's hash that says nothing: 0 to this. */
#define SHARE_HASH_DRAWN 1u

struct page_fns;	/* hash/page.h */

struct share_ops {
	/*
	 * The ctx for the functions after pages() when they work for a group.
	 * NULL: they get the ctx of share_create().
	 */
	void *(*group_ctx)(void *ctx, uint16_t group);
	/* its 4096 bytes, always mapped */
	void *(*map)(void *ctx, uint32_t frame);
	/*
	 * Frame 0's, if all frames' bytes are in a row: map() is not called
	 * then.  May be NULL.
	 */
	void *(*pages)(void *ctx);
	/*
	 * Random frames for `group`, up to `most`, their records zero but for
	 * group, and hash, which is SHARE_HASH_DRAWN at most; how many.  0: the
	 * group has none.  Fast path.
	 */
	uint32_t (*canonical_draw)(void *ctx, uint16_t group, uint32_t *frames,
				   uint32_t most);
	void (*canonical_free)(void *ctx, uint32_t frame);
	/*
	 * The page functions for a batch of so many pages, until the call
	 * returns; NULL: those of share_create_with().
	 */
	const struct page_fns *(*fns)(unsigned int pages);
	/* share_take(): the frame is the caller's.  May be NULL. */
	void (*canonical_left)(void *ctx);
	/*
	 * Metadata: zeroed; a power of two of bytes, 64 .. 2 MiB.  NULL: none.
	 */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
	/* What records of canonical frames have as `kind`, and no others. */
	uint16_t kind;
};

struct share;		/* one machine */
struct share_dom;	/* one domain */

/*
 * Totals of the machine; the names and equations users know from KSM
 * (share/stats.c).
 */
struct share_totals {
	uint64_t pages_shared;		/* canonical frames */
	/* further mappings: sum of (count - 1) */
	uint64_t pages_sharing;
	uint64_t pages_unshared;	/* canonical frames with one mapping */
	/*
	 * canonical zero frames (one a group that uses one, more past the cap;
	 * replicas are not counted here)
	 */
	uint64_t zero_frames;
	/* mappings of them; counted in pages_sharing too */
	uint64_t zero_mappings;
	/* canonical frames that are replicas, and those of them all zero */
	uint64_t replicas, zero_replicas;
	uint64_t offers, refusals, breaks, last_breaks, drops;
	uint64_t metadata_bytes;	/* index and hold tables now */
	uint64_t max_chain;		/* longest chain of equal hashes seen */
};

struct share_dom_counters {
	uint64_t held, mappings, budget;
	uint64_t offered, refused, zero, breaks, last_breaks;
};

/*
 * records: array indexed by frame number.  Returns NULL if there is no memory.
 */
struct share *share_create(const struct share_ops *ops, void *ctx,
			   struct share_record *records,
			   const uint8_t secret[SHARE_SECRET_BYTES]);
/*
 * share_create() with other page functions than the portable ones (with vector
 * registers; in tests).
 */
struct share *share_create_with(const struct share_ops *ops, void *ctx,
				struct share_record *records,
				const uint8_t secret[SHARE_SECRET_BYTES],
				const struct page_fns *fns);
void share_destroy(struct share *s);	/* all domains must be gone */

/*
 * A domain joins its group (0xffff at most; the caller numbers them) with a
 * budget of distinct holds.  NULL: no memory, or the group has SHARE_DOMS_MAX.
 */
struct share_dom *share_dom_create(struct share *s, uint16_t group,
				   uint64_t budget);
/* All holds must be dropped (share_dom_held() == 0). */
void share_dom_destroy(struct share_dom *d);
uint64_t share_dom_held(const struct share_dom *d);
/*
 * From now on a frame stands for at most one pfn of the domain's: if the domain
 * holds a content for one pfn, its offer of that content for another is refused
 * (SHARE_ERR_HELD).  A hold without a pfn counts as another.  False: the domain
 * holds frames already.
 */
bool share_dom_one_pfn(struct share_dom *d, bool on);

/*
 * Of a domain whose frames stand for one pfn: from now on an offer of a content
 * that it holds for other pfns gets another frame of that content, a replica,
 * in place of SHARE_ERR_HELD; up to SHARE_REPLICAS_MAX.  The i-th such frame of
 * each domain is the same.
 */
#define SHARE_REPLICAS_MAX	(1u << 16)
void share_dom_replicas(struct share_dom *d, bool on);
/* Its budget is another from now on; it holds no more than that. */
void share_dom_set_budget(struct share_dom *d, uint64_t budget);

/*
 * Offer the content of `frame`, which nobody can change during the call.  On
 * SHARE_OK *canonical is the frame that has this content for the group and the
 * domain holds it with `mappings` more mappings, standing for pfn (kept for the
 * first hold).  `frame` itself is not touched: the caller frees it.
 * SHARE_ERR_NOMEM, _FULL, _LIMIT, _COUNT, _HELD change nothing.  Result and
 * work do not depend on other groups; the budget is charged alike for match and
 * miss.
 */
int share_offer(struct share_dom *d, uint32_t frame, uint64_t pfn,
		uint32_t mappings, uint32_t *canonical);

/* One page of a batch. */
struct share_page {
	uint32_t frame;		/* in; as share_offer()'s arguments */
	uint32_t mappings;
	uint64_t pfn;
	int32_t result;		/* out: what share_offer() would return */
	uint32_t canonical;	/* out, with SHARE_OK */
};

/*
 * Offer `count` pages, in their order, each with its own result; faster than
 * one by one, because the memory that several need is waited for at once.
 * Takes up to six free frames at a time where share_offer() takes one: near the
 * end of the pool a page of another domain may have SHARE_ERR_NOMEM for that.
 */
void share_offer_batch(struct share_dom *d, struct share_page *pages,
		       unsigned int count);

/*
 * One more mapping of a frame that the domain already holds.
 * SHARE_ERR_NOT_HELD, _COUNT.
 */
int share_hold(struct share_dom *d, uint32_t canonical);

/*
 * `mappings` of the domain's are gone.  When the domain has no mapping left its
 * hold ends; when no domain has one, the frame leaves the table and is freed
 * through ops during the call.  So either no TLB may know the mappings any
 * more, or ops->canonical_free has to wait for the flush.  `broke`: the mapping
 * was replaced by a private page (counted as a break).  True: the domain holds
 * the frame still.
 */
bool share_drop(struct share_dom *d, uint32_t canonical, uint32_t mappings,
		bool broke);

/* How a domain holds a frame: with so many mappings, for this pfn. */
struct share_held {
	uint32_t mappings;
	uint64_t pfn;		/* UINT64_MAX: none is known */
};

/*
 * The domain wants the frame for itself: if its `mappings` are all there are,
 * the frame leaves the table without being freed and is the caller's
 * (SHARE_OK).  Else SHARE_ERR_OTHERS or SHARE_ERR_NOT_HELD and nothing changes.
 * *held, which may be NULL, is set but for SHARE_ERR_NOT_HELD: how the domain
 * holds, or held, the frame.
 */
int share_take(struct share_dom *d, uint32_t canonical, uint32_t mappings,
	       struct share_held *held);

/*
 * Does the domain hold it, with how many mappings, for which pfn?  Any pointer
 * may be NULL.
 */
bool share_holds(struct share_dom *d, uint32_t canonical, uint32_t *mappings,
		 uint64_t *pfn);

/*
 * Walk a domain's holds: *cursor 0 at first; returns false at the end.  Holds
 * may be dropped between steps; none is then visited twice, and none that stays
 * is missed.
 */
bool share_dom_next(struct share_dom *d, uint64_t *cursor, uint32_t *canonical,
		    uint32_t *mappings);

/* All of a domain's holds, in no order, faster; nothing may run meanwhile. */
void share_dom_each(const struct share_dom *d,
		    void (*fn)(void *arg, uint32_t canonical, uint32_t mappings),
		    void *arg);

void share_totals_get(struct share *s, struct share_totals *out);
void share_dom_counters_get(struct share_dom *d, struct share_dom_counters *out);

/*
 * Recompute I11-I13 for the whole machine from nothing and compare.  `report`
 * gets one sentence per error, starting with the invariant's number.  In parts:
 * nothing may run during one, everything may between two.  A part reads at most
 * SHARE_AUDIT_PAGES pages (or those of one bucket of the index) or looks at
 * SHARE_AUDIT_HOLDS holds, or SHARE_AUDIT_EACH for each domain if these are
 * more, and at each domain or group once.
 *
 *	share_audit_begin(s, report, ctx);	one audit at a time
 *	while (share_audit_part(s))		false: that was the last part
 *		;
 *	errors = share_audit_end(s, &cross_group);
 *
 * share_audit_end() before the last part abandons the audit.
 *
 * *cross_group: frames whose holders are in more than one group.
 */
#define SHARE_AUDIT_PAGES	64
#define SHARE_AUDIT_HOLDS	512
/* a part walks through a bucket of each domain, some 20 holds, in any case */
#define SHARE_AUDIT_EACH	16

void share_audit_begin(struct share *s,
		       void (*report)(void *ctx, const char *msg), void *ctx);
bool share_audit_part(struct share *s);
uint64_t share_audit_end(struct share *s, uint64_t *cross_group);
/* All of it; nothing may run meanwhile. */
uint64_t share_audit(struct share *s, void (*report)(void *ctx, const char *msg),
		     void *ctx, uint64_t *cross_group);

#endif
