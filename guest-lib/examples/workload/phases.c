/* SPDX-License-Identifier: MIT */
/* What the guest does with its pages, phase by phase. */
#include <gl/console.h>
#include <gl/hypercall.h>
#include <gl/memory.h>

#include "workload.h"

#define REFILL_EVERY	16	/* written pages; less than the reserve */
#define ERRORS_SHOWN	4

/* One batch of pages on their way into a hypercall. */
struct batch {
	uint64_t va[SHARE_BATCH_MAX];
	int32_t status[SHARE_BATCH_MAX];
	unsigned int count;
};
static struct batch batch;

/* The whole call failed, or the hypervisor has none: said once. */
static void offer_failed(struct workload *w, long rc)
{
	static bool said;

	w->counts.by_result[SHARE_NOT_TRIED] += batch.count;
	if (!said)
		report_error(rc == -XEN_ENOSYS ?
			     "this hypervisor has no sharing call (%ld)" :
			     "offer refused as a whole: %ld", rc);
	said = true;
}

/* Offer what is collected; returns how many were shared. */
static uint64_t offer_batch(struct workload *w)
{
	uint64_t shared = 0;
	long rc;

	if (!batch.count)
		return 0;
	rc = gl_share_pages(w->share, batch.va, batch.count, batch.status);
	if (rc < 0) {
		offer_failed(w, rc);
	} else {
		for (unsigned int i = 0; i < batch.count; i++) {
			int32_t st = batch.status[i];

			if (st < 0 || st >= GL_SHARE_RESULTS)
				st = SHARE_NOT_TRIED;
			w->counts.by_result[st]++;
			shared += st == SHARE_DONE;
		}
	}
	batch.count = 0;
	return shared;
}

/* Offer the pages that `wanted` names, in batches; *offered counts them. */
static uint64_t offer_pages(struct workload *w, const char *phase,
			    uint64_t total,
			    bool (*wanted)(const struct workload *w,
					   const struct cache_file *f,
					   uint32_t index),
			    uint64_t *offered)
{
	struct progress p;
	uint64_t shared = 0;

	report_begin(&p, phase, total);
	for (uint32_t n = 0; n < w->cache.file_count; n++) {
		const struct cache_file *f = &w->cache.files[n];

		for (uint32_t i = 0; i < f->pages; i++) {
			if (!wanted(w, f, i))
				continue;
			(*offered)++;
			batch.va[batch.count++] =
				w->cache.pages[f->first + i].va;
			if (batch.count < SHARE_BATCH_MAX)
				continue;
			shared += offer_batch(w);
			report_step(&p, SHARE_BATCH_MAX);
		}
	}
	report_step(&p, batch.count);
	shared += offer_batch(w);
	report_end(&p);
	return shared;
}

static bool every_page(const struct workload *w, const struct cache_file *f,
		       uint32_t index)
{
	return true;
}

static bool written_page(const struct workload *w, const struct cache_file *f,
			 uint32_t index)
{
	return rule_is_written(w->options.seed, f->hash, index,
			       w->options.writes);
}

void phase_offer(struct workload *w)
{
	w->counts.shared = offer_pages(w, "offer", w->cache.page_count,
				       every_page, &w->counts.offered);
	w->counts.refused = w->counts.offered - w->counts.shared;
}

void phase_reoffer(struct workload *w)
{
	uint64_t offered = 0;

	w->counts.reoffered = offer_pages(w, "reoffer", w->counts.written,
					  written_page, &offered);
}

/* Compare one page's sum; returns 1 for an error. */
static uint64_t check(const struct cache_file *f, uint32_t index,
		      uint64_t sum, uint64_t expected, uint64_t errors,
		      const char *phase)
{
	if (sum == expected)
		return 0;
	if (errors < ERRORS_SHOWN)
		report_error("%s: %s page %u: sum %lx expected %lx", phase,
			     f->name, index, sum, expected);
	return 1;
}

void phase_read(struct workload *w)
{
	static const uint8_t zeros[RULE_PAGE_BYTES];
	uint64_t zero_sum = rule_checksum(zeros);
	struct progress p;

	report_begin(&p, "read", w->cache.page_count);
	for (uint32_t n = 0; n < w->cache.file_count; n++) {
		const struct cache_file *f = &w->cache.files[n];

		for (uint32_t i = 0; i < f->pages; i++) {
			struct cache_page *page = &w->cache.pages[f->first + i];
			uint64_t sum =
				rule_checksum((const uint8_t *)page->va);

			w->counts.zero += sum == zero_sum;
			w->counts.read_errors +=
				check(f, i, sum, page->before,
				      w->counts.read_errors, "read");
			report_step(&p, 1);
		}
	}
	report_end(&p);
}

/* Plain stores; the first one to a shared page faults. */
static void write_page(struct workload *w, const struct cache_file *f,
		       uint32_t index)
{
	const struct options *o = &w->options;
	uint8_t *page = (uint8_t *)w->cache.pages[f->first + index].va;

	rule_apply(page, o->seed, f->hash, index);
	if (rule_is_unique(o->seed, f->hash, index, o->unique)) {
		rule_unique(page, o->guest, o->seed, f->hash, index);
		w->counts.unique++;
	}
	if (++w->counts.written % REFILL_EVERY == 0)
		gl_share_refill(w->share);
}

void phase_write(struct workload *w)
{
	struct progress p;

	report_begin(&p, "write", w->cache.page_count);
	for (uint32_t n = 0; n < w->cache.file_count; n++) {
		const struct cache_file *f = &w->cache.files[n];

		for (uint32_t i = 0; i < f->pages; i++) {
			if (written_page(w, f, i))
				write_page(w, f, i);
			report_step(&p, 1);
		}
	}
	gl_share_refill(w->share);
	report_end(&p);
}

void phase_verify(struct workload *w)
{
	struct progress p;

	report_begin(&p, "verify", w->cache.page_count);
	for (uint32_t n = 0; n < w->cache.file_count; n++) {
		const struct cache_file *f = &w->cache.files[n];

		for (uint32_t i = 0; i < f->pages; i++) {
			const struct cache_page *page =
				&w->cache.pages[f->first + i];

			w->counts.verify_errors +=
				check(f, i, sums_common(&w->options, f, i, page),
				      page->after, w->counts.verify_errors,
				      "verify");
			report_step(&p, 1);
		}
	}
	report_end(&p);
}
