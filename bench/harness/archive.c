/* SPDX-License-Identifier: MIT */
/* See archive.h. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "harness/archive.h"
#include "harness/workload_rule.h"

static void must(struct archive *a, const char *path, int result)
{
	if (result < ARCHIVE_OK)
		die("cannot write %s: %s", path, archive_error_string(a));
}

static void add_member(struct archive *a, const char *path, const char *name,
		       const void *data, uint64_t bytes, int64_t number)
{
	struct archive_entry *e = archive_entry_new();

	if (!e)
		die("out of memory");
	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, (la_int64_t)bytes);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0444);
	archive_entry_set_ino(e, number);
	archive_entry_set_nlink(e, 1);
	must(a, path, archive_write_header(a, e));
	if (archive_write_data(a, data, bytes) != (la_ssize_t)bytes)
		die("cannot write %s: %s", path, archive_error_string(a));
	archive_entry_free(e);
}

uint64_t archive_write(const char *path, const struct file_set *s,
		       const struct workload *w, enum file_use use,
		       uint64_t guest)
{
	struct archive *a = archive_write_new();
	int64_t number = 0;
	size_t bytes;
	uint8_t *sums;

	if (!a)
		die("out of memory");
	must(a, path, archive_write_set_format_cpio_newc(a));
	must(a, path, archive_write_open_filename(a, path));
	for (size_t i = 0; i < s->count; i++) {
		const struct file *f = &s->v[i];

		if (f->use != use || (use == FILE_FOR_ONE && f->guest != guest))
			continue;
		add_member(a, path, f->name, f->data, f->bytes, ++number);
	}
	sums = expect_sums(s, w, use, guest, &bytes);
	add_member(a, path, RULE_SUMS_NAME, sums, bytes, ++number);
	free(sums);
	must(a, path, archive_write_close(a));
	archive_write_free(a);
	return file_bytes(path);
}

bool archive_has(const char *path, const char *name)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	bool found = false;

	if (!a)
		die("out of memory");
	archive_read_support_format_iso9660(a);
	if (archive_read_open_filename(a, path, 1 << 16) == ARCHIVE_OK)
		while (!found && archive_read_next_header(a, &e) == ARCHIVE_OK)
			found = !strcmp(archive_entry_pathname(e), name);
	archive_read_free(a);
	return found;
}
