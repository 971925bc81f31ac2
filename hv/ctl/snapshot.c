/* SPDX-License-Identifier: MIT */
/*
 * See snapshot.h.  After each AUDIT_SLICE_NS of the audit this CPU's guests run
 * for as long again.
 */
#include <port.h>

#include "ctl/snapshot.h"
#include "dom/timer.h"
#include "x86/cpu.h"

#define AUDIT_SLICE_NS	5000000UL

void (*snapshot_done)(const struct audit_result *result);

/* All boot CPU. */
static struct timer timer;
static struct audit_result now, last;
static bool under_way;
static uint64_t count, last_ns;

static void tick(void *arg)
{
	uint64_t end = now_ns() + AUDIT_SLICE_NS;

	while (audit_part(&now) == MORE)
		if (now_ns() >= end) {
			timer_set(&timer, now_ns() + AUDIT_SLICE_NS);
			return;
		}
	under_way = false;
	last = now;
	last_ns = now_ns();
	count++;
	if (snapshot_done)
		snapshot_done(&last);
}

void snapshot_init(void)
{
	timer_init(&timer, tick, NULL);
}

void snapshot_start(void)
{
	if (under_way)
		return;
	under_way = true;
	now = (struct audit_result){ .first = true };
	timer_set(&timer, now_ns());
}

uint64_t snapshot_count(void)
{
	return count;
}

const struct audit_result *snapshot_last(uint64_t *at_ns)
{
	*at_ns = last_ns;
	return &last;
}
