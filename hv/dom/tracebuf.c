/* SPDX-License-Identifier: MIT */
/* See tracebuf.h. */
#include <port.h>
#include <errno.h>

#include "dom/domain.h"
#include "x86/cpu.h"

static struct trace_record *place(const struct tracebuf *t, uint64_t n)
{
	struct trace_record *first = (struct trace_record *)(t->header + 1);

	return &first[n % TRACE_RECORDS];
}

void tracebuf_init(struct domain *d)
{
	spin_lock_init(&d->trace.lock, LOCK_TRACE);
}

/* The order of abi/trace.h. */
static void record_write(struct trace_record *to, const struct trace_record *from)
{
	WRITE_ONCE(to->seq, 0);
	atomic_fence_release();
	WRITE_ONCE(to->time_ns, from->time_ns);
	WRITE_ONCE(to->event, from->event);
	WRITE_ONCE(to->result, from->result);
	WRITE_ONCE(to->mfn, from->mfn);
	WRITE_ONCE(to->name, from->name);
	atomic_store_release(&to->seq, from->seq);
}

bool trace_begin(struct tracebuf *t)
{
	if (!atomic_load_acquire(&t->header))
		return false;
	spin_lock(&t->lock);
	t->time_ns = now_ns();	/* under the lock: times do not go back */
	return true;
}

inline void trace_put(struct tracebuf *t, enum trace_event event, uint16_t result,
	       mfn_t mfn, uint64_t name)
{
	struct trace_record r = {
		.seq = t->written + 1, .time_ns = t->time_ns,
		.event = event, .result = result, .mfn = mfn_n(mfn), .name = name,
	};

	record_write(place(t, t->written), &r);
	t->written++;
	atomic_store_release(&t->header->written, t->written);
}

void trace_end(struct tracebuf *t)
{
	spin_unlock(&t->lock);
}

int tracebuf_open(struct domain *d)
	needs_lock(&d->mm)
{
	struct tracebuf *t = &d->trace;
	struct trace_header *h;

	if (t->header)
		return 0;
	h = heap_page_share(d, HEAP_TRACE, HEAP_TRACE_PAGES);
	if (!h)
		return -ENOMEM;
	*h = (struct trace_header){
		.magic = TRACE_MAGIC,
		.header_bytes = sizeof(struct trace_header),
		.record_bytes = sizeof(struct trace_record),
		.records = TRACE_RECORDS,
	};
	/* Who sees the buffer waits for its first record (TB4). */
	spin_lock(&t->lock);
	atomic_store_release(&t->header, h);
	t->time_ns = t->built_ns;
	trace_put(t, TRACE_BUILT, 0, MFN(0), d->origin.generation);
	spin_unlock(&t->lock);
	return 0;
}

void trace_event(struct domain *d, enum trace_event event, uint16_t result,
		 mfn_t mfn, uint64_t name)
{
	struct tracebuf *t = &d->trace;

	if (!trace_begin(t))
		return;
	trace_put(t, event, result, mfn, name);
	trace_end(t);
}

const struct trace_record *trace_record_at(struct domain *d, uint64_t n)
{
	const struct tracebuf *t = &d->trace;

	if (!t->header || n >= t->written || t->written - n > TRACE_RECORDS)
		return NULL;
	return place(t, n);
}
