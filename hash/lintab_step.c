/* SPDX-License-Identifier: MIT */
/*
 * How a lintab grows and shrinks: a step is prepare (all memory, may fail),
 * then commit.
 */
#include <hash/general_regs.h>

#include "lintab_blocks.h"
#include "lintab_chain.h"

/* Where the next entry of a chain goes. */
struct chain_end {
	unsigned char *chunk, *at;
	uint32_t bytes;		/* of the chunk */
	uint32_t room;		/* entries that fit from `at` on */
};

/* Of so many entries it is noted where they go; of more it is asked twice. */
#define NOTED	112u

/* What a step does to one group. */
struct regroup {
	uint32_t group, level;
	uint32_t from, to;	/* buckets in the group */
	uint32_t first[4];	/* entries that are read before each bucket */
	uint32_t stay[4];	/* entries of each bucket that do not move */
	uint32_t all[4];	/* entries that each has afterwards */
	struct chain_end end[4]; /* chunk NULL, room 0: not known yet */
	/* the new slots, as entries are read; and one that nobody reads */
	uint8_t noted[NOTED + 1];
};

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

/* The new slots of entries: what the compiler cannot know to be constant. */
struct slots {
	uint32_t level, to;
};

LINTAB_INLINE uint32_t slot_of(const struct lintab_kind *kind, struct slots s,
			       const unsigned char *entry)
{
	return lintab_slot(lintab_place(kind, entry), s.level, s.to);
}

/* Where the entries of a bucket go; the first is number n.  The next number. */
LINTAB_INLINE uint32_t regroup_look(const struct lintab *t, const struct lintab_kind *kind,
				    struct regroup *r, uint32_t slot, uint32_t n)
{
	const struct slots slots = { r->level, r->to };
	uint32_t others = r->all[slot];
	struct lintab_cursor c;

	r->first[slot] = n;
	lintab_seek_bucket(t, regroup_bucket(r, slot), &c);
	do {
		uint32_t here = chunk_entries(kind, &c), step = n + here <= NOTED;
		uint8_t *noted = r->noted + (step ? n : NOTED);
		const unsigned char *e = c.chunk;

		for (n += here; here; here--, e += kind->entry_bytes) {
			uint32_t to = slot_of(kind, slots, e);

			r->all[to]++;
			*noted = to;
			noted += step;
		}
	} while (lintab_go_on(kind, &c));
	r->stay[slot] = r->all[slot] - others;
	return n;
}

/* Nodes that the moves need at most: entries come in beside those that stay. */
static uint32_t regroup_nodes(const struct lintab *t, const struct regroup *r)
{
	uint32_t nodes = 0;

	for (uint32_t slot = 0; slot < r->to; slot++)
		nodes += chain_nodes(t->kind, r->all[slot]) -
			 chain_nodes(t->kind, r->stay[slot]);
	return nodes;
}

/* --- moving --- */

static void end_find(const struct lintab *t, const struct regroup *r, uint32_t slot,
		     struct chain_end *end)
{
	const struct lintab_kind *kind = t->kind;
	struct lintab_cursor c;
	uint32_t used;

	lintab_seek_bucket(t, regroup_bucket(r, slot), &c);
	used = lintab_go_to_end(kind, &c);
	*end = (struct chain_end){
		c.chunk, c.chunk + used * kind->entry_bytes, c.bytes,
		lintab_fit_last(kind, !c.link) - used,
	};
}

/* There is no room at the end that is known. */
static void end_extend(struct lintab *t, struct regroup *r, uint32_t slot,
		       struct node_list *nodes)
{
	const struct lintab_kind *kind = t->kind;
	struct chain_end *end = &r->end[slot];
	struct lintab_cursor c;
	uint32_t used;

	if (!end->chunk)
		end_find(t, r, slot, end);
	if (end->room)
		return;
	c = (struct lintab_cursor){ .chunk = end->chunk, .bytes = end->bytes };
	used = lintab_extend(kind, &c, node_list_pop(t, nodes));
	*end = (struct chain_end){
		c.chunk, c.chunk + used * kind->entry_bytes, c.bytes,
		lintab_fit_last(kind, false) - used,
	};
}

LINTAB_INLINE void regroup_put(struct lintab *t, const struct lintab_kind *kind,
			       struct regroup *r, uint32_t slot,
			       const unsigned char *entry, struct node_list *nodes)
{
	struct chain_end *end = &r->end[slot];

	/* One that is not known yet has no room. */
	if (unlikely(!end->room))
		end_extend(t, r, slot, nodes);
	lintab_entry_copy(kind, end->at, entry);
	end->at += kind->entry_bytes;
	end->room--;
}

/*
 * A chain is rewritten in place with those of its entries that stay.  An entry
 * goes where one was that has been read, and never further.  In the last chunk
 * it may overwrite the link: who reads has left that chunk by then, for he has
 * read more entries than fit beside a link.
 */
struct keeper {
	struct chain_end end;
	unsigned char *next;	/* what the chunk's link was */
	uint32_t left;		/* entries for the chunks behind this one */
};

LINTAB_INLINE void keeper_enter(const struct lintab_kind *kind, struct keeper *k,
				unsigned char *chunk, uint32_t bytes, bool bucket)
{
	uint32_t room = lintab_fit_last(kind, bucket);

	if (k->left > room)
		room = lintab_fit_linked(kind, bucket);
	k->next = lintab_link(chunk, bytes);
	k->left -= MIN(k->left, room);
	k->end = (struct chain_end){ chunk, chunk, bytes, room };
}

LINTAB_INLINE void keeper_put(const struct lintab_kind *kind, struct keeper *k,
			      const unsigned char *entry)
{
	if (unlikely(!k->end.room))
		keeper_enter(kind, k, k->next, kind->node_bytes, false);
	if (k->end.at != entry)
		lintab_entry_copy(kind, k->end.at, entry);
	k->end.at += kind->entry_bytes;
	k->end.room--;
}

/* Empty the rest of the chain; nodes that it no longer needs go to the list. */
static void chain_empty(struct lintab *t, const struct chain_end *end,
			unsigned char *node, struct node_list *nodes)
{
	unsigned char *next;

	memset(end->at, 0, (size_t)(end->chunk + end->bytes - end->at));
	for (; node; node = next) {
		next = lintab_link(node, t->kind->node_bytes);
		memset(node, 0, t->kind->node_bytes);
		node_list_push(t, nodes, node);
	}
}

/* Move away what no longer belongs in this slot. */
LINTAB_INLINE void regroup_slot(struct lintab *t, const struct lintab_kind *kind,
				struct regroup *r, uint32_t slot, struct node_list *nodes)
{
	const struct slots slots = { r->level, r->to };
	struct keeper keep = { .left = r->stay[slot] };
	uint32_t n = r->first[slot];
	struct lintab_cursor c;

	lintab_seek_bucket(t, regroup_bucket(r, slot), &c);
	keeper_enter(kind, &keep, c.chunk, c.bytes, true);
	do {
		uint32_t here = chunk_entries(kind, &c);
		const uint8_t *noted = n + here <= NOTED ? r->noted + n : NULL;
		const unsigned char *e = c.chunk;

		for (n += here; here; here--, e += kind->entry_bytes) {
			uint32_t to = likely(noted) ? *noted++ : slot_of(kind, slots, e);

			if (to == slot)
				keeper_put(kind, &keep, e);
			else
				regroup_put(t, kind, r, to, e, nodes);
		}
	} while (lintab_go_on(kind, &c));
	CHECK(!keep.left);
	r->end[slot] = keep.end;
	chain_empty(t, &keep.end, keep.next, nodes);
}

/*
 * The slots that give entries away, in their order: each does so before it
 * receives others, so no chain is ever longer than before or after the step,
 * and no entry moves twice.
 */
struct givers {
	uint8_t count, slot[3];
};

static const struct givers *givers_of(const struct regroup *r)
{
	static const struct givers grow[] = { { 2, { 0, 1 } }, { 3, { 1, 2, 0 } } };
	static const struct givers shrink[] = { { 1, { 2 } }, { 3, { 2, 1, 3 } } };

	return r->to > r->from ? &grow[r->to - 3] : &shrink[r->to - 2];
}

/* `kind`: as t has it; what is constant there, the compiler knows. */
LINTAB_INLINE bool regroup_with(struct lintab *t, const struct lintab_kind *kind,
				struct regroup *r)
{
	const struct givers *givers = givers_of(r);
	struct node_list nodes = { NULL };
	uint32_t n = 0;

	for (uint32_t slot = 0; slot < r->from; slot++)
		n = regroup_look(t, kind, r, slot, n);
	if (!node_list_fill(t, &nodes, regroup_nodes(t, r)))
		return false;
	for (uint32_t i = 0; i < givers->count; i++)
		regroup_slot(t, kind, r, givers->slot[i], &nodes);
	node_list_empty(t, &nodes);
	return true;
}

/* Of a group, the number of whose buckets changes. */
static bool regroup(struct lintab *t, uint32_t group, uint32_t level, uint32_t from,
		    uint32_t to)
{
	struct lintab_kind kind = *t->kind;
	struct regroup r;

	r.group = group;
	r.level = level;
	r.from = from;
	r.to = to;
	for (uint32_t slot = 0; slot < 4; slot++) {
		r.stay[slot] = r.all[slot] = 0;
		r.end[slot] = (struct chain_end){ NULL };
	}
	if (kind.entry_bytes == 8 && kind.overlay && !kind.mixed) {
		kind.entry_bytes = 8;
		kind.overlay = true;
		kind.mixed = false;
		return regroup_with(t, &kind, &r);
	}
	if (kind.entry_bytes == 12 && !kind.overlay && kind.mixed) {
		kind.entry_bytes = 12;
		kind.overlay = false;
		kind.mixed = true;
		return regroup_with(t, &kind, &r);
	}
	return regroup_with(t, &kind, &r);
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

	if (!blocks_add(t, number))
		return false;
	if (!regroup(t, s.split, s.level, s.slots, s.slots + 1)) {
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

	if (number < blocks_base(t))
		return false;
	s = shape_before(lintab_shape(t));
	if (!regroup(t, s.split - 1, s.level, s.slots + 1, s.slots))
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
