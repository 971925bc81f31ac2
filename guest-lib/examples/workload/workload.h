/* SPDX-License-Identifier: MIT */
/*
 * The workload: a guest with a page cache of real files.
 *
 *	main.c    options, the phases in order, the last line
 *	cache.c   files out of the initial RAM disk into pages of our own
 *	sums.c    what each page must sum up to, before and after the writes
 *	phases.c  offer, read, write, reoffer, verify
 *	report.c  lines on the console
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gl/cpio.h>
#include <gl/share.h>

#include "workload_rule.h"

struct options {
	uint64_t seed, guest;
	unsigned int writes, unique;	/* percent */
	uint64_t zero_pages;
	bool hold;
	uint64_t hold_ms;		/* 0: no limit */
};

struct cache_page {
	uint64_t va;
	uint64_t before;	/* sums, as the harness or we at load say; */
	uint64_t after;		/* without the unique mask */
};

struct cache_file {
	char name[52];		/* cut; only for messages */
	uint32_t hash;
	uint32_t first, pages;	/* in cache.pages */
};

struct cache {
	struct cache_file *files;
	struct cache_page *pages;
	uint32_t file_count, page_count;
};

struct counts {
	uint64_t offered, shared, refused, zero, reoffered;
	uint64_t written, unique, read_errors, verify_errors;
	/* pages to the hypervisor: the RAM disk's, and free ones */
	uint64_t returned;
	uint64_t by_result[GL_SHARE_RESULTS];	/* of both offers */
};

struct workload {
	struct options options;
	struct cache cache;
	struct counts counts;
	struct gl_share *share;
};

/* cache.c: false: no memory for anything (said already). */
bool cache_load(struct workload *w, const void *initrd, uint64_t bytes);

/*
 * sums.c: set page.before and .after of one page just loaded; name as in the
 * archive.
 */
struct sums {
	const uint8_t *initrd;
	uint64_t bytes;
	const uint8_t *member;	/* of the present file; NULL: not named */
	uint64_t at;
	uint32_t pages;
	/* member computed for another seed or percentage */
	bool after_is_ours;
};
void sums_open(struct sums *s, const void *initrd, uint64_t bytes);
void sums_begin_file(struct sums *s, const struct options *o, const char *name,
		     uint64_t name_bytes);
void sums_page(const struct sums *s, const struct options *o,
	       const struct cache_file *f, uint32_t index,
	       struct cache_page *page);
/*
 * The sum of a page as it must be after the writes: the unique mask taken off a
 * copy.
 */
uint64_t sums_common(const struct options *o, const struct cache_file *f,
		     uint32_t index, const struct cache_page *page);

/* phases.c */
void phase_offer(struct workload *w);
void phase_read(struct workload *w);
void phase_write(struct workload *w);
void phase_reoffer(struct workload *w);
void phase_verify(struct workload *w);

/* report.c */
struct progress {
	const char *phase;
	uint64_t total, done, next, start_ns;
};
void report_begin(struct progress *p, const char *phase, uint64_t total);
void report_step(struct progress *p, uint64_t done_more);
void report_end(struct progress *p);
__attribute__((format(printf, 1, 2)))
void report_error(const char *format, ...);
void report_refusals(const struct counts *c);
void report_done(const struct workload *w, uint64_t start_ns);

#endif
