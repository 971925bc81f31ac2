/* SPDX-License-Identifier: MIT */
/*
 * Work on a domain's page tables that a call began and did not end: a tree that
 * is being validated or devalidated (pv/pttree.c), and pages whose name changes
 * in one entry after the other (pv/ptbreak.c).  While there is such work, none
 * of the domain's vCPUs runs its guest: pv_exit_to_guest() does the work in
 * parts.
 */
#ifndef HV_DOM_PTPENDING_H
#define HV_DOM_PTPENDING_H

#include "lib/types.h"

struct frame;

/*
 * What became of the tree of page tables that somebody asked for
 * (pv/pttree.c, TREE3).
 */
struct pt_result {
	enum {
		PT_NONE,
		/* the use of root waits for who asked */
		PT_VALIDATED,
		PT_REFUSED,	/* `error` waits for it */
	} state;
	int error;
	mfn_t root;		/* not NONE */
};

/* At most one tree in a domain.  Who asked for it gets the result. */
struct pt_tree {
	/* LOCK_MM; read without, as a hint */
	enum pt_tree_state {
		PT_IDLE,
		PT_VALIDATING,	/* root has count 1, which is the work's */
		/* a bad entry was found: what was taken is let go */
		PT_UNDOING,
		PT_DEVALIDATING, /* its last use has gone */
	} state;
	int error;		/* UNDOING */
	mfn_t root;		/* not IDLE */
	struct pt_result *asker; /* VALIDATING, UNDOING: where it goes */
};

/*
 * for each vCPU: the pages that one part of a call may name by frame
 * (pv/grant_op.c), and a few more
 */
#define RENAMES_MAX 40
/*
 * twice what a list of frames has that Linux gives back in one call: what else
 * breaks while it makes the list (the map of memory) has names, too
 */
#define RECENT_NAMES 1024

struct pt_rename {
	/* frames; the same if it was taken over, not copied */
	uint32_t old, new;
	/*
	 * entries that still name the old one; same frame: that are to change,
	 * or are as they should be
	 */
	uint32_t left;
	/* same frame: those of the latter that this pass came by */
	uint32_t passed;
	/* the linear map's, not counted above; only compared; NULL: none */
	const uint64_t *linear;
};

struct pt_recent_name {
	/* a page's frame before the break, and then; 0: none, it went */
	uint32_t old, new;
	pfn_t pfn;
};

/* In single pages: a heap in pieces has no more in a row. */
#define RECENT_NAMES_PAGE	(PAGE_SIZE / sizeof(struct pt_recent_name))
#define RECENT_PAGES		(RECENT_NAMES / RECENT_NAMES_PAGE)

/* RECENT_PAGES of no names; NULL: no memory.  NULL may be freed. */
struct pt_recent_name **ptpending_recent_make(void);
void ptpending_recent_free(struct pt_recent_name **recent);

struct pt_renames {
	/*
	 * names change just now: no vCPU goes to its guest before it had
	 * LOCK_MM; read without
	 */
	bool held;
	/* `page` is `likely`; and the search has not begun, but with it */
	bool at_likely;
	/* 0 when one of the domain's vCPUs goes to its guest */
	uint32_t count;
	struct pt_rename *rename; /* RENAMES_MAX for each vCPU; constant */
	/*
	 * the last names that were broken, RECENT_NAMES in RECENT_PAGES; NULL,
	 * or once break first was chosen constant
	 */
	struct pt_recent_name **recent;
	uint32_t recent_next;	/* the oldest of them */
	/*
	 * where the search for entries stands, referenced; NULL: at the start
	 */
	struct frame *page;
	unsigned int slot;
	/* the table where the last one was found, not referenced; 0: none */
	uint32_t likely;
	/* pages of the guest's own list that wait for one another just now */
	uint32_t list_depth;
};

struct pt_pending {		/* LOCK_MM */
	struct pt_tree tree;
	/* for who asks and is no vCPU of the domain's */
	struct pt_result outside;
	struct pt_renames renames;
};

/*
 * What a changed use of an L1 entry may mean beyond its counts.  One word, so
 * that nearly all such changes look at no more than that.
 */
#define WATCH_SOLE	1u	/* the end of a share (SHARE_MODE_SOLE) */
#define WATCH_TALLY	2u	/* other counts of an audit's (dom/tally.h) */

/*
 * How the domain's shares are broken (abi/share.h, SHAREOP_mode;
 * offer/op_mode.c).
 */
struct break_mode {		/* LOCK_MM */
	/* the operator chose break first; constant once built */
	bool wanted;
	/*
	 * offers write names into the guest's list, too (not of version 1)
	 */
	bool offers_listed;
	uint32_t flags;		/* SHARE_MODE_*; LOCK_MM to change */
	/* the guest's own list of names; none: 0 entries */
	uint64_t p2m, p2m_entries;
	/* va of its linear map's pfn 0; 0: not told */
	uint64_t linear_base;
};

#endif
