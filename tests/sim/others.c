/* SPDX-License-Identifier: MIT */
/*
 * Ends that no serial order has, and why they are right: calls that are several
 * steps in the guest's eyes, too, and are refused half-way while another one is
 * at it.  (One that does nothing but say that it is busy, and a batch, are
 * explore.c's.)
 * What a state must be anyway (counts, audit, I8) is judged as in others.
 */
#include <errno.h>
#include <string.h>

#include <port.h>

#include <xen/grant_table.h>

#include "sim/ops.h"

static const struct other_end {
	const char *a, *b;
	bool one_domain;
	long result[2];
} other_ends[] = {
	/* Two hypercalls: it is read-only, and becomes no table. */
	{ "pin-granted", "clear-page", true, { -16, 0 } },
	{ "pin-granted", "copy-page", true, { -16, 0 } },
	{ "pin-granted", "grant-copy-out", false, { -16, 0 } },
	{ "pin-granted", "foreign-clear", false, { -16, 0 } },
	{ "pin-granted", "domain-stubs", false, { -16, 0 } },
	/* Two hypercalls, and the page is offered between them. */
	{ "pin-granted", "offer-granted", true, { -1, 0 } },
	{ "pin-granted", "offer-batch", true, { -1, 0 } },
	/* Both named it before the first one broke it. */
	{ "foreign-map-shared", "foreign-map-shared", true, { 0, 0 } },
	/* The share is broken, and then there is no such grant any more. */
	{ "grant-map-shared", "grant-version-free", false, { GNTST_general_error, 0 } },
	/* It ends while a page of it is broken, or a table pinned. */
	{ "foreign-map-shared", "domain-destroy", true, { -12, -85 } },
	{ "foreign-pin", "domain-destroy", true, { -4, -85 } },
	{ "domain-destroy", "grant-transfer", true, { -85, GNTST_no_space } },
	/* Both write the same words of a page of the guest's. */
	{ "clear-page", "vcpu-info", true, { 0, 0 } },
	{ "copy-page", "vcpu-info", true, { 0, 0 } },
	/* The page is private, and writable, before its entry goes. */
	{ "unmap-sole", "store-both", true, { 0, 0 } },
	/*
	 * Another vCPU's area is written by who registers it, and by that
	 * vCPU when it leaves its CPU: which one is the last is not said (best
	 * effort, as on Xen).
	 */
	{ "vcpu-runstate-area", "block", true, { 0, -3 } },
	{ "vcpu-runstate-area", "poll", true, { 0, -3 } },
	{ "vcpu-runstate-area", "poll-any", true, { 0, -3 } },
	{ "vcpu-runstate-area", "poll-until", true, { 0, 0 } },
	{ "vcpu-runstate-area", "yield", true, { 0, 0 } },
	/* Told to go down in its call, in which it is the last one. */
	{ "down-other", "down-other", true, { -3, 0 } },
	{ "down-other", "down-other", true, { 0, -3 } },
	{ "down-other", "down-other", true, { -3, -3 } },
};

bool op_ends_other(const char *name)
{
	return !strcmp(name, "kill") || !strcmp(name, "domain-destroy") || !strcmp(name, "down-other");
}

bool op_is_late_store(const char *store, const char *unmap, long result)
{
	return result == -EFAULT && !strncmp(store, "break-", 6) && !strncmp(unmap, "unmap-", 6);
}

/*
 * A pin in parts, of a domain that was ended meanwhile: the reaper has that
 * work to do first, and comes less far in the turns that it has.
 */
static bool is_ended_pin(const char *pin, const char *end, long result)
{
	return result == -ESRCH && strstr(pin, "-parts") && op_ends_other(end);
}

/*
 * Of several steps: between two its vCPU goes down, and would go on when up, or
 * its domain ends, and a call of its own has been made and the next one not.
 */
static bool is_stopped_between(const char *steps, const char *end, const long result[2])
{
	bool down = !strcmp(end, "down-other"), killed = !strcmp(end, "kill");

	if (result[0] != -ESRCH || result[1])
		return false;
	return (down && !strncmp(steps, "break", 5)) ||
	       ((down || killed) && (!strcmp(steps, "domain-pause") ||
				     !strcmp(steps, "foreign-map-shared")));
}

/*
 * Two that reap one domain: who finds the other one at it does not wait, and
 * so both come less far.
 */
static bool is_reaped_by_two(const char *end, const char *step, const long result[2])
{
	return op_ends_other(end) && !strncmp(step, "die-", 4) && !result[1] &&
	       (!result[0] || result[0] == -ERESTART);
}

bool op_end_is_known(const char *a, const char *b, bool one_domain,
		     const long result[2])
{
	const struct other_end *e;
	unsigned int i;

	if (is_ended_pin(a, b, result[0]) || is_ended_pin(b, a, result[1]) ||
	    is_stopped_between(a, b, result) || is_reaped_by_two(a, b, result))
		return true;
	for (i = 0; i < ARRAY_COUNT(other_ends); i++) {
		e = &other_ends[i];
		if (!strcmp(e->a, a) && !strcmp(e->b, b) &&
		    e->one_domain == one_domain && e->result[0] == result[0] &&
		    e->result[1] == result[1])
			return true;
	}
	return false;
}
