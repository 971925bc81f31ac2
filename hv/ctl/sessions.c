/* SPDX-License-Identifier: MIT */
/*
 * See sessions.h.  A session is a control channel whose port is a pair of
 * rings: the first domain's calls move bytes on any CPU, the boot CPU has the
 * channel itself.
 *
 * SESS1  A session's rings, number and age are under the lock, and no guest's
 *        memory is touched while it is held: bytes go by a small piece on the
 *        stack.
 * SESS2  A number is given once.  Who lost his session to another client gets
 *        -ESRCH, and no byte of the other's.
 * SESS3  A new session's rings are the client's at once, its channel when the
 *        boot CPU has dropped what the one before was about: until then that
 *        channel gets no byte and gives none (`fresh`).
 * SESS4  A client that ended without a word, or was stopped, is not waited for:
 *        the session that was not called for the longest time, and not for
 *        STALE_NS, goes to the next one that wants one.
 */
#include <port.h>
#include <errno.h>

#include "ctl/channel.h"
#include "ctl/sessions.h"
#include "debug/log.h"
#include "mm/objpool.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define SESSIONS	4u
#define RING_BYTES	4096u	/* a power of two */
#define PIECE		256u
#define STALE_NS	10000000000UL

struct ring {
	char text[RING_BYTES];
	uint32_t head, tail;	/* run freely */
};

struct session {
	struct channel channel;	/* its own end: boot CPU */
	/* SESS1, all below: lock */
	uint64_t number;	/* 0: free */
	uint64_t called_ns;	/* when it last was */
	bool fresh;		/* SESS3 */
	struct ring to_us, to_client;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_SESSION);
static struct session *sessions;	/* constant; NULL: there are none */
static uint64_t last_number;		/* lock; SESS2 */

/* --- rings --- */

static uint32_t ring_room(const struct ring *r)
{
	return RING_BYTES - (r->head - r->tail);
}

static uint32_t ring_put(struct ring *r, const char *bytes, uint32_t count)
{
	uint32_t i, n = MIN(count, ring_room(r));

	for (i = 0; i < n; i++)
		r->text[r->head++ % RING_BYTES] = bytes[i];
	return n;
}

static uint32_t ring_take(struct ring *r, char *bytes, uint32_t count)
{
	uint32_t i, n = MIN(count, r->head - r->tail);

	for (i = 0; i < n; i++)
		bytes[i] = r->text[r->tail++ % RING_BYTES];
	return n;
}

/* --- the channel's end: boot CPU --- */

static struct session *session_of(struct channel *c)
{
	return container_of(c, struct session, channel);
}

static size_t session_put(struct channel *c, const char *bytes, size_t count)
{
	struct session *s = session_of(c);
	uint32_t n = 0;

	spin_lock(&lock);
	if (!s->fresh)
		n = ring_put(&s->to_client, bytes, count);
	spin_unlock(&lock);
	return n;
}

static int session_read(struct channel *c)
{
	struct session *s = session_of(c);
	bool got = false;
	char byte = 0;

	spin_lock(&lock);
	if (!s->fresh)
		got = ring_take(&s->to_us, &byte, 1);
	spin_unlock(&lock);
	return got ? (unsigned char)byte : -1;
}

/* False: nobody has it.  `*fresh`: somebody else than when we last asked. */
static bool session_used(struct session *s, bool *fresh)
{
	bool used;

	spin_lock(&lock);
	used = s->number;
	*fresh = s->fresh;
	s->fresh = false;
	spin_unlock(&lock);
	return used;
}

void sessions_look(void)
{
	unsigned int i;
	bool fresh;

	for (i = 0; sessions && i < SESSIONS; i++) {
		if (!session_used(&sessions[i], &fresh))
			continue;
		if (fresh)
			channel_restart(&sessions[i].channel);
		channel_look(&sessions[i].channel);
	}
}

bool sessions_start(void)
{
	static const struct channel_port port = { session_put, session_read, true };
	unsigned int i;

	sessions = obj_alloc(SESSIONS * sizeof(sessions[0]));
	for (i = 0; sessions && i < SESSIONS; i++)
		if (!channel_init(&sessions[i].channel, &port))
			sessions = NULL;
	if (!sessions)
		log_warn("control: no memory for the first domain's clients");
	return sessions;
}

/* --- the client's end: any CPU --- */

static struct session *find(uint64_t number) needs_lock(&lock)
{
	unsigned int i;

	for (i = 0; i < SESSIONS; i++)
		if (sessions[i].number == number)
			return &sessions[i];
	return NULL;
}

/* SESS4; NULL: all are in use. */
static struct session *find_stale(void) needs_lock(&lock)
{
	struct session *oldest = &sessions[0];
	unsigned int i;

	for (i = 1; i < SESSIONS; i++)
		if (sessions[i].called_ns < oldest->called_ns)
			oldest = &sessions[i];
	return now_ns() > oldest->called_ns + STALE_NS ? oldest : NULL;
}

/* The number of a session that is the caller's now; 0: there is none. */
static uint64_t open(void)
{
	uint64_t number = 0;
	struct session *s;

	spin_lock(&lock);
	s = find(0) ?: find_stale();
	if (s) {
		number = s->number = ++last_number;
		s->called_ns = now_ns();
		s->fresh = true;
		s->to_us.head = s->to_us.tail = 0;
		s->to_client.head = s->to_client.tail = 0;
	}
	spin_unlock(&lock);
	return number;
}

/*
 * What a ring took of a piece that is given, or had of one that is taken;
 * -ESRCH: the session is another one's.
 */
static long move_piece(uint64_t number, char *piece, uint32_t count, bool given)
{
	struct session *s;
	long n = -ESRCH;

	spin_lock(&lock);
	s = find(number);
	if (s) {
		s->called_ns = now_ns();
		n = given ? ring_put(&s->to_us, piece, count) :
			    ring_take(&s->to_client, piece, count);
	}
	spin_unlock(&lock);
	return n;
}

/* No more than a ring has room for: a call is short, whoever empties it. */
static long give(struct pasture_control *op)
{
	uint32_t most = MIN(op->give_bytes, RING_BYTES), done = 0, n;
	char piece[PIECE];
	long got = 0;

	do {
		n = MIN(most - done, PIECE);
		if (copy_from_guest(piece, op->give + done, n))
			return -EFAULT;
		got = move_piece(op->session, piece, n, true);
		if (got < 0)
			return got;
		done += got;
	} while (done < most && got == n);
	op->give_bytes = done;
	return 0;
}

static long take(struct pasture_control *op)
{
	uint32_t most = MIN(op->take_bytes, RING_BYTES), done = 0, n;
	char piece[PIECE];
	long got;

	do {
		n = MIN(most - done, PIECE);
		got = move_piece(op->session, piece, n, false);
		if (got < 0)
			return got;
		if (copy_to_guest(op->take + done, piece, got))
			return -EFAULT;
		done += got;
	} while (done < most && got == n);
	op->take_bytes = done;
	return 0;
}

static void end(uint64_t number)
{
	struct session *s;

	spin_lock(&lock);
	s = find(number);
	if (s)
		s->number = 0;
	spin_unlock(&lock);
}

long sessions_call(struct pasture_control *op)
{
	long rc;

	if (!sessions)
		return -ENOSYS;
	if (op->flags & ~PASTURE_CONTROL_END || op->reserved)
		return -EINVAL;
	if (!op->session)
		op->session = open();
	if (!op->session)
		return -EBUSY;
	rc = give(op);
	if (!rc)
		rc = take(op);
	if (!rc && op->flags & PASTURE_CONTROL_END)
		end(op->session);
	return rc;
}
