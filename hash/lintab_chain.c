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

#include <hash/general_regs_end.h>
