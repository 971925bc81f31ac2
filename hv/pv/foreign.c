/* SPDX-License-Identifier: MIT */
/* What foreign entries hold; foreign.h has the rules. */
#include <port.h>
#include <errno.h>

#include "dom/pages.h"
#include "pv/foreign.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"

/* Owner's LOCK_MM.  Its page, with a reference; a share is broken (FOR3). */
static int page_get(struct domain *owner, pte_t e, struct frame **f)
	needs_lock(&owner->mm)
{
	mfn_t mfn = pte_mfn(e);
	int r = resolve(owner, mfn, e & PTE_RW ? USE_WRITE : USE_READ, f);

	if (r == 1 || (r == -EBUSY && frame_is_shared(*f)))
		r = ptbreak_write(owner, NULL, 0, mfn, f);
	return r;
}

static int take(struct domain *owner, pte_t *e) needs_lock(&owner->mm)
{
	struct frame *f;
	int r;

	if (READ_ONCE(owner->state) == DOM_DYING)
		return -ESRCH;
	r = page_get(owner, *e, &f);
	if (r)
		return r;
	if (*e & PTE_RW)
		r = domain_writable_get(owner, f);
	if (r) {
		frame_put(f);
		return r;
	}
	*e = pte_make(frame_to_mfn(f), *e & ~(PTE_ADDR_MASK | PTE_AVL_OURS | PTE_G)) |
	     PTE_US | PTE_AVL_FOREIGN;
	return 0;
}

int foreign_take(struct domain *owner, pte_t *e)
{
	int r;

	if (!ptcheck_l1_flags_ok(*e))
		return -EINVAL;
	spin_lock(&owner->mm);
	r = take(owner, e);
	spin_unlock(&owner->mm);
	return r;
}
