/* SPDX-License-Identifier: MIT */
/*
 * The main job's kernel: real files in a page cache, shared, read, partly
 * written, shared again, and checked against sums that the host made.
 *
 * Command line: writes=PERCENT (10) seed=N unique=PERCENT zero=N id=N hold=1
 * hold_ms=N.  workload_rule.h says what they mean to a page.
 */
#include <gl/console.h>
#include <gl/hold.h>
#include <gl/initrd.h>
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "workload.h"

#define RESERVE_FRAMES	64
#define SPARE_RUN	32	/* pages */
#define SPARE_KEPT	16

static struct workload work;

static unsigned int percent(const char *name, unsigned int otherwise)
{
	uint64_t value = gl_cmdline_u64(name, otherwise);

	return value > 100 ? 100 : (unsigned int)value;
}

static void read_options(struct options *o)
{
	o->writes = percent("writes", 10);
	o->unique = percent("unique", 0);
	o->seed = gl_cmdline_u64("seed", 0);
	o->guest = gl_cmdline_u64("id", gl_domid());
	o->zero_pages = gl_cmdline_u64("zero", 0);
	o->hold = gl_cmdline_u64("hold", 0);
	o->hold_ms = gl_cmdline_u64("hold_ms", 0);
}

/* All is loaded: what is free now is not needed.  Returns pages. */
static uint64_t spare_return(void)
{
	uint64_t done = 0, va, went = SPARE_RUN;

	while (went == SPARE_RUN &&
	       gl_pages_free_count() >= SPARE_RUN + SPARE_KEPT &&
	       (va = gl_pages_alloc(SPARE_RUN))) {
		went = gl_frames_return(va, SPARE_RUN);
		done += went;
	}
	return done;
}

static bool load(struct workload *w)
{
	uint64_t bytes;
	const void *initrd = gl_initrd(&bytes);

	if (!initrd && !w->options.zero_pages) {
		report_error("no initial RAM disk and no zero pages");
		return false;
	}
	if (!cache_load(w, initrd, bytes))
		return false;
	w->counts.returned = gl_initrd_return(); /* names and sums are copied */
	w->counts.returned += spare_return();
	return true;
}

void gl_main(void)
{
	uint64_t start_ns = gl_now_ns();
	struct workload *w = &work;

	read_options(&w->options);
	w->share = gl_share_setup(RESERVE_FRAMES);
	if (!w->share) {
		report_error("no memory for the sharing record");
		return;
	}
	if (!load(w))
		return;
	phase_offer(w);
	phase_read(w);
	phase_write(w);
	phase_reoffer(w);
	phase_verify(w);
	report_refusals(&w->counts);
	report_done(w, start_ns);
	if (w->options.hold)
		gl_hold(w->options.hold_ms);
	gl_printf("@g phase=end\n");
}
