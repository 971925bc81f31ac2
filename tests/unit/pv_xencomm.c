// SPDX-License-Identifier: MIT
// links: @machine
/*
 * Arguments by machine address: descriptors, inline, registered buffers
 * (COMM1-COMM3, BUFFER1-BUFFER4; attacks CP6, CP7, CP8).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>
#include <xen/xencomm.h>

#include "abi/share.h"
#include "abi/xencomm.h"
#include "fake/fake_machine.h"
#include "mm/pagetype.h"
#include "pv/above.h"
#include "pv/desc.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/xencomm.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define RO (PTE_P | PTE_US | PTE_A)

static struct domain *d, *other;
static uint64_t page;		/* pfn of a run of plain pages */

static void setup(void)
{
	fake_machine_start();
	other = fake_domain("g", 50);
	d = fake_domain("g", 50);
	page = fake_free_pfn(d);
}

/*
 * The pages are in the largest range of RAM, which is looked at first (COMM2),
 * or in another one (COMM4).
 */
static void range_choose(bool largest)
{
	mfn_t mfn = fake_mfn(d, page);
	unsigned int i;

	for (i = 0; i < ram_range_count; i++)
		if ((mfn_n(mfn) >= mfn_n(ram_ranges[i].first) &&
		     mfn_n(mfn) < mfn_n(ram_ranges[i].end)) == largest)
			frame_largest_range = i;
	ck_assert(frame_in_largest_range(mfn) == largest);
}

static void setup_at_hand(void)
{
	setup();
	range_choose(true);
}

static void setup_elsewhere(void)
{
	setup();
	range_choose(false);
}

static void teardown(void)
{
	fake_check();
	fake_end(d);
	fake_end(other);
	fake_check();
}

static maddr_t maddr(uint64_t pfn)
{
	return mfn_to_maddr(fake_mfn(d, pfn));
}

static uint64_t inline_ref(maddr_t at)
{
	return XENCOMM_INLINE | maddr_n(at);
}

static uint64_t desc_ref(maddr_t at)
{
	return XENCOMM_DESC | maddr_n(at) / XENCOMM_DESC_ALIGN << XENCOMM_DESC_SHIFT;
}

static uint64_t buffer_ref(long number)
{
	return XENCOMM_BUFFER | (uint64_t)number << XENCOMM_BUFFER_SHIFT;
}

/* A descriptor in page `pfn` at `offset`. */
static struct xencomm_desc *desc_at(uint64_t pfn, unsigned int offset,
				    uint32_t nr)
{
	struct xencomm_desc *x = (void *)(fake_page(d, pfn) + offset);

	x->magic = XENCOMM_MAGIC;
	x->nr_addrs = nr;
	return x;
}

static uint64_t get(uint64_t ref)
{
	uint64_t v = 0;

	ck_assert_int_eq(copy_from_guest(&v, ref, sizeof(v)), 0);
	return v;
}

static void refused(uint64_t ref, size_t bytes)
{
	static uint8_t buf[3 * PAGE_SIZE], was[3 * PAGE_SIZE];

	memset(buf, 0xee, sizeof(buf));
	memset(was, 0xee, sizeof(was));
	ck_assert_int_eq(copy_from_guest(buf, ref, bytes), -EFAULT);
	ck_assert_int_eq(memcmp(buf, was, sizeof(buf)), 0);
	ck_assert_int_eq(copy_to_guest(ref, buf, bytes), -EFAULT);
}

static void not_written(uint64_t ref)
{
	uint64_t zero = 0;

	ck_assert_int_eq(copy_to_guest(ref, &zero, sizeof(zero)), -EFAULT);
}

/* --- inline --- */

START_TEST(inline_both_ways)
{
	uint64_t ref = inline_ref(maddr_add(maddr(page), 100)), v = 0x1234567890abcdef;

	ck_assert_int_eq(copy_to_guest(ref, &v, sizeof(v)), 0);
	ck_assert_int_eq(memcmp(fake_page(d, page) + 100, &v, sizeof(v)), 0);
	ck_assert_uint_eq(get(ref), v);
	ck_assert_int_eq(clear_guest(ref, 8), 0);
	ck_assert_uint_eq(get(ref), 0);
	ck_assert(guest_arg_ok(ref, PAGE_SIZE));
}
END_TEST

START_TEST(inline_over_a_page_end)
{
	/* Machine memory: the next frame, not the next pfn. */
	mfn_t first = fake_mfn(d, page);
	uint64_t ref = inline_ref(maddr_add(maddr_add(mfn_to_maddr(first), PAGE_SIZE), -3));
	uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	int next = frame_valid(mfn_add(first, 1)) &&
		   fake_kind(mfn_add(first, 1)) == FRAME_OWNED &&
		   frame_state_owner(mfn_to_frame(mfn_add(first, 1))->state) == d->id;

	ck_assert_int_eq(copy_to_guest(ref, bytes, sizeof(bytes)),
			 next ? 0 : -EFAULT);
	if (next)
		ck_assert_int_eq(((uint8_t *)mfn_to_virt(mfn_add(first, 1)))[4], 8);
}
END_TEST

START_TEST(inline_bad)	/* CP6 */
{
	static const uint64_t bad[] = {
		0, XENCOMM_MADDR_MAX - 8, XENCOMM_MADDR_MAX, 1UL << 60,
		XENCOMM_MADDR_MAX - 4, 1UL << 45,
	};

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		refused(XENCOMM_INLINE | bad[i], 8);
	ck_assert(!guest_arg_ok(XENCOMM_INLINE | (XENCOMM_MADDR_MAX - 4), 8));
	ck_assert(!guest_arg_ok(XENCOMM_INLINE | 1UL << 55, 8));
	ck_assert(!guest_arg_ok(XENCOMM_DESC | (XENCOMM_DESC_MAX - 4), 8));
	ck_assert(guest_arg_ok(XENCOMM_DESC | (XENCOMM_DESC_MAX - 8), 8));
	ck_assert(!guest_arg_ok(XENCOMM_BUFFER | ((1UL << XENCOMM_BUFFER_SHIFT) - 4), 8));
	ck_assert(guest_arg_ok(XENCOMM_BUFFER | ((1UL << XENCOMM_BUFFER_SHIFT) - 8), 8));
}
END_TEST

/* CP6, CP7: another domain's, the hypervisor's, free ones */
START_TEST(foreign_frames)
{
	mfn_t mfn;

	fake_run(other);
	mfn = fake_mfn(other, fake_free_pfn(other));
	fake_run(d);
	refused(inline_ref(mfn_to_maddr(mfn)), 8);
	refused(inline_ref(virt_to_maddr(mfn_to_virt(virt_to_mfn(d->m2p.l3)))), 8);
	refused(inline_ref(cpu_idle_cr3), 8);
}
END_TEST

START_TEST(outputs_only_to_plain_ram)	/* CP7 */
{
	maddr_t l4 = mfn_to_maddr(d->vcpu[0]->kernel_l4);
	maddr_t l1 = MADDR(maddr_n(virt_to_maddr(fake_pte(d, page))) & PAGE_MASK);
	maddr_t info = virt_to_maddr(d->shared_info);
	uint64_t before = *fake_pte(d, page);

	not_written(inline_ref(l4));
	not_written(inline_ref(l1));
	not_written(inline_ref(info));
	ck_assert_uint_eq(*fake_pte(d, page), before);
	/* Reading them is what a guest may do anyway. */
	(void)get(inline_ref(l4));
	(void)get(inline_ref(l1));
	(void)get(inline_ref(info));
}
END_TEST

START_TEST(shared_frame)	/* CP7, SH: read, never written */
{
	uint64_t ref;
	long mfn;

	memset(fake_page(d, page), 0x55, PAGE_SIZE);
	mfn = FAKE_CALL(op_share, SHAREOP_single, fake_va(page), 0, 0);
	ck_assert_int_gt(mfn, 0);
	ref = inline_ref(MADDR((uint64_t)mfn << PAGE_SHIFT));
	ck_assert_uint_eq(get(ref), 0x5555555555555555);
	not_written(ref);
	ck_assert_uint_eq(get(ref), 0x5555555555555555);
	/* Who does not hold it may not read it either. */
	fake_run(other);
	ck_assert_int_eq(copy_from_guest(&ref, ref, 8), -EFAULT);
	fake_run(d);
}
END_TEST

/* --- descriptors --- */

START_TEST(descriptor_many_pages)	/* the mail's problem 2 */
{
	static uint8_t in[3 * PAGE_SIZE + 500], out[sizeof(in)];
	struct xencomm_desc *x = desc_at(page, 64, 5);
	unsigned int i;

	x->address[0] = maddr_n(maddr(page + 9)) + 4000;
	for (i = 1; i < 5; i++)
		x->address[i] = maddr_n(maddr(page + 9 - 2 * i));
	for (i = 0; i < sizeof(in); i++)
		in[i] = i * 7 + i / 256;
	ck_assert_int_eq(copy_to_guest(desc_ref(maddr_add(maddr(page), 64)), in,
				       sizeof(in)), 0);
	ck_assert_int_eq(copy_from_guest(out, desc_ref(maddr_add(maddr(page), 64)),
					 sizeof(out)), 0);
	ck_assert_int_eq(memcmp(in, out, sizeof(in)), 0);
	ck_assert_int_eq(memcmp(fake_page(d, page + 7), in + 96, PAGE_SIZE), 0);
	/* A reference plus n names the byte n further on. */
	ck_assert_int_eq(copy_from_guest(out, desc_ref(maddr_add(maddr(page), 64)) + 5000,
					 100), 0);
	ck_assert_int_eq(memcmp(in + 5000, out, 100), 0);
	/* Behind the last page there is nothing. */
	refused(desc_ref(maddr_add(maddr(page), 64)) + 96 + 4 * PAGE_SIZE, 1);
	ck_assert_int_eq(copy_from_guest(out, desc_ref(maddr_add(maddr(page), 64)) +
					 95 + 4 * PAGE_SIZE, 1), 0);
}
END_TEST

START_TEST(descriptor_on_many_pages)
{
	/* 2 addresses and a link, then 511 and a link, then 10. */
	const unsigned int nr = 2 + 511 + 10, at = PAGE_SIZE - 32;
	struct xencomm_desc *x = desc_at(page, at, nr);
	uint64_t *l1 = (void *)fake_page(d, page + 1);
	uint64_t *l2 = (void *)fake_page(d, page + 2);
	uint64_t ref = desc_ref(maddr_add(maddr(page), at));
	unsigned int i;

	x->address[0] = maddr_n(maddr(page + 3));
	x->address[1] = maddr_n(maddr(page + 4));
	x->address[2] = maddr_n(maddr(page + 1));
	for (i = 0; i < 511; i++)
		l1[i] = maddr_n(maddr(page + 5 + i % 3));
	l1[511] = maddr_n(maddr(page + 2));
	for (i = 0; i < 10; i++)
		l2[i] = maddr_n(maddr(page + 8 + i));
	for (i = 3; i < 18; i++)
		memset(fake_page(d, page + i), i, PAGE_SIZE);
	ck_assert_uint_eq(get(ref) & 0xff, 3);
	ck_assert_uint_eq(get(ref + PAGE_SIZE) & 0xff, 4);
	ck_assert_uint_eq(get(ref + 2 * PAGE_SIZE) & 0xff, 5);
	ck_assert_uint_eq(get(ref + (2 + 510) * PAGE_SIZE) & 0xff, 5 + 510 % 3);
	ck_assert_uint_eq(get(ref + (2 + 511) * PAGE_SIZE) & 0xff, 8);
	ck_assert_uint_eq(get(ref + (nr - 1) * PAGE_SIZE) & 0xff, 17);
	refused(ref + nr * PAGE_SIZE, 1);
	/* A link that is no page, or leads nowhere. */
	l1[511] += 8;
	refused(ref + (2 + 511) * PAGE_SIZE, 1);
	l1[511] = ~0UL & PAGE_MASK;
	refused(ref + (2 + 511) * PAGE_SIZE, 1);
	/* A list that is its own rest ends all the same. */
	x->nr_addrs = XENCOMM_ADDRS_MAX;
	l1[511] = maddr_n(maddr(page + 1));
	ck_assert_uint_eq(get(ref + 16000 * PAGE_SIZE) & 0xf0, 0);
	ck_assert_int_eq(copy_from_guest(&i, ref + XENCOMM_DESC_MAX - 2, 4), -EFAULT);
}
END_TEST

START_TEST(descriptor_bad)	/* CP6 */
{
	struct xencomm_desc *x = desc_at(page, 0, 2);
	uint64_t ref = desc_ref(maddr(page));

	x->address[0] = maddr_n(maddr(page + 1));
	x->address[1] = maddr_n(maddr(page + 2));
	(void)get(ref);
	x->magic ^= 1;
	refused(ref, 8);
	x->magic ^= 1;
	x->nr_addrs = 0;
	refused(ref, 8);
	x->nr_addrs = XENCOMM_ADDRS_MAX + 1;
	refused(ref, 8);
	x->nr_addrs = ~0u;
	refused(ref, 8);
	x->nr_addrs = 2;
	x->address[0] = XENCOMM_INVALID;
	refused(ref, 8);
	x->address[0] = maddr_n(maddr(page + 1)) | 1UL << 60;
	refused(ref, 8);
	/* What follows the last address is none, whatever it looks like. */
	x->address[0] = maddr_n(maddr(page + 1));
	x->address[2] = maddr_n(maddr(page + 3));
	refused(ref + 2 * PAGE_SIZE, 8);
	x->nr_addrs = 3;
	(void)get(ref + 2 * PAGE_SIZE);
	x->nr_addrs = 2;
	/* Only the first may begin inside its page. */
	x->address[0] = maddr_n(maddr(page + 1));
	x->address[1] = maddr_n(maddr(page + 2)) + 8;
	refused(ref + PAGE_SIZE, 8);
	/* The same page as often as one likes: only its own data suffer. */
	x->address[1] = maddr_n(maddr(page));
	ck_assert_uint_eq((uint32_t)get(ref + PAGE_SIZE), XENCOMM_MAGIC);
	x->address[1] = x->address[0];
	(void)get(ref + PAGE_SIZE);
}
END_TEST

START_TEST(descriptor_at_a_page_end)	/* CP6: crossing a page */
{
	struct xencomm_desc *x = desc_at(page, PAGE_SIZE - 16, 1);

	/* Behind the head there is only the link. */
	x->address[0] = maddr_n(maddr(page + 1)) + 8;
	refused(desc_ref(maddr_add(maddr(page), PAGE_SIZE - 16)), 8);
	x->address[0] = maddr_n(maddr(page + 3));
	*(uint64_t *)fake_page(d, page + 3) = maddr_n(maddr(page + 1));
	memset(fake_page(d, page + 1), 0x77, PAGE_SIZE);
	ck_assert_uint_eq(get(desc_ref(maddr_add(maddr(page), PAGE_SIZE - 16))) & 0xff, 0x77);
}
END_TEST

/* COMM5: pages are known, what the descriptor says is not. */
START_TEST(descriptor_that_changes)
{
	struct xencomm_desc *x = desc_at(page, 64, 2);
	uint64_t ref = desc_ref(maddr_add(maddr(page), 64)), i;

	for (i = 1; i <= 3; i++)
		memset(fake_page(d, page + i), (int)i, PAGE_SIZE);
	x->address[0] = maddr_n(maddr(page + 1)) + 8;
	x->address[1] = maddr_n(maddr(page + 3));
	for (i = 0; i < 2; i++)
		ck_assert_uint_eq(get(ref), 0x0101010101010101);
	ck_assert_uint_eq(get(ref + PAGE_SIZE - 8), 0x0303030303030303);
	ck_assert_uint_eq(get(ref), 0x0101010101010101);
	ck_assert_uint_eq(get(ref + PAGE_SIZE - 12), 0x0303030301010101);
	x->address[0] = maddr_n(maddr(page + 2));
	ck_assert_uint_eq(get(ref), 0x0202020202020202);
	(void)get(ref);
	x->magic++;
	refused(ref, 8);
	x->magic--;
	(void)get(ref);
	x->nr_addrs = 0;
	refused(ref, 8);
	x->nr_addrs = XENCOMM_ADDRS_MAX + 1;
	refused(ref, 8);
}
END_TEST

/* The first page after `first` whose machine memory follows that of another. */
static uint64_t page_with_next(uint64_t first, uint64_t *next)
{
	for (uint64_t i = first; i < first + 16; i++)
		for (*next = first; *next < first + 16; ++*next)
			if (mfn_eq(fake_mfn(d, *next), mfn_add(fake_mfn(d, i), 1)))
				return i;
	ck_abort_msg("no two pages are neighbours");
}

/* COMM5: a descriptor's second page is not the one behind its first. */
START_TEST(descriptor_beside_a_known_page)
{
	struct xencomm_desc *x = desc_at(page, 64, 2);
	uint64_t ref = desc_ref(maddr_add(maddr(page), 64)), at, next;

	at = page_with_next(page + 2, &next);
	memset(fake_page(d, page + 1), 1, PAGE_SIZE);
	memset(fake_page(d, next), 2, PAGE_SIZE);
	x->address[0] = maddr_n(maddr(at)) + 8;
	x->address[1] = maddr_n(maddr(page + 1));
	(void)get(ref);
	ck_assert_uint_eq(get(inline_ref(maddr(next))), 0x0202020202020202);
	ck_assert_uint_eq(get(ref + PAGE_SIZE - 8), 0x0101010101010101);
}
END_TEST

/* COMM5: what is known ends with the page's class, owner, and with the vCPU. */
START_TEST(known_until_a_flush)
{
	uint64_t ref = inline_ref(maddr(page)), v = 5;

	memset(fake_page(d, page), 0, PAGE_SIZE);
	ck_assert_int_eq(copy_to_guest(ref, &v, sizeof(v)), 0);
	ck_assert_uint_eq(get(ref), v);
	fake_run(other);
	refused(ref, 8);
	fake_run(d);
	ck_assert_uint_eq(get(ref), v);
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(page), 0, 0), 0);
	refused(ref, 8);
	ref = inline_ref(maddr(page));
	ck_assert_uint_eq(get(ref), v);
	not_written(ref);
}
END_TEST

START_TEST(descriptor_elsewhere)	/* in a frame that is not ours */
{
	refused(desc_ref(MADDR(0)), 8);
	refused(desc_ref(MADDR(1UL << 39)), 8);
	refused(desc_ref(cpu_idle_cr3), 8);
	refused(XENCOMM_DESC | (XENCOMM_DESC - 1), 8);
}
END_TEST

/* --- registered buffers --- */

static long reg(uint64_t pages)
{
	return FAKE_CALL(op_xencomm, XENCOMMOP_register, fake_va(page), pages, 0);
}

static long unreg(uint64_t number)
{
	return FAKE_CALL(op_xencomm, XENCOMMOP_unregister, number, 0, 0);
}

/* Name pages page + 1 + first .. in the array that reg() passes. */
static void list(unsigned int first, unsigned int pages)
{
	uint64_t *mfns = (void *)fake_page(d, page);

	for (unsigned int i = 0; i < pages; i++)
		mfns[i] = mfn_n(fake_mfn(d, page + 1 + first + i));
}

START_TEST(buffer_both_ways)
{
	uint8_t in[PAGE_SIZE + 20], out[sizeof(in)];
	long number;

	list(0, 3);
	number = reg(3);
	ck_assert_int_gt(number, 0);
	memset(in, 0x3c, sizeof(in));
	ck_assert_int_eq(copy_to_guest(buffer_ref(number) + 4090, in,
				       sizeof(in)), 0);
	ck_assert_int_eq(copy_from_guest(out, buffer_ref(number) + 4090,
					 sizeof(out)), 0);
	ck_assert_int_eq(memcmp(in, out, sizeof(in)), 0);
	ck_assert_uint_eq(fake_page(d, page + 3)[13], 0x3c);
	ck_assert_uint_eq(fake_page(d, page + 3)[14], 0);
	refused(buffer_ref(number) + 3 * PAGE_SIZE, 1);
	refused(buffer_ref(number) + 3 * PAGE_SIZE - 4 + (1UL << 44), 8);
	fake_recount();
	ck_assert_int_eq(unreg(number), 0);
	refused(buffer_ref(number), 8);
}
END_TEST

START_TEST(buffer_frames_are_kept)	/* BUFFER1 */
{
	mfn_t mfn = fake_mfn(d, page + 1);
	struct mmuext_op *op = (void *)fake_page(d, page + 2);
	struct xen_memory_reservation *r = (void *)fake_page(d, page + 3);
	long number;

	list(0, 1);
	number = reg(1);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(page + 1),
				   0, 0), -EBUSY);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(mfn) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(page + 2), 1, 0,
				   DOMID_SELF), -EBUSY);
	/* Unmapped and given back, it stays until the buffer lets go. */
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(page + 1), 0, 0), 0);
	*(uint64_t *)fake_page(d, page + 4) = mfn_n(mfn);
	*r = (struct xen_memory_reservation){
		.nr_extents = 1, .domid = DOMID_SELF };
	set_xen_guest_handle(r->extent_start, (void *)fake_va(page + 4));
	(void)FAKE_CALL(op_memory, XENMEM_decrease_reservation, fake_va(page + 3));
	ck_assert_uint_eq(fake_kind(mfn), FRAME_OWNED);
	(void)get(buffer_ref(number));
	fake_recount();
	ck_assert_int_eq(unreg(number), 0);
}
END_TEST

START_TEST(buffer_refusals)	/* CP8 */
{
	uint64_t *mfns = (void *)fake_page(d, page);
	long number;

	list(0, 4);
	ck_assert_int_eq(reg(0), -EINVAL);
	ck_assert_int_eq(reg(XENCOMM_BUFFER_PAGES + 1), -EINVAL);
	ck_assert_int_eq(reg(~0UL), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_xencomm, XENCOMMOP_register,
				   fake_va(page), 1, 1), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_xencomm, XENCOMMOP_register,
				   0xffff800000000000, 1, 0), -EFAULT);
	mfns[2] = mfn_n(d->vcpu[0]->kernel_l4);
	ck_assert_int_eq(reg(4), -EBUSY);
	mfns[2] = mfn_n(virt_to_mfn(d->shared_info));
	ck_assert_int_eq(reg(4), -EPERM);
	mfns[2] = ~0UL;
	ck_assert_int_eq(reg(4), -EPERM);
	fake_recount();
	ck_assert_int_eq(unreg(0), -ENOENT);
	ck_assert_int_eq(unreg(~0UL), -ENOENT);
	ck_assert_int_eq(unreg(XENCOMM_BUFFERS | 1 << 8), -ENOENT);
	ck_assert_int_eq(unreg((XENCOMM_BUFFERS + 35) | 1 << 8), -ENOENT);
	list(0, 4);
	number = reg(4);
	ck_assert_int_eq(unreg(number ^ 0x100), -ENOENT);
	ck_assert_int_eq(unreg(number | 1 << 16), -ENOENT);
	refused(buffer_ref(number ^ 0x100), 8);
	refused(buffer_ref(number ^ 1), 8);
	/* Another domain's number is nothing here. */
	fake_run(other);
	ck_assert_int_eq(unreg(number), -ENOENT);
	refused(buffer_ref(number), 8);
	fake_run(d);
	ck_assert_int_eq(unreg(number), 0);
	ck_assert_int_eq(unreg(number), -ENOENT);	/* twice */
}
END_TEST

START_TEST(buffer_stale_number)	/* CP8: reused after an unregistration */
{
	long old, now;

	list(0, 1);
	old = reg(1);
	ck_assert_int_eq(unreg(old), 0);
	now = reg(1);
	ck_assert_int_ne(old, now);
	refused(buffer_ref(old), 8);
	ck_assert_int_eq(unreg(old), -ENOENT);
	ck_assert_int_eq(unreg(now), 0);
}
END_TEST

START_TEST(buffer_known_and_unregistered)	/* COMM5 */
{
	uint64_t v = 7;
	long number;

	list(0, 1);
	number = reg(1);
	ck_assert_int_eq(copy_to_guest(buffer_ref(number) + 16, &v, sizeof(v)), 0);
	ck_assert_uint_eq(get(buffer_ref(number) + 16), v);
	/* A descriptor names machine memory only, whatever is known. */
	desc_at(page + 2, 0, 1)->address[0] = maddr_n(maddr(page + 2));
	(void)get(desc_ref(maddr(page + 2)));
	(void)get(buffer_ref(number) + 16);
	desc_at(page + 2, 0, 1)->address[0] = buffer_ref(number) - XENCOMM_INLINE;
	refused(desc_ref(maddr(page + 2)), 8);
	(void)get(buffer_ref(number) + 16);
	ck_assert_int_eq(unreg(number), 0);
	refused(buffer_ref(number) + 16, 8);
}
END_TEST

START_TEST(buffer_caps)	/* CP8: number and pages of a domain */
{
	long numbers[XENCOMM_BUFFERS];
	unsigned int i;

	list(0, 1);
	for (i = 0; i < XENCOMM_BUFFERS; i++) {
		numbers[i] = reg(1);
		ck_assert_int_gt(numbers[i], 0);
	}
	ck_assert_int_eq(reg(1), -ENOSPC);
	fake_recount();
	/* The mail's problem 1: across each other. */
	ck_assert_int_eq(unreg(numbers[5]), 0);
	ck_assert_int_eq(unreg(numbers[3]), 0);
	(void)get(buffer_ref(numbers[4]));
	ck_assert_int_gt(reg(1), 0);
	for (i = 6; i < XENCOMM_BUFFERS; i++)
		ck_assert_int_eq(unreg(numbers[i]), 0);
	for (i = 0; i < XENCOMM_BUFFER_PAGES; i++)
		((uint64_t *)fake_page(d, page))[i] = mfn_n(fake_mfn(d, page + 1));
	for (i = 0; i < XENCOMM_PAGES / XENCOMM_BUFFER_PAGES - 1; i++)
		ck_assert_int_gt(reg(XENCOMM_BUFFER_PAGES), 0);
	ck_assert_int_eq(reg(XENCOMM_BUFFER_PAGES), -ENOSPC);
	fake_recount();
	/* What is left is let go of at the domain's end (teardown). */
}
END_TEST

START_TEST(buffer_no_memory)
{
	unsigned int n;
	long r = -ENOMEM;

	list(0, 400);	/* more than a small object: it needs a page */
	for (n = 0; r == -ENOMEM; n++) {
		fake_memory_take(n);
		r = reg(400);
		fake_memory_give();
		fake_recount();
		ck_assert_uint_lt(n, 10);
	}
	ck_assert_int_gt(r, 0);
	ck_assert_uint_gt(n, 1);	/* it was refused at least once */
}
END_TEST

/* --- hypercalls take them --- */

START_TEST(a_batch_by_reference)
{
	struct shareop_entry e[2] = { { .nr_ptes = 1 }, { .nr_ptes = 1 } };
	uint64_t ref = inline_ref(maddr_add(maddr(page), 256));

	e[0].pte[0] = fake_va(page + 1);
	e[1].pte[0] = 1;	/* no name */
	memcpy(fake_page(d, page) + 256, e, sizeof(e));
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, ref, 2, 0), 0);
	memcpy(e, fake_page(d, page) + 256, sizeof(e));
	ck_assert_int_eq(e[0].status, SHARE_DONE);
	ck_assert_int_eq(e[1].status, SHARE_BAD_PTE);
	ck_assert_uint_eq(e[0].mfn, mfn_n(fake_mfn(d, page + 1)));
}
END_TEST

/* CP5, SH13: the array's own page is offered */
START_TEST(a_batch_in_an_offered_page)
{
	struct shareop_entry *e = (void *)(fake_page(d, page) + 256);
	uint64_t ref = inline_ref(maddr_add(maddr(page), 256));

	*e = (struct shareop_entry){ .nr_ptes = 1, .pte = { fake_va(page) } };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, ref, 1, 0), -EFAULT);
	ck_assert(fake_kind(fake_mfn(d, page)) == FRAME_SHARED);
}
END_TEST

START_TEST(updates_by_reference)
{
	struct mmu_update *u = (void *)fake_page(d, page);
	uint64_t ref = inline_ref(maddr(page));
	mfn_t mfn = fake_mfn(d, page + 1);

	for (unsigned int i = 0; i < 3; i++)
		u[i] = (struct mmu_update){
			maddr_n(virt_to_maddr(fake_pte(d, page + 1))),
			pte_make(mfn, RO | (i == 1 ? PTE_RW : 0)) };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, ref, 3,
				   inline_ref(maddr_add(maddr(page), 512)), DOMID_SELF), 0);
	ck_assert_uint_eq(*(uint32_t *)(fake_page(d, page) + 512), 3);
	ck_assert(!(*fake_pte(d, page + 1) & PTE_RW));
}
END_TEST

static TCase *tcase(const char *name, void (*begin)(void))
{
	TCase *tc = suite_case(name);

	tcase_add_checked_fixture(tc, begin, teardown);
	return tc;
}

static void references(TCase *refs)
{
	tcase_add_test(refs, inline_both_ways);
	tcase_add_test(refs, inline_over_a_page_end);
	tcase_add_test(refs, inline_bad);
	tcase_add_test(refs, foreign_frames);
	tcase_add_test(refs, outputs_only_to_plain_ram);
	tcase_add_test(refs, shared_frame);
	tcase_add_test(refs, descriptor_many_pages);
	tcase_add_test(refs, descriptor_on_many_pages);
	tcase_add_test(refs, descriptor_bad);
	tcase_add_test(refs, descriptor_at_a_page_end);
	tcase_add_test(refs, descriptor_elsewhere);
	tcase_add_test(refs, descriptor_that_changes);
	tcase_add_test(refs, descriptor_beside_a_known_page);
	tcase_add_test(refs, known_until_a_flush);
	tcase_add_test(refs, a_batch_by_reference);
	tcase_add_test(refs, a_batch_in_an_offered_page);
	tcase_add_test(refs, updates_by_reference);
}

int main(void)
{
	TCase *buffers = tcase("buffers", setup);

	references(tcase("references", setup_at_hand));
	references(tcase("elsewhere", setup_elsewhere));
	tcase_add_test(buffers, buffer_both_ways);
	tcase_add_test(buffers, buffer_frames_are_kept);
	tcase_add_test(buffers, buffer_refusals);
	tcase_add_test(buffers, buffer_stale_number);
	tcase_add_test(buffers, buffer_known_and_unregistered);
	tcase_add_test(buffers, buffer_caps);
	tcase_add_test(buffers, buffer_no_memory);
	return suite_run();
}
