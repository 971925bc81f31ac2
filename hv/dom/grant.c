/* SPDX-License-Identifier: MIT */
/*
 * The table of grants itself: its pages, its version.  grant.h has the rules.
 *
 * Pages come when the guest asks for more entries, and stay until its end.
 * They are promised memory like everything else that a domain has:
 * domain_promise_raise().
 */
#include <port.h>
#include <errno.h>

#include "dom/domain.h"
#include "dom/grant.h"
#include "dom/promise.h"
#include "mm/objpool.h"
#include "mm/palloc.h"

int grant_init(struct domain *d)
{
	struct grant_table *gt = obj_alloc(sizeof(*gt));

	if (!gt)
		return -ENOMEM;
	spin_lock_init(&gt->lock, LOCK_GRANT);
	gt->version = 1;
	gt->frames_most = GRANT_FRAMES_MAX;
	gt->version_most = 2;
	gt->handle_pages_most = GRANT_HANDLE_PAGES;
	gt->pte_key = random_u64() | 1;
	d->grant = gt;
	return 0;
}

/* A page whose first words name others, and these. */
static void pages_free(void *first, unsigned int count)
{
	void **pages = first;
	unsigned int i;

	if (!first)
		return;
	for (i = 0; i < count; i++)
		if (pages[i])
			palloc_hv_free(pages[i], 0);
	palloc_hv_free(first, 0);
}

void grant_fini(struct domain *d)
{
	struct grant_table *gt = d->grant;

	if (!gt)
		return;
	/*
	 * The CPU that dropped the last pin may still hold the lock (A5): wait
	 * for it.
	 */
	spin_lock(&gt->lock);
	CHECK(!gt->pinned_count && !gt->handle_used);
	spin_unlock(&gt->lock);
	pages_free(gt->used, GRANT_ACTIVE_PAGES);
	pages_free(gt->maps, GRANT_HANDLE_PAGES);
	d->grant = NULL;
	obj_free(gt, sizeof(*gt));
}

void grant_close(struct domain *d)
{
	spin_lock(&d->grant->lock);
	d->grant->closed = true;
	spin_unlock(&d->grant->lock);
}

bool grant_pinned(struct domain *d)
{
	bool pinned;

	/*
	 * Under the lock: then a count of 0 also says that the CPU which
	 * dropped the last pin has released the lock.
	 */
	spin_lock(&d->grant->lock);
	pinned = d->grant->pinned_count;
	spin_unlock(&d->grant->lock);
	return pinned;
}

uint32_t grant_refs(const struct grant_table *gt)
{
	return gt->frame_count * (gt->version == 1 ? GRANT_V1_PER_FRAME :
						     GRANT_V2_PER_FRAME);
}

/* --- growing; LOCK_GRANT --- */

static bool active_page_add(struct grant_table *gt, unsigned int i)
	needs_lock(&gt->lock)
{
	if (!gt->used->active[i])
		gt->used->active[i] = palloc_hv(0);
	return gt->used->active[i];
}

/* Active entries for one more frame, of version 1, which has more of them. */
static bool active_add(struct grant_table *gt, uint32_t frame)
	needs_lock(&gt->lock)
{
	const unsigned int each = GRANT_V1_PER_FRAME / GRANT_ACTIVE_PER_PAGE;
	unsigned int i;

	if (!gt->used)
		gt->used = palloc_hv(0);
	if (!gt->used)
		return false;
	for (i = 0; i < each; i++)
		if (!active_page_add(gt, frame * each + i))
			return false;
	return true;
}

static bool frame_add(struct domain *d) needs_lock(&d->grant->lock)
{
	struct grant_table *gt = d->grant;
	uint32_t i = gt->frame_count;

	spin_known_held(&gt->lock);
	/* Pages that were made stay for the next try. */
	if (!active_add(gt, i))
		return false;
	gt->frames[i] = heap_page_share(d, HEAP_GRANT_TABLE, 1);
	if (!gt->frames[i])
		return false;
	/* Who sees the count without the lock sees the page, too. */
	atomic_store_release(&gt->frame_count, gt->frame_count + 1);
	return true;
}

static uint32_t status_frames_for(uint32_t frames)
{
	uint32_t refs = frames * GRANT_V2_PER_FRAME;

	return ALIGN_UP(refs, GRANT_STATUS_PER_FRAME) / GRANT_STATUS_PER_FRAME;
}

static bool status_add(struct domain *d, uint32_t count)
	needs_lock(&d->grant->lock)
{
	struct grant_table *gt = d->grant;

	while (gt->status_count < count) {
		void *page = heap_page_share(d, HEAP_GRANT_STATUS, 1);

		if (!page)
			return false;
		gt->status[gt->status_count] = page;
		atomic_store_release(&gt->status_count, gt->status_count + 1);
	}
	return true;
}

/*
 * Frames that one grant frame more costs, without the heap pages, which every
 * domain is promised anyway (heappages.h, HEAP3).
 */
static uint64_t pages_for(uint32_t have)
{
	return GRANT_V1_PER_FRAME / GRANT_ACTIVE_PER_PAGE + (have ? 0 : 1);
}

/*
 * The promise for a frame is made once, and kept until the end: when there is
 * no memory for all of its pages, those that were made stay for the next try.
 */
static bool promise_next(struct domain *d) needs_lock(&d->grant->lock)
{
	struct grant_table *gt = d->grant;

	if (gt->promised > gt->frame_count)
		return true;
	if (!domain_promise_raise(d, pages_for(gt->frame_count)))
		return false;
	gt->promised = gt->frame_count + 1;
	return true;
}

static bool grow_locked(struct domain *d) needs_lock(&d->grant->lock)
{
	struct grant_table *gt = d->grant;

	if (!promise_next(d))
		return false;
	/* The status frames first: entries without one must not be seen. */
	if (gt->version == 2 &&
	    !status_add(d, status_frames_for(gt->frame_count + 1)))
		return false;
	return frame_add(d);
}

/* One frame more, if there are not enough. */
static int grow_one(struct domain *d, uint32_t count)
{
	bool ok;

	spin_lock(&d->grant->lock);
	ok = d->grant->frame_count >= count || grow_locked(d);
	spin_unlock(&d->grant->lock);
	return ok ? GNTST_okay : GNTST_no_space;
}

void grant_limit(struct domain *d, uint32_t frames, uint32_t handles, uint32_t version)
{
	uint32_t pages = handles / GRANT_HANDLES_PER_PAGE;

	d->grant->frames_most = MIN(frames, (uint32_t)GRANT_FRAMES_MAX);
	d->grant->version_most = version;
	d->grant->handle_pages_most = MIN(pages, (uint32_t)GRANT_HANDLE_PAGES);
}

int grant_grow(struct domain *d, uint32_t count)
{
	unsigned int steps = 0;
	int status = GNTST_okay;

	if (count > d->grant->frames_most)
		return GNTST_general_error;
	while (!status && atomic_load_acquire(&d->grant->frame_count) < count) {
		if (steps++ == GRANT_GROW_STEP)
			return GNTST_eagain;
		status = grow_one(d, count);
	}
	return status;
}

/* --- version --- */

/* The entries that outlive a change of version; nothing is pinned. */
struct reserved {
	struct grant_entry_header hdr;
	uint32_t frame;
};

static void reserved_read(const struct grant_table *gt, struct reserved *r)
	needs_lock(&gt->lock)
{
	unsigned int i;

	for (i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		const struct grant_entry_v1 *v1 = gt->frames[0];
		const union grant_entry_v2 *v2 = gt->frames[0];

		r[i].hdr.flags = gt->version == 1 ? v1[i].flags :
						    v2[i].hdr.flags;
		r[i].hdr.domid = gt->version == 1 ? v1[i].domid :
						    v2[i].hdr.domid;
		r[i].frame = gt->version == 1 ? v1[i].frame :
						v2[i].full_page.frame;
		/*
		 * The entry grants a part of a page, or another domain's grant:
		 * only version 2 can say that.
		 */
		if ((r[i].hdr.flags & GTF_type_mask) != GTF_permit_access ||
		    (r[i].hdr.flags & GTF_sub_page))
			r[i] = (struct reserved){ 0 };
		r[i].hdr.flags &= ~(GTF_reading | GTF_writing);
	}
}

static void reserved_write(struct grant_table *gt, const struct reserved *r)
	needs_lock(&gt->lock)
{
	unsigned int i;

	for (i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		struct grant_entry_v1 *v1 = gt->frames[0];
		union grant_entry_v2 *v2 = gt->frames[0];

		if (gt->version == 1)
			v1[i] = (struct grant_entry_v1){
				r[i].hdr.flags, r[i].hdr.domid, r[i].frame,
			};
		else
			v2[i] = (union grant_entry_v2){ .full_page = {
				.hdr = r[i].hdr, .frame = r[i].frame,
			} };
	}
}

static void tables_convert(struct grant_table *gt, uint32_t version)
	needs_lock(&gt->lock)
{
	struct reserved r[GNTTAB_NR_RESERVED_ENTRIES] = { 0 };
	uint32_t i;

	if (gt->frame_count)
		reserved_read(gt, r);
	gt->version = version;
	for (i = 0; i < gt->frame_count; i++)
		memset(gt->frames[i], 0, PAGE_SIZE);
	for (i = 0; i < gt->status_count; i++)
		memset(gt->status[i], 0, PAGE_SIZE);
	if (gt->frame_count)
		reserved_write(gt, r);
}

/*
 * GT10: does the guest still map a status frame?  The frames stay ours anyway,
 * so the check is only to help the guest.
 */
static bool status_mapped(const struct grant_table *gt) needs_lock(&gt->lock)
{
	uint32_t i;

	for (i = 0; i < gt->status_count; i++) {
		mfn_t mfn = virt_to_mfn(gt->status[i]);

		if (frame_state_ref(frame_state(mfn_to_frame(mfn))))
			return true;
	}
	return false;
}

static int version_change(struct domain *d, uint32_t version)
	needs_lock(&d->grant->lock)
{
	struct grant_table *gt = d->grant;

	spin_known_held(&gt->lock);
	if (version == gt->version)
		return 0;
	if (gt->pinned_count || status_mapped(gt))
		return -EBUSY;
	if (version == 2 && !status_add(d, status_frames_for(gt->frame_count)))
		return -ENOMEM;
	tables_convert(gt, version);
	return 0;
}

int grant_set_version(struct domain *d, uint32_t version)
{
	int r;

	if (version != 1 && version != 2)
		return -EINVAL;
	if (version > d->grant->version_most)
		return -ENOSYS;
	spin_lock(&d->grant->lock);
	r = version_change(d, version);
	spin_unlock(&d->grant->lock);
	return r;
}
