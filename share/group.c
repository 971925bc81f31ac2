/* SPDX-License-Identifier: MIT */
/* Groups: made for their first domain, gone with their last. */
#include <hash/general_regs.h>

#include "impl.h"

static struct share_group **bucket_of(struct share *s, uint16_t id)
{
	return &s->groups[id % GROUP_BUCKETS];
}

static struct share_group *group_find(struct share *s, uint16_t id)
{
	struct share_group *g = *bucket_of(s, id);

	while (g && g->id != id)
		g = g->next;
	return g;
}

static struct share_group *group_create(struct share *s, uint16_t id)
{
	size_t bytes = share_block_bytes(sizeof(struct share_group));
	struct share_group *g = s->ops->alloc(s->ctx, bytes);

	if (!g)
		return NULL;
	g->ctx = s->ops->group_ctx ? s->ops->group_ctx(s->ctx, id) : s->ctx;
	g->mem = (struct lintab_mem){ s->ops->alloc, s->ops->free, g->ctx };
	if (!index_init(&g->index, &g->mem)) {
		s->ops->free(s->ctx, g, bytes);
		return NULL;
	}
	g->share = s;
	g->records = s->records;
	g->pages = s->ops->pages ? s->ops->pages(s->ctx) : NULL;
	g->id = id;
	g->mark = (uint64_t)s->ops->kind << 16 | id;
	g->salt = page_salt(id, s->secret);
	g->zero_hash = g->salt;
	g->next = *bucket_of(s, id);
	*bucket_of(s, id) = g;
	s->fixed_bytes += bytes;
	return g;
}

struct share_group *group_get(struct share *s, uint16_t id)
{
	struct share_group *g = group_find(s, id);

	if (!g)
		g = group_create(s, id);
	if (!g || g->members == SHARE_DOMS_MAX)
		return NULL;
	g->members++;
	return g;
}

void group_put(struct share_group *g)
{
	size_t bytes = share_block_bytes(sizeof(*g));
	struct share *s = g->share;
	struct share_group **link = bucket_of(s, g->id);

	if (--g->members)
		return;
	while (*link != g)
		link = &(*link)->next;
	*link = g->next;
	s->max_chain_gone = MAX(s->max_chain_gone, g->max_chain);
	s->fixed_bytes -= bytes;
	index_fini(&g->index);
	s->ops->free(s->ctx, g, bytes);
}

uint64_t group_hash(const struct share_group *g, const void *page, bool *zero)
{
	*zero = g->share->fns->is_zero(page);
	return *zero ? g->zero_hash : group_hash_filled(g, g->share->fns, page);
}

#include <hash/general_regs_end.h>
