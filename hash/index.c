/* SPDX-License-Identifier: MIT */
/* The content index: a lintab of (tag, frame) with striped locks. */
#include <hash/general_regs.h>

#include <hash/index.h>

struct index_entry {
	uint32_t frame;		/* number << 1 | 1 */
	uint32_t tag;
};

/*
 * A bucket is one cache line and has room for 8 entries.  The table grows at
 * 7.6 of them on average, so that an entry costs less than 12 bytes at any
 * size, overflow nodes and directory included (hash/README.md).
 */
static const struct lintab_kind index_kind = {
	.bucket_bytes = 64,
	.node_bytes = 64,
	.entry_bytes = sizeof(struct index_entry),
	.bucket_fit = LINTAB_FIT(64, sizeof(struct index_entry)),
	.node_fit = LINTAB_FIT(64, sizeof(struct index_entry)),
	.overlay = true,
	.level = INDEX_STRIPES_LOG2,
	.fill16 = 121,
	.fill16_small = 150,
	.small = 4096,
	.place_at = offsetof(struct index_entry, tag),
};

/* Of a group of buckets: its number is the first bits of a place, reversed. */
static struct spinlock *stripe_of_group(struct index *x, uint32_t group)
{
	return &x->stripe[lintab_reverse(group) >> (32 - INDEX_STRIPES_LOG2)].lock;
}

/* Who offers a page of this hash holds its stripe, and no other instead. */
static void hash_is_locked(const struct index *x, uint64_t hash)
{
	ASSERT(spin_is_locked(&x->stripe[index_stripe_number(hash)].lock));
}

bool index_init(struct index *x, const struct lintab_mem *mem)
{
	x->stepping = 0;
	for (unsigned int i = 0; i < INDEX_STRIPES; i++)
		spin_lock_init(&x->stripe[i].lock, LOCK_SHARE_STRIPE);
	return lintab_init(&x->table, &index_kind, mem);
}

void index_fini(struct index *x)
{
	lintab_fini(&x->table);
}

void index_ask(const struct index *x, uint64_t hash, struct lintab_spot *spot)
{
	hash_is_locked(x, hash);
	lintab_spot_ask(&x->table, &index_kind, index_tag(hash), spot);
}

bool index_room_get(struct index *x, struct lintab_room *room)
{
	return lintab_room_get(&x->table, room);
}

void index_room_put(struct index *x, struct lintab_room *room)
{
	lintab_room_put(&x->table, room);
}

void index_add(struct index *x, struct lintab_cursor *c, uint64_t hash,
	       uint32_t frame, struct lintab_room *room)
{
	struct index_entry e = { frame << 1 | 1, index_tag(hash) };

	CHECK(frame <= INDEX_MAX_FRAME);
	lintab_put(&x->table, &index_kind, c, &e, room);
}

void index_seek(const struct index *x, uint64_t hash, struct lintab_cursor *c)
{
	lintab_seek(&x->table, index_tag(hash), c);
}

void index_seek_spot(const struct index *x, uint64_t hash, struct lintab_spot *spot,
		     struct lintab_cursor *c)
{
	hash_is_locked(x, hash);
	lintab_seek_spot(&x->table, &index_kind, index_tag(hash), spot, c);
}

static struct index_entry *next_entry(const struct index *x, uint32_t tag,
				      struct lintab_cursor *c)
{
	return lintab_next_with(&index_kind, c, sizeof(struct index_entry),
				offsetof(struct index_entry, tag), tag);
}

bool index_next(const struct index *x, uint64_t hash, struct lintab_cursor *c,
		uint32_t *frame)
{
	struct index_entry *e = next_entry(x, index_tag(hash), c);

	if (e)
		*frame = e->frame >> 1;
	return e != NULL;
}

bool index_guess(const struct index *x, uint64_t hash, struct lintab_spot *spot,
		 uint32_t *frame)
{
	uint32_t tag = index_tag(hash);
	struct lintab_cursor c;
	struct index_entry *e;

	index_seek_spot(x, hash, spot, &c);
	__builtin_prefetch(lintab_link(c.chunk, c.bytes), 1);
	e = lintab_bucket_with(&c, index_kind.bucket_bytes, sizeof(struct index_entry),
			       offsetof(struct index_entry, tag), tag);
	if (e)
		*frame = e->frame >> 1;
	return e != NULL;
}

/* c: at the entry, if it is there. */
static bool find_entry(const struct index *x, uint64_t hash, uint32_t frame,
		       struct lintab_cursor *c) needs_lock(x)
{
	struct index_entry *e;

	index_seek(x, hash, c);
	while ((e = next_entry(x, index_tag(hash), c)))
		if (e->frame >> 1 == frame)
			return true;
	return false;
}

bool index_has(const struct index *x, uint64_t hash, uint32_t frame)
{
	struct lintab_cursor c;

	return find_entry(x, hash, frame, &c);
}

void index_remove(struct index *x, uint64_t hash, uint32_t frame)
{
	struct lintab_cursor c;
	bool found = find_entry(x, hash, frame, &c);

	CHECK(found);
	lintab_cut(&x->table, &index_kind, &c);
}

/* A step is wanted; out of the way of those that need none. */
static __attribute__((noinline)) void balance(struct index *x)
{
	struct spinlock *stripe;
	int direction;

	if (atomic_exchange(&x->stepping, 1))
		return;
	/*
	 * Ask again: the shape may have changed before `stepping` was taken;
	 * now it cannot.
	 */
	direction = lintab_step_wanted(&x->table);
	if (direction) {
		stripe = stripe_of_group(x, lintab_step_group(&x->table, direction));
		spin_lock(stripe);
		lintab_step(&x->table, direction);
		spin_unlock(stripe);
		lintab_prefetch_step(&x->table);
	}
	atomic_store_release(&x->stepping, 0);
}

void index_balance(struct index *x)
{
	if (unlikely(lintab_step_wanted(&x->table)))
		balance(x);
}

bool index_walk(const struct index *x, uint32_t *bucket,
		struct lintab_cursor *c, uint32_t *tag, uint32_t *frame)
{
	struct index_entry *e;

	for (;;) {
		if (c->chunk && (e = lintab_next(&index_kind, c)))
			break;
		if (*bucket == lintab_bucket_count(&x->table))
			return false;
		lintab_seek_bucket(&x->table, (*bucket)++, c);
	}
	*tag = e->tag;
	*frame = e->frame >> 1;
	return true;
}

bool index_is_valid(const struct index *x)
{
	return lintab_is_valid(&x->table);
}

#include <hash/general_regs_end.h>
