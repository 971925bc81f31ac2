/* SPDX-License-Identifier: MIT */
/* Inside hash/: the chain of one bucket. */
#ifndef HASH_LINTAB_CHAIN_H
#define HASH_LINTAB_CHAIN_H

#include <hash/lintab.h>

/* Nodes in hand, linked through their links. */
struct node_list {
	unsigned char *first;
};

bool node_list_fill(struct lintab *t, struct node_list *list, uint32_t count);
void node_list_empty(struct lintab *t, struct node_list *list);
unsigned char *node_list_pop(struct lintab *t, struct node_list *list);
void node_list_push(struct lintab *t, struct node_list *list,
		    unsigned char *node);

/* Entries of the chunk where a cursor is (LIN1: those in use come first). */
LINTAB_INLINE uint32_t chunk_entries(const struct lintab_kind *kind,
				     const struct lintab_cursor *c)
{
	bool bucket = !c->link;

	return lintab_link(c->chunk, c->bytes) ?
		lintab_fit_linked(kind, bucket) :
		lintab_used(kind, c->chunk, lintab_fit_last(kind, bucket));
}

/* Nodes that a chain of so many entries needs. */
uint32_t chain_nodes(const struct lintab_kind *kind, uint32_t entries);

#endif
