/* SPDX-License-Identifier: MIT */
/*
 * What both halves of refused-offers use: one entry offered or unshared,
 * audited.
 */
#ifndef REFUSED_OFFERS_H
#define REFUSED_OFFERS_H

#include <gl/event.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/trap.h>

#include "../gl_test.h"

/* attack.c: attacks on what is shared already; how many failed. */
unsigned int attack_tests(void);

#define ALIAS_VA	0x00005a5a00000000UL

__attribute__((unused)) static void audit(const char *after)
{
	long rc = hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0);

	if (rc)
		gl_test_fail("audit after %s: %ld", after, rc);
}

__attribute__((unused)) static long call(unsigned int op, struct shareop_entry *e, uint64_t count)
{
	return hypercall_make_ro_and_share(op, (unsigned long)e, count, 0);
}

__attribute__((unused)) static struct shareop_entry named(uint64_t name)
{
	return (struct shareop_entry){ .pte = { name }, .nr_ptes = 1,
				     .status = 99 };
}

/* One entry on its own: its status; the p2m follows. */
__attribute__((unused)) static int entry_do(unsigned int op, struct shareop_entry *e)
{
	gl_test_equal(call(op, e, 1), 0);
	if (e->status == SHARE_DONE && e->pte[0] < ALIAS_VA &&
	    !(e->pte[0] & SHARE_PTE_MADDR) && e->nr_ptes < 3)
		gl_p2m_set(gl_virt_to_pfn(e->pte[0]), e->mfn);
	return e->status;
}

__attribute__((unused)) static int offer(uint64_t name)
{
	struct shareop_entry e = named(name);

	return entry_do(SHAREOP_batch, &e);
}

__attribute__((unused)) static int unshare(uint64_t va)
{
	struct shareop_entry e = named(va);
	int status = entry_do(SHAREOP_unshare, &e);
	struct mmu_update u = { e.mfn << 12 | MMU_MACHPHYS_UPDATE,
				gl_virt_to_pfn(va) };

	if (status == SHARE_DONE)
		gl_test_equal(hypercall_mmu_update(&u, 1, NULL, DOMID_SELF), 0);
	return status;
}

__attribute__((unused)) static uint64_t filled(uint64_t value)
{
	uint64_t va = gl_page_alloc();

	for (unsigned int i = 0; i < 512; i++)
		((uint64_t *)va)[i] = value + i;
	return va;
}

__attribute__((unused)) static bool intact(uint64_t va, uint64_t value)
{
	for (unsigned int i = 0; i < 512; i++)
		if (((volatile uint64_t *)va)[i] != value + i)
			return false;
	return true;
}

__attribute__((unused)) static struct shareop_info info(void)
{
	struct shareop_info i;

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info,
						  (unsigned long)&i,
						  sizeof(i), 0), 0);
	return i;
}

#endif
