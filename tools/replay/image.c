/* SPDX-License-Identifier: MIT */
/* See image.h. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/replay/image.h"

static unsigned int group_number(struct images *im, const char *name)
{
	size_t i;

	for (i = 0; i < im->groups.count; i++)
		if (!strcmp(im->groups.v[i], name))
			return (unsigned int)i;
	if (im->groups.count == GROUPS_MAX)
		die("more than %u groups", GROUPS_MAX);
	strings_add(&im->groups, name);
	return (unsigned int)i;
}

/* The kernel fills the last page. */
const uint8_t *image_map(const struct image_file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", f->path, strerror(errno));
	if ((uint64_t)st.st_size < f->bytes)
		die("%s: it has become shorter meanwhile; leave it alone and run again", f->path);
	at = mmap(NULL, f->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		die("%s: %s", f->path, strerror(errno));
	close(fd);
	return at;
}

void image_unmap(const struct image_file *f, const uint8_t *pages)
{
	munmap((void *)(uintptr_t)pages, f->bytes);
}

static void file_add(struct image_guest *g, const char *path, uint64_t bytes)
{
	struct image_file *f;

	if (!bytes)
		return;
	g->file = xrealloc(g->file, (g->files + 1) * sizeof(*g->file));
	f = &g->file[g->files++];
	*f = (struct image_file){
		.path = xstrdup(path), .bytes = bytes,
		.first = g->pages, .count = (bytes + PAGE_BYTES - 1) / PAGE_BYTES,
	};
	g->pages += f->count;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void left_out(const char *path, int error)
{
	fprintf(stderr, "pasture: left out: %s: %s\n", path, strerror(error));
}

static void folder_add(struct image_guest *g, char *path)
{
	char *paths[] = { path, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	FTSENT *e;

	if (!tree)
		die("%s: %s", path, strerror(errno));
	while ((e = fts_read(tree))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
		    e->fts_info == FTS_NS)
			left_out(e->fts_path, e->fts_errno);
		else if (e->fts_info == FTS_F && access(e->fts_path, R_OK))
			left_out(e->fts_path, errno);
		else if (e->fts_info == FTS_F)
			file_add(g, e->fts_path, (uint64_t)e->fts_statp->st_size);
	}
	fts_close(tree);
}

void images_add(struct images *im, const char *word)
{
	const char *colon = strchr(word, ':');
	char *group = colon ? strndup(word, (size_t)(colon - word)) : xstrdup("all");
	char *path = xstrdup(colon ? colon + 1 : word);
	struct image_guest g = { .name = path };
	struct stat st;

	if (!group || !*group || !*path)
		die("'%s' is not [GROUP:]PATH", word);
	if (im->guests == GUESTS_MAX)
		die("more than %u guests", GUESTS_MAX);
	if (stat(path, &st))
		die("%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		folder_add(&g, path);
	else if (S_ISREG(st.st_mode) && access(path, R_OK))
		die("%s: %s", path, strerror(errno));
	else if (S_ISREG(st.st_mode))
		file_add(&g, path, (uint64_t)st.st_size);
	else
		die("%s: neither a file nor a folder", path);
	if (!g.pages)
		die("%s: nothing in it", path);
	g.group = group_number(im, group);
	free(group);
	im->guest = xrealloc(im->guest, (im->guests + 1) * sizeof(*im->guest));
	im->guest[im->guests++] = g;
	im->pages += g.pages;
}

void images_free(struct images *im)
{
	unsigned int i;
	uint32_t n;

	for (i = 0; i < im->guests; i++) {
		for (n = 0; n < im->guest[i].files; n++)
			free(im->guest[i].file[n].path);
		free(im->guest[i].file);
		free(im->guest[i].name);
	}
	free(im->guest);
	strings_free(&im->groups);
}
