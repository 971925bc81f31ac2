// SPDX-License-Identifier: MIT
// links: hv/dom/store.c hv/lib/fmt.c tests/port/port.c tests/fake/fake_dom.c
/*
 * The xenstore ring: answers, requests in pieces, no room, rings whose indices
 * are lies (XS1-XS4).
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "dom/evtchn.h"
#include "dom/ringpage.h"
#include "dom/store.h"
#include "fake/fake_dom.h"
#include "fake/fake_ram.h"
#include "unit/suite.h"

#define PORT	7

typedef struct xenstore_domain_interface ring_t;

static struct domain *d;
static ring_t *ring;
static unsigned int events;

void evtchn_set_pending(struct domain *to, uint32_t port)
{
	ck_assert_ptr_eq(to, d);
	ck_assert_uint_eq(port, PORT);
	events++;
}

static void setup(void)
{
	fake_reset();
	fake_ram_init(8 * PAGE_SIZE);
	d = fake_domain(0);
	memset(mfn_to_frame(MFN(1)), 0, sizeof(struct frame));
	ck_assert_int_eq(store_init(d, mfn_to_frame(MFN(1)), PORT), 0);
	ring = mfn_to_virt(MFN(1));
	events = 0;
}

static void teardown(void)
{
	store_fini(d);
	store_fini(d);	/* twice is harmless */
	store_serve(d);
	ck_assert_int_eq(fake.allocs, 0);
	ck_assert_uint_eq(mfn_to_frame(MFN(1))->state, 0);
	ck_assert_uint_eq(type_count(mfn_to_frame(MFN(1))->type), 0);
}

static void put(const void *from, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		ring->req[MASK_XENSTORE_IDX(ring->req_prod++)] =
			((const char *)from)[i];
}

static uint32_t get(void *to, uint32_t bytes)
{
	uint32_t n = ring->rsp_prod - ring->rsp_cons;

	n = n < bytes ? n : bytes;
	for (uint32_t i = 0; i < n; i++)
		((char *)to)[i] = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons++)];
	return n;
}

static void ask(uint32_t type, const char *text)
{
	struct xsd_sockmsg msg = { type, 17, 3, strlen(text) + 1 };

	put(&msg, sizeof(msg));
	put(text, msg.len);
}

static void expect(uint32_t type, const char *text, uint32_t bytes)
{
	struct xsd_sockmsg msg;
	char got[1024];

	ck_assert_uint_eq(get(&msg, sizeof(msg)), sizeof(msg));
	ck_assert_uint_eq(msg.type, type);
	ck_assert_uint_eq(msg.req_id, 17);
	ck_assert_uint_eq(msg.tx_id, 3);
	ck_assert_uint_eq(msg.len, bytes);
	ck_assert_uint_eq(get(got, bytes), bytes);
	ck_assert(!memcmp(got, text, bytes));
}

static void ask_expect(uint32_t type, const char *question, uint32_t answer,
		       const char *text, uint32_t bytes)
{
	ask(type, question);
	store_serve(d);
	expect(answer, text, bytes);
	ck_assert_uint_eq(ring->req_cons, ring->req_prod);
	ck_assert_uint_eq(ring->rsp_cons, ring->rsp_prod);
}

START_TEST(answers)
{
	ask_expect(XS_READ, "domid", XS_READ, "1", 1);
	ask_expect(XS_READ, "cpu/0/availability", XS_READ, "online", 6);
	ask_expect(XS_READ, "cpu/1/availability", XS_ERROR, "ENOENT", 7);
	ask_expect(XS_READ, "cpu/00/availability", XS_ERROR, "ENOENT", 7);
	ask_expect(XS_READ, "cpu//availability", XS_ERROR, "ENOENT", 7);
	ask_expect(XS_READ, "cpu/0/available", XS_ERROR, "ENOENT", 7);
	d->vcpu_count = 12;
	ask_expect(XS_READ, "cpu/11/availability", XS_READ, "online", 6);
	ask_expect(XS_READ, "cpu/12/availability", XS_ERROR, "ENOENT", 7);
	d->vcpu_count = 1;
	ask_expect(XS_READ, "domid2", XS_ERROR, "ENOENT", 7);
	ask_expect(XS_READ, "", XS_ERROR, "ENOENT", 7);
	ask_expect(XS_DIRECTORY, "device/vbd", XS_ERROR, "ENOENT", 7);
	ask_expect(XS_GET_DOMAIN_PATH, "1", XS_GET_DOMAIN_PATH,
		   "/local/domain/1", 16);
	ask_expect(XS_TRANSACTION_START, "", XS_TRANSACTION_START, "1", 2);
	ask_expect(XS_TRANSACTION_END, "T", XS_TRANSACTION_END, "OK", 3);
	ask_expect(XS_WATCH, "control/shutdown", XS_WATCH, "OK", 3);
	ask_expect(XS_WRITE, "a", XS_WRITE, "OK", 3);
	ask_expect(XS_INTRODUCE, "a", XS_ERROR, "ENOSYS", 7);
	ask_expect(~0u, "a", XS_ERROR, "ENOSYS", 7);
	ck_assert_uint_eq(events, 18);
	store_serve(d);
	ck_assert_uint_eq(events, 18);	/* nothing new, no event */
	ck_assert_uint_eq(ring->error, 0);
}
END_TEST

/* Whatever the cuts, and around the ring's end many times. */
START_TEST(in_pieces)
{
	char text[200];

	srand(3);
	for (unsigned int round = 0; round < 2000; round++) {
		struct xsd_sockmsg msg = { XS_DIRECTORY, 17, 3,
					   rand() % sizeof(text) };
		uint32_t cut = rand() % (sizeof(msg) + 1);

		memset(text, 'x', sizeof(text));
		put(&msg, cut);
		store_serve(d);
		put((char *)&msg + cut, sizeof(msg) - cut);
		store_serve(d);
		cut = rand() % (msg.len + 1);
		put(text, cut);
		store_serve(d);
		put(text, msg.len - cut);
		store_serve(d);
		expect(XS_ERROR, "ENOENT", 7);
	}
}
END_TEST

/* XS2: no room, no reading; nothing is lost. */
START_TEST(no_room)
{
	unsigned int asked = 0, answered = 0;

	for (unsigned int round = 0; round < 20; round++) {
		while (ring->req_prod - ring->req_cons + 18 <= sizeof(ring->req)) {
			ask(XS_READ, "y");
			asked++;
		}
		store_serve(d);
		ck_assert_uint_le(ring->rsp_prod - ring->rsp_cons,
				  sizeof(ring->rsp));
	}
	ck_assert_uint_gt(ring->req_prod, ring->req_cons);
	while (answered < asked) {
		expect(XS_ERROR, "ENOENT", 7);
		answered++;
		store_serve(d);
	}
	ck_assert_uint_eq(ring->req_prod, ring->req_cons);
	ck_assert_uint_eq(ring->rsp_prod, ring->rsp_cons);
}
END_TEST

static void stays_silent(uint32_t error)
{
	store_serve(d);
	ck_assert_uint_eq(ring->error, error);
	events = 0;
	ring->req_prod = ring->req_cons;
	ask(XS_READ, "domid");
	store_serve(d);
	ck_assert_uint_eq(events, 0);
}

START_TEST(lies) /* XS1, XS3 */
{
	switch (_i) {
	case 0:
		ring->req_prod = ring->req_cons + 1025;
		return stays_silent(XENSTORE_ERROR_RINGIDX);
	case 1:
		ring->rsp_cons = 1;
		ask(XS_READ, "domid");
		return stays_silent(XENSTORE_ERROR_RINGIDX);
	case 2:
		put(&(struct xsd_sockmsg){ XS_READ, 0, 0, 4097 }, 16);
		return stays_silent(XENSTORE_ERROR_PROTO);
	default:	/* our own indices are not read back */
		ring->req_cons = 900;
		ring->rsp_prod = 900;
		ask(XS_READ, "domid");
		store_serve(d);
		expect(XS_READ, "1", 1);
	}
}
END_TEST

START_TEST(refused_frames)
{
	struct domain *other = fake_domain(1);
	struct frame *f = mfn_to_frame(MFN(2));

	memset(f, 0, sizeof(*f));
	fake.alloc_fail_at = 1;
	ck_assert_int_eq(store_init(other, f, PORT), -ENOMEM);
	ck_assert_ptr_null(other->store);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answers);
	tcase_add_test(tc, in_pieces);
	tcase_add_test(tc, no_room);
	tcase_add_loop_test(tc, lies, 0, 4);
	tcase_add_test(tc, refused_frames);
	return suite_run();
}
