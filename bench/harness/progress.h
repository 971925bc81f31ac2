/* SPDX-License-Identifier: MIT */
/*
 * What the user sees while the machine runs.  On a terminal one screen each
 * second, drawn in place: the machine's memory, what goes on in it, a line for
 * each guest (with many: none), totals; what the control channel gives (live.h)
 * is left out where it gives nothing.  Else a line whenever a guest enters a
 * phase, and the totals every two seconds.
 */
#ifndef HARNESS_PROGRESS_H
#define HARNESS_PROGRESS_H

#include "harness/live.h"
#include "harness/run.h"

struct progress {
	bool terminal, guests;
	size_t drawn;		/* lines to go up before drawing again */
	double last;
	struct live live;	/* on a terminal */
	char (*phases)[16];	/* what was said about each guest */
};

void progress_init(struct progress *p, const struct run *r);
/* Call often; it limits itself. */
void progress_show(struct progress *p, const struct run *r);
/* The last state; then the caller prints below it. */
void progress_fini(struct progress *p, const struct run *r);

#endif
