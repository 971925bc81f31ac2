// SPDX-License-Identifier: MIT
/*
 * Grants of pages that are shared, of a domain that chose break first.
 *
 * Whoever grants a page writes its frame's number into its table; what becomes
 * of the share is seen when somebody uses the entry.  Stock Linux grants pages
 * of its page cache so (sendfile over its network).
 *
 * GN1  No grant leads to a shared frame (GT22): the granter has its own page
 *      first, for reading, too.  A pin that counted in its hold would end with
 *      none of its entries, and the hold before the pin.
 * GN2  The entry goes on saying the old name, which leads to the page as long
 *      as the last names that were broken are known; while it is pinned it is
 *      not read again.
 * GN3  Between the break and the pin nothing is offered or given back: the
 *      granter's LOCK_MM is held, above its LOCK_GRANT.  No CPU holds two
 *      domains' LOCK_MM: who maps takes his own afterwards.
 *      Of a granter that died meanwhile nothing is broken (END6).
 * GN4  What another domain shares is an error like any frame that is not the
 *      granter's: nobody learns from it which frames are shared.
 */
#include <port.h>
#include <errno.h>

#include "pv/grant.h"
#include "pv/resolve.h"

/* grant_pin() says that pin->mfn is shared or not granter's. */
static __attribute__((noinline)) int16_t named_again(struct domain *granter, domid_hv_t user,
						     bool whole, struct grant_pin *pin)
{
	struct grant_renamed as = { .named = pin->mfn };
	int16_t status = GNTST_okay;
	struct frame *f;
	int r;

	spin_lock(&granter->mm);
	r = resolve_private(granter, as.named, &f);
	if (!r) {
		as.now = frame_to_mfn(f);
		status = grant_pin(granter, user, whole, &as, pin);
		frame_put(f);
	}
	spin_unlock(&granter->mm);
	if (r == -EBUSY)
		return GNTST_bad_page;
	/* Or the granter changed the entry meanwhile. */
	return r || status == GNTST_bad_page ? GNTST_general_error : status;
}

int16_t grant_named_pin(struct domain *granter, domid_hv_t user, bool whole, struct grant_pin *pin)
{
	int16_t status = grant_pin(granter, user, whole, NULL, pin);

	return likely(status != GNTST_bad_page) ? status : named_again(granter, user, whole, pin);
}
