/* SPDX-License-Identifier: MIT */
/* See initramfs.h. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/initramfs.h"
#include "harness/util.h"

#define WORDS	4

struct writer {
	struct archive *a;
	const char *path, *list;
	int line;
	int64_t members;
};

static void must(const struct writer *w, la_ssize_t result)
{
	if (result < ARCHIVE_OK)
		die("cannot write %s: %s", w->path, archive_error_string(w->a));
}

static uint64_t number(const struct writer *w, const char *word, int base)
{
	char *end;
	unsigned long n = strtoul(word, &end, base);

	if (*end || n > 07777)
		die("%s:%d: not a good number: %s", w->list, w->line, word);
	return n;
}

static void copy_content(const struct writer *w, int fd, const char *source)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		must(w, archive_write_data(w->a, buffer, (size_t)n));
	if (n < 0)
		die("%s:%d: cannot read %s: %s", w->list, w->line, source,
		    strerror(errno));
}

static void put(struct writer *w, struct archive_entry *e)
{
	if (!archive_entry_size_is_set(e))
		archive_entry_set_size(e, 0);
	archive_entry_set_ino(e, ++w->members);
	archive_entry_set_nlink(e, 1);
	archive_entry_set_mtime(e, 0, 0);
	must(w, archive_write_header(w->a, e));
}

static void add_file(struct writer *w, struct archive_entry *e, char **word)
{
	int fd = open(word[2], O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO */
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die("%s:%d: cannot read %s: %s", w->list, w->line, word[2],
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("%s:%d: cannot read %s: not a regular file", w->list,
		    w->line, word[2]);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, (unsigned int)number(w, word[3] ? word[3] : "755", 8));
	archive_entry_set_size(e, (la_int64_t)file_bytes(word[2]));
	put(w, e);
	copy_content(w, fd, word[2]);
	close(fd);
}

static void add_link(struct writer *w, struct archive_entry *e, char **word)
{
	archive_entry_set_filetype(e, AE_IFLNK);
	archive_entry_set_perm(e, 0777);
	archive_entry_set_symlink(e, word[2]);
	put(w, e);
}

static void add_node(struct writer *w, struct archive_entry *e, char **word)
{
	archive_entry_set_filetype(e, AE_IFCHR);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_rdev(e, makedev(number(w, word[2], 10),
					  number(w, word[3], 10)));
	put(w, e);
}

static void add_dir(struct writer *w, struct archive_entry *e, char **word)
{
	(void)word;
	archive_entry_set_filetype(e, AE_IFDIR);
	archive_entry_set_perm(e, 0755);
	put(w, e);
}

static void add_member(struct writer *w, char **word, int words)
{
	static const struct {
		const char *kind;
		int min, max;
		void (*add)(struct writer *w, struct archive_entry *e, char **word);
	} kinds[] = {
		{ "dir", 2, 2, add_dir }, { "file", 3, 4, add_file },
		{ "link", 3, 3, add_link }, { "node", 4, 4, add_node },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct archive_entry *e;

		if (strcmp(word[0], kinds[i].kind))
			continue;
		if (words < kinds[i].min || words > kinds[i].max)
			break;
		e = archive_entry_new();
		if (!e)
			die("out of memory");
		archive_entry_set_pathname(e, word[1]);
		kinds[i].add(w, e, word);
		archive_entry_free(e);
		return;
	}
	die("%s:%d: wanted dir PATH, file PATH SOURCE [MODE], link PATH TARGET "
	    "or node PATH MAJOR MINOR", w->list, w->line);
}

static void add_line(struct writer *w, char *line)
{
	char *word[WORDS + 1] = { NULL }, *save = NULL, *next;
	int words = 0;

	line[strcspn(line, "#\n")] = '\0';
	for (next = strtok_r(line, " \t", &save); next && words <= WORDS;
	     next = strtok_r(NULL, " \t", &save))
		word[words++] = next;
	if (words)
		add_member(w, word, words);
}

void initramfs_write(const char *path, const char *list)
{
	struct writer w = { .a = archive_write_new(), .path = path, .list = list };
	FILE *f = fopen(list, "r");
	char line[1024];

	if (!f)
		die("cannot read %s: %s", list, strerror(errno));
	if (!w.a)
		die("out of memory");
	must(&w, archive_write_set_format_cpio_newc(w.a));
	must(&w, archive_write_add_filter_gzip(w.a));
	must(&w, archive_write_set_options(w.a, "gzip:!timestamp,gzip:compression-level=9"));
	must(&w, archive_write_open_filename(w.a, path));
	while (fgets(line, sizeof(line), f)) {
		w.line++;
		add_line(&w, line);
	}
	fclose(f);
	must(&w, archive_write_close(w.a));
	archive_write_free(w.a);
}
