/* SPDX-License-Identifier: MIT */
/* SHAREOP_mode: how the domain's shares are broken (abi/share.h). */
#include <port.h>
#include <errno.h>

#include "abi/share.h"
#include "offer/mode.h"
#include "sharing/sharing.h"
#include "x86/guestcopy.h"

#define MODES (SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST)

static bool list_ok(const struct shareop_mode *m)
{
	uint64_t bytes;

	if (!m->p2m_entries)
		return !m->p2m;
	return (m->flags & SHARE_MODE_BREAK_FIRST) && !(m->p2m & 7) &&
	       !__builtin_mul_overflow(m->p2m_entries, sizeof(uint64_t), &bytes) &&
	       guest_range_ok(m->p2m, bytes);
}

static bool mode_ok(const struct shareop_mode *m)
{
	return m->version == SHARE_MODE_VERSION && !(m->flags & ~MODES) &&
	       (m->flags != SHARE_MODE_BREAK_FIRST) && list_ok(m);
}

int mode_set(struct domain *d, const struct shareop_mode *given)
{
	struct shareop_mode m = *given;

	/*
	 * What the guest says of its list is what the operator's choice waited
	 * for.
	 */
	if (d->breaks.wanted && !(m.flags & ~MODES))
		m.flags = MODES;
	if (!mode_ok(&m))
		return -EINVAL;
	if (!share_dom_one_pfn(d->sharing.dom, m.flags & SHARE_MODE_ONE_PFN))
		return -EBUSY;
	spin_lock(&d->mm);
	d->breaks.flags = m.flags;
	d->breaks.p2m = m.p2m;
	d->breaks.p2m_entries = m.p2m_entries;
	spin_unlock(&d->mm);
	return 0;
}

/*
 * Only remember the wish: if a kernel has a list of its pages' frames and the
 * hypervisor does not know where, breaks would leave stale numbers in that
 * list.  But from now on a frame stands for one pfn only, as it must once the
 * guest has told where its list is.
 */
void mode_break_first(struct domain *d)
{
	d->breaks.wanted = true;
	d->breaks.flags = SHARE_MODE_ONE_PFN;
	/* it holds nothing yet */
	CHECK(share_dom_one_pfn(d->sharing.dom, true));
}

long shareop_mode(struct domain *d, uint64_t va, uint64_t bytes)
{
	struct shareop_mode m;

	if (bytes != sizeof(m))
		return -EINVAL;
	if (copy_from_guest(&m, va, sizeof(m)))
		return -EFAULT;
	return mode_set(d, &m);
}
