// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * Pins at their limits: what was taken before the refusal is let go of (GT1,
 * GT15, GT19).
 */
#include <check.h>
#include <port.h>

#include "fake/fake_grants.h"
#include "mm/pagetype.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define DEV	GNTMAP_device_map
#define RDONLY	GNTMAP_readonly
#define REF	9

static struct frame *frame;

static void grant(void)
{
	g_grant(granter, REF, page, user, false);
	frame = mfn_to_frame(fake_mfn(granter, page));
}

/* A map of both kinds takes two uses: one is left. */
START_TEST(second_part_refused)
{
	uint64_t type, state;

	grant();
	type = frame->type;
	state = frame->state;
	frame->type += TYPE_COUNT_MAX - 1 - type_count(type);
	ck_assert_int_eq(g_map(granter, REF, page, HOST | DEV, NULL),
			 GNTST_general_error);
	ck_assert_uint_eq(type_count(frame->type), TYPE_COUNT_MAX - 1);
	ck_assert_uint_eq(frame->state, state);
	ck_assert_uint_eq(g_status(REF), 0);
	frame->type = type;
	g_check();
}
END_TEST

START_TEST(second_reference_refused)
{
	uint64_t state;

	grant();
	state = frame->state;
	frame->state += FRAME_REF_MAX - 1 - frame_state_ref(state);
	ck_assert_int_eq(g_map(granter, REF, page, HOST | DEV, NULL),
			 GNTST_general_error);
	ck_assert_uint_eq(frame_state_ref(frame->state), FRAME_REF_MAX - 1);
	frame->state = state;
	g_check();
}
END_TEST

/*
 * The granter dies: the reaper has seen, or will see, all pins that there are.
 */
START_TEST(closed_table)
{
	grant();
	grant_close(granter);
	ck_assert_int_eq(g_map(granter, REF, page, HOST, NULL),
			 GNTST_bad_domain);
}
END_TEST

START_TEST(most_pins)
{
	struct grant_active *act;
	uint32_t handle;

	grant();
	ck_assert_int_eq(g_map(granter, REF, page, HOST, &handle), 0);
	act = &granter->grant->used->active[0][REF];
	act->pins[PIN_HOST_RW] = GRANT_PINS_MAX;
	ck_assert_int_eq(g_map(granter, REF, page + 1, HOST, NULL),
			 GNTST_general_error);
	ck_assert_uint_eq(act->pins[PIN_HOST_RW], GRANT_PINS_MAX);
	act->pins[PIN_HOST_RW] = 1;
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/* What the tools let it map (max_maptrack_frames). */
START_TEST(most_handles)
{
	uint32_t handle, i;

	g_grant(granter, REF, page, user, true);
	grant_limit(user, GRANT_FRAMES_MAX, 0, 2);
	ck_assert_int_eq(g_map(granter, REF, page, HOST | RDONLY, NULL), GNTST_no_space);
	grant_limit(user, GRANT_FRAMES_MAX, GRANT_HANDLES_PER_PAGE, 2);
	for (i = 0; i < GRANT_HANDLES_PER_PAGE; i++)
		ck_assert_int_eq(g_map(granter, REF, page + i, HOST | RDONLY, &handle), 0);
	ck_assert_int_eq(g_map(granter, REF, page + i, HOST | RDONLY, NULL), GNTST_no_space);
	ck_assert_int_eq(g_unmap(page + i - 1, handle), 0);
	ck_assert_int_eq(g_map(granter, REF, page + i, HOST | RDONLY, &handle), 0);
	g_check();
}
END_TEST

/* Nobody looks through a table that is all for one frame. */
START_TEST(pinned_is_asked_in_bounded_time)
{
	struct grant_active *last;
	uint32_t handle[300], i;
	mfn_t other;

	for (i = 0; i < ARRAY_COUNT(handle); i++) {
		g_grant(granter, REF + i, page, user, true);
		ck_assert_int_eq(g_map(granter, REF + i, page + i, HOST | RDONLY,
				       &handle[i]), 0);
	}
	frame = mfn_to_frame(fake_mfn(granter, page));
	other = mfn_add(frame_to_mfn(frame), GRANT_BUCKETS);
	ck_assert(grant_is_pinned(granter, frame_to_mfn(frame)));
	last = &granter->grant->used->active[0][REF];
	last->mfn = mfn_n(other);
	ck_assert(!grant_is_pinned(granter, other));
	for (i = 100; i < ARRAY_COUNT(handle); i++)
		ck_assert_int_eq(g_unmap(page + i, handle[i]), 0);
	ck_assert(grant_is_pinned(granter, other));
	last->mfn = mfn_n(frame_to_mfn(frame));
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(g_unmap(page + i, handle[i]), 0);
	g_check();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, g_start, g_end);
	tcase_add_test(tc, second_part_refused);
	tcase_add_test(tc, second_reference_refused);
	tcase_add_test(tc, closed_table);
	tcase_add_test(tc, most_pins);
	tcase_add_test(tc, most_handles);
	tcase_add_test(tc, pinned_is_asked_in_bounded_time);
	return suite_run();
}
