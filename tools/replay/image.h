/* SPDX-License-Identifier: MIT */
/*
 * What is replayed: guests, each the pages of one file, or of all files of a
 * folder in the order of their names, as a page cache has them: every file
 * begins a page, and its last one is filled up with zeros.
 */
#ifndef REPLAY_IMAGE_H
#define REPLAY_IMAGE_H

#include "harness/util.h"

#define GROUPS_MAX	1024u
#define GUESTS_MAX	1024u
#define NO_FILE		(~0u)

struct image_file {
	char *path;
	uint64_t bytes;
	uint64_t first, count;	/* of the guest's pages */
};

struct image_guest {
	char *name;		/* the path that was asked for */
	unsigned int group;
	struct image_file *file;
	uint32_t files;
	uint64_t pages;
};

struct images {
	struct strings groups;
	struct image_guest *guest;
	unsigned int guests;
	uint64_t pages;
};

/*
 * Add a guest: "[GROUP:]PATH"; without a group it is in one called "all".
 * Dies with one line.  In a folder, what is no regular file is left out, and
 * with a line to standard error what cannot be read; symbolic links there are
 * not followed.
 */
void images_add(struct images *im, const char *word);
/*
 * The file's pages, the last one with zeros to its end: mapped, one file at a
 * time, for there may be more of them than a process has mappings.  Dies if it
 * has become shorter.
 */
const uint8_t *image_map(const struct image_file *f);
void image_unmap(const struct image_file *f, const uint8_t *pages);
void images_free(struct images *im);

#endif
