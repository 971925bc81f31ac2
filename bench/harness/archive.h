/* SPDX-License-Identifier: MIT */
/* The cpio archives (newc) that carry the files to the guests. */
#ifndef HARNESS_ARCHIVE_H
#define HARNESS_ARCHIVE_H

#include "harness/expect.h"

/*
 * Does the CD image at `path` have a file of this name?  No: or it cannot be
 * read.
 */
bool archive_has(const char *path, const char *name);

/*
 * All files of one use (and one guest), and the `.sums` member for them.
 * Returns the size of the archive.
 */
uint64_t archive_write(const char *path, const struct file_set *s,
		       const struct workload *w, enum file_use use,
		       uint64_t guest);

#endif
