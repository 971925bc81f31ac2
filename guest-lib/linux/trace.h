/* SPDX-License-Identifier: MIT */
/* Tracepoints: /sys/kernel/tracing/events/pasture. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pasture

#if !defined(PASTURE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PASTURE_TRACE_H

#include <linux/tracepoint.h>

/*
 * status: enum shareop_result of share.h; kind: enum page_kind, what the page
 * is, and as: what it was offered as.
 */
TRACE_EVENT(pasture_offer,
	TP_PROTO(unsigned long pfn, int kind, int as, int status),
	TP_ARGS(pfn, kind, as, status),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(int, kind)
		__field(int, as)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->kind = kind;
		__entry->as = as;
		__entry->status = status;
	),
	TP_printk("pfn=%#lx kind=%d as=%d status=%d", __entry->pfn, __entry->kind, __entry->as, __entry->status)
);

/* The page was found private again. */
TRACE_EVENT(pasture_broken,
	TP_PROTO(unsigned long pfn, int kind),
	TP_ARGS(pfn, kind),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(int, kind)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->kind = kind;
	),
	TP_printk("pfn=%#lx kind=%d", __entry->pfn, __entry->kind)
);

/* The balloon's target, in pages. */
TRACE_EVENT(pasture_balloon,
	TP_PROTO(unsigned long target, unsigned long current_pages),
	TP_ARGS(target, current_pages),
	TP_STRUCT__entry(
		__field(unsigned long, target)
		__field(unsigned long, current_pages)
	),
	TP_fast_assign(
		__entry->target = target;
		__entry->current_pages = current_pages;
	),
	TP_printk("target=%lu current=%lu", __entry->target, __entry->current_pages)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
