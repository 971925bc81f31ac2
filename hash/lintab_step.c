/* SPDX-License-Identifier: MIT */
/*
 * How a lintab grows and shrinks: a step is prepare (all memory, may fail),
 * then commit.
 */
#include <hash/general_regs.h>

#include "lintab_blocks.h"
#include "lintab_chain.h"

/* What a step does to one group. */
struct regroup {
	uint32_t group, level;
	uint32_t from, to;	/* buckets in the group */
	uint32_t stay[4];	/* entries of each bucket that do not move */
	/* where entries come in; c.chunk NULL: not known yet */
	struct lintab_tail tail[4];
};

enum regrouped { REGROUPED, NO_NODES, TOO_MANY };

/* The shape with split > 0 that means the same, for a step back. */
static struct lintab_shape shape_before(struct lintab_shape s)
{
	if (s.split)
		return s;
	if (s.slots == 3)
		return (struct lintab_shape){ s.level, 2, 1u << s.level };
	return (struct lintab_shape){ s.level - 1, 3, 1u << (s.level - 1) };
}

/* The shape with split < groups that means the same. */
static struct lintab_shape shape_after(struct lintab_shape s)
{
	if (s.split < 1u << s.level)
		return s;
	if (s.slots == 2)
		return (struct lintab_shape){ s.level, 3, 0 };
	return (struct lintab_shape){ s.level + 1, 2, 0 };
}

uint32_t lintab_step_group(const struct lintab *t, int direction)
{
	struct lintab_shape s = lintab_shape(t);

	return direction > 0 ? s.split : shape_before(s).split - 1;
}

static uint32_t regroup_bucket(const struct regroup *r, uint32_t slot)
{
	return (slot << r->level) + r->group;
}

/*
 * Where the entries of a chain go: four counts of 16 bits, that of slot s at
 * bit 16 * s.
 */
static uint64_t regroup_count(const struct lintab *t, const struct regroup *r,
			      uint32_t slot)
{
	const struct lintab_kind *kind = t->kind;
	uint32_t level = r->level, slots = r->to;
	struct lintab_cursor c;
	uint64_t counts = 0;

	lintab_seek_bucket(t, regroup_bucket(r, slot), &c);
	do {
		const unsigned char *e = c.chunk;

		for (uint32_t n = chunk_entries(kind, &c); n; n--) {
			uint32_t to = lintab_slot(lintab_place(kind, e), level,
						  slots);

			counts += 1ull << (16 * to);
			e += kind->entry_bytes;
		}
	} while (lintab_go_on(kind, &c));
	return counts;
}

static uint32_t count_of(uint64_t counts, uint32_t slot)
{
	return (uint16_t)(counts >> (16 * slot));
}

/*
 * Counts the entries that stay; returns how many nodes the moves need at most,
 * if entries come in beside those that stay.
 */
static uint32_t regroup_nodes(const struct lintab *t, struct regroup *r)
{
	uint32_t nodes = 0;
	uint64_t all = 0;

	for (uint32_t slot = 0; slot < r->from; slot++) {
		uint64_t counts = regroup_count(t, r, slot);

		r->stay[slot] = count_of(counts, slot);
		all += counts;
	}
	for (uint32_t slot = 0; slot < r->to; slot++)
		nodes += chain_nodes(t->kind, count_of(all, slot)) -
			 chain_nodes(t->kind, r->stay[slot]);
	return nodes;
}

static void regroup_put(struct lintab *t, struct regroup *r, uint32_t slot,
			const void *entry, struct node_list *nodes)
{
	struct lintab_tail *tail = &r->tail[slot];
	unsigned char *node = node_list_pop(t, nodes);

	if (!tail->c.chunk)
		chain_tail(t, regroup_bucket(r, slot), tail);
	if (!tail_put(t->kind, tail, entry, node) && node)
		node_list_push(t, nodes, node);
}

/* Move away what no longer belongs in this slot. */
static void regroup_slot(struct lintab *t, struct regroup *r, uint32_t slot,
			 struct node_list *nodes)
{
	uint32_t bucket = regroup_bucket(r, slot);
	struct chain_writer keep;
	struct lintab_cursor c;
	void *e;

	lintab_seek_bucket(t, bucket, &c);
	writer_start(t, bucket, r->stay[slot], &keep);
	while ((e = lintab_next(t->kind, &c))) {
		uint32_t to = lintab_slot(lintab_place(t->kind, e), r->level, r->to);

		if (to == slot)
			writer_put(t->kind, &keep, e);
		else
			regroup_put(t, r, to, e, nodes);
	}
	writer_end(t, &keep, nodes);
}

enum move { GROW_TO_3, GROW_TO_4, SHRINK_TO_3, SHRINK_TO_2 };

static enum move move_of(const struct regroup *r)
{
	if (r->to > r->from)
		return r->to == 3 ? GROW_TO_3 : GROW_TO_4;
	return r->to == 3 ? SHRINK_TO_3 : SHRINK_TO_2;
}

/*
 * Every slot gives its entries away before it receives others, so no chain is
 * ever longer than before or after the step, and no entry moves twice.
 */
static void regroup_move(struct lintab *t, struct regroup *r,
			 struct node_list *nodes)
{
	switch (move_of(r)) {
	case GROW_TO_3:
		regroup_slot(t, r, 0, nodes);
		regroup_slot(t, r, 1, nodes);
		break;
	case GROW_TO_4:
		regroup_slot(t, r, 1, nodes);
		regroup_slot(t, r, 2, nodes);
		regroup_slot(t, r, 0, nodes);
		break;
	case SHRINK_TO_3:
		regroup_slot(t, r, 2, nodes);
		regroup_slot(t, r, 1, nodes);
		regroup_slot(t, r, 3, nodes);
		break;
	case SHRINK_TO_2:
		regroup_slot(t, r, 2, nodes);
		break;
	}
}

/* --- few entries, as nearly always: read once, written anew --- */

#define FEW		112u
#define FEW_BYTES	(FEW * 12u)

struct few {
	uint32_t count;
	uint32_t nodes;		/* of the chains that were read */
	uint64_t counts;	/* of entries that go to each slot */
	uint8_t slot[FEW];
	unsigned char entries[FEW_BYTES];
};

/* False: there are more. */
LINTAB_INLINE bool few_read(const struct lintab *t, const struct lintab_kind *kind,
			    const struct regroup *r, struct few *few)
{
	uint32_t most = MIN(FEW, FEW_BYTES / kind->entry_bytes), count = 0, nodes = 0;
	uint32_t level = r->level, slots = r->to;
	unsigned char *copy = few->entries;
	struct lintab_cursor c;
	uint64_t counts = 0;

	for (uint32_t slot = 0; slot < r->from; slot++) {
		lintab_seek_bucket(t, regroup_bucket(r, slot), &c);
		do {
			uint32_t n = chunk_entries(kind, &c);
			const unsigned char *e = c.chunk;

			if (n > most - count)
				return false;
			nodes += c.link != NULL;
			for (; n; n--) {
				uint32_t to = lintab_slot(lintab_place(kind, e), level,
							  slots);

				lintab_entry_copy(kind, copy, e);
				e += kind->entry_bytes;
				copy += kind->entry_bytes;
				few->slot[count++] = to;
				counts += 1ull << (16 * to);
			}
		} while (lintab_go_on(kind, &c));
	}
	few->count = count;
	few->nodes = nodes;
	few->counts = counts;
	return true;
}

/* Nodes that the chains want beyond those that they have. */
static uint32_t few_nodes(const struct lintab *t, const struct regroup *r,
			  const struct few *few)
{
	uint32_t nodes = 0;

	for (uint32_t slot = 0; slot < r->to; slot++)
		nodes += chain_nodes(t->kind, count_of(few->counts, slot));
	return nodes > few->nodes ? nodes - few->nodes : 0;
}

static void few_clear(struct lintab *t, const struct regroup *r, struct node_list *nodes)
{
	unsigned char *bucket, *node, *next;

	for (uint32_t slot = 0; slot < r->from; slot++) {
		bucket = lintab_bucket(t, regroup_bucket(r, slot));
		for (node = lintab_link(bucket, t->kind->bucket_bytes); node; node = next) {
			next = lintab_link(node, t->kind->node_bytes);
			memset(node, 0, t->kind->node_bytes);
			node_list_push(t, nodes, node);
		}
		memset(bucket, 0, t->kind->bucket_bytes);
	}
}

/* Where the next entry of a slot goes. */
struct few_end {
	unsigned char *at;
	uint32_t room;		/* entries that fit from there on */
	struct lintab_cursor c;	/* in the last chunk */
};

static void few_extend(struct lintab *t, const struct lintab_kind *kind,
		       struct few_end *end, struct node_list *nodes)
{
	uint32_t used = lintab_extend(kind, &end->c, node_list_pop(t, nodes));

	end->at = end->c.chunk + used * kind->entry_bytes;
	end->room = lintab_fit_last(kind, false) - used;
}

LINTAB_INLINE void few_write(struct lintab *t, const struct lintab_kind *kind,
			     const struct regroup *r, const struct few *few,
			     struct node_list *nodes)
{
	const unsigned char *e = few->entries;
	struct few_end ends[4], *to;

	for (uint32_t slot = 0; slot < r->to; slot++) {
		lintab_seek_bucket(t, regroup_bucket(r, slot), &ends[slot].c);
		ends[slot].at = ends[slot].c.chunk;
		ends[slot].room = lintab_fit_last(kind, true);
	}
	for (uint32_t n = 0; n < few->count; n++) {
		to = &ends[few->slot[n]];
		if (unlikely(!to->room))
			few_extend(t, t->kind, to, nodes);
		lintab_entry_copy(kind, to->at, e);
		e += kind->entry_bytes;
		to->at += kind->entry_bytes;
		to->room--;
	}
}

/* entry_bytes: the kind's, as a constant that the compiler knows. */
LINTAB_INLINE enum regrouped regroup_few(struct lintab *t, const struct regroup *r,
					 uint8_t entry_bytes)
{
	struct lintab_kind kind = *t->kind;
	struct node_list nodes = { NULL };
	struct few few;

	kind.entry_bytes = entry_bytes;
	if (!few_read(t, &kind, r, &few))
		return TOO_MANY;
	if (!node_list_fill(t, &nodes, few_nodes(t, r, &few)))
		return NO_NODES;
	few_clear(t, r, &nodes);
	few_write(t, &kind, r, &few, &nodes);
	node_list_empty(t, &nodes);
	return REGROUPED;
}

static bool regroup(struct lintab *t, struct regroup *r)
{
	struct node_list nodes = { NULL };
	enum regrouped done = TOO_MANY;

	if (t->kind->entry_bytes == 8)
		done = regroup_few(t, r, 8);
	else if (t->kind->entry_bytes == 12)
		done = regroup_few(t, r, 12);
	if (likely(done != TOO_MANY))
		return done == REGROUPED;
	if (!node_list_fill(t, &nodes, regroup_nodes(t, r)))
		return false;
	regroup_move(t, r, &nodes);
	node_list_empty(t, &nodes);
	return true;
}

void lintab_shape_set(struct lintab *t, struct lintab_shape s)
{
	uint64_t buckets = (s.slots << s.level) + s.split, fill, less;

	fill = buckets < t->kind->small ? t->kind->fill16_small : t->kind->fill16;
	atomic_store_relaxed(&t->grow_above, buckets * fill / 16);
	/*
	 * Shrink only when 1/64 and one entry below the limit for growing, lest
	 * the table steps to and fro.
	 */
	less = (buckets - 1) * fill * 63 / 64;
	atomic_store_relaxed(&t->shrink_below, buckets > blocks_base(t) && less > 16 ?
			     (less + 15) / 16 - 1 : 0);
	atomic_store_release(&t->steps, t->steps + 1);
	atomic_store_release(&t->state, lintab_state(shape_after(s)));
}

static bool step_grow(struct lintab *t)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t number = lintab_bucket_count(t);
	struct regroup r = {
		.group = s.split, .level = s.level,
		.from = s.slots, .to = s.slots + 1,
	};

	if (!blocks_add(t, number))
		return false;
	if (!regroup(t, &r)) {
		blocks_remove(t, number);
		return false;
	}
	s.split++;
	lintab_shape_set(t, s);
	return true;
}

static bool step_shrink(struct lintab *t)
{
	uint32_t number = lintab_bucket_count(t) - 1;
	struct lintab_shape s;
	struct regroup r;

	if (number < blocks_base(t))
		return false;
	s = shape_before(lintab_shape(t));
	r = (struct regroup){
		.group = s.split - 1, .level = s.level,
		.from = s.slots + 1, .to = s.slots,
	};
	if (!regroup(t, &r))
		return false;
	s.split--;
	lintab_shape_set(t, s);
	blocks_remove(t, number);
	return true;
}

bool lintab_step(struct lintab *t, int direction)
{
	return direction > 0 ? step_grow(t) : step_shrink(t);
}

/* All entries are in their place and no node is idle. */
bool lintab_bucket_is_valid(const struct lintab *t, uint32_t number,
			    uint64_t *count)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t entries = 0, nodes = 0, inconsistent = 0;
	struct lintab_cursor c;
	unsigned char *chunk;
	void *e;

	lintab_seek_bucket(t, number, &c);
	while ((e = lintab_next(t->kind, &c))) {
		entries++;
		inconsistent += lintab_bucket_number(s, lintab_place(t->kind, e)) != number;
	}
	chunk = lintab_link(lintab_bucket(t, number), t->kind->bucket_bytes);
	for (; chunk; chunk = lintab_link(chunk, t->kind->node_bytes))
		nodes++;
	*count = entries;
	return !inconsistent && nodes == chain_nodes(t->kind, entries);
}

bool lintab_is_valid(const struct lintab *t)
{
	uint64_t count = 0, entries;

	for (uint32_t n = 0; n < lintab_bucket_count(t); n++) {
		if (!lintab_bucket_is_valid(t, n, &entries))
			return false;
		count += entries;
	}
	return count == lintab_count(t);
}

#include <hash/general_regs_end.h>
