/* SPDX-License-Identifier: MIT */
/*
 * What an entry's result (abi/share.h) is in other words; result.c has the
 * table.
 */
#ifndef HV_OFFER_RESULT_H
#define HV_OFFER_RESULT_H

#include <share/share.h>

#include "abi/share.h"

/*
 * What SHAREOP_single returns in its place: -errno, or 0 if it is SHARE_DONE.
 */
long result_errno(enum shareop_result r);

/* What the guest is told of an offer that the service refused. */
enum shareop_result result_of_offer(enum share_error e);

/* An offer was refused with r: count it, for the operator. */
void result_refused(enum shareop_result r);
/* The operator's word for result number r; NULL: there are no more. */
const char *result_name(unsigned int r);
uint64_t result_refusals(unsigned int r);

#endif
