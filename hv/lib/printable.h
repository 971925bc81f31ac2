/* SPDX-License-Identifier: MIT */
/*
 * What may reach a terminal that a person reads.  Of UTF-8, characters that are
 * seen and that stay where they are: no controls of any kind (C0 but the
 * tabulator, DEL, C1 as bytes or as U+0080..9f), nothing that turns the
 * direction of writing, ends a line or cannot be seen at all.
 */
#ifndef HV_LIB_PRINTABLE_H
#define HV_LIB_PRINTABLE_H

#include "lib/types.h"

/* Each byte that is no part of such a character becomes a dot. */
void printable(char *text, size_t bytes);
/* How many bytes at the end of text begin a character that is not complete. */
size_t printable_utf8_unfinished(const char *text, size_t bytes);

#endif
