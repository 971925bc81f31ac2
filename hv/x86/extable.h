/* SPDX-License-Identifier: MIT */
/*
 * The exception table: instructions of the hypervisor that may fault, and where
 * to go on then.  Entries are made by EXTABLE() in inline assembly, and by the
 * macro of that name in entry.asm.
 */
#ifndef HV_X86_EXTABLE_H
#define HV_X86_EXTABLE_H

#include "lib/types.h"

/* In an asm statement: a fault at local label `at` goes on at label `to`. */
#define EXTABLE(at, to) \
	".pushsection .extable, \"a\"\n\t" \
	".long " at " - .\n\t" \
	".long " to " - .\n\t" \
	".popsection\n\t"

/* Where to go on after a fault at rip; 0: not in the table. */
uint64_t extable_find(uint64_t rip);
/* Is rip in the code that copies from and to guests? */
bool extable_is_guestcopy(uint64_t rip);

#endif
