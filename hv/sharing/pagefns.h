/* SPDX-License-Identifier: MIT */
/*
 * The page functions that the sharing service uses here.
 *
 * Outside of a bracket they are the scalar ones.  Inside, they are what was
 * chosen at boot for so many pages; the first one that needs vector registers
 * takes them (x86/vecregs.h) and the bracket's end gives them back.  A bracket
 * belongs to a CPU; nothing in it enters a guest, gives up the CPU or may fault
 * on a guest's address.
 */
#ifndef HV_SHARING_PAGEFNS_H
#define HV_SHARING_PAGEFNS_H

#include <hash/choose.h>

#include "x86/vecregs.h"

struct pagefns_bracket {
	const struct page_choice *choice;
	bool taken;
	struct vec_saved saved;
};

extern const struct page_fns pagefns;

/*
 * Measures and chooses; `pages` is what the operator asked for.  Once, before
 * the first bracket.
 */
void pagefns_init(const char *pages);
void pagefns_begin(struct pagefns_bracket *b, unsigned int pages);
void pagefns_end(struct pagefns_bracket *b);

#endif
