/* SPDX-License-Identifier: MIT */
/* See engine.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/replay/engine.h"
/* After the harness's words: the hypervisor has some of its own. */
#include <port.h>
#include <hash/page.h>

#include "bench/host/machine.h"

const char *const kind_names[KINDS] = {
	[KIND_ZERO] = "zero", [KIND_WITHIN] = "within_guest",
	[KIND_BETWEEN] = "between_guests", [KIND_FIRST] = "first_of_shared",
	[KIND_OTHER] = "other_group_only", [KIND_ALONE] = "alone",
};

/*
 * Frames 1 .. limit are shared ones, drawn in order, and frame 0 is the page at
 * hand.  The system gives memory to those that are used.
 */
static struct engine {
	struct share *share;
	const struct page_fns *fns;
	struct share_record *records;
	uint8_t *ram;
	uint32_t used, limit;
	uint32_t *back, backs;	/* drawn, and given back */
	const void *offered;
} engine;

static void *map_lazily(uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		die("no memory for %lu MiB of pages", (unsigned long)(bytes >> 20));
	return at;
}

static void *op_map(void *ctx, uint32_t frame)
{
	return frame ? engine.ram + (uint64_t)frame * PAGE_BYTES :
		       (void *)(uintptr_t)engine.offered;
}

static bool draw(uint16_t group, uint32_t *frame)
{
	if (engine.backs)
		*frame = engine.back[--engine.backs];
	else if (engine.used < engine.limit)
		*frame = ++engine.used;
	else
		return false;
	engine.records[*frame] = (struct share_record){ .group = group };
	return true;
}

static uint32_t op_canonical_draw(void *ctx, uint16_t group, uint32_t *frames,
				  uint32_t most)
{
	uint32_t drawn = 0;

	while (drawn < most && draw(group, &frames[drawn]))
		drawn++;
	return drawn;
}

static void op_canonical_free(void *ctx, uint32_t frame)
{
	engine.back[engine.backs++] = frame;
}

static const struct share_ops ops = {
	.map = op_map,
	.canonical_draw = op_canonical_draw,
	.canonical_free = op_canonical_free,
	.alloc = bench_alloc,
	.free = bench_free,
};

static void engine_start(uint64_t pages)
{
	if (pages >= UINT32_MAX - 8)
		die("more pages than fit into one run: %lu", (unsigned long)pages);
	engine.limit = (uint32_t)pages + 4;
	engine.ram = map_lazily((pages + 8) * PAGE_BYTES);
	engine.records = map_lazily((pages + 8) * sizeof(*engine.records));
	engine.back = map_lazily((pages + 8) * sizeof(*engine.back));
	engine.fns = bench_fns(NULL);
	/* In the order of its use, and reproducible: nobody attacks here. */
	bench_secret_set(1);
	engine.share = share_create_with(&ops, NULL, engine.records, bench_secret,
					 engine.fns);
	if (!engine.share)
		die("no memory");
}

/* --- offers --- */

static uint8_t kind_of(struct share_dom *d, uint32_t frame)
{
	uint32_t mappings;

	if (engine.fns->is_zero(engine.offered))
		return KIND_ZERO;
	if (!share_holds(d, frame, &mappings, NULL))
		die("the engine forgot a page that it took");
	if (mappings > 1)
		return KIND_WITHIN;
	return engine.records[frame].holders > 1 ? KIND_BETWEEN : KIND_ALONE;
}

static void file_offer(const struct image_file *f, struct share_dom *d,
		       struct replay_page *out)
{
	const uint8_t *pages = image_map(f);
	uint64_t i;
	int r;

	for (i = 0; i < f->count; i++) {
		engine.offered = pages + i * PAGE_BYTES;
		r = share_offer(d, 0, f->first + i, 1, &out[i].frame);
		if (r)
			die("%s, page %lu: the engine refused it (%d)", f->path,
			    (unsigned long)i, r);
		out[i].kind = kind_of(d, out[i].frame);
	}
	image_unmap(f, pages);
}

static void guest_offer(const struct image_guest *g, struct share_dom *d,
			struct replay_page *out)
{
	uint32_t n;

	for (n = 0; n < g->files; n++)
		file_offer(&g->file[n], d, out + g->file[n].first);
}

/* --- what came after a page --- */

/* The records' hashes say nothing here: a group's zero page may have none. */
struct hashed {
	uint64_t hash;
	uint32_t frame;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static bool same_elsewhere(uint32_t a, uint32_t b)
{
	return engine.records[a].group != engine.records[b].group &&
	       engine.fns->equal(op_map(NULL, a), op_map(NULL, b));
}

static uint32_t hash_all(struct hashed *to)
{
	uint32_t count = 0, i;

	for (i = 1; i <= engine.used; i++)
		if (engine.records[i].count)
			to[count++] = (struct hashed){
				engine.fns->hash(op_map(NULL, i), bench_secret), i,
			};
	return count;
}

/* Frames whose content a frame of another group has, too. */
static bool *find_elsewhere(void)
{
	struct hashed *all = xcalloc(engine.used + 1, sizeof(*all));
	bool *found = xcalloc(engine.used + 1, sizeof(*found));
	uint32_t count = hash_all(all), i, n;

	qsort(all, count, sizeof(*all), by_hash);
	for (i = 0; i < count; i++)
		for (n = i + 1; n < count && all[n].hash == all[i].hash; n++)
			if (same_elsewhere(all[i].frame, all[n].frame))
				found[all[i].frame] = found[all[n].frame] = true;
	free(all);
	return found;
}

static void note(struct replay_counts *c, const struct replay_page *p)
{
	c->kind[p->kind]++;
	c->pages++;
}

static void settle(struct replay *r, const struct images *im)
{
	bool *elsewhere = find_elsewhere();
	struct replay_page *p = r->page;
	unsigned int g;
	uint64_t i;

	for (g = 0; g < im->guests; g++)
		for (i = 0; i < im->guest[g].pages; i++, p++) {
			if (p->kind == KIND_ALONE && engine.records[p->frame].count > 1)
				p->kind = KIND_FIRST;
			else if (p->kind == KIND_ALONE && elsewhere[p->frame])
				p->kind = KIND_OTHER;
			note(&r->guest[g], p);
			note(&r->group[im->guest[g].group], p);
			note(&r->all, p);
		}
	for (i = 1; i <= engine.used; i++)
		if (engine.records[i].count) {
			r->group[engine.records[i].group].frames++;
			r->all.frames++;
		}
	free(elsewhere);
}

static void complain(void *ctx, const char *text)
{
	die("the engine's audit: %s", text);
}

void replay_run(struct replay *r, const struct images *im)
{
	struct share_dom *d[GUESTS_MAX];
	struct replay_page *at;
	struct share_totals totals;
	uint64_t crossed;
	unsigned int i;

	engine_start(im->pages);
	*r = (struct replay){
		.page = xcalloc(im->pages, sizeof(*r->page)),
		.guest = xcalloc(im->guests, sizeof(*r->guest)),
		.group = xcalloc(im->groups.count, sizeof(*r->group)),
	};
	at = r->page;
	for (i = 0; i < im->guests; i++) {
		d[i] = share_dom_create(engine.share, (uint16_t)im->guest[i].group,
					UINT64_MAX);
		if (!d[i])
			die("no memory");
		guest_offer(&im->guest[i], d[i], at);
		at += im->guest[i].pages;
	}
	settle(r, im);
	share_totals_get(engine.share, &totals);
	r->metadata_bytes = totals.metadata_bytes;
	(void)share_audit(engine.share, complain, NULL, &crossed);
	for (i = 0; i < im->guests; i++) {
		bench_drop_all(d[i]);
		share_dom_destroy(d[i]);
	}
	share_destroy(engine.share);
}

void replay_free(struct replay *r)
{
	free(r->page);
	free(r->guest);
	free(r->group);
	munmap(engine.back, (uint64_t)(engine.limit + 4) * sizeof(*engine.back));
	munmap(engine.ram, (uint64_t)(engine.limit + 4) * PAGE_BYTES);
	munmap(engine.records, (uint64_t)(engine.limit + 4) * sizeof(*engine.records));
}
