/* SPDX-License-Identifier: MIT */
/*
 * The page functions that the sharing service uses here.
 *
 * A bracket is the code between pagefns_begin() and pagefns_end().  Outside a
 * bracket the scalar functions are used.  Inside, those that were chosen at
 * boot for so many pages; the first function that needs vector registers takes
 * them (x86/vecregs.h), and the end of the bracket gives them back.  A bracket
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
/*
 * Those of the bracket, to call one after the other; registers that they need
 * are taken.  For few pages, `pagefns`, which take them when they need them.
 */
const struct page_fns *pagefns_of_bracket(void);
void pagefns_end(struct pagefns_bracket *b);

#endif
