/* SPDX-License-Identifier: MIT */
/*
 * A front end that wants to do harm.  xl gives it a disk; it finds the back end
 * through xenstore as a kernel does, shows that reading and writing work, and
 * then: requests that name pages it did not grant, or granted otherwise; parts
 * of pages and counts that are nonsense; pages taken back, offered for sharing
 * and granted again while the back end uses them; at last an index that lies.
 * Each request has an answer, and the right one where only one is right; what
 * Linux's back end makes of it is Linux's, but no frame may be lost, and a page
 * in use is not shared.  It ends with requests under way.
 */
#include <gl/event.h>
#include <gl/timer.h>

#define xen_mb()	__sync_synchronize()
#define xen_rmb()	__sync_synchronize()
#define xen_wmb()	__sync_synchronize()
#include <xen/io/blkif.h>
#include <xen/io/xenbus.h>

#include "attack.h"
#include "store.h"

#define BACKEND		0
#define HOME		"device/vbd/51712"
#define SLOTS		32u
#define SEGMENTS	BLKIF_MAX_SEGMENTS_PER_REQUEST
#define STORM_ROUNDS	10u
#define PULLS		2000u
#define WAIT_NS		2000000UL
#define WAIT_TRIES	20000u
#define NO_ANSWER	1	/* a status that no back end gives */

static struct blkif_sring *ring;
static uint32_t asked, seen;		/* requests, answers */
static evtchn_port_t port;
static int status_of[SLOTS];		/* by id; NO_ANSWER: not yet */
static uint64_t page[SEGMENTS];
static grant_ref_t ref[SEGMENTS];
/* What offers of granted pages came to. */
static unsigned int shared, in_use;
static long other;

static void on_event(evtchn_port_t p, void *data)
{
}

/* --- the ring --- */

static void take_answers(void)
{
	uint32_t end = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);

	for (; seen != end; seen++) {
		blkif_response_t a = ring->ring[seen % SLOTS].rsp;

		if (a.id < SLOTS)
			status_of[a.id] = a.status;
		else
			gl_test_fail("an answer to %lu", a.id);
	}
}

static void ask(blkif_request_t req, uint64_t id)
{
	req.id = id;
	status_of[id] = NO_ANSWER;
	ring->ring[asked % SLOTS].req = req;
	__atomic_store_n(&ring->req_prod, ++asked, __ATOMIC_RELEASE);
}

static void wait_all(void)
{
	unsigned int i;

	gl_event_send(port);
	for (i = 0; i < WAIT_TRIES && seen != asked; i++) {
		gl_sleep_ns(WAIT_NS);
		take_answers();
	}
	if (seen != asked)
		gl_test_fail("%u requests without an answer", asked - seen);
}

static int one(blkif_request_t req)
{
	ask(req, 0);
	wait_all();
	return status_of[0];
}

/* `n` whole pages of ours, from that sector on. */
static blkif_request_t request(uint8_t op, uint8_t n, uint64_t sector)
{
	blkif_request_t req = { .operation = op, .nr_segments = n,
				.sector_number = sector };
	unsigned int i;

	for (i = 0; i < n && i < SEGMENTS; i++)
		req.seg[i] = (struct blkif_request_segment){
			.gref = ref[i], .last_sect = 7 };
	return req;
}

/* --- finding the back end --- */

static void connect(void)
{
	char path[STORE_VALUE], node[STORE_VALUE], state[STORE_VALUE];
	uint64_t va = must_alloc();
	long r;

	ring = (struct blkif_sring *)va;
	memset(ring, 0, GL_PAGE_BYTES);
	ring->req_event = ring->rsp_event = 1;
	r = gl_grant_page(BACKEND, va, false);
	port = (evtchn_port_t)gl_event_alloc_unbound(BACKEND, on_event, NULL);
	store_write_number(HOME "/ring-ref", (uint64_t)r);
	store_write_number(HOME "/event-channel", port);
	store_write(HOME "/protocol", "x86_64-abi");
	store_read(HOME "/backend", path);
	gl_snprintf(node, sizeof(node), "%s/state", path);
	store_write_number(HOME "/state", XenbusStateInitialised);
	do {
		gl_sleep_ns(10 * WAIT_NS);
		store_read(node, state);
	} while (state[0] != '0' + XenbusStateConnected);
	store_write_number(HOME "/state", XenbusStateConnected);
}

/* --- attacks --- */

static void works(void)
{
	unsigned int i;

	for (i = 0; i < SEGMENTS; i++)
		pattern_fill(page[i], 100 + i);
	gl_test_equal(one(request(BLKIF_OP_WRITE, SEGMENTS, 0)), BLKIF_RSP_OKAY);
	for (i = 0; i < SEGMENTS; i++)
		memset((void *)page[i], 0, GL_PAGE_BYTES);
	gl_test_equal(one(request(BLKIF_OP_READ, SEGMENTS, 0)), BLKIF_RSP_OKAY);
	for (i = 0; i < SEGMENTS; i++)
		gl_test_check(pattern_intact(page[i], 100 + i));
}

static void bad_reference(grant_ref_t bad, uint8_t op, const char *what)
{
	blkif_request_t req = request(op, SEGMENTS, 0);
	int status;

	req.seg[SEGMENTS / 2].gref = bad;
	status = one(req);
	if (status != BLKIF_RSP_ERROR)
		gl_test_fail("%s: %d", what, status);
}

static void bad_references(void)
{
	uint64_t va = must_alloc();
	long readonly = gl_grant_page(BACKEND, va, true);
	long others = gl_grant_page(77, must_alloc(), false);

	pattern_fill(va, 7);
	bad_reference((grant_ref_t)readonly, BLKIF_OP_READ, "read-only page");
	gl_test_check(pattern_intact(va, 7));
	bad_reference((grant_ref_t)others, BLKIF_OP_WRITE, "another's page");
	bad_reference(500, BLKIF_OP_WRITE, "empty entry");
	bad_reference(1u << 20, BLKIF_OP_WRITE, "beyond the table");
	bad_reference(~0u, BLKIF_OP_READ, "the last number");
}

static void nonsense(void)
{
	blkif_request_t req = request(BLKIF_OP_READ, 1, 0);

	req.seg[0].first_sect = 7;
	req.seg[0].last_sect = 3;
	gl_test_equal(one(req), BLKIF_RSP_ERROR);
	req.seg[0].last_sect = 255;
	gl_test_equal(one(req), BLKIF_RSP_ERROR);
	gl_test_equal(one(request(BLKIF_OP_READ, 0, 0)), BLKIF_RSP_ERROR);
	gl_test_equal(one(request(BLKIF_OP_READ, SEGMENTS + 1, 0)), BLKIF_RSP_ERROR);
	gl_test_equal(one(request(BLKIF_OP_WRITE, 255, 0)), BLKIF_RSP_ERROR);
	gl_test_equal(one(request(BLKIF_OP_WRITE, 1, 1u << 30)), BLKIF_RSP_ERROR);
	gl_test_equal(one(request(BLKIF_OP_READ, 1, ~0UL - 3)), BLKIF_RSP_ERROR);
	gl_test_equal(one(request(77, 1, 0)), BLKIF_RSP_EOPNOTSUPP);
}

static struct grant_entry_v1 *entry(grant_ref_t r)
{
	return &((struct grant_entry_v1 *)GL_GRANT_VA)[r];
}

/* In use: taken back, with another frame, offered, granted again. */
static void pull(unsigned int i, unsigned int n)
{
	struct grant_entry_v1 *e = entry(ref[i]);
	long mfn;

	__atomic_store_n(&e->flags, n % 3 ? 0 : GTF_permit_access, __ATOMIC_SEQ_CST);
	e->frame = n % 2 ? ~0u : (uint32_t)gl_virt_to_mfn(page[(i + 1) % SEGMENTS]);
	mfn = offer(page[i]);
	if (mfn > 0) {
		shared++;
		gl_p2m_set(gl_virt_to_pfn(page[i]), (uint64_t)mfn);
		gl_test_equal(unshare(page[i]), SHARE_DONE);
	} else {
		in_use += mfn == -XEN_EBUSY;
		other = mfn;
	}
	e->frame = (uint32_t)gl_virt_to_mfn(page[i]);
	__atomic_or_fetch(&e->flags, GTF_permit_access, __ATOMIC_SEQ_CST);
}

static void storm(void)
{
	unsigned int n, i, good = 0, bad = 0;

	for (n = 0; n < STORM_ROUNDS; n++) {
		for (i = 0; i < SLOTS; i++)
			ask(request(n % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE, SEGMENTS, 8 * i), i);
		gl_event_send(port);
		for (i = 0; i < PULLS && seen != asked; i++) {
			pull(i % SEGMENTS, n + i);
			take_answers();
		}
		wait_all();
		for (i = 0; i < SLOTS; i++)
			status_of[i] == BLKIF_RSP_OKAY ? good++ : bad++;
	}
	gl_printf("storm: requests good=%u bad=%u offers shared=%u in_use=%u other=%ld\n", good, bad,
		  shared, in_use, other);
	gl_test_check(good && bad && shared && in_use);
	audit("the storm");
	works();
}

/* All its requests at once, of which it has none. */
static void lie(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS / 2; i++)
		ask(request(BLKIF_OP_READ, SEGMENTS, 8 * i), i);
	__atomic_store_n(&ring->req_prod, asked + 10000, __ATOMIC_RELEASE);
	gl_event_send(port);
	audit("the lie");
}

/* xl gives no budget for holds. */
static void own_quota(void)
{
	struct shareop_mode m = { .version = SHARE_MODE_VERSION, .flags = SHARE_MODE_OWN_QUOTA };

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_mode, (uint64_t)&m, sizeof(m), 0), 0);
}

/* rest=1: a guest like any other, its disk in use, until it is destroyed. */
static void rest(void)
{
	gl_printf("at rest\n");
	for (;;)
		gl_sleep_ns(10000000000);
}

void gl_main(void)
{
	unsigned int i;

	store_init();
	own_quota();
	gl_test_equal(gl_grant_init(1), 0);
	for (i = 0; i < SEGMENTS; i++) {
		page[i] = must_alloc();
		ref[i] = (grant_ref_t)gl_grant_page(BACKEND, page[i], false);
	}
	connect();
	works();
	if (gl_cmdline_u64("rest", 0))
		rest();
	bad_references();
	nonsense();
	works();
	storm();
	lie();
	gl_test_done();
}
