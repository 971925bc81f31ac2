/* SPDX-License-Identifier: MIT */
/* See util.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/util.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("pasture: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_USAGE);
}

void *xcalloc(size_t count, size_t bytes)
{
	void *p = calloc(count ? count : 1, bytes ? bytes : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *xrealloc(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (!p)
		die("out of memory");
	return p;
}

char *xstrdup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		die("out of memory");
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	return s;
}

void strings_add(struct strings *l, const char *s)
{
	l->v = xrealloc(l->v, (l->count + 1) * sizeof(*l->v));
	l->v[l->count++] = xstrdup(s);
}

void strings_split(struct strings *l, const char *text, const char *delims)
{
	char *copy = xstrdup(text), *save = NULL, *word;

	for (word = strtok_r(copy, delims, &save); word;
	     word = strtok_r(NULL, delims, &save))
		strings_add(l, word);
	free(copy);
}

void strings_split_escaped(struct strings *l, const char *text)
{
	char *word = xstrdup(text), *to = word;

	for (; ; text++) {
		bool ends = !*text || *text == ' ' || *text == ',';

		if (*text == '\\' && text[1]) {
			*to++ = *++text;
		} else if (!ends) {
			*to++ = *text;
		} else if (to != word) {
			*to = '\0';
			strings_add(l, word);
			to = word;
		}
		if (!*text)
			break;
	}
	free(word);
}

void strings_free(struct strings *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strings){ 0 };
}

bool parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;
	unsigned long long n;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno || *end || n < min || n > max)
		return false;
	*out = n;
	return true;
}

void make_dirs(const char *path)
{
	char *copy = xstrdup(path);

	for (char *p = copy + 1; ; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			die("cannot make the folder %s: %s", copy,
			    strerror(errno));
		*p = c;
		if (!c)
			break;
	}
	free(copy);
}

static void refuse_owned(int fd, const char *path)
{
	char pid[32] = "";
	ssize_t n = read(fd, pid, sizeof(pid) - 1);

	pid[n > 0 ? n : 0] = '\0';
	die("another run uses %s (process %s); wait for its end, or end it",
	    path, pid[0] ? pid : "unknown");
}

static void remove_outputs(const char *folder)
{
	static const char *const names[] = {
		"console.log", "qemu.log", "report.json", "saved.tsv",
		"saved.svg", "control.sock",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *old = xasprintf("%s/%s", folder, names[i]);

		if (unlink(old) && errno != ENOENT)
			die("cannot remove %s of an earlier run: %s", old,
			    strerror(errno));
		free(old);
	}
}

void own_folder(const char *path)
{
	char *lock = xasprintf("%s/.lock", path);
	int fd;

	make_dirs(path);
	fd = open(lock, O_RDWR | O_CREAT, 0666);
	if (fd < 0)
		die("cannot write %s: %s", lock, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		refuse_owned(fd, path);
	if (ftruncate(fd, 0) || dprintf(fd, "%d", (int)getpid()) < 0)
		die("cannot write %s: %s", lock, strerror(errno));
	free(lock);
	remove_outputs(path);
}

bool file_exists(const char *path)
{
	return access(path, R_OK) == 0;
}

uint64_t file_bytes(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		die("cannot read %s: %s", path, strerror(errno));
	return (uint64_t)st.st_size;
}

double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
