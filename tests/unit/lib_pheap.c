/* links: hv/lib/pheap.c */
/* SPDX-License-Identifier: MIT */
/*
 * The pairing heap against a sorted count, its two invariants after each step,
 * and how often it compares.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/pheap.h"
#include "unit/suite.h"

#define NODES	200
#define STEPS	2000

struct item {
	struct pheap_node node;
	unsigned int value;
};

static struct item items[NODES];
static struct pheap heap;

static struct item *item(const struct pheap_node *n)
{
	return container_of(n, struct item, node);
}

static unsigned int compared;

static bool before(const struct pheap_node *a, const struct pheap_node *b)
{
	compared++;
	return item(a)->value < item(b)->value;
}

/* PAIR1, PAIR2 from *link on; how many there are. */
static unsigned int check_siblings(struct pheap_node **link,
				   const struct pheap_node *parent)
{
	unsigned int count = 0;

	for (struct pheap_node *n; (n = *link); link = &n->next) {
		ck_assert_ptr_eq(n->link, link);
		ck_assert(!parent || !before(n, parent));
		count += 1 + check_siblings(&n->child, n);
	}
	return count;
}

static void check_heap(unsigned int count)
{
	ck_assert_uint_eq(check_siblings(&heap.root, NULL), count);
	ck_assert(!heap.root || !heap.root->next);
}

static void setup(void)
{
	heap.root = NULL;
	for (unsigned int i = 0; i < NODES; i++)
		items[i] = (struct item){ .value = 0 };
	srand(1);
}

START_TEST(any_node_comes_and_goes)
{
	unsigned int count = 0;

	for (unsigned int step = 0; step < STEPS; step++) {
		struct item *it = &items[rand() % NODES];

		if (it->node.link) {
			pheap_remove(&heap, &it->node, before);
			ck_assert_ptr_null(it->node.link);
			count--;
		} else {
			it->value = (unsigned int)rand() % 100;
			pheap_insert(&heap, &it->node, before);
			count++;
		}
		check_heap(count);
	}
	ck_assert_uint_gt(count, NODES / 4);
}
END_TEST

START_TEST(the_least_leaves_first)
{
	unsigned int last = 0;

	for (unsigned int i = 0; i < NODES; i++) {
		items[i].value = (unsigned int)rand();
		pheap_insert(&heap, &items[i].node, before);
	}
	for (unsigned int left = NODES; left; left--) {
		struct item *least = item(heap.root);

		ck_assert_uint_ge(least->value, last);
		last = least->value;
		pheap_remove(&heap, &least->node, before);
		check_heap(left - 1);
	}
	ck_assert_ptr_null(heap.root);
}
END_TEST

#define MANY		1000u
#define TIMES		20000u
#define LOG_MANY	10u

/*
 * Any node leaves and comes again (a timer that is set), then the least one (a
 * timer that fires): on average in some logarithms of their number.  The worst
 * step compares with as many as there are, once.
 */
START_TEST(a_step_costs_a_logarithm)
{
	static struct item many[MANY];

	for (unsigned int i = 0; i < MANY; i++) {
		many[i] = (struct item){ .value = i }; /* all below the first */
		pheap_insert(&heap, &many[i].node, before);
	}
	for (unsigned int least = 0; least < 2; least++) {
		compared = 0;
		for (unsigned int i = 0; i < TIMES; i++) {
			struct item *it = least ? item(heap.root) :
					  &many[(unsigned int)rand() % MANY];

			pheap_remove(&heap, &it->node, before);
			it->value = (unsigned int)rand();
			pheap_insert(&heap, &it->node, before);
		}
		ck_assert_uint_le(compared, TIMES * 2 * LOG_MANY);
	}
	check_heap(MANY);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("pheap");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, any_node_comes_and_goes);
	tcase_add_test(tc, the_least_leaves_first);
	tcase_add_test(tc, a_step_costs_a_logarithm);
	return suite_run();
}
