/* SPDX-License-Identifier: MIT */
/*
 * Has this host CPUs to spare?  What it says is of the last second, of all
 * programs: on a host that others keep busy it has none.
 */
#ifndef HARNESS_HOSTLOAD_H
#define HARNESS_HOSTLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. */
struct hostload {
	double looked;
	uint64_t idle, all;	/* ticks, at that time */
};

/*
 * `stat` is /proc/stat, and `now` in seconds.  True at most once a second: what
 * is started then is busy in the next one.
 */
bool hostload_is_low(struct hostload *l, const char *stat, double now);

#endif
