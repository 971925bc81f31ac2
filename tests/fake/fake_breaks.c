/* SPDX-License-Identifier: MIT */
/* See fake_breaks.h. */
#include <check.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "fake/fake_breaks.h"
#include "offer/mode.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"


struct domain *d, *peer;
uint64_t p, scratch, list;

void setup(void)
{
	fake_machine_start();
	peer = fake_domain("g", 200);
	d = fake_domain("g", 200);
	p = fake_free_pfn(d);
	scratch = p + 101;
	list = p + 110;
	pttree_steps_max = 512;
}

void teardown(void)
{
	fake_machine.preempt = false;
	fake_check();
	fake_end(d);
	fake_check();
	fake_end(peer);
	fake_check();
}

void fill(struct domain *dom, uint64_t pfn, uint64_t content)
{
	uint64_t *page = (void *)fake_page(dom, pfn);
	unsigned int i;

	for (i = 0; i < 512; i++)
		page[i] = content + i;
}

bool filled(const void *at, uint64_t content)
{
	const uint64_t *page = at;
	unsigned int i;

	for (i = 0; i < 512; i++)
		if (page[i] != content + i)
			return false;
	return true;
}

long map(uint64_t pfn, pte_t e)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0);
}

long mode_call(uint32_t version, uint32_t flags, uint64_t p2m,
		      uint64_t entries)
{
	struct shareop_mode m = {
		.version = version, .flags = flags,
		.p2m = p2m, .p2m_entries = entries,
	};

	memcpy(fake_page(d, scratch), &m, sizeof(m));
	return FAKE_CALL(op_share, SHAREOP_mode, fake_va(scratch),
			 version == SHARE_MODE_V1 ? SHARE_MODE_V1_BYTES :
						    sizeof(m));
}

void break_first(void)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_V1, BOTH, fake_va(list),
				   LIST_PAGES * 512), 0);
}

uint64_t *name_of(uint64_t pfn)
{
	return (uint64_t *)fake_page(d, list + pfn / 512) + pfn % 512;
}

int offer(uint64_t first, uint64_t second)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);

	*e = (struct shareop_entry){ .pte = { fake_va(first), fake_va(second) },
				   .nr_ptes = second ? 2 : 1, .status = 99 };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   1), 0);
	return e->status;
}

mfn_t peer_offers(uint64_t pfn, uint64_t content)
{
	long mfn;

	fill(peer, pfn, content);
	fake_run(peer);
	mfn = FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn));
	fake_run(d);
	ck_assert_int_gt(mfn, 0);
	return MFN(mfn);
}

mfn_t shared(uint64_t pfn, uint64_t content, bool others)
{
	mfn_t mfn;

	fill(d, pfn, content);
	ck_assert_int_eq(offer(pfn, 0), SHARE_DONE);
	mfn = fake_mfn(d, pfn);
	if (others)
		ck_assert(mfn_eq(peer_offers(pfn, content), mfn));
	return mfn;
}

struct shareop_info info(void)
{
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_info, fake_va(scratch),
				   sizeof(struct shareop_info)), 0);
	return *(struct shareop_info *)fake_page(d, scratch);
}

long reservation(unsigned int op, unsigned int count, const mfn_t *mfns)
{
	uint64_t *extent = (void *)fake_page(d, scratch);
	struct xen_memory_reservation *r = (void *)(extent + 300);
	unsigned int i;

	for (i = 0; mfns && i < count; i++)
		extent[i] = mfn_n(mfns[i]);
	*r = (struct xen_memory_reservation){ .nr_extents = count,
					      .domid = DOMID_SELF };
	r->extent_start.p = (void *)fake_va(scratch);
	return FAKE_CALL(op_memory, op, fake_va(scratch) + 2400);
}

bool writable(uint64_t pfn)
{
	return (*fake_pte(d, pfn) & (PTE_RW | PTE_AVL_SHARED)) == PTE_RW;
}

void fill_quota(void)
{
	uint64_t left = d->pages.max - d->pages.total;

	ck_assert_int_eq(reservation(XENMEM_increase_reservation, left, NULL), left);
}

mfn_t aliases(uint64_t content, bool others)
{
	mfn_t mfn = fake_mfn(d, p);

	fill(d, p, content);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RW)), 0);
	ck_assert_int_eq(offer(p, p + 1), SHARE_DONE);
	mfn = fake_mfn(d, p);
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	ck_assert_uint_eq(info().mappings, 3);
	if (others)
		ck_assert(mfn_eq(peer_offers(p, content), mfn));
	return mfn;
}

void alias(uint64_t pfn, uint64_t second)
{
	mfn_t mfn = fake_mfn(d, pfn);

	fill(d, pfn, pfn * 1000);
	ck_assert_int_eq(map(second, pte_make(mfn, RW)), 0);
	ck_assert_int_eq(offer(pfn, second), SHARE_DONE);
}
