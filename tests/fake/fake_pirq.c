/* SPDX-License-Identifier: MIT */
/* See fake_pirq.h. */
#include "dom/above.h"
#include "fake/fake_pirq.h"
#include "io/pirq.h"

unsigned int fake_pirq_ends;
uint64_t fake_pirq_end_pages;

void pirq_bound(struct domain *d, uint32_t pirq) { }

void pirq_end(struct domain *d)
{
	__atomic_add_fetch(&fake_pirq_ends, 1, __ATOMIC_RELAXED);
	WRITE_ONCE(fake_pirq_end_pages, READ_ONCE(d->pages.total));
}
