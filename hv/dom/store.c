/* SPDX-License-Identifier: MIT */
/*
 * The xenstore ring of each guest; store.h says what is in it.
 *
 * It is served when the guest notifies the port and whenever a vCPU leaves its
 * CPU (sched_leave()), like the console.
 *
 * XS1  The guest writes anything to the ring at any time.  The hypervisor's own
 *      indices are kept here and only copied to the ring; the guest's are read
 *      once for each look.
 * XS2  One look takes at most one ring of requests (1024 bytes).  A request is
 *      answered before the next one is read: no room for the answer means no
 *      reading.
 * XS3  A distance between indices that cannot be, or a payload above the
 *      protocol's limit, ends the service: the ring's error field says why.
 * XS4  d->store and all of it belong to LOCK_DOMAIN.
 */
#include <port.h>
#include <errno.h>

#include <xen/io/xs_wire.h>

#include "dom/evtchn.h"
#include "dom/ringpage.h"
#include "dom/store.h"
#include "lib/fmt.h"
#include "mm/objpool.h"

#define PATH_KEPT	32	/* longer paths are none that we know */
#define ANSWER_MAX	40

typedef struct xenstore_domain_interface ring_t;

struct store {
	ring_t *ring;
	struct frame *frame;
	uint32_t port;
	uint32_t req_cons, rsp_prod; /* XS1 */
	bool broken;		/* XS3 */
	struct xsd_sockmsg msg;	/* the request that comes in */
	uint32_t got;		/* bytes of it, its header included */
	char path[PATH_KEPT];
	uint32_t answer_bytes;	/* waits for room, 0 = none */
	struct {
		struct xsd_sockmsg msg;
		char text[ANSWER_MAX];
	} answer;
};

static void fail(struct store *s, uint32_t error)
{
	s->broken = true;
	WRITE_ONCE(s->ring->error, error);
}

/* --- one request --- */

/* `bytes` of text: most strings go out with their NUL, values without. */
static void answer(struct store *s, uint32_t type, const char *text,
		   uint32_t bytes)
{
	s->answer.msg = s->msg;
	s->answer.msg.type = type;
	s->answer.msg.len = bytes;
	memcpy(s->answer.text, text, bytes);
	s->answer_bytes = sizeof(s->answer.msg) + bytes;
	s->got = 0;
}

static void answer_text(struct store *s, const char *text)
{
	answer(s, s->msg.type, text, strlen(text) + 1);
}

static void answer_error(struct store *s, const char *name)
{
	answer(s, XS_ERROR, name, strlen(name) + 1);
}

static void answer_number(struct store *s, const char *format, uint32_t number,
			  bool nul)
{
	char text[ANSWER_MAX];

	fmt_snprintf(text, sizeof(text), format, number);
	answer(s, s->msg.type, text, strlen(text) + (nul ? 1 : 0));
}

/* cpu/N/availability of one of the domain's. */
static bool names_vcpu(const struct domain *d, const char *path)
{
	const char *number = path + 4, *rest = number;
	uint32_t n = 0;

	if (strncmp(path, "cpu/", 4))
		return false;
	for (; *rest >= '0' && *rest <= '9' && rest - number < 2; rest++)
		n = 10 * n + (uint32_t)(*rest - '0');
	return rest > number && (*number != '0' || rest == number + 1) &&
	       !strcmp(rest, "/availability") && n < d->vcpu_count;
}

static void request_done(struct domain *d, struct store *s) needs_lock(&d->lock)
{
	uint32_t bytes = MIN(s->msg.len, PATH_KEPT - 1);

	s->path[bytes] = '\0';
	switch (s->msg.type) {
	case XS_READ:
		if (!strcmp(s->path, "domid"))
			return answer_number(s, "%u", d->id, false);
		if (names_vcpu(d, s->path))
			return answer(s, XS_READ, "online", 6);
		return answer_error(s, "ENOENT");
	case XS_DIRECTORY: case XS_GET_PERMS: case XS_DIRECTORY_PART:
		return answer_error(s, "ENOENT");
	case XS_GET_DOMAIN_PATH:
		return answer_number(s, "/local/domain/%u", d->id, true);
	case XS_TRANSACTION_START:
		return answer_text(s, "1");
	case XS_TRANSACTION_END: case XS_WRITE: case XS_MKDIR: case XS_RM:
	case XS_SET_PERMS: case XS_WATCH: case XS_UNWATCH:
	case XS_RESET_WATCHES:
		return answer_text(s, "OK");
	default:
		return answer_error(s, "ENOSYS");
	}
}

static void request_byte(struct domain *d, struct store *s, char c)
	needs_lock(&d->lock)
{
	uint32_t header = sizeof(s->msg), at = s->got++;

	if (at < header)
		((char *)&s->msg)[at] = c;
	else if (at - header < PATH_KEPT - 1)
		s->path[at - header] = c;
	if (s->got < header)
		return;
	if (s->msg.len > XENSTORE_PAYLOAD_MAX)
		fail(s, XENSTORE_ERROR_PROTO);
	else if (s->got == header + s->msg.len)
		request_done(d, s);
}

/* --- the ring --- */

/* False: no room yet. */
static bool answer_send(struct store *s)
{
	ring_t *ring = s->ring;
	uint32_t cons = atomic_load_acquire(&ring->rsp_cons);
	const char *from = (const char *)&s->answer;

	if (s->rsp_prod - cons > sizeof(ring->rsp)) {
		fail(s, XENSTORE_ERROR_RINGIDX);
		return false;
	}
	if (sizeof(ring->rsp) - (s->rsp_prod - cons) < s->answer_bytes)
		return false;
	for (uint32_t i = 0; i < s->answer_bytes; i++)
		WRITE_ONCE(ring->rsp[MASK_XENSTORE_IDX(s->rsp_prod + i)],
			   from[i]);
	s->rsp_prod += s->answer_bytes;
	s->answer_bytes = 0;
	atomic_store_release(&ring->rsp_prod, s->rsp_prod);
	return true;
}

/* True: the guest has something to look at. */
static bool serve(struct domain *d, struct store *s) needs_lock(&d->lock)
{
	ring_t *ring = s->ring;
	uint32_t prod = atomic_load_acquire(&ring->req_prod);
	uint32_t first = s->req_cons;
	bool answered = false;

	if (prod - s->req_cons > sizeof(ring->req)) {
		fail(s, XENSTORE_ERROR_RINGIDX);
		return false;
	}
	for (;;) { /* XS2 */
		if (s->answer_bytes) {
			if (!answer_send(s))
				break;
			answered = true;
		}
		if (s->req_cons == prod || s->broken)
			break;
		request_byte(d, s, READ_ONCE(ring->req[
				     MASK_XENSTORE_IDX(s->req_cons)]));
		s->req_cons++;
	}
	atomic_store_release(&ring->req_cons, s->req_cons);
	return answered || s->req_cons != first;
}

static bool has_work(const struct store *s)
{
	return !s->broken && (s->answer_bytes ||
			      READ_ONCE(s->ring->req_prod) != s->req_cons);
}

void store_serve(struct domain *d)
{
	struct store *s;
	uint32_t port = 0;

	spin_lock(&d->lock);
	s = d->store;
	if (s && has_work(s) && serve(d, s))
		port = s->port;
	spin_unlock(&d->lock);
	if (port)
		evtchn_set_pending(d, port);
}

/* --- life --- */

int store_init(struct domain *d, struct frame *ring_frame, uint32_t port)
{
	struct store *s = obj_alloc(sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	rc = ringpage_get(d, ring_frame);
	if (rc) {
		obj_free(s, sizeof(*s));
		return rc;
	}
	s->frame = ring_frame;
	s->ring = mfn_to_virt(frame_to_mfn(ring_frame));
	s->port = port;
	s->req_cons = READ_ONCE(s->ring->req_prod);
	s->rsp_prod = READ_ONCE(s->ring->rsp_cons);
	spin_lock(&d->lock);
	d->store = s;
	spin_unlock(&d->lock);
	return 0;
}

struct frame *store_ring_frame(const struct domain *d)
{
	return d->store->frame;
}

void store_fini(struct domain *d)
{
	struct store *s;

	spin_lock(&d->lock);
	s = d->store;
	d->store = NULL;
	spin_unlock(&d->lock);
	if (!s)
		return;
	ringpage_put(s->frame);
	obj_free(s, sizeof(*s));
}
