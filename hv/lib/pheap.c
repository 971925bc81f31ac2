/* SPDX-License-Identifier: MIT */
/*
 * Pairing heap.
 *
 * PAIR1  no node is before its parent; so the root is the least.
 * PAIR2  *n->link == n for each node n of a heap: a node leaves its siblings
 *        without a search.
 */
#include "lib/pheap.h"

/*
 * Merge two heaps.  Either may be NULL, and no root has siblings.  The caller
 * sets the result's link.
 */
static struct pheap_node *merge(struct pheap_node *a, struct pheap_node *b,
				pheap_before before)
{
	struct pheap_node *top = a, *under = b;

	if (!a || !b)
		return a ? a : b;
	if (before(b, a)) { /* PAIR1 */
		top = b;
		under = a;
	}
	under->next = top->child;
	if (under->next)
		under->next->link = &under->next;
	under->link = &top->child; /* PAIR2 */
	top->child = under;
	return top;
}

/*
 * Merge siblings into one heap: first two and two, from the first sibling to
 * the last; then the pairs, from the last pair to the first.
 */
static struct pheap_node *merge_siblings(struct pheap_node *n,
					 pheap_before before)
{
	struct pheap_node *pairs = NULL, *all = NULL;

	while (n) {
		struct pheap_node *a = n, *b = a->next, *pair;

		n = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		pair = merge(a, b, before);
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs) {
		n = pairs;
		pairs = n->next;
		n->next = NULL;
		all = merge(all, n, before);
	}
	return all;
}

static void set_root(struct pheap *h, struct pheap_node *n)
{
	h->root = n;
	if (n)
		n->link = &h->root;
}

void pheap_insert(struct pheap *h, struct pheap_node *n, pheap_before before)
{
	n->child = n->next = NULL;
	set_root(h, merge(h->root, n, before));
}

void pheap_remove(struct pheap *h, struct pheap_node *n, pheap_before before)
{
	struct pheap_node *below = merge_siblings(n->child, before);

	*n->link = n->next;
	if (n->next)
		n->next->link = n->link;
	set_root(h, merge(h->root, below, before));
	n->child = n->next = NULL;
	n->link = NULL;
}
