// SPDX-License-Identifier: MIT
/*
 * Offers, a batch at a time (LX2, LX4), and how they went.
 *
 * Nobody is to be in the midst of using a page's old frame number: with one CPU
 * nobody is while this thread runs with interrupts off, and with several, while
 * the machine is stopped.
 */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/stop_machine.h>

#include "pasture.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

u64 offer_results[RESULTS];
u64 offer_calls_failed;
struct offer offer_batch;

bool offer_add(struct offer *o, unsigned long pfn, unsigned long second_va)
{
	o->pfn[o->count] = pfn;
	o->entry[o->count] = (struct shareop_entry){
		.pte = { (u64)pfn_to_kaddr(pfn), second_va },
		.nr_ptes = second_va ? 2 : 1,
		.status = SHARE_NOT_TRIED,
	};
	return ++o->count == OFFER_BATCH;
}

/* The last takes its place. */
static void offer_drop(struct offer *o, unsigned int i)
{
	o->count--;
	o->pfn[i] = o->pfn[o->count];
	o->entry[i] = o->entry[o->count];
}

long offer_call(struct offer *o)
{
	return o->count ? hyper_offer(o->entry, o->count) : 0;
}

void offer_account(struct offer *o, enum page_kind as, long rc)
{
	unsigned int i;

	offer_calls_failed += rc < 0;
	for (i = 0; i < o->count; i++) {
		struct kind_counters *c = &kind_counters[table_kind(o->pfn[i])];
		int status = o->entry[i].status;

		if (status < 0 || status >= RESULTS)
			status = SHARE_NOT_TRIED;
		offer_results[status]++;
		c->offered++;
		c->accepted += status == SHARE_DONE;
		trace_pasture_offer(o->pfn[i], table_kind(o->pfn[i]), as, status);
		table_offered(o->pfn[i], status);
	}
	o->count = 0;
}

struct sending {
	struct offer *o;
	offer_fn may_go;
	const void *arg;
	long rc;
};

static int send(void *sending)
{
	struct sending *s = sending;
	unsigned int i = 0;

	while (s->may_go && i < s->o->count)
		if (s->may_go(s->arg, s->o->pfn[i]))
			i++;
		else
			offer_drop(s->o, i);
	s->rc = offer_call(s->o);
	return 0;
}

long offer_send(struct offer *o, offer_fn may_go, const void *arg)
{
	struct sending s = { .o = o, .may_go = may_go, .arg = arg };
	unsigned long flags;

	if (!o->count)
		return 0;
	if (num_possible_cpus() > 1)
		return stop_machine(send, &s, NULL) ?: s.rc;
	local_irq_save(flags);
	send(&s);
	local_irq_restore(flags);
	return s.rc;
}
