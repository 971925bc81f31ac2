/* SPDX-License-Identifier: MIT */
/* See files.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/files.h"

#define OWN_FOLDER	"/usr/bin"
#define OWN_BYTES_MIN	(96u << 10)
#define OWN_BYTES_MAX	(2u << 20)

/* First path of each row that can be read is taken. */
#define CANDIDATES 4
static const char *const for_all[][CANDIDATES] = {
	{ "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6" },
	{ "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/usr/lib64/libcrypto.so.3" },
	{ "build/files/vmlinuz", "build/pasture.elf64", "build/pasture" },
};
static const char *const for_some[][CANDIDATES] = {
	{ "/bin/busybox", "/usr/bin/busybox", "/bin/bash", "/bin/sh" },
};

/* The base name, made unique: it is the file's name in every archive. */
static char *archive_name(const struct file_set *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->v[i].name, base))
			return xasprintf("%s.%zu", base, s->count);
	return xstrdup(base);
}

/* False: it cannot be read, is no regular file, or is empty. */
static bool load(struct file *f, const char *path)
{
	/* What is not a file may make us wait for ever (a FIFO). */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	uint64_t at = 0;
	ssize_t n = 0;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size == 0) {
		close(fd);
		errno = EINVAL;
		return false;
	}
	f->bytes = (uint64_t)st.st_size;
	f->pages = (uint32_t)((f->bytes + PAGE_BYTES - 1) / PAGE_BYTES);
	f->data = xcalloc(f->pages, PAGE_BYTES);
	while (at < f->bytes &&
	       (n = read(fd, f->data + at, f->bytes - at)) > 0)
		at += (uint64_t)n;
	close(fd);
	if (at == f->bytes)
		return true;
	free(f->data);
	return false;
}

static bool add(struct file_set *s, const char *path, enum file_use use,
		uint64_t guest)
{
	struct file f = { .use = use, .guest = guest };

	if (!load(&f, path))
		return false;
	f.name = archive_name(s, path);
	f.path = xstrdup(path);
	s->v = xrealloc(s->v, (s->count + 1) * sizeof(*s->v));
	s->v[s->count++] = f;
	return true;
}

static void add_candidates(struct file_set *s,
			   const char *const (*rows)[CANDIDATES], size_t count,
			   enum file_use use)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < CANDIDATES && rows[i][k]; k++)
			if (add(s, rows[i][k], use, 0))
				break;
}

static void add_named(struct file_set *s, const struct strings *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (!add(s, names->v[i], FILE_FOR_ALL, 0))
			die("FILES: cannot read %s: %s (it must be a regular "
			    "file that is not empty)", names->v[i],
			    strerror(errno));
}

/* Programs of a size that fits, each inode once, by name. */
static int own_filter(const struct dirent *e)
{
	char *path = xasprintf("%s/%s", OWN_FOLDER, e->d_name);
	struct stat st;
	bool fits = lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_nlink == 1 && st.st_size >= OWN_BYTES_MIN &&
		    st.st_size <= OWN_BYTES_MAX && file_exists(path) &&
		    strcmp(e->d_name, "busybox");

	free(path);
	return fits;
}

static void add_own(struct file_set *s, uint64_t guests)
{
	struct dirent **names = NULL;
	int count = scandir(OWN_FOLDER, &names, own_filter, alphasort);
	uint64_t guest = 0;

	for (int i = 0; i < count; i++) {
		char *path = xasprintf("%s/%s", OWN_FOLDER, names[i]->d_name);

		if (guest < guests && add(s, path, FILE_FOR_ONE, guest))
			guest++;
		free(path);
		free(names[i]);
	}
	free(names);
	if (guest < guests)
		printf("pasture: only %llu programs in %s to give to one guest "
		       "each; the other guests have none of their own\n",
		       (unsigned long long)guest, OWN_FOLDER);
}

void files_collect(struct file_set *s, const struct options *o)
{
	*s = (struct file_set){ .groups = o->tenants };
	if (o->files.count)
		add_named(s, &o->files);
	else
		add_candidates(s, for_all, sizeof(for_all) / sizeof(for_all[0]),
			       FILE_FOR_ALL);
	add_candidates(s, for_some, sizeof(for_some) / sizeof(for_some[0]),
		       FILE_FOR_SOME);
	add_own(s, o->guests);
}

void files_free(struct file_set *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->v[i].name);
		free(s->v[i].path);
		free(s->v[i].data);
	}
	free(s->v);
	*s = (struct file_set){ 0 };
}

bool file_is_for(const struct file_set *s, const struct file *f,
		 uint64_t guest)
{
	if (f->use == FILE_FOR_SOME)
		return guest / s->groups % 2 == 0;
	return f->use == FILE_FOR_ALL || f->guest == guest;
}
