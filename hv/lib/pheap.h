/* SPDX-License-Identifier: MIT */
/*
 * A pairing heap: the least of its nodes in constant time, an insertion too,
 * the removal of any node in the logarithm of their number (amortised).  A node
 * is a member of the struct that it sorts.
 */
#ifndef HV_LIB_PHEAP_H
#define HV_LIB_PHEAP_H

#include "lib/types.h"

struct pheap_node {
	/* the first of the nodes under this one; none is before it */
	struct pheap_node *child;
	struct pheap_node *next;	/* its next sibling */
	/* the pointer that points to this node; NULL: it is in no heap */
	struct pheap_node **link;
};

typedef bool (*pheap_before)(const struct pheap_node *a,
			     const struct pheap_node *b);

struct pheap {
	struct pheap_node *root;	/* the least, NULL if empty */
};

/* n is in no heap. */
void pheap_insert(struct pheap *h, struct pheap_node *n, pheap_before before);
/* n is in h. */
void pheap_remove(struct pheap *h, struct pheap_node *n, pheap_before before);

#endif
