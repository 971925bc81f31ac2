/* SPDX-License-Identifier: MIT */
/* What a guest tells the first domain (tests/boot/foreign). */
#ifndef TESTS_BOOT_LETTER_H
#define TESTS_BOOT_LETTER_H

#include <gl/timer.h>

#include "../attack.h"

/* of a page: written by the first domain */
#define WORD	5
#define WRITTEN	0x0ddba11UL

enum { LETTER_READY = 1, LETTER_WRITTEN, LETTER_LOOKED, LETTER_UNMAPPED,
       LETTER_OFFERED, LETTER_END };

struct letter {
	volatile uint64_t state;
	uint64_t plain, table, shared, kept;	/* frames */
};

static struct letter *letter;

static void letter_wait(uint64_t state)
{
	while (letter->state != state)
		gl_sleep_ns(1000000);
}

#endif
