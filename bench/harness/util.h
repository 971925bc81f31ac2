/* SPDX-License-Identifier: MIT */
/*
 * Small things that every part of the harness uses.  A user's mistake ends the
 * program with one line that says what is wrong and what to do (die()); out of
 * memory does too, so no caller checks for it.
 */
#ifndef HARNESS_UTIL_H
#define HARNESS_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_BAD	1	/* the run, or a test, went wrong */
#define EXIT_USAGE	2	/* the user's mistake */

#define PAGE_BYTES	4096u
#define MIB		(1024u * 1024u)

__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *fmt, ...);

void *xcalloc(size_t count, size_t bytes);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);
__attribute__((format(printf, 1, 2)))
char *xasprintf(const char *fmt, ...);

/* A list of strings; all owned by it. */
struct strings {
	char **v;
	size_t count;
};
void strings_add(struct strings *l, const char *s);
void strings_split(struct strings *l, const char *text, const char *delims);
void strings_free(struct strings *l);

/* Decimal number in min..max, nothing after it. */
bool parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/*
 * Words that blanks and commas separate; one behind a backslash is part of its
 * word.
 */
void strings_split_escaped(struct strings *l, const char *text);

void make_dirs(const char *path);	/* like mkdir -p; dies */
/*
 * Make it, and have it for this process and what it becomes, till the end; dies
 * if another one has it.  What an earlier run left of logs and reports is
 * removed: this one may fail before it writes its own.
 */
void own_folder(const char *path);
bool file_exists(const char *path);
uint64_t file_bytes(const char *path);	/* dies if it cannot be read */
double now_seconds(void);		/* monotonic */

#endif
