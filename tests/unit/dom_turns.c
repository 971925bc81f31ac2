// SPDX-License-Identifier: MIT
// links: @machine
/* Which dying domain the reaper works on next. */
#include <check.h>
#include <port.h>

#include "dom/above.h"
#include "dom/die.h"
#include "fake/fake_machine.h"
#include "unit/suite.h"

static struct domain *a, *b, *lives;

static void setup(void)
{
	fake_machine_start();
	a = fake_domain("", 0);
	lives = fake_domain("", 0);
	b = fake_domain("", 0);
}

/* Whose turn it is; given back at once. */
static struct domain *turn(void)
{
	struct domain *d = domain_claim_dying();

	if (d)
		atomic_store_release(&d->end.reaped_by, 0);
	return d;
}

static void reap(void)
{
	while (reaper_step() == MORE)
		;
}

/* One that waits for long does not keep the other from its turn. */
START_TEST(two_take_turns)
{
	struct domain *one, *other;

	ck_assert_ptr_null(turn());
	domain_end(a);
	domain_end(b);
	one = turn();
	other = turn();
	ck_assert(one != other && one && other && one != lives && other != lives);
	for (unsigned int i = 0; i < 10; i++) {
		ck_assert_ptr_eq(turn(), one);
		ck_assert_ptr_eq(turn(), other);
	}
	/* Of two CPUs each has one, and a third has none. */
	one = domain_claim_dying();
	other = domain_claim_dying();
	ck_assert(one != other && one && other);
	ck_assert_ptr_null(domain_claim_dying());
	atomic_store_release(&other->end.reaped_by, 0);
	ck_assert_ptr_eq(turn(), other);
	atomic_store_release(&one->end.reaped_by, 0);
	reap();
	fake_forget(a);
	fake_forget(b);
}
END_TEST

/* It is found wherever the last one was, and each time. */
START_TEST(one_alone)
{
	domain_end(b);
	for (unsigned int i = 0; i < 10; i++)
		ck_assert_ptr_eq(turn(), b);
	reap();
	fake_forget(b);
	domain_end(a);
	for (unsigned int i = 0; i < 10; i++)
		ck_assert_ptr_eq(turn(), a);
	reap();
	fake_forget(a);
	ck_assert_ptr_null(turn());
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("dom_turns");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, two_take_turns);
	tcase_add_test(tc, one_alone);
	return suite_run();
}
