/* SPDX-License-Identifier: MIT */
/*
 * Unmapping when nobody uses the pages any more; gl/unmap_async.h has the rules
 * (U1-U4).
 *
 * An attempt: freeze every page (count 1 -> 0; any other count: thaw and wait),
 * unmap, thaw.  Attempts are made with the queue locked, `done` is called
 * without, so it may make further requests.  A request leaves the queue before
 * its `done` is called, so a retry or stop that comes meanwhile does not find
 * it (U1).
 */
#include <xen/errno.h>

#include <gl/unmap_async.h>

struct gl_unmap_request {
	struct gl_unmap_request *next;
	struct gnttab_unmap_grant_ref *ops, *kops;
	struct gl_page **pages;
	unsigned int count;
	void (*done)(void *data);
	void *data;
	size_t bytes;
	/* of each page's mapping, at the time of the request */
	uint32_t generation[];
};

bool gl_page_get(struct gl_page *p)
{
	uint32_t refs = __atomic_load_n(&p->refs, __ATOMIC_RELAXED);

	do {
		if (!refs)
			return false;
	} while (!__atomic_compare_exchange_n(&p->refs, &refs, refs + 1, false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

void gl_page_put(struct gl_page *p)
{
	__atomic_sub_fetch(&p->refs, 1, __ATOMIC_RELEASE);
}

void gl_page_set_foreign(struct gl_page *p, domid_t domid, grant_ref_t gref,
			 uint32_t handle)
{
	p->foreign = (uint64_t)domid << 32 | gref;
	p->handle = handle;
	p->generation++;
	p->flags |= GL_PG_FOREIGN;
}

void gl_page_clear_foreign(struct gl_page *p)
{
	p->flags &= ~GL_PG_FOREIGN;
	p->foreign = 0;
}

void gl_unmap_init(struct gl_unmap *u, const struct gl_unmap_ops *ops, void *ctx)
{
	*u = (struct gl_unmap){ .ops = ops, .ctx = ctx };
	u->last = &u->first;
}

/* --- pages --- */

/* Is the page's present mapping the one that r means?  (U3) */
static bool is_meant(const struct gl_unmap_request *r, unsigned int i)
{
	const struct gl_page *p = r->pages[i];

	return (p->flags & GL_PG_FOREIGN) && p->generation == r->generation[i];
}

static bool named_before(const struct gl_unmap_request *r, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++)
		if (r->pages[j] == r->pages[i])
			return true;
	return false;
}

/* A page named twice is frozen by its first name. */
static bool freeze_one(const struct gl_unmap_request *r, unsigned int i)
{
	uint32_t one = 1;

	if (!is_meant(r, i))
		return true;
	if (__atomic_compare_exchange_n(&r->pages[i]->refs, &one, 0, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return true;
	return one == 0 && named_before(r, i);
}

static void thaw(const struct gl_unmap_request *r, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (is_meant(r, i))
			__atomic_store_n(&r->pages[i]->refs, 1,
					 __ATOMIC_RELEASE);
}

static bool freeze(const struct gl_unmap_request *r)
{
	unsigned int i;

	for (i = 0; i < r->count; i++)
		if (!freeze_one(r, i)) {
			thaw(r, i);
			return false;
		}
	return true;
}

/* --- one attempt; locked --- */

/*
 * One hypercall; a status that is an error says that the mapping was not there.
 */
static bool unmap_ops(struct gl_unmap *u, struct gnttab_unmap_grant_ref *ops,
		      unsigned int count)
{
	unsigned int i;

	if (u->ops->unmap(u->ctx, ops, count))
		return false;
	for (i = 0; i < count; i++)
		u->counters.errors += ops[i].status != GNTST_okay;
	return true;
}

static void page_over(struct gl_unmap *u, struct gl_page *p)
{
	gl_page_clear_foreign(p);
	if (u->ops->unmapped)
		u->ops->unmapped(u->ctx, p);
	__atomic_store_n(&p->refs, 1, __ATOMIC_RELEASE);
}

/* The pages from i on that are all meant, and each named once. */
static unsigned int run_length(const struct gl_unmap_request *r, unsigned int i)
{
	unsigned int n = 0;

	while (i + n < r->count && is_meant(r, i + n) &&
	       !named_before(r, i + n))
		n++;
	return n;
}

/* Unmap pages [i, i + n); false: the hypervisor would not, all is as before. */
static bool unmap_run(struct gl_unmap *u, struct gl_unmap_request *r,
		      unsigned int i, unsigned int n)
{
	unsigned int j;

	if (r->kops && !unmap_ops(u, &r->kops[i], n))
		return false;
	if (!unmap_ops(u, &r->ops[i], n))
		return false;
	for (j = i; j < i + n; j++)
		page_over(u, r->pages[j]);
	return true;
}

static bool unmap_all(struct gl_unmap *u, struct gl_unmap_request *r)
{
	unsigned int i = 0, n;

	while (i < r->count) {
		n = run_length(r, i);
		if (n && !unmap_run(u, r, i, n))
			return false;
		i += n;
		if (n || i == r->count)
			continue;
		u->counters.skipped++;	/* gone already (U3) */
		r->ops[i++].status = GNTST_okay;
	}
	return true;
}

/*
 * True when all of the request's pages are unmapped.  force: whatever the
 * counts (U4).
 */
static bool attempt(struct gl_unmap *u, struct gl_unmap_request *r, bool force)
{
	if (!force && !freeze(r))
		return false;
	if (unmap_all(u, r))
		return true;
	if (!force)
		thaw(r, r->count);
	return false;
}

/* --- requests --- */

static struct gl_unmap_request *request_new(struct gl_unmap *u,
					    unsigned int count)
{
	size_t bytes = sizeof(struct gl_unmap_request) +
		       count * sizeof(uint32_t);
	struct gl_unmap_request *r = u->ops->alloc(u->ctx, bytes);

	if (r)
		r->bytes = bytes;
	return r;
}

static void request_end(struct gl_unmap *u, struct gl_unmap_request *r)
{
	void (*done)(void *data) = r->done;
	void *data = r->data;

	u->ops->free(u->ctx, r, r->bytes);
	done(data);
}

/*
 * Locked.  True: it is over, or it may not be queued; else it is in the queue.
 */
static bool submit(struct gl_unmap *u, struct gl_unmap_request *r)
{
	u->counters.accepted++;
	if (attempt(u, r, false)) {
		u->counters.at_once++;
		u->counters.done++;
		return true;
	}
	u->counters.queued++;
	if (!u->first)
		u->ops->timer(u->ctx, GL_UNMAP_RETRY_NS);
	*u->last = r;
	u->last = &r->next;
	return false;
}

int gl_unmap_refs_async(struct gl_unmap *u,
			struct gnttab_unmap_grant_ref *unmap_ops,
			struct gnttab_unmap_grant_ref *kunmap_ops,
			struct gl_page **pages, unsigned int count,
			void (*done)(void *data), void *data)
{
	struct gl_unmap_request *r = request_new(u, count);
	unsigned long state;
	bool stopped, over = false;
	unsigned int i;

	if (!r)
		return -XEN_ENOMEM;
	r->next = NULL;
	r->ops = unmap_ops;
	r->kops = kunmap_ops;
	r->pages = pages;
	r->count = count;
	r->done = done;
	r->data = data;
	for (i = 0; i < count; i++)
		r->generation[i] = pages[i]->generation;
	state = u->ops->lock(u->ctx);
	stopped = u->stopped;
	if (!stopped)
		over = submit(u, r);
	u->ops->unlock(u->ctx, state);
	if (stopped)
		u->ops->free(u->ctx, r, r->bytes);
	else if (over)
		request_end(u, r);
	return stopped ? -XEN_ENODEV : 0;
}

/*
 * Try all that is queued now; those that are over are returned, off the queue.
 */
static struct gl_unmap_request *sweep(struct gl_unmap *u, bool force)
{
	struct gl_unmap_request **at = &u->first, *over = NULL, **tail = &over;

	while (*at) {
		struct gl_unmap_request *r = *at;

		u->counters.retries++;
		if (!attempt(u, r, force)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->next = NULL;
		*tail = r;
		tail = &r->next;
		u->counters.done++;
	}
	u->last = at;
	return over;
}

static void sweep_and_tell(struct gl_unmap *u, bool force)
{
	unsigned long state = u->ops->lock(u->ctx);
	struct gl_unmap_request *over, *next;

	if (force)
		u->stopped = true;
	over = sweep(u, force);
	if (u->first)
		u->ops->timer(u->ctx, GL_UNMAP_RETRY_NS);
	u->ops->unlock(u->ctx, state);
	for (; over; over = next) {
		next = over->next;
		request_end(u, over);
	}
}

void gl_unmap_retry(struct gl_unmap *u)
{
	sweep_and_tell(u, false);
}

void gl_unmap_stop(struct gl_unmap *u)
{
	sweep_and_tell(u, true);
}

bool gl_unmap_idle(struct gl_unmap *u)
{
	unsigned long state = u->ops->lock(u->ctx);
	bool idle = !u->first;

	u->ops->unlock(u->ctx, state);
	return idle;
}
