/* SPDX-License-Identifier: MIT */
/* Look-up in the exception table.  It is short, and faults are rare. */
#include "x86/extable.h"

/* Each is relative to the address of the field itself. */
struct extable_entry {
	int32_t insn, fixup;
};

extern const struct extable_entry extable_start[], extable_end[];
extern const char guestcopy_text_start[], guestcopy_text_end[];

uint64_t extable_find(uint64_t rip)
{
	const struct extable_entry *e;

	for (e = extable_start; e < extable_end; e++)
		if ((uintptr_t)&e->insn + e->insn == rip)
			return (uintptr_t)&e->fixup + e->fixup;
	return 0;
}

bool extable_is_guestcopy(uint64_t rip)
{
	return rip >= (uintptr_t)guestcopy_text_start &&
	       rip < (uintptr_t)guestcopy_text_end;
}
