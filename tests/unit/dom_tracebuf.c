/* SPDX-License-Identifier: MIT */
// links: hv/dom/tracebuf.c guest-lib/kernel/trace.c tests/port/port.c
/*
 * The trace buffer's writer (hv/dom) against the library's reader: order,
 * overwriting, a race of two threads.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <gl/trace.h>

#include "dom/domain.h"
#include "unit/suite.h"

static struct domain d;
static uint64_t time_now;
static bool no_memory;

uint64_t now_ns(void) { return time_now; }

void *heap_page_share(struct domain *of, enum heap_kind kind,
		      unsigned int pages)
{
	ck_assert_int_eq(kind, HEAP_TRACE);
	return no_memory ? NULL : calloc(pages, PAGE_SIZE);
}

static struct gl_trace reader;
static struct trace_record r;

static int open_buffer(void)
{
	int rc;

	spin_lock(&d.mm);
	rc = tracebuf_open(&d);
	spin_unlock(&d.mm);
	return rc;
}

static void setup(void)
{
	d = (struct domain){ .id = 1 };
	time_now = 100;
	spin_lock_init(&d.mm, LOCK_MM);
	tracebuf_init(&d);
	ck_assert_int_eq(open_buffer(), 0);
	ck_assert(gl_trace_start(&reader, d.trace.header));
	reader.next = 1;	/* behind TRACE_BUILT */
}

static void teardown(void)
{
	free(d.trace.header);
}

static void event(uint64_t name)
{
	time_now += 10;
	trace_event(&d, TRACE_OFFER, name % 14, MFN(name & 0xffffff), name);
}

static void expect(uint64_t number)
{
	ck_assert(gl_trace_next(&reader, &r));
	ck_assert_uint_eq(r.seq, number + 2);
	ck_assert_uint_eq(r.name, number);
	ck_assert_uint_eq(r.event, TRACE_OFFER);
	ck_assert_uint_eq(r.result, number % 14);
	ck_assert_uint_eq(r.mfn, number & 0xffffff);
	ck_assert_uint_eq(r.time_ns, 100 + 10 * (number + 1));
}

START_TEST(in_order)
{
	ck_assert(!gl_trace_next(&reader, &r));
	for (uint64_t n = 0; n < 5; n++)
		event(n);
	for (uint64_t n = 0; n < 5; n++)
		expect(n);
	ck_assert(!gl_trace_next(&reader, &r));
	event(5);
	expect(5);
	ck_assert_uint_eq(reader.lost, 0);
}
END_TEST

/* The records end within the pages, whole, right behind the header. */
START_TEST(layout)
{
	const struct trace_header *h = d.trace.header;

	ck_assert_uint_eq(h->magic, TRACE_MAGIC);
	ck_assert_uint_eq(h->header_bytes, 64);
	ck_assert_uint_eq(h->record_bytes, 32);
	ck_assert_uint_eq(h->records, (HEAP_TRACE_PAGES * 4096 - 64) / 32);
	for (uint64_t n = 0; n < h->records; n++)
		event(n);	/* ASan: not beyond the end */
	for (uint64_t n = 0; n < h->records; n++)
		expect(n);
}
END_TEST

START_TEST(overwritten)
{
	uint64_t records = TRACE_RECORDS;

	for (uint64_t n = 0; n < records + 7; n++)
		event(n);
	expect(7);
	ck_assert_uint_eq(reader.lost, 7);
	for (uint64_t n = records + 7; n < 3 * records; n++)
		event(n);
	for (uint64_t n = 2 * records; n < 3 * records; n++)
		expect(n);
	ck_assert(!gl_trace_next(&reader, &r));
	ck_assert_uint_eq(reader.lost, 2 * records - 1);
}
END_TEST

/* A record that is being written while it is read does not count. */
START_TEST(torn)
{
	struct trace_record *first = (void *)(d.trace.header + 1);

	event(0);
	event(1);
	first[1].seq = 0;
	expect(1);
	ck_assert_uint_eq(reader.lost, 1);
}
END_TEST

START_TEST(for_the_hypervisor)
{
	ck_assert_uint_eq(trace_record_at(&d, 0)->event, TRACE_BUILT);
	ck_assert_ptr_null(trace_record_at(&d, 1));
	for (uint64_t n = 0; n <= TRACE_RECORDS; n++)
		event(n);
	ck_assert_ptr_null(trace_record_at(&d, 0));
	ck_assert_ptr_null(trace_record_at(&d, 1));
	ck_assert_uint_eq(trace_record_at(&d, 2)->name, 1);
	ck_assert_uint_eq(trace_record_at(&d, TRACE_RECORDS + 1)->name,
			  TRACE_RECORDS);
	ck_assert_ptr_null(trace_record_at(&d, TRACE_RECORDS + 2));
}
END_TEST

/* Before it is asked for, and without memory, nothing is written. */
START_TEST(none)
{
	struct trace_header *made = d.trace.header;

	d.trace = (struct tracebuf){ .built_ns = 55 };
	tracebuf_init(&d);
	no_memory = true;
	ck_assert_int_eq(open_buffer(), -ENOMEM);
	no_memory = false;
	trace_event(&d, TRACE_DYING, 0, MFN(0), 0);
	ck_assert_ptr_null(trace_record_at(&d, 0));
	ck_assert_uint_eq(d.trace.written, 0);
	/* It begins with the domain's start; a second call makes no other. */
	ck_assert_int_eq(open_buffer(), 0);
	free(made);
	made = d.trace.header;
	ck_assert_uint_eq(trace_record_at(&d, 0)->time_ns, 55);
	ck_assert_int_eq(open_buffer(), 0);
	ck_assert_ptr_eq(d.trace.header, made);
	ck_assert_uint_eq(d.trace.written, 1);
}
END_TEST

#define RACE_EVENTS 300000ul

static void *writer(void *arg)
{
	for (uint64_t n = 0; n < RACE_EVENTS; n++)
		trace_event(&d, n & 7, n & 0xffff, MFN(n & 0xffffffff), n);
	return NULL;
}

/* Whatever was read is whole; read and lost add up to what was written. */
START_TEST(race)
{
	pthread_t thread;
	uint64_t read = 0;

	ck_assert_int_eq(pthread_create(&thread, NULL, writer, NULL), 0);
	while (read + reader.lost < RACE_EVENTS) {
		if (!gl_trace_next(&reader, &r))
			continue;
		read++;
		if (r.seq != r.name + 2 || r.mfn != (uint32_t)r.name ||
		    r.result != (r.name & 0xffff) || r.event != (r.name & 7))
			ck_abort_msg("record %lu is torn: name %lu",
				     (long)r.seq, (long)r.name);
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(read + reader.lost, RACE_EVENTS);
	ck_assert_uint_gt(read, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("trace");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, in_order);
	tcase_add_test(tc, layout);
	tcase_add_test(tc, overwritten);
	tcase_add_test(tc, torn);
	tcase_add_test(tc, for_the_hypervisor);
	tcase_add_test(tc, none);
	tcase_add_test(tc, race);
	return suite_run();
}
