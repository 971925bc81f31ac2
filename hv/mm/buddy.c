/* SPDX-License-Identifier: MIT */
/*
 * Free blocks: one list for each order, linked through the blocks' first
 * frames, whose state carries order + 1.  Separate lists for clean blocks would
 * save no scrubbing: each frame has its own DIRTY flag, so a block may be
 * partly clean.  Blocks of two struct buddy never merge, as their frames'
 * states differ.
 */
#include <port.h>

#include "mm/palloc_private.h"

static void list_push(struct buddy *b, mfn_t mfn, unsigned int order)
{
	struct frame *f = mfn_to_frame(mfn);

	frame_set_state(f, (frame_state(f) & ~FRAME_ORDER_MASK) |
		     ((uint64_t)(order + 1) << FRAME_ORDER_SHIFT));
	f->prev = NO_FRAME;
	f->next = b->list[order];
	if (f->next != NO_FRAME)
		frame_linked(f->next)->prev = frame_link(mfn);
	b->list[order] = frame_link(mfn);
}

static void list_take(struct buddy *b, mfn_t mfn, unsigned int order)
{
	struct frame *f = mfn_to_frame(mfn);

	if (f->prev != NO_FRAME)
		frame_linked(f->prev)->next = f->next;
	else
		b->list[order] = f->next;
	if (f->next != NO_FRAME)
		frame_linked(f->next)->prev = f->prev;
	f->next = f->prev = NO_FRAME;
	frame_set_state(f, frame_state(f) & ~FRAME_ORDER_MASK);
}

static bool is_free_block(const struct buddy *b, mfn_t mfn, unsigned int order)
{
	uint64_t state;

	if (!frame_valid(mfn))
		return false;
	state = frame_state(mfn_to_frame(mfn));
	return state == (b->state | (uint64_t)(order + 1) << FRAME_ORDER_SHIFT);
}

void buddy_give(struct buddy *b, mfn_t mfn, unsigned int order)
{
	while (order < PALLOC_MAX_ORDER &&
	       is_free_block(b, MFN(mfn_n(mfn) ^ (1UL << order)), order)) {
		list_take(b, MFN(mfn_n(mfn) ^ (1UL << order)), order);
		mfn = MFN(mfn_n(mfn) & ~(1UL << order));
		order++;
	}
	list_push(b, mfn, order);
}

/*
 * Of a block of order `have`, on no list any more, all but the first 2^order
 * frames are free again.
 */
static mfn_t block_cut(struct buddy *b, mfn_t mfn, unsigned int have,
		       unsigned int order)
{
	while (have > order) {
		have--;
		list_push(b, mfn_add(mfn, 1UL << have), have);
	}
	return mfn;
}

/* The first of a list, which has one. */
static mfn_t list_pop(struct buddy *b, unsigned int order)
{
	mfn_t mfn = MFN(b->list[order]);
	struct frame *f = mfn_to_frame(mfn);

	b->list[order] = f->next;
	if (f->next != NO_FRAME)
		frame_linked(f->next)->prev = NO_FRAME;
	f->next = NO_FRAME;
	frame_set_state(f, frame_state(f) & ~FRAME_ORDER_MASK);
	return mfn;
}

mfn_t buddy_take(struct buddy *b, unsigned int order)
{
	unsigned int have = order;

	while (have < ORDERS && b->list[have] == NO_FRAME)
		have++;
	if (have >= ORDERS)	/* also of an order that no block has */
		return INVALID_MFN;
	return block_cut(b, list_pop(b, have), have, order);
}

mfn_t buddy_take_below(struct buddy *b, unsigned int order, mfn_t end)
{
	unsigned int have, looks;
	uint32_t link;

	for (have = order; have < ORDERS; have++) {
		link = b->list[have];
		for (looks = 0; link != NO_FRAME && looks < BUDDY_LOOKS; looks++) {
			if (link + (1UL << order) <= mfn_n(end)) {
				list_take(b, MFN(link), have);
				return block_cut(b, MFN(link), have, order);
			}
			link = frame_linked(link)->next;
		}
	}
	return INVALID_MFN;
}

/* --- near the last one --- */

#define PIECE_ORDER	9	/* 2 MiB */
#define PIECE		(1u << PIECE_ORDER)

/* That begins below a free frame. */
static mfn_t block_over(const struct buddy *b, mfn_t mfn, unsigned int *order)
{
	for (*order = 1; *order < PIECE_ORDER; ++*order) {
		mfn_t first = MFN(mfn_n(mfn) & ~((1UL << *order) - 1));

		if (is_free_block(b, first, *order))
			return first;
	}
	return INVALID_MFN;
}

/*
 * The block that a free frame is in, with its state; INVALID_MFN: one of 2 MiB
 * or more.
 */
static mfn_t block_around(const struct buddy *b, mfn_t mfn, uint64_t state,
			  unsigned int *order)
{
	unsigned int mark = (state & FRAME_ORDER_MASK) >> FRAME_ORDER_SHIFT;

	if (unlikely(!mark))
		return block_over(b, mfn, order);
	*order = mark - 1;
	return *order < PIECE_ORDER ? mfn : INVALID_MFN;
}

/* From place->next on in its 2 MiB: 512 looks at most, in all of them. */
static mfn_t block_behind(const struct buddy *b, const struct palloc_place *place,
			  unsigned int *order)
{
	mfn_t mfn = MFN(place->next);

	if (!place->next)
		return INVALID_MFN;
	do {
		uint64_t state = frame_valid(mfn) ? frame_state(mfn_to_frame(mfn)) : 0;

		if ((state & ~FRAME_ORDER_MASK) == b->state)
			return block_around(b, mfn, state, order);
		mfn = mfn_add(mfn, 1);
	} while (mfn_n(mfn) % PIECE);
	return INVALID_MFN;
}

/* The largest that is less than 2 MiB, or else the smallest of all. */
static mfn_t block_elsewhere(const struct buddy *b, unsigned int *order)
{
	unsigned int o = PIECE_ORDER;

	while (o > 0 && b->list[o - 1] == NO_FRAME)
		o--;
	o = o ? o - 1 : PIECE_ORDER;
	while (o < ORDERS && b->list[o] == NO_FRAME)
		o++;
	*order = o;
	return o < ORDERS ? MFN(b->list[o]) : INVALID_MFN;
}

/* Where to go on after `first`, `taken` frames; at the end of its 2 MiB: 0. */
static uint32_t place_behind(mfn_t first, unsigned int taken)
{
	uint32_t next = mfn_n(first) + taken;

	return next % PIECE ? next : 0;
}

mfn_t buddy_take_near(struct buddy *b, struct palloc_place *place,
		      unsigned int *order)
{
	unsigned int have;
	mfn_t first = block_behind(b, place, &have);
	bool enters = mfn_eq(first, INVALID_MFN);

	if (enters)
		first = block_elsewhere(b, &have);
	if (mfn_eq(first, INVALID_MFN))
		return INVALID_MFN;
	list_take(b, first, have);
	*order = MIN(*order, have);
	place->next = place_behind(first, 1u << *order);
	if (enters && mfn_n(first) % PIECE)
		place->next = mfn_n(first) & ~(PIECE - 1);
	return block_cut(b, first, have, *order);
}
