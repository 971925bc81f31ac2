/* SPDX-License-Identifier: MIT */
/*
 * Reading the domain's own trace (hv/abi/trace.h) without a hypercall.
 *
 *	struct gl_trace t;
 *	if (gl_trace_open(&t) == 0)
 *		while (gl_trace_next(&t, &record))
 *			...;
 *
 * The reader may be behind the writer by any distance: t.lost counts exactly
 * the records that were overwritten before they were read.
 */
#ifndef GL_TRACE_H
#define GL_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <trace.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

struct gl_trace {
	const struct trace_header *header;
	uint64_t next;		/* number of the record to read */
	uint64_t lost;
};

/* Map it (once for the kernel) and start at the oldest record: 0 or -errno. */
long gl_trace_open(struct gl_trace *t);
/* A reader of the buffer at `header`; false: not one that we know. */
bool gl_trace_start(struct gl_trace *t, const struct trace_header *header);
/* The next whole record; false: none yet. */
bool gl_trace_next(struct gl_trace *t, struct trace_record *out);
const char *gl_trace_event_name(uint16_t event);

GL_DECLS_END

#endif
