/* SPDX-License-Identifier: MIT */
/* See expect.h. */
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/expect.h"
#include "harness/workload_rule.h"

/* One offered page: its content, and who may share it. */
struct content {
	XXH128_hash_t hash;
	uint64_t group;
};

struct census {
	struct content *v;
	size_t count, room;
	uint64_t zero;
};

/*
 * The zero pages are one more file, that no archive has: guests sum them alone.
 */
static struct file zero_file(const struct workload *w)
{
	static char name[] = RULE_ZERO_NAME;

	return (struct file){
		.name = name, .pages = w->zero_pages,
		.data = xcalloc(w->zero_pages, PAGE_BYTES),
		.bytes = (uint64_t)w->zero_pages * PAGE_BYTES,
	};
}

static uint32_t file_id(const struct file *f)
{
	return rule_file_hash(f->name, strlen(f->name));
}

/* The change that all guests of the seed make. */
static void common_page(uint8_t out[PAGE_BYTES], const struct file *f,
			uint32_t page, const struct workload *w)
{
	uint32_t id = file_id(f);

	memcpy(out, f->data + (size_t)page * PAGE_BYTES, PAGE_BYTES);
	if (rule_is_written(w->seed, id, page, w->write_percent))
		rule_apply(out, w->seed, id, page);
}

void expect_page(uint8_t out[PAGE_BYTES], const struct file *f, uint32_t page,
		 const struct workload *w, uint64_t id)
{
	uint32_t file = file_id(f);

	common_page(out, f, page, w);
	if (rule_is_written(w->seed, file, page, w->write_percent) &&
	    rule_is_unique(w->seed, file, page, w->unique_percent))
		rule_unique(out, id, w->seed, file, page);
}

static void census_file(struct census *c, const struct file *f,
			const struct workload *w, uint64_t guest,
			uint64_t group)
{
	static const uint8_t zeros[PAGE_BYTES];
	uint8_t page[PAGE_BYTES];

	for (uint32_t i = 0; i < f->pages; i++) {
		expect_page(page, f, i, w, guest + 1);
		if (c->count == c->room) {
			c->room = c->room ? 2 * c->room : 4096;
			c->v = xrealloc(c->v, c->room * sizeof(*c->v));
		}
		c->v[c->count++] = (struct content){
			XXH3_128bits(page, PAGE_BYTES), group };
		c->zero += !memcmp(page, zeros, PAGE_BYTES);
	}
}

static int by_group_and_hash(const void *a, const void *b)
{
	const struct content *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return XXH128_cmp(&x->hash, &y->hash);
}

void expect_count(struct expectation *e, const struct file_set *s,
		  const struct workload *w, uint64_t guests)
{
	struct file zero = zero_file(w);
	struct census c = { 0 };

	for (uint64_t g = 0; g < guests; g++) {
		for (size_t i = 0; i < s->count; i++)
			if (file_is_for(s, &s->v[i], g))
				census_file(&c, &s->v[i], w, g, g % s->groups);
		census_file(&c, &zero, w, g, g % s->groups);
	}
	*e = (struct expectation){ .pages = c.count, .zero = c.zero };
	if (c.count)
		qsort(c.v, c.count, sizeof(*c.v), by_group_and_hash);
	for (size_t i = 0; i < c.count; i++)
		e->distinct += !i || by_group_and_hash(&c.v[i - 1], &c.v[i]);
	e->optimum = e->pages - e->distinct;
	free(c.v);
	free(zero.data);
}

struct bytes {
	uint8_t *v;
	size_t count;
};

static void append(struct bytes *b, const void *p, size_t n)
{
	b->v = xrealloc(b->v, b->count + n);
	memcpy(b->v + b->count, p, n);
	b->count += n;
}

static void append_file(struct bytes *b, const struct file *f,
			const struct workload *w)
{
	struct rule_sums_file head = {
		.name_bytes = (uint32_t)strlen(f->name), .pages = f->pages,
	};
	struct rule_sum *sums = xcalloc(f->pages, sizeof(*sums));
	uint8_t page[PAGE_BYTES];

	for (uint32_t i = 0; i < f->pages; i++) {
		common_page(page, f, i, w);
		sums[i].before =
			rule_checksum(f->data + (size_t)i * PAGE_BYTES);
		sums[i].after = rule_checksum(page);
	}
	append(b, &head, sizeof(head));
	append(b, f->name, head.name_bytes);
	append(b, sums, f->pages * sizeof(*sums));
	free(sums);
}

uint8_t *expect_sums(const struct file_set *s, const struct workload *w,
		     enum file_use use, uint64_t guest, size_t *bytes)
{
	struct rule_sums_head head = {
		.magic = RULE_SUMS_MAGIC, .seed = w->seed,
		.percent = w->write_percent,
	};
	struct bytes b = { 0 };

	append(&b, &head, sizeof(head));
	for (size_t i = 0; i < s->count; i++) {
		if (s->v[i].use != use ||
		    (use == FILE_FOR_ONE && s->v[i].guest != guest))
			continue;
		append_file(&b, &s->v[i], w);
		head.files++;
	}
	memcpy(b.v, &head, sizeof(head));
	*bytes = b.count;
	return b.v;
}
