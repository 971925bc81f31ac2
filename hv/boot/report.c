/* SPDX-License-Identifier: MIT */
/*
 * What a run tells the outside.
 *
 *   @boot  once            @dom   a domain came or went
 *   @stat  every stats=MS, and with final=1 and an audit when the operator
 *          types "snapshot"
 *   @end   once: frames lost since @boot, audit errors
 *
 * frame_bytes is what a frame costs whether shared or not: its frame-table
 * entry and its entry in the owner's M2P view.  metadata_bytes is what sharing
 * adds.
 */
#include <port.h>

#include "audit/audit.h"
#include "boot/report.h"
#include "ctl/config.h"
#include "ctl/control.h"
#include "ctl/lives.h"
#include "ctl/snapshot.h"
#include "ctl/waiting.h"
#include "debug/log.h"
#include "dom/console.h"
#include "dom/domain.h"
#include "dom/reclaim.h"
#include "dom/timer.h"
#include "lib/fmt.h"
#include "mm/palloc.h"
#include "sharing/sharing.h"
#include "x86/cpu.h"

static uint64_t free_at_start;		/* constant after report_start() */
static struct timer stat_timer;		/* boot CPU */

static bool snapshot_asked;	/* on the console; boot CPU */

/* --- @stat --- */

struct sums {
	uint64_t domains, owned, m2p_pages;
};

static void sum_domain(struct domain *d, void *arg)
{
	struct sums *s = arg;

	s->domains++;
	s->owned += READ_ONCE(d->pages.total);
	s->m2p_pages += READ_ONCE(d->m2p.leaf_count);
}

static void stat_line(const char *head, const char *tail)
{
	struct share_totals t;
	struct sums s = { 0 };

	domain_for_each(sum_domain, &s);
	share_totals_get(sharing_service(), &t);
	log_stat("@stat%s t_ms=%lu free=%lu domains=%lu owned=%lu pages_shared=%lu pages_sharing=%lu pages_unshared=%lu zero_frames=%lu zero_mappings=%lu replicas=%lu zero_replicas=%lu cow_breaks=%lu last_breaks=%lu offers=%lu refusals=%lu metadata_bytes=%lu m2p_pages=%lu max_chain=%lu%s",
		 head, now_ns() / 1000000, palloc_free_count(), s.domains,
		 s.owned, t.pages_shared, t.pages_sharing, t.pages_unshared,
		 t.zero_frames, t.zero_mappings, t.replicas, t.zero_replicas, t.breaks, t.last_breaks,
		 t.offers, t.refusals, t.metadata_bytes, s.m2p_pages,
		 t.max_chain, tail);
}

static void stat_tick(void *arg)
{
	stat_line("", "");
	timer_set(&stat_timer, now_ns() + boot_options.stats_ms * 1000000);
}

/*
 * For how long the machine stood still for an audit, how often, and the longest
 * of these times.
 */
static void audit_times(char *text, size_t size, const struct audit_result *a)
{
	fmt_snprintf(text, size,
		     " audit_us=%lu audit_stops=%lu audit_longest_us=%lu",
		     a->stopped_ns / 1000, a->stops, a->longest_ns / 1000);
}

/* What was asked for on the control channel is answered there. */
static void snapshot_say(const struct audit_result *a)
{
	char times[100], tail[160];

	if (!snapshot_asked)
		return;
	audit_times(times, sizeof(times), a);
	fmt_snprintf(tail, sizeof(tail), " audit_errors=%lu cross_group=%lu%s",
		     a->errors, a->cross_group, times);
	stat_line(" final=1", tail);
	snapshot_asked = false;
}

static bool operator_line(const char *line)
{
	if (strcmp(line, "snapshot"))
		return false;
	snapshot_asked = true;
	snapshot_start();
	return true;
}

/* --- start and end --- */

void report_start(void)
{
	snapshot_init();
	snapshot_done = snapshot_say;
	console_operator_line = operator_line;
	free_at_start = palloc_free_count();
	log_stat("@boot cpus=%u memory_kib=%lu free_frames=%lu frame_bytes=%lu overcommit=%u",
		 cpu_count, palloc_total_count() * 4, free_at_start,
		 sizeof(struct frame) + sizeof(pfn_t), boot_options.overcommit);
	if (!boot_options.stats_ms)
		return;
	timer_init(&stat_timer, stat_tick, NULL);
	timer_set(&stat_timer, now_ns() + boot_options.stats_ms * 1000000);
}

/* Frames freed by another CPU just now may still wait for its next flush. */
static void wait_for_reclaim(void)
{
	uint64_t end = now_ns() + 1000000000;

	reclaim_flush_all();
	while (reclaim_waiting() && now_ns() < end)
		port_spin();
}

void report_final(void)
{
	struct audit_result audit;
	char times[100];
	uint64_t free;
	long lost;

	wait_for_reclaim();
	log_drain();		/* so that the lines that follow find room */
	audit_whole(&audit);
	audit_times(times, sizeof(times), &audit);
	free = palloc_free_count();
	lost = (long)(free_at_start - free);
	stat_line("", "");
	log_stat("@end frames_lost=%ld free_frames=%lu audit_errors=%lu cross_group=%lu crashed=%u given_up=%u%s",
		 lost, free, audit.errors, audit.cross_group, lives_crashed(),
		 waiting_given_up(), times);
	control_end();
	if (lost || audit.errors || audit.cross_group)
		exit_machine(EXIT_LOST);
	exit_machine(waiting_given_up() ? EXIT_ERROR : EXIT_OK);
}
