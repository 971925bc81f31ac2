/* SPDX-License-Identifier: MIT */
/* SHAREOP_mode: how the domain's shares are broken (abi/share.h). */
#include <port.h>
#include <errno.h>

#include "abi/share.h"
#include "offer/mode.h"
#include "pv/ptbreak.h"
#include "sharing/holds.h"
#include "sharing/sharing.h"
#include "x86/guestcopy.h"

/* What the operator's choice comes to. */
#define BREAKS_FIRST (SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST)
#define MODES (BREAKS_FIRST | SHARE_MODE_SOLE | SHARE_MODE_OWN_QUOTA | \
	       SHARE_MODE_REPLICAS)

static bool list_ok(const struct shareop_mode *m)
{
	uint64_t bytes;

	if (!m->p2m_entries)
		return !m->p2m;
	return (m->flags & SHARE_MODE_BREAK_FIRST) && !(m->p2m & 7) &&
	       !__builtin_mul_overflow(m->p2m_entries, sizeof(uint64_t), &bytes) &&
	       guest_range_ok(m->p2m, bytes);
}

static bool linear_ok(const struct shareop_mode *m)
{
	if (!m->linear_base)
		return true;
	return (m->flags & SHARE_MODE_BREAK_FIRST) && !(m->linear_base & ~PAGE_MASK) &&
	       guest_range_ok(m->linear_base, PAGE_SIZE);
}

/* Does it have the flags that its flags need? */
static bool flags_ok(uint32_t flags)
{
	if (flags & ~MODES)
		return false;
	if ((flags & SHARE_MODE_SOLE) && !(flags & SHARE_MODE_BREAK_FIRST))
		return false;
	if ((flags & SHARE_MODE_REPLICAS) && !(flags & SHARE_MODE_ONE_PFN))
		return false;
	return (flags & BREAKS_FIRST) != SHARE_MODE_BREAK_FIRST;
}

static bool mode_ok(const struct shareop_mode *m)
{
	return flags_ok(m->flags) && list_ok(m) && linear_ok(m);
}

/*
 * May a domain that holds shared frames get these flags?  Frames that it has
 * may stand for two pfns, or have two entries, or are charged otherwise.
 * LOCK_MM, under which it holds what it holds.
 */
static bool anew_ok(struct domain *d, uint32_t flags) needs_lock(&d->mm)
{
	uint32_t changed = flags ^ d->breaks.flags;

	return !((flags & changed & (SHARE_MODE_ONE_PFN | SHARE_MODE_SOLE)) ||
		 (changed & SHARE_MODE_OWN_QUOTA)) ||
	       !share_dom_held(d->sharing.dom);
}

/* LOCK_MM. */
static int mode_change(struct domain *d, const struct shareop_mode *m)
	needs_lock(&d->mm)
{
	if (!anew_ok(d, m->flags))
		return -EBUSY;
	if ((m->flags & SHARE_MODE_BREAK_FIRST) && ptbreak_names_init(d))
		return -ENOMEM;
	if (holds_own_quota(d, m->flags & SHARE_MODE_OWN_QUOTA))
		return -ENOSPC;
	CHECK(share_dom_one_pfn(d->sharing.dom, m->flags & SHARE_MODE_ONE_PFN));
	share_dom_replicas(d->sharing.dom, m->flags & SHARE_MODE_REPLICAS);
	WRITE_ONCE(d->breaks.flags, m->flags);
	d->l1_watch = (d->l1_watch & ~WATCH_SOLE) |
		      (m->flags & SHARE_MODE_SOLE ? WATCH_SOLE : 0);
	d->breaks.p2m = m->p2m;
	d->breaks.p2m_entries = m->p2m_entries;
	d->breaks.offers_listed = m->version != SHARE_MODE_V1 && m->p2m_entries;
	d->breaks.linear_base = m->linear_base;
	return 0;
}

int mode_set(struct domain *d, const struct shareop_mode *given)
{
	struct shareop_mode m = *given;
	int r;

	/*
	 * What the guest says of its list is what the operator's choice waited
	 * for.
	 */
	if (d->breaks.wanted)
		m.flags |= BREAKS_FIRST;
	if (!mode_ok(&m))
		return -EINVAL;
	spin_lock(&d->mm);
	r = mode_change(d, &m);
	spin_unlock(&d->mm);
	return r;
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
	WRITE_ONCE(d->breaks.flags, SHARE_MODE_ONE_PFN);
	/* it holds nothing yet */
	CHECK(share_dom_one_pfn(d->sharing.dom, true));
}

/* Bytes at va that are zero. */
static int zeros_read(uint64_t va, uint64_t bytes)
{
	uint64_t some[16], n, i;

	for (; bytes; va += n, bytes -= n) {
		n = MIN(bytes, sizeof(some));
		memset(some, 0, sizeof(some));
		if (copy_from_guest(some, va, n))
			return -EFAULT;
		for (i = 0; i < ARRAY_COUNT(some); i++)
			if (some[i])
				return -EINVAL;
	}
	return 0;
}

long shareop_mode(struct domain *d, uint64_t va, uint64_t bytes)
{
	struct shareop_mode m = { 0 };
	uint64_t known = MIN(bytes, sizeof(m));
	int r;

	if (bytes != SHARE_MODE_V1_BYTES && (bytes < sizeof(m) || bytes > PAGE_SIZE))
		return -EINVAL;
	if (copy_from_guest(&m, va, known))
		return -EFAULT;
	if (m.version != (bytes < sizeof(m) ? SHARE_MODE_V1 : SHARE_MODE_VERSION) ||
	    (m.version == SHARE_MODE_V1 && (m.flags & ~BREAKS_FIRST)))
		return -EINVAL;
	r = zeros_read(va + known, bytes - known);
	return r ? r : mode_set(d, &m);
}
