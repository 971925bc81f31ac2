// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * The two walks of hv/DESIGN.md on the host machine: which functions of hv/,
 * share/ and hash/ one offer, and one write to a shared page, go through.
 * run.sh compiles those with -finstrument-functions, and counts.  Prints
 * "walk step|leaf address", each once; a leaf calls nothing.
 */
#include <check.h>
#include <port.h>
#include <stdio.h>
#include <string.h>

#include "dom/reclaim.h"
#include "fake/fake_breaks.h"
#include "pv/above.h"
#include "pv/traps.h"
#include "unit/suite.h"

#define MOST 1024

static struct {
	void *fn;
	bool calls;		/* another function of the walk */
} seen[MOST];
static unsigned int count;
static unsigned int stack[MOST], depth;	/* of calls: numbers of seen[] */
static bool walking;

__attribute__((no_instrument_function))
void __cyg_profile_func_enter(void *fn, void *site);
__attribute__((no_instrument_function))
void __cyg_profile_func_exit(void *fn, void *site);

void __cyg_profile_func_enter(void *fn, void *site)
{
	unsigned int i = 0;

	if (!walking)
		return;
	while (i < count && seen[i].fn != fn)
		i++;
	CHECK(i < MOST && depth < MOST);
	if (i == count)
		seen[count++].fn = fn;
	if (depth)
		seen[stack[depth - 1]].calls = true;
	stack[depth++] = i;
}

void __cyg_profile_func_exit(void *fn, void *site)
{
	depth -= walking;
}

static void tell(const char *name)
{
	walking = false;
	for (unsigned int i = 0; i < count; i++)
		printf("%s %s %p\n", name, seen[i].calls ? "step" : "leaf", seen[i].fn);
	fflush(stdout);
}

START_TEST(offer_walk)
{
	fill(d, p, 1);
	(void)peer_offers(p, 2);	/* the pool has its first frames */
	for (unsigned int i = 1; i < 9; i++)
		(void)shared(p + i, 100 + i, false);
	reclaim_flush();
	walking = true;
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(p), 0, 0), 0);
	reclaim_flush();	/* as on the way back to the guest */
	tell("offer");
}
END_TEST

START_TEST(write_walk)
{
	break_first();
	(void)shared(p, 7, true);
	for (unsigned int i = 1; i < 9; i++) {
		(void)shared(p + i, 100 + i, true);
		ck_assert(sharefault(d->vcpu[0], fake_va(p + i), WRITE));
	}
	reclaim_flush();
	walking = true;
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	tell("write");
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("walks");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, offer_walk);
	tcase_add_test(tc, write_walk);
	return suite_run();
}
