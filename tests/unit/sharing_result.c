// SPDX-License-Identifier: MIT
// links: hv/offer/result.c
/* The table of results says what abi/share.h promises. */
#include <check.h>
#include <errno.h>
#include <port.h>

#include "offer/result.h"
#include "unit/suite.h"

START_TEST(errno_of_each)
{
	ck_assert_int_eq(result_errno(SHARE_DONE), 0);
	ck_assert_int_eq(result_errno(SHARE_NOT_MAPPED), -ENOENT);
	ck_assert_int_eq(result_errno(SHARE_BAD_PTE), -ENOENT);
	ck_assert_int_eq(result_errno(SHARE_NOT_OWNED), -EPERM);
	ck_assert_int_eq(result_errno(SHARE_OTHER_WRITABLE), -EBUSY);
	ck_assert_int_eq(result_errno(SHARE_OTHER_MAPPING), -EBUSY);
	ck_assert_int_eq(result_errno(SHARE_TYPE), -EBUSY);
	ck_assert_int_eq(result_errno(SHARE_GRANTED), -EBUSY);
	ck_assert_int_eq(result_errno(SHARE_ALREADY), -EEXIST);
	ck_assert_int_eq(result_errno(SHARE_HELD), -EEXIST);
	ck_assert_int_eq(result_errno(SHARE_FULL), -ENOSPC);
	ck_assert_int_eq(result_errno(SHARE_LIMIT), -ENOSPC);
	ck_assert_int_eq(result_errno(SHARE_NO_MEMORY), -ENOMEM);
}
END_TEST

START_TEST(what_the_service_says)
{
	ck_assert_int_eq(result_of_offer(SHARE_OK), SHARE_DONE);
	ck_assert_int_eq(result_of_offer(SHARE_ERR_NOMEM), SHARE_NO_MEMORY);
	ck_assert_int_eq(result_of_offer(SHARE_ERR_LIMIT), SHARE_LIMIT);
	ck_assert_int_eq(result_of_offer(SHARE_ERR_HELD), SHARE_HELD);
	ck_assert_int_eq(result_of_offer(SHARE_ERR_FULL), SHARE_FULL);
	ck_assert_int_eq(result_of_offer(SHARE_ERR_COUNT), SHARE_FULL);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("result");

	tcase_add_test(tc, errno_of_each);
	tcase_add_test(tc, what_the_service_says);
	return suite_run();
}
