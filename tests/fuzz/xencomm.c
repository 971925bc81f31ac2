// SPDX-License-Identifier: MIT
// links: @machine
/*
 * Fuzzes references to arguments: random descriptors (half of them right but
 * for one field), inline addresses and buffer numbers, copies of random lengths
 * both ways, while pages are shared, retyped, registered and unregistered.
 * After each round: no byte outside of the domain's plain pages changed, and
 * all counts equal a recount.
 *
 *	xencomm SEED OPERATIONS
 */
#include <check.h>	/* before port.h: both define noreturn */
#include <errno.h>
#include <port.h>
#include <stdio.h>
#include <string.h>

#include <xen/xencomm.h>

#include "abi/share.h"
#include "abi/xencomm.h"
#include "fake/fake_machine.h"
#include "fuzz/fuzz.h"
#include "mm/pagetype.h"
#include "mm/ram.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/xencomm.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define PLAYED	64u		/* pages that the domain plays with */
#define ROUND	2000u
#define BYTES	(3 * PAGE_SIZE)

static struct domain *d, *other;
static uint64_t base, copies, refusals;
static long numbers[XENCOMM_BUFFERS];

static uint64_t some_pfn(void)
{
	return base + fuzz_below(PLAYED);
}

/* A machine address: mostly of a page of ours. */
static maddr_t some_maddr(void)
{
	static const uint64_t odd[] = {
		0, ~0UL, 1UL << 52, (1UL << 52) - 4096, 1UL << 40, 4096,
		0xffff800000000000,
	};

	switch (fuzz_below(16)) {
	case 0:
		return MADDR(odd[fuzz_below(ARRAY_COUNT(odd))]);
	case 1:
		return MADDR((fuzz_below(mfn_n(frame_max_mfn) + 16)) << PAGE_SHIFT);
	case 2:
		return mfn_to_maddr(d->vcpu[0]->kernel_l4);
	case 3:
		return MADDR(maddr_n(virt_to_maddr(fake_pte(d, some_pfn()))) & PAGE_MASK);
	case 4:
		return virt_to_maddr(d->shared_info);
	case 5:
		return mfn_to_maddr(fake_mfn(other, base));
	default:
		return mfn_to_maddr(fake_mfn(d, some_pfn()));
	}
}

/* Write into a page of ours, as the guest does: only if it is writable. */
static uint64_t *guest_words(uint64_t pfn)
{
	if (!(*fake_pte(d, pfn) & PTE_RW))
		return NULL;
	return (uint64_t *)fake_page(d, pfn);
}

static uint64_t some_descriptor(void)
{
	uint64_t pfn = some_pfn(), *w = guest_words(pfn);
	unsigned int at = fuzz_below(8) ? fuzz_below(64) * 16 : fuzz_below(256) * 16;
	struct xencomm_desc *x;
	unsigned int i;

	if (w) {
		x = (struct xencomm_desc *)((uint8_t *)w + at);
		for (i = 0; i < 6 && at + 8 + i * 8 < PAGE_SIZE; i++)
			x->address[i] = maddr_n(some_maddr());
		w[511] = maddr_n(some_maddr());
		x->magic = fuzz_below(32) ? XENCOMM_MAGIC : (uint32_t)fuzz_random();
		x->nr_addrs = fuzz_below(16) ? fuzz_below(6) : (uint32_t)fuzz_random();
		if (!fuzz_below(4) && x->nr_addrs && at + 16 <= PAGE_SIZE)
			x->address[0] += fuzz_below(PAGE_SIZE);
	}
	return XENCOMM_DESC | ((mfn_n(fake_mfn(d, pfn)) << PAGE_SHIFT) + at) /
	       XENCOMM_DESC_ALIGN << XENCOMM_DESC_SHIFT;
}

static uint64_t some_reference(void)
{
	uint64_t offset = fuzz_below(8) ? fuzz_below(BYTES) : fuzz_random() >> fuzz_below(64);

	switch (fuzz_below(8)) {
	case 0:
		return fuzz_random() | 1UL << (62 + fuzz_below(2));
	case 1:
	case 2:
		return (XENCOMM_INLINE | maddr_n(some_maddr())) + fuzz_below(PAGE_SIZE);
	case 3:
	case 4:
		return XENCOMM_BUFFER +
		       ((uint64_t)numbers[fuzz_below(XENCOMM_BUFFERS)] <<
			XENCOMM_BUFFER_SHIFT) + offset;
	default:
		return some_descriptor() + (offset & (XENCOMM_DESC_MAX - 1));
	}
}

static void do_copy(void)
{
	static uint8_t buf[BYTES];
	uint64_t ref = some_reference();
	size_t bytes = fuzz_below(4) ? fuzz_below(300) : fuzz_below(BYTES);
	int r = fuzz_below(2) ? copy_from_guest(buf, ref, bytes) :
			   copy_to_guest(ref, buf, bytes);

	ck_assert(r == 0 || r == -EFAULT);
	copies++;
	refusals += r != 0;
}

static void do_register(void)
{
	unsigned int slot = fuzz_below(XENCOMM_BUFFERS), n = 1 + fuzz_below(4), i;
	uint64_t pfn = some_pfn(), *w = guest_words(pfn);
	long r;

	for (i = 0; w && i < n; i++)
		w[i] = fuzz_below(16) ? mfn_n(fake_mfn(d, some_pfn())) : fuzz_random();
	r = FAKE_CALL(op_xencomm, XENCOMMOP_register, fake_va(pfn), n, 0);
	ck_assert(r > 0 || r == -EPERM || r == -EBUSY || r == -EFAULT ||
		  r == -ENOSPC || r == -ENOMEM);
	if (r <= 0)
		return;
	if (numbers[slot])
		(void)FAKE_CALL(op_xencomm, XENCOMMOP_unregister,
				numbers[slot], 0, 0);
	numbers[slot] = r;
}

static void do_unregister(void)
{
	unsigned int slot = fuzz_below(XENCOMM_BUFFERS);
	long n = fuzz_below(4) ? numbers[slot] : (long)fuzz_random();

	(void)FAKE_CALL(op_xencomm, XENCOMMOP_unregister, n, 0, 0);
}

static void do_share(void)
{
	(void)FAKE_CALL(op_share, SHAREOP_single, fake_va(some_pfn()), 0, 0);
}

static void do_unshare(void)
{
	uint64_t pfn = some_pfn(), *w = guest_words(pfn);
	struct shareop_entry *e = (struct shareop_entry *)w;

	if (!w)
		return;
	*e = (struct shareop_entry){ .pte = { fake_va(some_pfn()) }, .nr_ptes = 1 };
	(void)FAKE_CALL(op_share, SHAREOP_unshare, fake_va(pfn), 1, 0);
}

static void do_protect(void)
{
	uint64_t pfn = some_pfn();
	pte_t e = *fake_pte(d, pfn);

	(void)FAKE_CALL(op_update_va_mapping, fake_va(pfn), e ^ PTE_RW, 0);
}

/* Is this frame one that no copy to the guest may change? */
static bool untouchable(mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	uint64_t state = frame_state(f);

	/* The hypervisor's own pages hold locks, which a copy takes. */
	if (frame_state_kind(state) == FRAME_HV)
		return false;
	if (frame_state_kind(state) != FRAME_OWNED)
		return true;
	if (frame_state_owner(state) != d->id)
		return true;
	return type_class(f->type) != CLASS_WRITABLE &&
	       type_class(f->type) != CLASS_NONE && type_count(f->type);
}

/* A sum of all frames that copies may not change, over copies alone. */
static uint64_t sum_untouchable(void)
{
	uint64_t sum = 0;
	unsigned int i, k;
	mfn_t mfn;

	for (i = 0; i < ram_range_count; i++)
		for (mfn = ram_ranges[i].first; mfn_n(mfn) < mfn_n(ram_ranges[i].end);
		     mfn = mfn_add(mfn, 1)) {
			const uint64_t *w = mfn_to_virt(mfn);

			if (!untouchable(mfn))
				continue;
			for (k = 0; k < 512; k++)
				sum = sum * 31 + w[k] + mfn_n(mfn);
		}
	return sum;
}

static void one_round(unsigned int n)
{
	uint64_t before;
	unsigned int i;

	for (i = 0; i < n / 10 && fuzz_more(); i++)
		switch (fuzz_below(5)) {
		case 0: do_register(); break;
		case 1: do_unregister(); break;
		case 2: do_share(); break;
		case 3: do_unshare(); break;
		default: do_protect(); break;
		}
	before = sum_untouchable();
	for (; i < n && fuzz_more(); i++)
		do_copy();
	ck_assert_msg(sum_untouchable() == before,
		      "a copy changed a frame that it may not");
	fake_recount();
}

const uint64_t fuzz_default_operations = 1000000;

void fuzz_target(void)
{
	fake_machine_start();
	other = fake_domain("g", 100);
	base = fake_free_pfn(other);
	d = fake_domain("g", 100);
	fuzz_ready();
	while (fuzz_more())
		one_round(ROUND);
	fake_end(d);
	fake_end(other);
	fake_check();
	printf("%lu operations, %lu copies, %lu refused: clean\n",
	       (unsigned long)fuzz_operations, (unsigned long)copies,
	       (unsigned long)refusals);
}
