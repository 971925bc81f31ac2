/* SPDX-License-Identifier: MIT */
/*
 * The audit: invariants recomputed from nothing (numbers of the attack list,
 * 5.1).
 *
 *  I1   every frame is in exactly one state, with an owner where the state has
 *       one
 *  I2   a free frame has no count, no type and no name (an entry that names a
 *       free frame is reported under I3 or I5), and is marked to be scrubbed
 *  I3   ref = the owner's own + every name: entries, pins, loaded tables, GDT
 *       slots, areas (of a shared frame: I12)
 *  I4   type count = uses as that class; linear uses apart; one class at a time
 *  I5   every entry of every validated table is legal
 *  I6   linear: read-only, own domain, same level, one link deep
 *  I7   partial validation: entries [0, nr_done) held; nothing half-way
 *       otherwise
 *  I8   no CPU has a translation that its tables no longer allow (tests/sim)
 *  I9   a domain's M2P view names only what it owns or holds, and is read-only
 *       to it
 *  I10  pages.total = length of the page list <= pages.max; the states add up;
 *       with overcommit off, free frames cover what the domains may still take,
 *       and promises what they may ever (audit_promise.c)
 *  I11  canonical frames and index entries are one to one (share/audit.c)
 *  I12  a domain's hold of a frame = its present L1 entries that name it; of a
 *       frame, the sum of holds = its count (share/audit.c)
 *  I13  every holder of a frame is in the frame's group (share/audit.c)
 *  I14  a shared frame is mapped read-only, has class SHARED and no other use
 *  I15  a page holds what its guest wrote (tests that know what that is)
 *  I16  grants: audit/audit_grants.c; here, each entry marked as a grant's has
 *       its handle
 *  I17  event ports pair up (dom/evtchn.c, PORT2)
 *  I18  every number of a domain that is stored somewhere names a domain that
 *       exists (or is DOMID_ORPHAN, destroy.c END4)
 *  I19  a guest is entered with no lock held (pv/entry.c)
 *  I20  every byte that a guest is given was written for it (tests of each
 *       structure)
 *  I21  foreign entries (pv/foreign.h): a domain has as many as it counts; each
 *       names an owned or heap frame that is another's, or an orphan; its uses
 *       count in I3 and I4 of the frame
 *  I22  entries for memory of devices (io/ioframe.h): a domain has as many as
 *       it counts; each names no RAM
 *
 * A count means something only if nothing changes meanwhile, so the machine is
 * stopped.  So that nobody waits for long, it is stopped for a few parts at a
 * time, for at most AUDIT_STOP_NS and one part more; and no part is more than
 * audit_units_max and one page (a unit is some 20 instructions), however large
 * a domain is:
 *
 *   FRAME_STATES  AUDIT_FRAMES frames, each by itself; the free ones are
 *                 counted, and the allocator keeps that number true behind us
 *                 (palloc_counted())
 *   SUMS          what that adds up to
 *   SHARE         the parts of share_audit()
 *   DOMAINS       of each domain: what it has a few of (LISTS), and its grants;
 *                 then for each window of TALLY_FRAMES frames: empty the counts
 *                 (CLEAR); all its tables, by their frames' numbers, in which
 *                 names of the window's frames are counted, and its pages
 *                 (TABLES); foreign entries for them (FOREIGN); the counts
 *                 against what each frame says (COUNTS); its view of them
 *                 (VIEW).  Windows with no frame that the domain names or sees
 *                 are left out: else two hundred small domains in a large
 *                 machine would mean thousands of walks that count nothing.
 *
 * From CLEAR to COUNTS the domain's `tally` keeps the counts true behind the
 * place (dom/tally.h): when all tables were walked they are those of each
 * moment, and each frame is compared at some moment of its own.  What has few
 * names of frames and tells no tally (vCPUs, rings, buffers, handles of grants)
 * is asked at that moment.  An error that comes to be behind the place is found
 * if a count is wrong by it, or by the next audit.  Groups of counts that
 * nobody touched are neither emptied nor compared, so a small domain costs
 * little in any machine.
 *
 * One domain is enough, because only its owner names a frame.  There are three
 * exceptions: a shared frame, of which each domain's names are compared with
 * its hold (share/ adds up the holds); a granted frame, for which all domains'
 * handles are read; and a frame with a foreign entry, for which the tables of
 * each domain that has such entries are walked, too.  Memory: 16 bytes for each
 * frame of a window, taken and given back.
 *
 * GAP: all ports of one domain, all handles of one, all handles of other
 * domains while one that grants is audited, and all that is promised are still
 * one part each.
 */
#ifndef HV_AUDIT_AUDIT_PRIVATE_H
#define HV_AUDIT_AUDIT_PRIVATE_H

#include "dom/domain.h"
#include "dom/tally.h"
#include "mm/pagetype.h"
#include "x86/pte.h"

#define AUDIT_FRAMES	4096u	/* in one part */
/* small parts share one stop, until it has lasted so long */
#define AUDIT_STOP_NS	(DEBUG ? 500000u : 200000u)
/* errors that are printed; the others are counted */
#define AUDIT_LINES	32

enum audit_phase {
	AUDIT_IDLE, AUDIT_FRAME_STATES, AUDIT_SUMS, AUDIT_SHARE,
	AUDIT_DOMAINS, AUDIT_DONE,
};

enum audit_step {
	AUDIT_LISTS, AUDIT_CLEAR, AUDIT_TABLES, AUDIT_FOREIGN, AUDIT_COUNTS,
	AUDIT_VIEW,
};

struct audit {
	uint64_t number;	/* which one it is */
	bool operators;		/* goes before others */
	enum audit_phase phase;
	uint64_t errors, cross_group;

	mfn_t next;		/* FRAME_STATES: frames below are done */
	uint64_t orphans, orphan_changes, credits, own_held;

	unsigned int slot;	/* DOMAINS: in the table, */
	domid_hv_t domid;	/* the id of that domain, */
	enum audit_step step;	/* its next part, */
	uint64_t window;		/* of this window: all below are done */
	/* it is the domain's first window: what is said once is said now */
	bool once;
	/* it has pages where its view has no leaf (a transfer) */
	bool leafless;
	unsigned int mapper_slot;	/* FOREIGN: those below were walked */
	/* the lowest frame beyond the window at hand that an entry named */
	mfn_t named;
	struct tally tally;	/* counts and window */
	mfn_t end;		/* of the window */
	/* this is the last window: no RAM lies beyond */
	bool last;
	/* pages of counts */
	unsigned int groups;
	/* CLEAR, COUNTS, VIEW: all below are done */
	mfn_t at;
	mfn_t upto;		/* COUNTS: this part compares [at, upto) */
	unsigned int units;	/* that are left of the part */
};

extern unsigned int audit_units_max;	/* in one part */
#define AUDIT_PAGE_UNITS	4u	/* a page that is the domain's */
#define AUDIT_COUNT_UNITS	8u	/* a frame that is compared */
#define AUDIT_TABLE_UNITS	2048u

void audit_error(struct audit *a, const char *fmt, ...) printf_like(2, 3);

/* audit_frames.c */
void audit_alive_fill(void);
/* was there such a domain at audit_alive_fill()? */
bool audit_alive(uint64_t domid);
/*
 * RAM in a row: *first moves up to the first frame of it; the end.  Both are at
 * most `end`.
 */
mfn_t audit_ram_run(mfn_t *first, mfn_t end);
/* Check frames [first, end); how many are free? */
uint64_t audit_frames(struct audit *a, mfn_t first, mfn_t end);

/* audit_promise.c: I10; machine stopped, `taken` frames are the audit's. */
void audit_promises(struct audit *a, uint64_t taken);

/* audit_tables.c: I3-I7 */
/*
 * Is mfn in the window at hand?  Numbers that are no RAM belong to the last
 * window.  If not, mfn is noted for a later window.
 */
bool audit_in_window(struct audit *a, mfn_t mfn);
/* A page of RAM, and d's (a frame of another kind has no owner). */
static inline bool audit_is_owner(const struct domain *d, mfn_t mfn)
{
	uint64_t state = frame_valid(mfn) ? frame_state(mfn_to_frame(mfn)) : 0;
	enum frame_kind kind = frame_state_kind(state);

	return (kind == FRAME_OWNED || kind == FRAME_HEAP) &&
	       frame_state_owner(state) == d->id;
}
/* Does a use of mfn as `class` agree with what mfn is?  mfn is RAM. */
void audit_use_check(struct audit *a, const struct domain *d, mfn_t mfn,
		     enum page_class class, const char *what);
/*
 * The domain's tables, from the tally's place on; DONE: all have been walked.
 */
enum progress audit_domain_tables(struct audit *a, struct domain *d) must_check;
typedef void (*audit_page_fn)(struct audit *a, struct domain *d, mfn_t mfn);
/*
 * Calls fn for pages of d's from *place on, while there are units left;
 * by_leaf: only where its view has leaves, as nearly all are.
 */
void audit_pages_walk(struct audit *a, struct domain *d, mfn_t *place, bool by_leaf,
		      audit_page_fn fn);

/* audit_names.c: I3, I4: names that stand in no table */
void audit_names_other(struct audit *a, struct domain *d);

/* audit_foreign.c: I21, I22 */
void audit_foreign_entry(struct audit *a, struct domain *d, pte_t e);
void audit_foreign_device(struct audit *a, struct domain *d, pte_t e);
/* Entries of others for frames of d's. */
enum progress audit_foreign_tables(struct audit *a, struct domain *d) must_check;

/* audit_grants.c: I16 of d's grants and of what d maps */
void audit_grants_domain(struct audit *a, struct domain *d);

/* audit_domain.c: I3, I4 of its pages; I9, I10, I12, I18 */
enum progress audit_domain_counts(struct audit *a, struct domain *d) must_check;
void audit_domain_totals(struct audit *a, struct domain *d);
void audit_domain_quota(struct audit *a, struct domain *d);
enum progress audit_domain_view(struct audit *a, struct domain *d) must_check;
void audit_domain_view_rights(struct audit *a, struct domain *d);
void audit_domain_ports(struct audit *a, struct domain *d);

#endif
