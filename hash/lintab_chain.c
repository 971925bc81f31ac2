/* SPDX-License-Identifier: MIT */
/*
 * The chain of one bucket of a lintab: the bucket, then overflow nodes (LIN1).
 */
#include <hash/general_regs.h>

#include "lintab_chain.h"

void *lintab_alloc(struct lintab *t, size_t bytes)
{
	void *p = t->mem->alloc(t->mem->ctx, bytes);

	if (p)
		atomic_fetch_add(&t->bytes, bytes);
	return p;
}

void lintab_free(struct lintab *t, void *p, size_t bytes)
{
	atomic_fetch_sub(&t->bytes, bytes);
	t->mem->free(t->mem->ctx, p, bytes);
}

static void link_set(const struct lintab_kind *kind, unsigned char *node,
		     unsigned char *next)
{
	lintab_link_set(node + kind->node_bytes - LINTAB_LINK_BYTES, next);
}

bool node_list_fill(struct lintab *t, struct node_list *list, uint32_t count)
{
	while (count--) {
		unsigned char *node = lintab_alloc(t, t->kind->node_bytes);

		if (!node) {
			node_list_empty(t, list);
			return false;
		}
		node_list_push(t, list, node);
	}
	return true;
}

void node_list_empty(struct lintab *t, struct node_list *list)
{
	while (list->first)
		lintab_free(t, node_list_pop(t, list), t->kind->node_bytes);
}

unsigned char *node_list_pop(struct lintab *t, struct node_list *list)
{
	unsigned char *node = list->first;

	if (node) {
		list->first = lintab_link(node, t->kind->node_bytes);
		link_set(t->kind, node, NULL);
	}
	return node;
}

void node_list_push(struct lintab *t, struct node_list *list,
		    unsigned char *node)
{
	link_set(t->kind, node, list->first);
	list->first = node;
}

uint32_t chain_nodes(const struct lintab_kind *kind, uint32_t entries)
{
	uint32_t fit = lintab_fit_last(kind, true), nodes = 0;

	/*
	 * Each node adds node_fit entries; `fit` has the one more that the last
	 * chunk holds with overlay, in place of a link.
	 */
	for (; fit < entries; fit += kind->node_fit)
		nodes++;
	return nodes;
}

void chain_tail(const struct lintab *t, uint32_t bucket, struct lintab_tail *tail)
{
	lintab_seek_bucket(t, bucket, &tail->c);
	tail->used = lintab_go_to_end(t->kind, &tail->c);
}

static void writer_enter(struct chain_writer *w, unsigned char *chunk,
			 uint32_t bytes, bool bucket)
{
	w->chunk = chunk;
	w->bytes = bytes;
	w->bucket = bucket;
	w->next = lintab_link(chunk, bytes);
	w->used = 0;
}

void writer_start(const struct lintab *t, uint32_t bucket, uint32_t left,
		  struct chain_writer *w)
{
	writer_enter(w, lintab_bucket(t, bucket), t->kind->bucket_bytes, true);
	w->left = left;
}

/*
 * In the last chunk an entry may overwrite the link.  The cursor that reads
 * this chain does not miss the link: it has returned more entries than fit
 * beside one, so it has left this chunk.
 */
void writer_put(const struct lintab_kind *kind, struct chain_writer *w,
		const void *entry)
{
	bool last = w->used + w->left <= lintab_fit_last(kind, w->bucket);

	if (!last && w->used == lintab_fit_linked(kind, w->bucket))
		writer_enter(w, w->next, kind->node_bytes, false);
	lintab_entry_copy(kind, w->chunk + w->used * kind->entry_bytes, entry);
	w->used++;
	w->left--;
}

void writer_end(struct lintab *t, struct chain_writer *w, struct node_list *nodes)
{
	uint32_t used = w->used * t->kind->entry_bytes;
	unsigned char *node, *next;

	CHECK(!w->left);
	memset(w->chunk + used, 0, w->bytes - used);
	for (node = w->next; node; node = next) {
		next = lintab_link(node, t->kind->node_bytes);
		memset(node, 0, t->kind->node_bytes);
		node_list_push(t, nodes, node);
	}
}

#include <hash/general_regs_end.h>
