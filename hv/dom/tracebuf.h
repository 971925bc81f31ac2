/* SPDX-License-Identifier: MIT */
/*
 * Writing a domain's trace buffer; abi/trace.h has its layout and protocol.
 *
 * TB1  one writer at a time: LOCK_TRACE.  Readers are guests and are never
 *      waited for.
 * TB2  the writer's place is in struct tracebuf; nothing is read back from the
 *      pages.
 * TB3  a record says only what the domain itself asked for or named.
 */
#ifndef HV_DOM_TRACEBUF_H
#define HV_DOM_TRACEBUF_H

#include "abi/trace.h"
#include "lib/types.h"
#include "x86/spinlock.h"

struct domain;

struct tracebuf {
	struct spinlock lock;	/* LOCK_TRACE: all below but asked */
	/* HEAP pages; constant until the destructor; NULL: none */
	struct trace_header *header;
	uint64_t records;	/* how many fit; constant */
	uint64_t written;
	uint64_t time_ns;	/* of what is written now */
	/* the guest knows of it (SHAREOP_trace): its end is printed */
	bool asked;
};

int tracebuf_init(struct domain *d);	/* -ENOMEM */
/*
 * Several records of one time: trace_begin(), trace_put() for each,
 * trace_end().  False: the domain has no buffer.
 */
bool trace_begin(struct tracebuf *t) must_check takes_lock_if_true(&t->lock);
void trace_put(struct tracebuf *t, enum trace_event event, uint16_t result,
	       mfn_t mfn, uint64_t name) needs_lock(&t->lock);
void trace_end(struct tracebuf *t) frees_lock(&t->lock);
/* One.  Any CPU, any locks but LOCK_TRACE and LOCK_LOG. */
void trace_event(struct domain *d, enum trace_event event, uint16_t result,
		 mfn_t mfn, uint64_t name);
/*
 * Record number n as it stands, for the hypervisor's own report; NULL:
 * overwritten, or none.
 */
const struct trace_record *trace_record_at(struct domain *d, uint64_t n);

#endif
