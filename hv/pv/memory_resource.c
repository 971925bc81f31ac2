/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_acquire_resource: the numbers of pages of the hypervisor's heap that
 * are another domain's, so that the first domain can map them (pv/foreign.h).
 * One resource is there, the grant table; the answers are Xen's.
 *
 * The pages stay what they are, and that domain's (dom/heappages.h): a number
 * is no right to a frame.
 */
#include <port.h>
#include <errno.h>

#include <xen/memory.h>

#include "dom/grant.h"
#include "dom/privilege.h"
#include "pv/memory.h"
#include "x86/guestcopy.h"

/* How many frames the resource may have; 0: there is no such resource. */
static uint32_t frames_max(const struct domain *d, const struct xen_mem_acquire_resource *r)
{
	if (r->type != XENMEM_resource_grant_table)
		return 0;
	if (r->id == XENMEM_resource_grant_table_id_shared)
		return GRANT_FRAMES_MAX;
	return r->id == XENMEM_resource_grant_table_id_status &&
	       READ_ONCE(d->grant->version) == 2 ? GRANT_STATUS_FRAMES_MAX : 0;
}

/* Make the table at least so long.  -ERESTART: it has grown, call again. */
static int grow(struct domain *d, uint32_t id, uint64_t frames)
{
	if (id == XENMEM_resource_grant_table_id_status)
		frames *= GRANT_STATUS_PER_FRAME / GRANT_V2_PER_FRAME;
	switch (grant_grow(d, MIN(frames, GRANT_FRAMES_MAX))) {
	case GNTST_okay:
		return 0;
	case GNTST_eagain:
		return -ERESTART;
	case GNTST_no_space:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

static void *frame_at(const struct grant_table *gt, uint32_t id, uint64_t i)
{
	if (id == XENMEM_resource_grant_table_id_shared)
		return i < GRANT_FRAMES_MAX ? READ_ONCE(gt->frames[i]) : NULL;
	return i < GRANT_STATUS_FRAMES_MAX ? READ_ONCE(gt->status[i]) : NULL;
}

static int frames_tell(struct domain *d, const struct xen_mem_acquire_resource *r)
{
	uint64_t list = (uintptr_t)r->frame_list.p;
	uint32_t i;

	if (!guest_arg_ok(list, r->nr_frames * sizeof(mfn_t)))
		return -EFAULT;
	for (i = 0; i < r->nr_frames; i++) {
		void *page = frame_at(d->grant, r->id, r->frame + i);
		mfn_t mfn;

		if (!page)
			return -EINVAL;
		mfn = virt_to_mfn(page);
		if (copy_to_guest(list + i * sizeof(mfn), &mfn, sizeof(mfn)))
			return -EFAULT;
	}
	return 0;
}

static long acquire(struct domain *d, struct xen_mem_acquire_resource *r, uint64_t va)
{
	uint32_t most = frames_max(d, r);
	int err;

	if (!most)
		return -EINVAL;
	if (!r->frame_list.p) {	/* how many may there be? */
		if (r->nr_frames)
			return -EINVAL;
		r->nr_frames = most;
		return copy_to_guest(va, r, sizeof(*r)) ? -EFAULT : 0;
	}
	if (r->frame + r->nr_frames > most)
		return -EINVAL;
	err = r->nr_frames ? grow(d, r->id, r->frame + r->nr_frames) : 0;
	return err ? err : frames_tell(d, r);
}

long memory_resource_acquire(uint64_t va)
{
	struct domain *caller = current_vcpu()->domain, *d;
	struct xen_mem_acquire_resource r;
	long rc;

	if (copy_from_guest(&r, va, sizeof(r)))
		return -EFAULT;
	if (r.pad || r.frame > UINT32_MAX || r.frame + r.nr_frames > UINT32_MAX)
		return -EINVAL;
	if (r.domid == DOMID_SELF || r.domid == caller->id)
		return -EPERM;
	d = domain_find(r.domid);
	if (!d)
		return -ESRCH;
	rc = privilege_check(caller, PRIV_MEMORY, XENMEM_acquire_resource);
	if (!rc)
		rc = acquire(d, &r, va);
	domain_put(d);
	return rc;
}
