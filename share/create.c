/* SPDX-License-Identifier: MIT */
/* The machine and its domains: creation and end. */
#include <hash/general_regs.h>

#include "impl.h"

size_t share_block_bytes(size_t bytes)
{
	size_t block = 64;

	while (block < bytes)
		block *= 2;
	return block;
}

struct share *share_create_with(const struct share_ops *ops, void *ctx,
				struct share_record *records,
				const uint8_t secret[SHARE_SECRET_BYTES],
				const struct page_fns *fns)
{
	size_t bytes = share_block_bytes(sizeof(struct share));
	struct share *s = ops->alloc(ctx, bytes);

	if (!s)
		return NULL;
	s->ops = ops;
	s->ctx = ctx;
	s->records = records;
	s->fns = fns;
	s->fixed_bytes = bytes;
	spin_lock_init(&s->lock, LOCK_SHARE_DOM);
	memcpy(s->secret, secret, SHARE_SECRET_BYTES);
	return s;
}

struct share *share_create(const struct share_ops *ops, void *ctx,
			   struct share_record *records,
			   const uint8_t secret[SHARE_SECRET_BYTES])
{
	_Static_assert(SHARE_SECRET_BYTES == PAGE_HASH_SECRET_BYTES, "secret");
	_Static_assert(SHARE_PAGE_BYTES == PAGE_HASH_BYTES, "page");
	return share_create_with(ops, ctx, records, secret, &page_fns_portable);
}

void share_destroy(struct share *s)
{
	CHECK(!s->doms);
	s->ops->free(s->ctx, s, share_block_bytes(sizeof(*s)));
}

/* share->lock */
static void dom_link(struct share *s, struct share_dom *d)
{
	d->audited = s->audit.phase != AUDIT_NONE;
	d->next = s->doms;
	if (d->next)
		d->next->before = d;
	s->doms = d;
	s->fixed_bytes += share_block_bytes(sizeof(*d));
}

/* share->lock */
static void dom_unlink(struct share *s, struct share_dom *d)
{
	if (d->before)
		d->before->next = d->next;
	else
		s->doms = d->next;
	if (d->next)
		d->next->before = d->before;
	s->fixed_bytes -= share_block_bytes(sizeof(*d));
}

/* Everything that can fail; the lock of s. */
static bool dom_init(struct share *s, struct share_dom *d, uint16_t group,
		     uint64_t budget)
{
	d->budget = budget;
	spin_lock_init(&d->lock, LOCK_SHARE_DOM);
	d->group = group_get(s, group);
	if (!d->group)
		return false;
	if (hold_init(d))
		return true;
	group_put(d->group);
	return false;
}

struct share_dom *share_dom_create(struct share *s, uint16_t group,
				   uint64_t budget)
{
	size_t bytes = share_block_bytes(sizeof(struct share_dom));
	struct share_dom *d = s->ops->alloc(s->ctx, bytes);
	bool done;

	if (!d)
		return NULL;
	spin_lock(&s->lock);
	done = dom_init(s, d, group, budget);
	if (done)
		dom_link(s, d);
	spin_unlock(&s->lock);
	if (done)
		return d;
	s->ops->free(s->ctx, d, bytes);
	return NULL;
}

static void events_add(struct share_events *sum, const struct share_events *e)
{
	sum->offered += e->offered;
	sum->refused += e->refused;
	sum->zero += e->zero;
	sum->breaks += e->breaks;
	sum->last_breaks += e->last_breaks;
	sum->drops += e->drops;
}

void share_dom_destroy(struct share_dom *d)
{
	struct share *s = d->group->share;

	CHECK(!share_dom_held(d));
	spin_lock(&s->lock);
	events_add(&s->gone, &d->events);
	d->group->unshared_gone += d->unshared;
	dom_unlink(s, d);
	hold_fini(d);
	group_put(d->group);
	spin_unlock(&s->lock);
	s->ops->free(s->ctx, d, share_block_bytes(sizeof(*d)));
}

#include <hash/general_regs_end.h>
