/* SPDX-License-Identifier: MIT */
/*
 * Sums.  With a `.sums` member the host says what every page must hold;
 * without, we sum it as loaded and compute the change on a copy.  Either way
 * the check after the writes never looks at the page that was written.
 */
#include <gl/memory.h>
#include <gl/string.h>

#include "workload.h"

/* Work page; one vCPU, and no event handler comes here. */
static uint8_t scratch[RULE_PAGE_BYTES] __attribute__((aligned(8)));

void sums_open(struct sums *s, const void *initrd, uint64_t bytes)
{
	*s = (struct sums){ .initrd = initrd, .bytes = bytes };
}

static bool is_named(const struct gl_cpio_file *f, const char *name)
{
	return f->name_bytes == strlen(name) &&
	       memcmp(f->name, name, f->name_bytes) == 0;
}

void sums_begin_file(struct sums *s, const struct options *o, const char *name,
		     uint64_t name_bytes)
{
	struct rule_sums_head head;
	struct gl_cpio_file f;
	struct gl_cpio c;

	s->member = NULL;
	gl_cpio_open(&c, s->initrd, s->bytes);
	while (gl_cpio_next(&c, &f) == 1) {
		if (!is_named(&f, RULE_SUMS_NAME) ||
		    !rule_sums_find(f.data, f.bytes, name, name_bytes, &s->at,
				    &s->pages))
			continue;
		s->member = f.data;
		memcpy(&head, f.data, sizeof(head));
		s->after_is_ours = head.seed != o->seed ||
				   head.percent != o->writes;
		return;
	}
}

static uint64_t sum_after(const struct options *o, const struct cache_file *f,
			  uint32_t index, const struct cache_page *page)
{
	if (!rule_is_written(o->seed, f->hash, index, o->writes))
		return page->before;
	memcpy(scratch, (const void *)page->va, RULE_PAGE_BYTES);
	rule_apply(scratch, o->seed, f->hash, index);
	return rule_checksum(scratch);
}

void sums_page(const struct sums *s, const struct options *o,
	       const struct cache_file *f, uint32_t index,
	       struct cache_page *page)
{
	if (s->member) {
		struct rule_sum sum = rule_sum_get(s->member, s->at, index);

		page->before = sum.before;
		page->after = sum.after;
	} else {
		page->before = rule_checksum((const uint8_t *)page->va);
	}
	if (!s->member || s->after_is_ours)
		page->after = sum_after(o, f, index, page);
}

uint64_t sums_common(const struct options *o, const struct cache_file *f,
		     uint32_t index, const struct cache_page *page)
{
	if (!rule_is_written(o->seed, f->hash, index, o->writes) ||
	    !rule_is_unique(o->seed, f->hash, index, o->unique))
		return rule_checksum((const uint8_t *)page->va);
	memcpy(scratch, (const void *)page->va, RULE_PAGE_BYTES);
	rule_unique(scratch, o->guest, o->seed, f->hash, index);
	return rule_checksum(scratch);
}
