/* SPDX-License-Identifier: MIT */
/*
 * The chain of one bucket of a lintab: the bucket, then overflow nodes (LIN1).
 */
#include <hash/general_regs.h>

#include "lintab_chain.h"

void *lintab_alloc(struct lintab *t, size_t bytes)
{
	void *p = t->mem->alloc(t->mem->ctx, bytes);

	if (p)
		atomic_fetch_add(&t->bytes, bytes);
	return p;
}

void lintab_free(struct lintab *t, void *p, size_t bytes)
{
	atomic_fetch_sub(&t->bytes, bytes);
	t->mem->free(t->mem->ctx, p, bytes);
}

static void link_set(unsigned char *chunk, uint32_t bytes, unsigned char *next)
{
	memcpy(chunk + bytes - LINTAB_LINK_BYTES, &next, sizeof(next));
}

/* Entries are whole words; a call of memcpy() would cost more than the copy. */
static inline void entry_copy(const struct lintab_kind *kind, void *to,
			      const void *from)
{
	uint32_t word;

	for (uint32_t at = 0; at < kind->entry_bytes; at += sizeof(word)) {
		memcpy(&word, (const char *)from + at, sizeof(word));
		memcpy((char *)to + at, &word, sizeof(word));
	}
}

/* Entries that fit in a chunk, with and without a link behind them. */
static uint32_t fit_linked(const struct lintab_kind *kind, uint32_t bytes)
{
	return bytes == kind->bucket_bytes ? kind->bucket_fit : kind->node_fit;
}

static uint32_t fit_last(const struct lintab_kind *kind, uint32_t bytes)
{
	return fit_linked(kind, bytes) + kind->overlay;
}

bool node_list_fill(struct lintab *t, struct node_list *list, uint32_t count)
{
	while (count--) {
		unsigned char *node = lintab_alloc(t, t->kind->node_bytes);

		if (!node) {
			node_list_empty(t, list);
			return false;
		}
		node_list_push(t, list, node);
	}
	return true;
}

void node_list_empty(struct lintab *t, struct node_list *list)
{
	while (list->first)
		lintab_free(t, node_list_pop(t, list), t->kind->node_bytes);
}

unsigned char *node_list_pop(struct lintab *t, struct node_list *list)
{
	unsigned char *node = list->first;

	if (node) {
		list->first = lintab_link(node, t->kind->node_bytes);
		link_set(node, t->kind->node_bytes, NULL);
	}
	return node;
}

void node_list_push(struct lintab *t, struct node_list *list,
		    unsigned char *node)
{
	link_set(node, t->kind->node_bytes, list->first);
	list->first = node;
}

uint32_t chain_nodes(const struct lintab_kind *kind, uint32_t entries)
{
	uint32_t fit = fit_last(kind, kind->bucket_bytes), nodes = 0;

	/*
	 * Each node adds node_fit entries; `fit` has the one more that the last
	 * chunk holds with overlay, in place of a link.
	 */
	for (; fit < entries; fit += kind->node_fit)
		nodes++;
	return nodes;
}

/*
 * Entries in use come first (LIN1), so their number is found by halving,
 * without a branch that the CPU would have to guess.
 */
static uint32_t chunk_used(const struct lintab_kind *kind,
			   const unsigned char *chunk, uint32_t bytes)
{
	uint32_t used = 0, most = fit_last(kind, bytes);
	uint32_t half = 1u << lintab_log2(most);

	for (; half; half /= 2) {
		uint32_t more = MIN(used + half, most);
		const unsigned char *last = chunk + more * kind->entry_bytes -
					    kind->entry_bytes;

		used = lintab_in_use(last) ? more : used;
	}
	return used;
}

uint32_t chunk_entries(const struct lintab_kind *kind,
		       const struct lintab_cursor *c)
{
	return lintab_link(c->chunk, c->bytes) ? fit_linked(kind, c->bytes) :
						 chunk_used(kind, c->chunk, c->bytes);
}

void chain_tail(const struct lintab *t, uint32_t bucket, struct lintab_tail *tail)
{
	unsigned char *next;

	tail->before = NULL;
	tail->before_bytes = 0;
	tail->chunk = lintab_bucket(t, bucket);
	tail->bytes = t->kind->bucket_bytes;
	while ((next = lintab_link(tail->chunk, tail->bytes))) {
		tail->before = tail->chunk;
		tail->before_bytes = tail->bytes;
		tail->chunk = next;
		tail->bytes = t->kind->node_bytes;
	}
	tail->used = chunk_used(t->kind, tail->chunk, tail->bytes);
}

static bool tail_full(const struct lintab_kind *kind, const struct lintab_tail *tail)
{
	return tail->used == fit_last(kind, tail->bytes);
}

/*
 * Put a node behind a full chunk.  With overlay the chunk's last entry moves
 * into the node, as the link takes its place.
 */
static void tail_extend(const struct lintab_kind *kind, struct lintab_tail *tail,
			unsigned char *node)
{
	uint32_t last = (tail->used - 1) * kind->entry_bytes;

	CHECK(node);
	tail->used = 0;
	if (kind->overlay) {
		entry_copy(kind, node, tail->chunk + last);
		tail->used = 1;
	}
	link_set(tail->chunk, tail->bytes, node);
	tail->before = tail->chunk;
	tail->before_bytes = tail->bytes;
	tail->chunk = node;
	tail->bytes = kind->node_bytes;
}

bool tail_put(const struct lintab_kind *kind, struct lintab_tail *tail,
	      const void *entry, unsigned char *node)
{
	bool full = tail_full(kind, tail);

	ASSERT(lintab_in_use(entry));
	if (full)
		tail_extend(kind, tail, node);
	entry_copy(kind, tail->chunk + tail->used * kind->entry_bytes, entry);
	tail->used++;
	return full;
}

/*
 * Take the last node off if it is empty.  With overlay a node of one entry
 * goes, too: that entry fits where the link to the node was.
 */
static unsigned char *tail_shorten(const struct lintab_kind *kind,
				   struct lintab_tail *tail)
{
	unsigned char *node = tail->chunk, *link;

	if (!tail->before || tail->used > kind->overlay)
		return NULL;
	link = tail->before + tail->before_bytes - LINTAB_LINK_BYTES;
	memset(link, 0, LINTAB_LINK_BYTES);
	if (tail->used)
		entry_copy(kind, link, node);
	memset(node, 0, kind->entry_bytes);
	return node;
}

unsigned char *chain_cut(struct lintab *t, uint32_t bucket, void *entry)
{
	uint32_t bytes = t->kind->entry_bytes;
	struct lintab_tail tail;
	unsigned char *last;

	chain_tail(t, bucket, &tail);
	CHECK(tail.used > 0);
	last = tail.chunk + --tail.used * bytes;
	if (last != entry)
		entry_copy(t->kind, entry, last);
	memset(last, 0, bytes);
	return tail_shorten(t->kind, &tail);
}

static void writer_enter(struct chain_writer *w, unsigned char *chunk,
			 uint32_t bytes)
{
	w->chunk = chunk;
	w->bytes = bytes;
	w->next = lintab_link(chunk, bytes);
	w->used = 0;
}

void writer_start(const struct lintab *t, uint32_t bucket, uint32_t left,
		  struct chain_writer *w)
{
	writer_enter(w, lintab_bucket(t, bucket), t->kind->bucket_bytes);
	w->left = left;
}

/*
 * In the last chunk an entry may overwrite the link.  The cursor that reads
 * this chain does not miss the link: it has returned more entries than fit
 * beside one, so it has left this chunk.
 */
void writer_put(const struct lintab_kind *kind, struct chain_writer *w,
		const void *entry)
{
	bool last = w->used + w->left <= fit_last(kind, w->bytes);

	if (!last && w->used == fit_linked(kind, w->bytes))
		writer_enter(w, w->next, kind->node_bytes);
	entry_copy(kind, w->chunk + w->used * kind->entry_bytes, entry);
	w->used++;
	w->left--;
}

void writer_end(struct lintab *t, struct chain_writer *w, struct node_list *nodes)
{
	uint32_t used = w->used * t->kind->entry_bytes;
	unsigned char *node, *next;

	CHECK(!w->left);
	memset(w->chunk + used, 0, w->bytes - used);
	for (node = w->next; node; node = next) {
		next = lintab_link(node, t->kind->node_bytes);
		memset(node, 0, t->kind->node_bytes);
		node_list_push(t, nodes, node);
	}
}

#include <hash/general_regs_end.h>
