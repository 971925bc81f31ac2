/* SPDX-License-Identifier: MIT */
/* The page that transfer-give and transfer-take share. */
#ifndef TESTS_BOOT_TRANSFER_TAKE_BOARD_H
#define TESTS_BOOT_TRANSFER_TAKE_BOARD_H

#include <stdint.h>

struct board {
	uint64_t mfn;		/* the page that comes next */
	uint64_t given, taken;	/* pages so far */
	uint64_t ready, over;
};

#define BOARD_GRANT	8	/* giver's grant of it */
#define BOARD_REF(n)	(16 + (n) % 400) /* taker's entry for page n */

#endif
