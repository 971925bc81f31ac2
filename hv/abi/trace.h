/* SPDX-License-Identifier: MIT */
/*
 * The trace buffer of a domain: what sharing did for it, and its own end, with
 * times.
 *
 * A run of pages of the hypervisor's (heap pages, hv/dom/heappages.h) that the
 * guest maps read-only.  SHAREOP_trace (share.h) tells the first machine frame
 * and the number of pages; reading takes no hypercall.  Its first call makes
 * the buffer: record 0 says when the domain started, the next ones what happens
 * from then on.  Nothing in the buffer depends on other domains: a hit and a
 * miss of an offer look the same.
 *
 *   struct trace_header | struct trace_record [header.records]
 *
 * Record number n (from 0) is at place n % records and has seq = n + 1.  There
 * is one writer at a time, and it never waits: it overwrites the oldest.
 *
 *   writer                        reader of record n
 *   seq = 0                       if header.written <= n: none yet
 *   the other fields              if header.written - n > records: lost, go on
 *                                 further up
 *   seq = n + 1                   read seq, the other fields, then seq again:
 *   header.written = n + 1        both n + 1: a whole record; else it was lost
 *
 * Both sides take their steps in this order (release and acquire).  The reader
 * can count exactly how many records it lost: the numbers that it passed over.
 *
 * This file needs <stdint.h> and nothing else.
 */
#ifndef PASTURE_ABI_TRACE_H
#define PASTURE_ABI_TRACE_H

#include <stdint.h>

#define TRACE_MAGIC	0x31656361725470ULL	/* "pTrace1" */

enum trace_event {
	TRACE_NONE = 0,
	/* the domain starts; name: how often it was built before */
	TRACE_BUILT = 1,
	/*
	 * a page was offered; name: the address that the call gave; mfn: the
	 * frame that is mapped there now
	 */
	TRACE_OFFER = 2,
	/* SHAREOP_unshare; name and mfn as in TRACE_OFFER */
	TRACE_UNSHARE = 3,
	/*
	 * a mapping of a shared frame got a private, writable page; name: pfn;
	 * mfn: the shared frame
	 */
	TRACE_BREAK = 4,
	/* a mapping of a shared frame went; name and mfn as in TRACE_BREAK */
	TRACE_DROP = 5,
	/* result: SHUTDOWN_*; name: pages the domain owns */
	TRACE_DYING = 6,
	/* its page tables are unloaded, its registered areas released */
	TRACE_UNHOOKED = 7,
	TRACE_PAGES = 8,	/* its pages are given up; name: how many */
	/*
	 * nothing names the domain any more; name: how many pages others keep
	 */
	TRACE_FREED = 9,
};

struct trace_header {
	uint64_t magic;		/* TRACE_MAGIC */
	uint32_t header_bytes;	/* where the records start */
	uint32_t record_bytes;
	uint64_t records;
	uint64_t written;	/* records written since the start */
	uint64_t reserved[4];	/* 0 */
};

struct trace_record {
	/* the record's number + 1; 0: not written yet, or just being written */
	uint64_t seq;
	uint64_t time_ns;	/* the guest's system time (vcpu_info.time) */
	uint16_t event;		/* enum trace_event */
	uint16_t result;	/* enum shareop_result, or SHUTDOWN_* */
	uint32_t mfn;
	uint64_t name;
};

/* What SHAREOP_trace fills in. */
struct shareop_trace {
	uint64_t mfn;		/* of the first page; the others follow */
	uint32_t pages;
	uint32_t reserved;	/* 0 */
};

#ifndef __cplusplus	/* has another word for it */
_Static_assert(sizeof(struct trace_header) == 64, "ABI");
_Static_assert(__builtin_offsetof(struct trace_header, records) == 16, "ABI");
_Static_assert(__builtin_offsetof(struct trace_header, written) == 24, "ABI");
_Static_assert(sizeof(struct trace_record) == 32, "ABI");
_Static_assert(__builtin_offsetof(struct trace_record, event) == 16, "ABI");
_Static_assert(__builtin_offsetof(struct trace_record, result) == 18, "ABI");
_Static_assert(__builtin_offsetof(struct trace_record, mfn) == 20, "ABI");
_Static_assert(__builtin_offsetof(struct trace_record, name) == 24, "ABI");
_Static_assert(sizeof(struct shareop_trace) == 16, "ABI");
#endif

#endif
