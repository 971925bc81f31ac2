/* SPDX-License-Identifier: MIT */
/*
 * What the user sees while the machine runs: on a terminal a line for each
 * guest, drawn in place; else a line whenever a guest enters a phase, and the
 * totals every two seconds.  With many guests: the totals only.
 */
#ifndef HARNESS_PROGRESS_H
#define HARNESS_PROGRESS_H

#include "harness/run.h"

struct progress {
	bool terminal, guests;
	size_t drawn;		/* lines to go up before drawing again */
	double last;
	char (*phases)[16];	/* what was said about each guest */
};

void progress_init(struct progress *p, const struct run *r);
/* Call often; it limits itself. */
void progress_show(struct progress *p, const struct run *r);
/* The last state; then the caller prints below it. */
void progress_fini(struct progress *p, const struct run *r);

/*
 * One line of a drawing: cut, where the terminal is narrow, or it would be two.
 */
__attribute__((format(printf, 1, 2)))
void progress_line(const char *fmt, ...);
/* Is the terminal so high?  What has scrolled off cannot be drawn again. */
bool progress_fits(size_t lines);

#endif
