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
