/* SPDX-License-Identifier: MIT */
/*
 * A write to a shared page, by a domain that chose break first: by the guest's
 * own instruction, or by the hypervisor, which copies a result to the guest.
 * The entry gets a private page and the instruction is made again.
 *
 * Only entries with the AVL bit are served: they were writable when they were
 * offered.  An entry without that bit was read-only by the guest's own wish, so
 * the guest gets the fault.
 */
#include <port.h>
#include <errno.h>

#include "abi/share.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/traps.h"
#include "x86/above.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define PF_PRESENT_WRITE 3u
#define PF_USER		4u

static bool was_writable(pte_t e)
{
	return (e & (PTE_P | PTE_RW | PTE_AVL_SHARED)) ==
	       (PTE_P | PTE_AVL_SHARED);
}

/* 0, or -errno of ptcheck_break(); -EFAULT: the fault is none of ours. */
static int break_at(struct vcpu *v, uint64_t va)
{
	struct domain *d = v->domain;
	int r = -EFAULT;
	pte_t *pte;

	mfn_t l4 = v->kernel_mode ? v->kernel_l4 : v->user_l4;

	spin_lock(&d->mm);
	pte = ptcheck_walk(d, l4, va);
	if (pte && was_writable(READ_ONCE(*pte)))
		r = ptcheck_break(d, pte);
	else if (pte && ptcheck_writable(l4, va))
		r = 0;	/* somebody else broke it just before */
	spin_unlock(&d->mm);
	return r;
}

static bool is_ours(struct vcpu *v, uint64_t va, uint32_t error)
{
	return (READ_ONCE(v->domain->breaks.flags) & SHARE_MODE_BREAK_FIRST) &&
	       (error & ~PF_USER) == PF_PRESENT_WRITE &&
	       guest_range_ok(va, 1);
}

bool sharefault(struct vcpu *v, uint64_t va, uint32_t error)
{
	int r = is_ours(v, va, error) ? break_at(v, va) : -EFAULT;

	return !r || (r == -ENOMEM && ptbreak_waits(v->domain));
}

/* Copies to guests are made with no lock held (x86/guestcopy.h). */
bool guest_access_fault(uint64_t va, uint32_t error_code)
{
	struct vcpu *v = current_vcpu();

	ASSERT(spin_level_held() == LOCK_NONE);
	/* It cannot wait here: the copy would be made again at once. */
	return v && is_ours(v, va, error_code) && !break_at(v, va);
}
