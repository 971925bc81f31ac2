/* SPDX-License-Identifier: MIT */
/*
 * A guest that reads its own trace: it shares a few pages, writes some of them
 * again, unmaps one, and prints what the hypervisor noted of that, with times.
 * Its end is noted too; the hypervisor prints that part when the domain is
 * gone.
 */
#include <gl/console.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/trace.h>

#define PAGES 6

static void do_something(struct gl_share *share)
{
	uint64_t va[PAGES];

	for (unsigned int i = 0; i < PAGES; i++) {
		va[i] = gl_page_alloc();
		if (!va[i])
			gl_panic("no memory");
		/* two and two are equal */
		memset((void *)va[i], i / 2, GL_PAGE_BYTES);
	}
	gl_share_pages(share, va, PAGES, NULL);
	gl_share_page(share, va[0]);		/* is shared already: refused */
	*(volatile uint64_t *)va[1] = 1;	/* the library breaks it */
	gl_share_unshare(share, va[2]);		/* the hypervisor does */
	gl_unmap_page(va[3]);
}

static const char *result_text(const struct trace_record *r)
{
	if (r->event == TRACE_OFFER || r->event == TRACE_UNSHARE)
		return gl_share_result_name(r->result);
	return "";
}

static void print(const struct trace_record *r)
{
	gl_printf("%4lu  %6lu.%03lu ms  %-8s  name %12lx  frame %6x  %s\n",
		  r->seq - 1, r->time_ns / 1000000, r->time_ns / 1000 % 1000,
		  gl_trace_event_name(r->event), r->name, r->mfn,
		  result_text(r));
}

void gl_main(void)
{
	struct gl_share *share = gl_share_setup(4);
	struct trace_record r;
	struct gl_trace trace;
	unsigned int n = 0;
	long rc;

	if (!share)
		gl_panic("no memory");
	rc = gl_trace_open(&trace);
	if (rc) {
		gl_printf("no trace buffer: error %ld\n", rc);
		return;
	}
	gl_printf("trace buffer: %lu records, mapped read-only at %p\n",
		  trace.header->records, (const void *)trace.header);
	do_something(share);
	while (gl_trace_next(&trace, &r)) {
		print(&r);
		n++;
	}
	gl_printf("%u records read, %lu lost\n", n, trace.lost);
}
