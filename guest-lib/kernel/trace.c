/* SPDX-License-Identifier: MIT */
/* The reader's half of hv/abi/trace.h; needs nothing else of the library. */
#include <stddef.h>

#include <gl/trace.h>

static const struct trace_record *place(const struct gl_trace *t)
{
	const char *base = (const char *)t->header;

	return (const struct trace_record *)(base + t->header->header_bytes +
		t->next % t->header->records * t->header->record_bytes);
}

bool gl_trace_start(struct gl_trace *t, const struct trace_header *header)
{
	t->header = header;
	t->next = t->lost = 0;
	return header->magic == TRACE_MAGIC && header->records &&
	       header->record_bytes >= sizeof(struct trace_record);
}

/* False: it was overwritten before or while it was read. */
static bool record_read(const struct gl_trace *t, struct trace_record *out)
{
	const volatile struct trace_record *r = place(t);

	out->seq = __atomic_load_n(&r->seq, __ATOMIC_ACQUIRE);
	if (out->seq != t->next + 1)
		return false;
	out->time_ns = r->time_ns;
	out->event = r->event;
	out->result = r->result;
	out->mfn = r->mfn;
	out->name = r->name;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&r->seq, __ATOMIC_RELAXED) == out->seq;
}

bool gl_trace_next(struct gl_trace *t, struct trace_record *out)
{
	for (;;) {
		uint64_t written = __atomic_load_n(&t->header->written,
						   __ATOMIC_ACQUIRE);

		if (t->next >= written)
			return false;
		if (written - t->next > t->header->records) {
			uint64_t oldest = written - t->header->records;

			t->lost += oldest - t->next;
			t->next = oldest;
		}
		if (record_read(t, out)) {
			t->next++;
			return true;
		}
		t->lost++;
		t->next++;
	}
}

const char *gl_trace_event_name(uint16_t event)
{
	static const char *const names[] = {
		"none", "built", "offer", "unshare", "break", "drop", "dying",
		"unhooked", "pages", "freed",
	};

	return event < sizeof(names) / sizeof(names[0]) ? names[event] : "?";
}
