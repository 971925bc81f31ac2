/* SPDX-License-Identifier: MIT */
/* Inside hash/: the chain of one bucket. */
#ifndef HASH_LINTAB_CHAIN_H
#define HASH_LINTAB_CHAIN_H

#include <hash/lintab.h>

void *lintab_alloc(struct lintab *t, size_t bytes);
void lintab_free(struct lintab *t, void *p, size_t bytes);

/* Nodes in hand, linked through their links. */
struct node_list {
	unsigned char *first;
};

bool node_list_fill(struct lintab *t, struct node_list *list, uint32_t count);
void node_list_empty(struct lintab *t, struct node_list *list);
unsigned char *node_list_pop(struct lintab *t, struct node_list *list);
void node_list_push(struct lintab *t, struct node_list *list,
		    unsigned char *node);

/* Nodes that a chain of so many entries needs. */
uint32_t chain_nodes(const struct lintab_kind *kind, uint32_t entries);
/* Is there no place for one more without a node? */
bool chain_full(const struct lintab *t, uint32_t bucket);
/* `node` (zeroed) must be there if the chain is full; returns true if it was used. */
bool chain_put(struct lintab *t, uint32_t bucket, const void *entry,
	       unsigned char *node);
/* Returns the node that the chain no longer needs, zeroed, or NULL. */
unsigned char *chain_cut(struct lintab *t, uint32_t bucket, void *entry);

#endif
