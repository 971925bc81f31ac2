/* SPDX-License-Identifier: MIT */
/*
 * Copy between pages, granted or the caller's own; and transfer of a page.
 *
 * Each side of a copy is held while the bytes move: a granted page by a pin;
 * the caller's own page by a reference and, if it is written, a writable use
 * (so the page can be no table, and not shared).  The caller's shared page may
 * be read: LOCK_MM keeps the hold.
 *
 * Transitive grants (version 2) are refused, as on Xen with
 * gnttab=no-transitive: each of them would lead into a third domain's table in
 * the middle of an operation (XSA-226).
 */
#include <port.h>

#include "dom/above.h"
#include "dom/domain.h"
#include "dom/pages.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/grant.h"
#include "pv/resolve.h"

/* One side of a copy, held. */
struct side {
	mfn_t mfn;
	uint32_t start, length;		/* bytes of the page that may be used */
	struct frame *own;		/* the caller's, with a reference */
	bool shared;			/* the caller's by a hold; read only */
	bool granted;
	struct grant_pin pin;
};

static int16_t side_own(struct domain *d, mfn_t mfn, bool write, struct side *s)
{
	int r = write ? resolve_area(d, mfn, &s->own) :
			resolve_named(d, mfn, &s->own);

	if (r < 0)
		return GNTST_bad_page;
	s->shared = r == 1;
	s->mfn = s->shared ? mfn : frame_to_mfn(s->own);
	s->length = PAGE_SIZE;
	return GNTST_okay;
}

static int16_t side_granted(struct domain *d, struct grant_peer *peer,
			    const struct gnttab_copy_ptr *p, bool write,
			    struct side *s)
{
	domid_t id = p->domid == DOMID_SELF ? d->id : p->domid;
	struct domain *granter = grant_peer_find(peer, id);
	int16_t status;

	if (!granter)
		return GNTST_bad_domain;
	s->pin = (struct grant_pin){ .ref = p->u.ref, .kinds = GRANT_HOST, .writable = write };
	status = grant_named_pin(granter, d->id, false, &s->pin);
	if (status)
		return status;
	s->granted = true;
	s->mfn = s->pin.mfn;
	s->start = s->pin.start;
	s->length = s->pin.length;
	return GNTST_okay;
}

static int16_t side_get(struct domain *d, struct grant_peer *peer,
			const struct gnttab_copy_ptr *p, bool by_ref,
			bool write, struct side *s)
{
	*s = (struct side){ 0 };
	if (by_ref)
		return side_granted(d, peer, p, write, s);
	if (p->domid != DOMID_SELF && p->domid != d->id)
		return GNTST_permission_denied;
	return side_own(d, MFN(p->u.gmfn), write, s);
}

static void side_put(struct domain *d, struct side *s, bool write)
{
	if (s->granted)
		grant_unpin(&s->pin);
	else if (write)
		resolve_area_put(d, s->own);
	else if (!s->shared)
		frame_put(s->own);
}

static bool side_covers(const struct side *s, uint32_t offset, uint32_t bytes)
{
	return offset >= s->start && offset + bytes <= s->start + s->length &&
	       offset + bytes <= PAGE_SIZE;
}

/*
 * If a side is shared, the share may have been broken meanwhile, and the frame
 * may go: look again.
 */
static int16_t bytes_move(struct domain *d, const struct gnttab_copy *op,
			  const struct side *from, const struct side *to)
{
	uint8_t *dst = mfn_to_virt(to->mfn), *src = mfn_to_virt(from->mfn);

	if (from->shared)
		return resolve_read(d, from->mfn, op->source.offset,
				    dst + op->dest.offset, op->len) ?
		       GNTST_bad_page : GNTST_okay;
	memmove(dst + op->dest.offset, src + op->source.offset, op->len);
	return GNTST_okay;
}

static int16_t copy_held(struct domain *d, const struct gnttab_copy *op,
			 const struct side *from, const struct side *to)
{
	if (!side_covers(from, op->source.offset, op->len) ||
	    !side_covers(to, op->dest.offset, op->len))
		return GNTST_general_error;
	return bytes_move(d, op, from, to);
}

static int16_t copy_one(struct domain *d, struct grant_peer *peers,
			const struct gnttab_copy *op)
{
	struct side from, to;
	int16_t status;

	if (op->source.offset + op->len > PAGE_SIZE ||
	    op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	status = side_get(d, &peers[0], &op->source,
			  op->flags & GNTCOPY_source_gref, false, &from);
	if (status)
		return status;
	status = side_get(d, &peers[1], &op->dest,
			  op->flags & GNTCOPY_dest_gref, true, &to);
	if (!status) {
		status = copy_held(d, op, &from, &to);
		side_put(d, &to, true);
	}
	side_put(d, &from, false);
	return status;
}

enum progress grant_chunk_copy(struct domain *d, void *ops, unsigned int count)
{
	struct gnttab_copy *op = ops;
	struct grant_peer peers[2] = { { NULL }, { NULL } };
	unsigned int i;

	for (i = 0; i < count; i++)
		op[i].status = copy_one(d, peers, &op[i]);
	grant_peer_done(&peers[0]);
	grant_peer_done(&peers[1]);
	return DONE;
}

/* --- transfer --- */

/*
 * Take the page from d; it is the hypervisor's then.  It has no reference but
 * d's own and ours, is in no TLB, and has no type (GT16, PT6).
 */
static bool page_steal(struct domain *d, mfn_t mfn, struct frame **out)
{
	struct frame *f;

	if (resolve_give(d, mfn, &f))
		return false;
	if (frame_claim(f, d->id, 1)) {
		frame_put(f);
		return false;
	}
	domain_flush_tlb(d);
	f->type = 0;
	m2p_clear(&d->m2p, frame_to_mfn(f));
	domain_page_remove(d, f);
	*out = f;
	return true;
}

/*
 * As Xen's header says: after any result but bad_page, the giver has lost the
 * page.
 */
static int16_t transfer_one(struct domain *d, struct grant_peer *peer,
			    const struct gnttab_transfer *op)
{
	struct domain *to;
	struct frame *f;
	int16_t status;

	if (!page_steal(d, MFN(op->mfn), &f))
		return GNTST_bad_page;
	to = grant_peer_find(peer, op->domid);
	status = to && to != d ? grant_transfer_begin(to, op->ref, d->id) :
				 GNTST_bad_domain;
	if (!status && !grant_transfer_end(to, op->ref, f))
		status = GNTST_no_space;
	if (status)
		palloc_hv_free(mfn_to_virt(frame_to_mfn(f)), 0);
	return status;
}

enum progress grant_chunk_transfer(struct domain *d, void *ops, unsigned int count)
{
	struct gnttab_transfer *op = ops;
	struct grant_peer peer = { NULL };
	unsigned int i;

	for (i = 0; i < count; i++)
		op[i].status = transfer_one(d, &peer, &op[i]);
	grant_peer_done(&peer);
	return DONE;
}
