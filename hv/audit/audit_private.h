/* SPDX-License-Identifier: MIT */
/*
 * The audit: invariants recomputed from nothing (numbers of the attack list,
 * 5.1).
 *
 *  I1   every frame is in exactly one state, with an owner where the state has
 *       one
 *  I2   a free frame has no count, no type, no name (a name of one is said as
 *       I3 or I5), and is marked to be scrubbed
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
 *  I13  whoever holds a frame is of its group (share/audit.c)
 *  I14  a shared frame is mapped read-only, has class SHARED and no other use
 *  I15  a page holds what its guest wrote (tests that know what that is)
 *  I16  grants: audit/audit_grants.c; here, each entry marked as a grant's has
 *       its handle
 *  I17  event ports pair up (dom/evtchn.c, PORT2)
 *  I18  what names a domain names one that is there (or DOMID_ORPHAN, destroy.c
 *       END4)
 *  I19  a guest is entered with no lock held (pv/entry.c)
 *  I20  every byte that a guest is given was written for it (tests of each
 *       structure)
 *
 * A count is only worth something if nothing moves, so the machine is stopped;
 * and so that nobody waits for long, it is stopped for some parts,
 * AUDIT_STOP_NS and one part at most, at a time:
 *
 *   FRAME_STATES  AUDIT_FRAMES frames, each by itself; the free ones are
 *                 counted, and the allocator keeps that number true behind us
 *                 (palloc_counted())
 *   SUMS          what that adds up to
 *   SHARE         the parts of share_audit()
 *   GRANTS        all grant tables
 *   DOMAINS       of each domain: its list of pages and ports; then, for each
 *                 window of AUDIT_WINDOW frames, all its tables, in which names
 *                 of these are counted; then its view of them.  Windows that it
 *                 neither names nor sees are left out: two hundred small
 *                 domains in a large machine would be thousands of walks that
 *                 count nothing.
 *
 * A frame is named by its owner alone, but for shared frames, whose names by
 * each domain are its hold (and these add up in share/), and granted ones, for
 * which all handles are read: so one domain is enough for one part.  Memory: 16
 * bytes for each frame of a window, taken and given back.
 */
#ifndef HV_AUDIT_AUDIT_PRIVATE_H
#define HV_AUDIT_AUDIT_PRIVATE_H

#include "dom/domain.h"
#include "mm/pagetype.h"
#include "x86/pte.h"

#define AUDIT_FRAMES	4096u	/* in one part */
#define AUDIT_WINDOW	32768u	/* frames; 512 KiB of counts */
/* small parts share a stop until so much time is over */
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
	domid_hv_t domid;	/* who that was, */
	enum audit_step step;	/* its next part, */
	mfn_t window;		/* of this window: all below are done */
	/* lowest frame beyond the window at hand that came up */
	mfn_t named;
	struct audit_count *counts; /* of frames [first, end) */
	/* of counts' memory, and how many frames it is for */
	unsigned int order;
	mfn_t frames;
	mfn_t first, end;
	bool last;		/* window: what is beyond is no RAM */
	uint64_t listed;	/* pages of the domain at hand */
	uint32_t grant_entries;	/* of the domain at hand, in the window */
	/* the same: entries that name a shared frame */
	uint64_t shared_entries;
};

void audit_error(struct audit *a, const char *fmt, ...) printf_like(2, 3);

/* audit_frames.c */
void audit_alive_fill(void);
/* is there such a domain?  Since audit_alive_fill(). */
bool audit_alive(uint64_t domid);
/* Check frames [first, end); how many are free? */
uint64_t audit_frames(struct audit *a, mfn_t first, mfn_t end);

/* audit_promise.c: I10; machine stopped, `taken` frames are the audit's. */
void audit_promises(struct audit *a, uint64_t taken);

/* audit_tables.c: I3-I7 */
/*
 * Is it in the window at hand?  The last one has all that is no RAM, too.  Else
 * it is noted.
 */
bool audit_in_window(struct audit *a, mfn_t mfn);
/* The counts of mfn; NULL: not in this window, or no RAM. */
struct audit_count *audit_count_of(struct audit *a, mfn_t mfn);
/*
 * One more name of mfn, a use as `class` too (CLASS_NONE: a plain reference).
 */
void audit_name(struct audit *a, const struct domain *d, mfn_t mfn,
		enum page_class class, const char *what);
void audit_domain_names(struct audit *a, struct domain *d);

/* audit_domain.c: I3, I4 of its pages; I9, I10, I12, I18 */
void audit_each_page(struct audit *a, struct domain *d,
		     void (*fn)(struct audit *a, struct domain *d, mfn_t mfn));
void audit_domain_counts(struct audit *a, struct domain *d);
void audit_domain_pages(struct audit *a, struct domain *d);
void audit_domain_view(struct audit *a, struct domain *d);
void audit_domain_view_rights(struct audit *a, struct domain *d);
void audit_domain_ports(struct audit *a, struct domain *d);

#endif
