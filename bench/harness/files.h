/* SPDX-License-Identifier: MIT */
/*
 * The real files of this host that the guests are handed: some go to all
 * guests, one to every second guest, and each guest has one of its own.  All
 * are read into memory, padded with zeros to whole pages.
 */
#ifndef HARNESS_FILES_H
#define HARNESS_FILES_H

#include "harness/options.h"

enum file_use { FILE_FOR_ALL, FILE_FOR_SOME, FILE_FOR_ONE, FILE_USES };

struct file {
	char *name;		/* in the archive; unique */
	char *path;		/* on this host */
	uint8_t *data;
	uint64_t bytes;
	uint32_t pages;
	enum file_use use;
	uint64_t guest;		/* FILE_FOR_ONE: whose, from 0 */
};

struct file_set {
	struct file *v;
	size_t count;
	uint64_t groups;	/* guest g is in group g % groups */
};

/* Dies if a file that the user named cannot be read. */
void files_collect(struct file_set *s, const struct options *o);
void files_free(struct file_set *s);
bool file_is_for(const struct file_set *s, const struct file *f,
		 uint64_t guest);

#endif
