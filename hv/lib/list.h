/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list.  A list head is a node that links to itself
 * when empty.
 */
#ifndef HV_LIB_LIST_H
#define HV_LIB_LIST_H

#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Put n before `at`; with `at` the head, that is the list's end. */
static inline void list_insert_before(struct list *at, struct list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

/* Take n out; n is empty afterwards, so a second removal is harmless. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(node, type, member) container_of(node, type, member)

#define list_for_each(pos, head) \
	for (pos = (head)->next; pos != (head); pos = pos->next)

#endif
