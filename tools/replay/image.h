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

/* A file's pages, mapped; the last one may be a copy. */
struct image_file {
	char *path;
	uint8_t *pages;
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
 * Dies with one line.  What is no regular file in a folder is left out;
 * symbolic links are not followed.
 */
void images_add(struct images *im, const char *word);
/* A page of a guest's, and the file that it is of (its number). */
const void *image_page(const struct image_guest *g, uint64_t page, uint32_t *file);
void images_free(struct images *im);

#endif
