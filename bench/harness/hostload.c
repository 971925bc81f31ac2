/* SPDX-License-Identifier: MIT */
/* See hostload.h. */
#include <stdio.h>

#include "harness/hostload.h"

#define LOOK_SECONDS	1.0
/* Half a CPU of two: one machine waits, or both do half of the time. */
#define IDLE_PERCENT	25

/* The first line of that file; waiting for a disk is no work. */
static bool look(struct hostload *l, const char *stat)
{
	/* user, nice, system, idle, iowait, irq, softirq, steal */
	uint64_t t[8] = { 0 };
	FILE *f = fopen(stat, "re");
	int got;

	if (!f)
		return false;
	got = fscanf(f, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &t[0], &t[1],
		     &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
	fclose(f);
	l->idle = t[3] + t[4];
	l->all = 0;
	for (int i = 0; i < 8; i++)
		l->all += t[i];
	return got == 8;
}

bool hostload_is_low(struct hostload *l, const char *stat, double now)
{
	struct hostload last = *l;

	if (last.all && now - last.looked < LOOK_SECONDS)
		return false;
	l->looked = now;
	if (!look(l, stat) || !last.all)
		return false;
	return (l->idle - last.idle) * 100 >= (l->all - last.all) * IDLE_PERCENT;
}
