/* SPDX-License-Identifier: MIT */
/*
 * What may reach a terminal that a person reads.  From UTF-8 only visible
 * characters and the tabulator may pass: no other controls (of C0 or C1, as
 * bytes or as U+0080..9f, and DEL), and nothing that turns the direction of
 * writing, ends a line or cannot be seen.
 */
#ifndef HV_LIB_PRINTABLE_H
#define HV_LIB_PRINTABLE_H

#include "lib/types.h"

/* Each byte that is no part of such a character becomes a dot. */
void printable(char *text, size_t bytes);
/* How many bytes at the end of text begin a character that is not complete. */
size_t printable_utf8_unfinished(const char *text, size_t bytes);

#endif
