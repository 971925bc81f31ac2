/* SPDX-License-Identifier: MIT */
/*
 * The same pages given to share/ and to the kernel's KSM, in one run:
 * share-vs-ksm IMAGE...
 *
 * Page sets: synthetic (half of the pages are one of 4,096 contents, a tenth
 * zero, the rest unique, in random order) and real (memory images of guests, a
 * domain each, one group).  CPU time: of this thread for share/, of ksmd for
 * KSM, until the last duplicate is shared.  What share/ costs here is the
 * engine; in the hypervisor there are page-table updates besides, as there are
 * inside of KSM's figure.
 */
#include <stdlib.h>

#include <port.h>
#include <hash/page.h>

#include "bench/host/ksm.h"
#include "bench/host/machine.h"

#define SYNTHETIC	(1u << 16)
#define BREAKS		4096
#define CHUNK		64	/* pages of a batch, as in hv/offer/chunk.h */
#define MAX_DOMS	16

struct set {
	const char *name;
	uint32_t pages, doms, optimum;
	uint32_t contents;		/* that more than one page has */
	/* some pages that others equal */
	uint32_t duplicate[BREAKS], duplicates;
	double offer_s, offer_seconds, break_ns, floor_s;
	uint64_t merged, metadata;
	bool has_ksm;
	struct ksm_result ksm;
};

static struct bench_machine m;
static const struct page_fns *fns;
static uint32_t *canonical;

static int page_order(const void *a, const void *b)
{
	return memcmp(bench_page(&m, *(const uint32_t *)a),
		      bench_page(&m, *(const uint32_t *)b), SHARE_PAGE_BYTES);
}

/* Pages less distinct contents, by sorting whole pages. */
static uint32_t optimum(uint32_t pages)
{
	uint32_t *order = calloc(pages, sizeof(*order)), equal = 0;

	for (uint32_t i = 0; i < pages; i++)
		order[i] = i;
	qsort(order, pages, sizeof(*order), page_order);
	for (uint32_t i = 1; i < pages; i++)
		equal += !page_order(&order[i - 1], &order[i]);
	free(order);
	return equal;
}

static void machine_for(uint32_t pages)
{
	/* One thread has half of the pool. */
	bench_machine_init(&m, pages, 2 * (pages + BREAKS + 64));
	canonical = calloc(pages, sizeof(*canonical));
}

static void synthetic(struct set *set)
{
	uint64_t seed = 9;

	*set = (struct set){ .name = "synthetic", .pages = SYNTHETIC, .doms = 8 };
	machine_for(set->pages);
	for (uint32_t i = 0; i < set->pages; i++) {
		uint64_t what = bench_random(&seed) % 10;

		if (what >= 6)
			bench_fill(bench_page(&m, i), 1ull << 32 | i);
		else if (what >= 1)
			bench_fill(bench_page(&m, i), 1 + bench_random(&seed) % 4096);
	}
}

static uint32_t image_pages(const char *path)
{
	FILE *f = fopen(path, "r");
	long bytes;

	if (!f || fseek(f, 0, SEEK_END) || (bytes = ftell(f)) <= 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	return bytes / SHARE_PAGE_BYTES;
}

static void real(struct set *set, int count, char **paths)
{
	uint32_t at = 0;

	*set = (struct set){ .name = "real", .doms = MIN(count, MAX_DOMS) };
	for (uint32_t i = 0; i < set->doms; i++)
		set->pages += image_pages(paths[i]);
	machine_for(set->pages);
	for (uint32_t i = 0; i < set->doms; i++) {
		uint32_t n = image_pages(paths[i]);
		FILE *f = fopen(paths[i], "r");

		if (!f || fread(bench_page(&m, at), SHARE_PAGE_BYTES, n, f) != n) {
			perror(paths[i]);
			exit(EXIT_FAILURE);
		}
		fclose(f);
		at += n;
	}
}

/*
 * Contents with more than one page, and some of their pages, from all over the
 * set.
 */
static void find_duplicates(struct set *set)
{
	for (uint32_t i = 0; i < set->pages && set->duplicates < BREAKS; i++) {
		uint32_t n = (uint64_t)i * 7919 % set->pages;

		if (m.records[canonical[n]].count > 1)
			set->duplicate[set->duplicates++] = n;
	}
}

static uint32_t domain_of(const struct set *set, uint32_t page)
{
	return (uint64_t)page * set->doms / set->pages;
}

/* A break by the guest: a frame, the copy, the drop of the mapping. */
static double break_some(struct set *set, struct share_dom **d)
{
	double start = bench_cpu();
	uint32_t fresh;

	for (uint32_t i = 0; i < set->duplicates; i++) {
		uint32_t n = set->duplicate[i];

		if (!bench_ops.canonical_draw(&m, 0, &fresh, 1))
			abort();
		memcpy(bench_page(&m, fresh), bench_page(&m, canonical[n]), SHARE_PAGE_BYTES);
		share_drop(d[domain_of(set, n)], canonical[n], 1, true);
	}
	return (bench_cpu() - start) * 1e9 / MAX(set->duplicates, 1u);
}

/* Up to a chunk of one domain's pages, from `first` on; returns how many. */
static uint32_t offer_some(const struct set *set, struct share_dom **d,
			   uint32_t first)
{
	struct share_page batch[CHUNK];
	uint32_t dom = domain_of(set, first), n = 0;

	for (; n < CHUNK && first + n < set->pages &&
	       domain_of(set, first + n) == dom; n++)
		batch[n] = (struct share_page){
			.frame = first + n, .pfn = first + n, .mappings = 1,
		};
	share_offer_batch(d[dom], batch, n);
	for (uint32_t i = 0; i < n; i++) {
		canonical[first + i] = batch[i].canonical;
		if (batch[i].result)
			fprintf(stderr, "page %u was refused\n", first + i);
	}
	return n;
}

/*
 * What nobody who is exact can do without, on the same pages: each is read and
 * hashed, and compared with the page that has its content; zero pages are only
 * read.  In the order in which the pages lie, with the answers known.
 */
static void floor_of(struct set *set)
{
	double start = bench_cpu();
	uint64_t sink = 0;

	for (uint32_t i = 0; i < set->pages; i++) {
		const void *page = bench_page(&m, i);

		if (fns->is_zero(page))
			continue;
		sink += fns->hash(page, bench_secret);
		sink += fns->equal(page, bench_page(&m, canonical[i]));
	}
	set->floor_s = bench_cpu() - start;
	if (sink == 42)
		putchar(' ');
}

static void run_share(struct set *set)
{
	struct share *s = share_create_with(&bench_ops, &m, m.records,
					    bench_secret, fns);
	struct share_dom *d[MAX_DOMS];
	struct share_totals t;
	double cpu, clock;

	for (uint32_t i = 0; i < set->doms; i++)
		d[i] = share_dom_create(s, 1, UINT64_MAX);
	cpu = bench_cpu();
	clock = bench_clock();
	for (uint32_t i = 0; i < set->pages; )
		i += offer_some(set, d, i);
	set->offer_s = bench_cpu() - cpu;
	set->offer_seconds = bench_clock() - clock;
	floor_of(set);
	share_totals_get(s, &t);
	set->merged = t.pages_sharing;
	set->metadata = t.metadata_bytes;
	set->contents = t.pages_shared - t.pages_unshared;
	find_duplicates(set);
	set->break_ns = break_some(set, d);
	for (uint32_t i = 0; i < set->doms; i++) {
		bench_drop_all(d[i]);
		share_dom_destroy(d[i]);
	}
	share_destroy(s);
}

static void row(const char *what, const char *form, double ours, double ksm,
		bool has_ksm)
{
	printf("  %-34s", what);
	printf(form, ours);
	if (has_ksm)
		printf(form, ksm);
	else
		printf("%14s", "-");
	putchar('\n');
}

static void print_set(const struct set *s)
{
	const struct ksm_result *k = &s->ksm;
	bool has = s->has_ksm;

	printf("\n%s: %u pages of %u domains, optimum %u pages saved\n  %-34s%14s%14s\n",
	       s->name, s->pages, s->doms, s->optimum, "", "Pasture", "KSM");
	row("CPU us per page merged", "%14.3f", s->offer_s * 1e6 / s->merged,
	    k->cpu * 1e6 / MAX(k->merged, 1), has);
	row("CPU us per page offered", "%14.3f", s->offer_s * 1e6 / s->pages,
	    k->cpu * 1e6 / s->pages, has);
	printf("  %-34s%14.3f%14s  (each page hashed and compared once, nothing else)\n",
	       "the floor, us per page merged", s->floor_s * 1e6 / s->merged, "");
	row("saved / exact optimum", "%14.4f", (double)s->merged / s->optimum,
	    (double)k->merged / s->optimum, has);
	row("metadata, KiB", "%14.0f", s->metadata / 1024.0, k->metadata / 1024.0,
	    has);
	row("seconds to the last duplicate", "%14.3f", s->offer_seconds, k->seconds,
	    has);
	if (k->foreign)
		printf("  (KSM disturbed by %lu pages of other processes; its CPU is our pages' part)\n",
		       k->foreign);
	row("CPU ns of a break", "%14.0f", s->break_ns, k->break_ns, has);
}

static void run_set(struct set *s, const char *no_ksm)
{
	s->optimum = optimum(s->pages);
	run_share(s);
	s->has_ksm = !no_ksm;
	if (!no_ksm)
		ksm_run(&(struct ksm_set){ m.ram, s->pages, s->contents,
					   s->duplicate, s->duplicates }, &s->ksm);
	print_set(s);
	free(canonical);
	bench_machine_fini(&m);
}

static double cpu_ratio(const struct set *s)
{
	return s->ksm.cpu / MAX(s->ksm.merged, 1) / (s->offer_s / s->merged);
}

/* What KSM / Pasture could be at most with these pages on this machine. */
static double floor_ratio(const struct set *s)
{
	return s->ksm.cpu / MAX(s->ksm.merged, 1) / (s->floor_s / s->merged);
}

static void figures(FILE *json, const struct set *s, const char *prefix)
{
	fprintf(json, "\"%ssaved_over_optimum\": %.5f, \"%sus_per_merge\": %.4f, "
		"\"%sus_per_offer\": %.4f, \"%smetadata_bytes\": %lu, "
		"\"%sbreak_ns\": %.0f, \"%sseconds\": %.4f", prefix,
		(double)s->merged / s->optimum, prefix, s->offer_s * 1e6 / s->merged,
		prefix, s->offer_s * 1e6 / s->pages, prefix, s->metadata, prefix,
		s->break_ns, prefix, s->offer_seconds);
	if (s->has_ksm)
		fprintf(json, ", \"%sksm_over_pasture_cpu_per_merge\": %.3f, "
			"\"%sksm_over_floor_cpu_per_merge\": %.3f, "
			"\"%sksm_saved_over_optimum\": %.5f, "
			"\"%sksm_metadata_bytes\": %lu, \"%sksm_seconds\": %.3f, "
			"\"%sksm_break_ns\": %.0f", prefix, cpu_ratio(s), prefix,
			floor_ratio(s), prefix,
			(double)s->ksm.merged / s->optimum, prefix,
			s->ksm.metadata, prefix, s->ksm.seconds, prefix,
			s->ksm.break_ns);
}

static void report(const struct set *sets, unsigned int count)
{
	FILE *json = bench_open("share-vs-ksm", "json");
	FILE *dat = bench_open("share-vs-ksm", "dat");

	putchar('\n');
	fputs("{ \"figures\": { ", json);
	for (unsigned int i = 0; i < count; i++) {
		const struct set *s = &sets[i];

		/*
		 * The real images, where there are any, have the plain names.
		 */
		figures(json, s, i == count - 1 ? "" : "synthetic_");
		fputs(i == count - 1 ? " } }\n" : ", ", json);
		fprintf(dat, "%s %.4f %.4f\n", s->name,
			s->offer_s * 1e6 / s->merged,
			s->ksm.cpu * 1e6 / MAX(s->ksm.merged, 1));
		if (s->has_ksm)
			printf("  %s: KSM / Pasture, CPU per page merged: %.1f (KSM / floor: %.1f)\n",
			       s->name, cpu_ratio(s), floor_ratio(s));
	}
	fclose(json);
	fclose(dat);
}

int main(int argc, char **argv)
{
	const char *no_ksm = ksm_unusable(), *variant;
	static struct set sets[2];
	unsigned int count = 1;

	fns = bench_fns(&variant);
	printf("page functions: %s\n", variant);
	if (no_ksm)
		printf("without KSM: %s\n", no_ksm);
	synthetic(&sets[0]);
	run_set(&sets[0], no_ksm);
	if (argc > 1) {
		real(&sets[1], argc - 1, argv + 1);
		run_set(&sets[1], no_ksm);
		count = 2;
	}
	report(sets, count);
	return 0;
}
