/* SPDX-License-Identifier: MIT */
/*
 * Writing a domain's trace buffer; abi/trace.h has its layout and protocol.
 *
 * TB1  one writer at a time: LOCK_TRACE.  Readers are guests and are never
 *      waited for.
 * TB2  the writer's place is in struct tracebuf; nothing is read back from the
 *      pages.
 * TB3  a record says only what the domain itself asked for or named.
 * TB4  there is one buffer at most, and its record 0 is TRACE_BUILT: it is made
 *      under LOCK_MM, and shown with LOCK_TRACE held until that record stands.
 */
#ifndef HV_DOM_TRACEBUF_H
#define HV_DOM_TRACEBUF_H

#include "abi/trace.h"
#include "dom/heappages.h"
#include "lib/types.h"
#include "x86/spinlock.h"

/* How many fit. */
#define TRACE_RECORDS \
	((HEAP_TRACE_PAGES * PAGE_SIZE - sizeof(struct trace_header)) / \
	 sizeof(struct trace_record))

struct domain;

struct tracebuf {
	struct spinlock lock;	/* LOCK_TRACE: written, time_ns */
	/*
	 * HEAP pages; NULL: nobody asked for them.  Once set, constant until
	 * the destructor; atomic
	 */
	struct trace_header *header;
	uint64_t written;
	uint64_t time_ns;	/* of what is written now */
	uint64_t built_ns;	/* when the domain started; constant then */
};

void tracebuf_init(struct domain *d);
/*
 * There is a buffer from now on: SHAREOP_trace.  Most guests never ask, and 16
 * KiB are a sixth of what a small one costs.  -ENOMEM.  LOCK_MM.
 */
int tracebuf_open(struct domain *d) must_check;
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
