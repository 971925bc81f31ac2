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
 * time, for at most AUDIT_STOP_NS and one part more:
 *
 *   FRAME_STATES  AUDIT_FRAMES frames, each by itself; the free ones are
 *                 counted, and the allocator keeps that number true behind us
 *                 (palloc_counted())
 *   SUMS          what that adds up to
 *   SHARE         the parts of share_audit()
 *   GRANTS        all grant tables
 *   DOMAINS       of each domain: its list of pages and ports; then, for each
 *                 window of AUDIT_WINDOW frames, all its tables, in which names
 *                 of these are counted; then its view of them.  Windows with no
 *                 frame that the domain names or sees are left out: else two
 *                 hundred small domains in a large machine would mean thousands
 *                 of walks that count nothing.
 *
 * One domain is enough for one part, because only its owner names a frame.
 * There are three exceptions: a shared frame, of which each domain's names are
 * compared with its hold (share/ adds up the holds); a granted frame, for which
 * all domains' handles are read; and a frame with a foreign entry, for which
 * the tables of the domain that has such entries are walked, too.  Memory: 16
 * bytes for each frame of a window, taken and given back.
 */
#ifndef HV_AUDIT_AUDIT_PRIVATE_H
#define HV_AUDIT_AUDIT_PRIVATE_H

#include "dom/domain.h"
#include "mm/pagetype.h"
#include "x86/pte.h"

#define AUDIT_FRAMES	4096u	/* in one part */
#define AUDIT_WINDOW	32768u	/* frames; 512 KiB of counts */
/* small parts share one stop, until it has lasted so long */
#define AUDIT_STOP_NS	500000u
/* errors that are printed; the others are counted */
#define AUDIT_LINES	32

struct audit_count {
	uint32_t refs;		/* names of the frame, by the domain at hand */
	uint32_t types;		/* uses as its class */
	/* T2: uses of it as linear table; entries of it that use others */
	uint16_t linear, linear_out;
	uint32_t spare;
};

enum audit_phase {
	AUDIT_IDLE, AUDIT_FRAME_STATES, AUDIT_SUMS, AUDIT_SHARE, AUDIT_GRANTS,
	AUDIT_DOMAINS, AUDIT_DONE,
};

enum audit_step { AUDIT_LISTS, AUDIT_TABLES, AUDIT_VIEW };

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
	/* the lowest frame beyond the window at hand that an entry named */
	mfn_t named;
	struct audit_count *counts; /* of frames [first, end) */
	/* of counts' memory, and how many frames it is for */
	unsigned int order;
	uint64_t frames;
	mfn_t first, end;
	/* this is the last window: no RAM lies beyond */
	bool last;
	uint64_t listed;	/* pages of the domain at hand */
	uint32_t grant_entries;	/* of the domain at hand, in the window */
	/* the same: entries that name a shared frame */
	uint64_t shared_entries;
};

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
/* The counts of mfn; NULL: not in this window, or no RAM. */
struct audit_count *audit_count_of(struct audit *a, mfn_t mfn);
/* A page of RAM, and d's (a frame of another kind has no owner). */
static inline bool audit_is_owner(const struct domain *d, mfn_t mfn)
{
	uint64_t state = frame_valid(mfn) ? frame_state(mfn_to_frame(mfn)) : 0;
	enum frame_kind kind = frame_state_kind(state);

	return (kind == FRAME_OWNED || kind == FRAME_HEAP) &&
	       frame_state_owner(state) == d->id;
}
/*
 * Count one more name of mfn, and a use as `class` (CLASS_NONE: a plain
 * reference).
 */
void audit_name(struct audit *a, const struct domain *d, mfn_t mfn,
		enum page_class class, const char *what);
void audit_domain_names(struct audit *a, struct domain *d);

/* audit_foreign.c: I21 */
/* Count the foreign entries, of whatever domain, that name frames of d's. */
void audit_foreign_names(struct audit *a, struct domain *d);
/* All foreign entries of d's, by themselves. */
void audit_foreign_entries(struct audit *a, struct domain *d);
/* I22 */
void audit_foreign_devices(struct audit *a, struct domain *d);

/* audit_domain.c: I3, I4 of its pages; I9, I10, I12, I18 */
void audit_each_page(struct audit *a, struct domain *d,
		     void (*fn)(struct audit *a, struct domain *d, mfn_t mfn));
void audit_domain_counts(struct audit *a, struct domain *d);
void audit_domain_pages(struct audit *a, struct domain *d);
void audit_domain_view(struct audit *a, struct domain *d);
void audit_domain_view_rights(struct audit *a, struct domain *d);
void audit_domain_ports(struct audit *a, struct domain *d);

#endif
