/* SPDX-License-Identifier: MIT */
/* Lines for the harness: `@g ` and words NAME=VALUE. */
#include <gl/console.h>
#include <gl/printf.h>
#include <gl/timer.h>

#include "workload.h"

#define LINES_A_PHASE 8

static uint64_t ms_since(uint64_t start_ns)
{
	return (gl_now_ns() - start_ns) / 1000000;
}

/* total 0: not known; then only the end is reported. */
void report_begin(struct progress *p, const char *phase, uint64_t total)
{
	*p = (struct progress){
		.phase = phase, .total = total, .start_ns = gl_now_ns(),
		.next = total / LINES_A_PHASE + 1,
	};
}

void report_step(struct progress *p, uint64_t done_more)
{
	p->done += done_more;
	if (!p->total || p->done < p->next || p->done >= p->total)
		return;
	gl_printf("@g phase=%s done=%lu total=%lu\n", p->phase, p->done,
		  p->total);
	p->next = p->done + p->total / LINES_A_PHASE + 1;
}

void report_end(struct progress *p)
{
	gl_printf("@g phase=%s done=%lu total=%lu ms=%lu\n", p->phase, p->done,
		  p->total ? p->total : p->done, ms_since(p->start_ns));
}

void report_error(const char *format, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, format);
	gl_vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (char *c = text; *c; c++)	/* the value stands in quotes */
		if (*c == '"' || *c == '\n')
			*c = '\'';
	gl_printf("@g error text=\"%s\"\n", text);
}

void report_refusals(const struct counts *c)
{
	for (int32_t i = 1; i < GL_SHARE_RESULTS; i++)
		if (c->by_result[i])
			gl_printf("@g refused reason=\"%s\" pages=%lu\n",
				  gl_share_result_name(i), c->by_result[i]);
}

static void report_info(const struct workload *w)
{
	struct shareop_info info = { 0 };

	if (gl_share_info(w->share, &info))
		return;
	gl_printf("@g info held=%lu mappings=%lu budget=%lu breaks=%lu "
		  "tot_pages=%lu max_pages=%lu\n",
		  info.held, info.mappings, info.budget, info.breaks,
		  info.tot_pages, info.max_pages);
}

void report_done(const struct workload *w, uint64_t start_ns)
{
	const struct counts *n = &w->counts;
	struct gl_share_counters c;

	gl_share_counters_get(w->share, &c);
	if (c.break_errors || c.foreign_faults)
		report_error("%lu faults not served, %lu not ours",
			     c.break_errors, c.foreign_faults);
	report_info(w);
	gl_printf("@g phase=done files=%u pages=%u offered=%lu shared=%lu "
		  "refused=%lu zero=%lu faults=%lu breaks=%lu reoffered=%lu "
		  "verify_errors=%lu read_errors=%lu reserve_low=%lu ms=%lu "
		  "written=%lu unique=%lu unshares=%lu returned=%lu\n",
		  w->cache.file_count, w->cache.page_count, n->offered,
		  n->shared, n->refused, n->zero, c.faults,
		  c.breaks + c.unshares + c.taken, n->reoffered, n->verify_errors,
		  n->read_errors, c.reserve_low, ms_since(start_ns),
		  n->written, n->unique, c.unshares, n->returned);
}
