/* SPDX-License-Identifier: MIT */
/*
 * The audit: invariants recomputed from nothing (numbers of the attack list, 5.1).
 *
 *  I1   every frame is in exactly one state, with an owner where the state has one
 *  I2   a free frame has no count, no type, no name, and is marked to be scrubbed
 *  I3   ref = the owner's own + every name: entries, pins, loaded tables, GDT slots, areas
 *  I4   type count = uses as that class; linear uses apart; one class at a time
 *  I5   every entry of every validated table is legal
 *  I6   linear: read-only, own domain, same level, one link deep
 *  I7   partial validation: entries [0, nr_done) held; nothing half-way otherwise
 *  I9   a domain's M2P view names only what it owns or holds, and is read-only to it
 *  I10  tot_pages = length of the page list <= max_pages; the states add up; with overcommit off,
 *       free frames cover what the domains may still take, and promises what they may ever
 *       (audit_promise.c)
 *  I11, I13 and the counts of I12: share/audit.c
 *  I12  a domain's hold of a frame = its present L1 entries that name it
 *  I14  a shared frame is mapped read-only, has class SHARED and no other use
 *  I16  grants: dom/grant_audit.c; here, each entry marked as a grant's has its handle
 *  I18  what names a domain names one that is there (or DOMID_ORPHAN, destroy.c R4)
 *  I8 is checked by the host simulator, I19 by pv_exit_to_guest().
 *
 * The machine is stopped meanwhile: a count is only worth something if nothing moves.  So
 * that nobody waits for long, frames are counted in windows of AUDIT_WINDOW: each is
 * a stop of its own, with one walk over all page tables, and everybody goes on in between.
 * Memory: 16 bytes for each frame of a window, taken and given back.
 */
#ifndef HV_SHARING_AUDIT_H
#define HV_SHARING_AUDIT_H

#include "dom/domain.h"
#include "mm/pagetype.h"
#include "x86/pte.h"

#define AUDIT_WINDOW	65536u	/* frames; 1 MiB of counts */
#define AUDIT_LINES	32	/* errors that are printed; the others are counted */

struct audit_count {
	uint32_t refs;		/* names of the frame */
	uint32_t types;		/* uses as its class */
	uint16_t linear, linear_out; /* T2: uses of it as linear table; entries of it that use others */
	uint32_t seen;		/* I12: entries of the domain at hand */
};

struct audit {
	uint64_t errors;
	struct audit_count *counts; /* of frames [first, end) */
	mfn_t first, end;
	uint64_t owned, credits;
	uint32_t grant_entries;	/* of the domain at hand */
	uint64_t kinds[FRAME_SHARED + 1];
};

void audit_error(struct audit *a, const char *fmt, ...) printf_like(2, 3);
bool audit_alive(uint64_t domid);	/* is there such a domain? */

/* The counts of mfn; NULL: not in this window, or no RAM. */
struct audit_count *audit_count_of(struct audit *a, mfn_t mfn);
/* One more name of mfn, a use as `class` too (CLASS_NONE: a plain reference). */
void audit_name(struct audit *a, const struct domain *d, mfn_t mfn,
		enum page_class class, const char *what);
void audit_each_page(struct audit *a, struct domain *d,
		     void (*fn)(struct audit *a, struct domain *d, mfn_t mfn));

/* audit_promise.c: I10; machine stopped, `taken` frames are the audit's. */
void audit_promises(struct audit *a, uint64_t taken);

/* audit_tables.c: I3-I7 */
void audit_domain_names(struct audit *a, struct domain *d);
void audit_frame_counts(struct audit *a, mfn_t mfn);
/* audit_domain.c: I9, I10, I12, I18 */
void audit_domain_pages(struct audit *a, struct domain *d);
void audit_domain_holds(struct audit *a, struct domain *d);
void audit_domain_view(struct audit *a, struct domain *d);
void audit_domain_ports(struct audit *a, struct domain *d);

#endif
