/* SPDX-License-Identifier: MIT */
/* The page cache: each file in pages of its own, the last padded with zeros. */
#include <gl/console.h>
#include <gl/memory.h>
#include <gl/string.h>

#include "workload.h"

static bool is_sums(const struct gl_cpio_file *f)
{
	return f->name_bytes == strlen(RULE_SUMS_NAME) &&
	       memcmp(f->name, RULE_SUMS_NAME, f->name_bytes) == 0;
}

/* The next member that is a file of the workload; as gl_cpio_next(). */
static int next_file(struct gl_cpio *c, struct gl_cpio_file *f)
{
	int rc;

	while ((rc = gl_cpio_next(c, f)) == 1)
		if (gl_cpio_is_regular(f) && f->bytes && !is_sums(f))
			return 1;
	return rc;
}

static uint64_t page_count(uint64_t bytes)
{
	return (bytes + GL_PAGE_BYTES - 1) / GL_PAGE_BYTES;
}

static void *alloc_array(uint64_t count, size_t each)
{
	return (void *)gl_pages_alloc(page_count(count * each + 1));
}

/* How much there is, and the arrays for it. */
static bool make_arrays(struct workload *w, const void *initrd, uint64_t bytes)
{
	uint64_t files = 1, pages = w->options.zero_pages;
	struct gl_cpio_file f;
	struct gl_cpio c;
	int rc;

	gl_cpio_open(&c, initrd, bytes);
	while ((rc = next_file(&c, &f)) == 1) {
		files++;
		pages += page_count(f.bytes);
	}
	if (rc < 0)
		report_error("initial RAM disk: no cpio archive at byte %lu of %lu",
			     c.at, bytes);
	w->cache.files = alloc_array(files, sizeof(struct cache_file));
	w->cache.pages = alloc_array(pages, sizeof(struct cache_page));
	if (!w->cache.files || !w->cache.pages) {
		report_error("no memory for the lists of %lu files and %lu pages",
			     files, pages);
		return false;
	}
	return true;
}

/* One page of a file; `bytes` is what is left of it. */
static bool load_page(struct workload *w, const struct sums *s,
		      const struct cache_file *f, const uint8_t *data,
		      uint64_t bytes)
{
	struct cache_page *page = &w->cache.pages[w->cache.page_count];
	uint64_t n = bytes < GL_PAGE_BYTES ? bytes : GL_PAGE_BYTES;

	page->va = gl_page_alloc();
	if (!page->va)
		return false;
	memcpy((void *)page->va, data, n);
	memset((void *)(page->va + n), 0, GL_PAGE_BYTES - n);
	sums_page(s, &w->options, f, f->pages, page);
	w->cache.page_count++;
	return true;
}

/* The next file of the cache, still without pages. */
static struct cache_file *begin_file(struct workload *w, struct sums *s,
				     const char *name, uint64_t name_bytes,
				     uint64_t pages)
{
	struct cache_file *f = &w->cache.files[w->cache.file_count++];
	uint64_t shown = name_bytes < sizeof(f->name) - 1 ? name_bytes :
			 sizeof(f->name) - 1;

	*f = (struct cache_file){
		.hash = rule_file_hash(name, name_bytes),
		.first = w->cache.page_count,
	};
	memcpy(f->name, name, shown);
	sums_begin_file(s, &w->options, name, name_bytes);
	if (s->member && s->pages != pages) {
		report_error("%s: %u sums for %lu pages", f->name, s->pages,
			     pages);
		s->member = NULL;
	}
	return f;
}

static bool load_file(struct workload *w, struct sums *s,
		      const struct gl_cpio_file *file, struct progress *p)
{
	struct cache_file *f = begin_file(w, s, file->name, file->name_bytes,
					  page_count(file->bytes));

	for (uint64_t at = 0; at < file->bytes; at += GL_PAGE_BYTES) {
		if (!load_page(w, s, f, file->data + at, file->bytes - at)) {
			report_error("%s: no memory after %u pages", f->name,
				     f->pages);
			return false;
		}
		f->pages++;
		report_step(p, 1);
	}
	return true;
}

static void load_zero_pages(struct workload *w, struct sums *s,
			    struct progress *p)
{
	static const uint8_t zeros[GL_PAGE_BYTES];
	struct cache_file *f;

	if (!w->options.zero_pages)
		return;
	f = begin_file(w, s, RULE_ZERO_NAME, strlen(RULE_ZERO_NAME),
		       w->options.zero_pages);
	while (f->pages < w->options.zero_pages) {
		if (!load_page(w, s, f, zeros, GL_PAGE_BYTES)) {
			report_error("no memory after %u zero pages", f->pages);
			return;
		}
		f->pages++;
		report_step(p, 1);
	}
}

bool cache_load(struct workload *w, const void *initrd, uint64_t bytes)
{
	struct gl_cpio_file file;
	struct progress p;
	struct gl_cpio c;
	struct sums s;
	bool room = true;

	if (!make_arrays(w, initrd, bytes))
		return false;
	report_begin(&p, "load", 0);
	sums_open(&s, initrd, bytes);
	gl_cpio_open(&c, initrd, bytes);
	while (room && next_file(&c, &file) == 1)
		room = load_file(w, &s, &file, &p);
	if (room)
		load_zero_pages(w, &s, &p);
	report_end(&p);
	return w->cache.page_count > 0;
}
