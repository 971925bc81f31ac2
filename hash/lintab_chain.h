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

/* The end of a chain. */
struct lintab_tail {
	struct lintab_cursor c;	/* in the last chunk */
	uint32_t used;		/* entries there */
};

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
/* Find the end of a chain; it stays valid through tail_put()s with it. */
void chain_tail(const struct lintab *t, uint32_t bucket, struct lintab_tail *tail);
/*
 * Add an entry at the tail.  If the tail is full, `node` (zeroed) is needed;
 * returns true if it was used.
 */
LINTAB_INLINE bool tail_put(const struct lintab_kind *kind, struct lintab_tail *tail,
			    const void *entry, unsigned char *node)
{
	bool extended = lintab_append(kind, &tail->c, tail->used, entry, node);

	tail->used = (extended ? kind->overlay : tail->used) + 1;
	return extended;
}

/*
 * Rewrite a chain in place with `left` of its entries, in the order in which
 * they are read: an entry may be given back as soon as a cursor has returned
 * it.
 */
struct chain_writer {
	unsigned char *chunk, *next;	/* next: what the chunk's link was */
	uint32_t bytes, used, left;
	bool bucket;		/* the chunk is no node */
};

void writer_start(const struct lintab *t, uint32_t bucket, uint32_t left,
		  struct chain_writer *w);
void writer_put(const struct lintab_kind *kind, struct chain_writer *w,
		const void *entry);
/*
 * After all `left` entries are written: empty the rest of the chain; nodes that
 * it no longer needs go to the list.
 */
void writer_end(struct lintab *t, struct chain_writer *w, struct node_list *nodes);

#endif
