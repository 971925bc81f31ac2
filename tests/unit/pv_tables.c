// SPDX-License-Identifier: MIT
// links: @machine
/*
 * Page-table hypercalls: legal and illegal entries, pins, counts
 * (TABLE1-TABLE4, T1-T4; attacks PT, TL).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_machine.h"
#include "mm/palloc.h"
#include "mm/pagetype.h"
#include "pv/desc.h"
#include "pv/hypercall.h"
#include "pv/mmu.h"
#include "pv/mmu.h"
#include "pv/ptcheck.h"
#include "unit/suite.h"
#include "x86/pte.h"

#define RW (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RO (PTE_P | PTE_US | PTE_A)

static struct domain *d, *other;
static uint64_t spare;		/* pfn of a run of plain pages */

static void setup(void)
{
	fake_machine_start();
	other = fake_domain("g", 50);
	d = fake_domain("g", 50);
	spare = fake_free_pfn(d);
}

static void teardown(void)
{
	fake_check();
	fake_end(d);
	fake_end(other);
	fake_check();
}

static long map(uint64_t pfn, pte_t e)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0);
}

static long update(uint64_t ptr, uint64_t val)
{
	struct mmu_update *req = (void *)fake_page(d, spare);

	*req = (struct mmu_update){ ptr, val };
	return FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, DOMID_SELF);
}

static long ext(unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op *op = (void *)fake_page(d, spare);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn };
	return FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF);
}

static maddr_t pte_maddr(uint64_t pfn)
{
	return virt_to_maddr(fake_pte(d, pfn));
}

/* The slot of the table of `level` on the way to va. */
static maddr_t upper_maddr(uint64_t va, unsigned int level)
{
	pte_t *table = mfn_to_virt(d->vcpu[0]->kernel_l4);
	unsigned int l;

	for (l = 4; l > level; l--)
		table = mfn_to_virt(pte_mfn(table[pt_slot(va, l)]));
	return virt_to_maddr(&table[pt_slot(va, level)]);
}

/* Make pfn read-only everywhere, so that it may become a table. */
static mfn_t retire(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(d, pfn);

	ck_assert_int_eq(map(pfn, pte_make(mfn, RO)), 0);
	return mfn;
}

/* --- single entries --- */

START_TEST(ro_rw_flips)
{
	mfn_t mfn = fake_mfn(d, spare + 1);

	ck_assert_int_eq(map(spare + 1, pte_make(mfn, RO)), 0);
	fake_recount();
	ck_assert_int_eq(map(spare + 1, pte_make(mfn, RW)), 0);
	fake_recount();
	ck_assert_int_eq(map(spare + 1, pte_make(mfn, RW | PTE_NX)), 0);
	ck_assert_int_eq(map(spare + 2, pte_make(mfn, RW)), 0);
	fake_recount();
	ck_assert_int_eq(map(spare + 2, 0), 0);
	ck_assert_int_eq(map(spare + 2, 0x1234000), 0);	/* PT18: kept */
	ck_assert_uint_eq(*fake_pte(d, spare + 2), 0x1234000);
	fake_recount();
}
END_TEST

START_TEST(frames_of_others)
{
	mfn_t theirs = fake_mfn(other, 5);
	mfn_t mfn;

	ck_assert_int_eq(map(spare + 1, pte_make(theirs, RO)), -EPERM);
	ck_assert_int_eq(map(spare + 1, pte_make(theirs, RW)), -EPERM);
	ck_assert_int_eq(map(spare + 1, pte_make(MFN(~0UL >> 12), RO)), -EINVAL);
	/* SH7: every number, read-only and writable. */
	for (mfn = MFN(0); mfn_n(mfn) < FAKE_FRAMES + 10; mfn = mfn_add(mfn, 1)) {
		bool own = frame_valid(mfn) &&
			   (fake_kind(mfn) == FRAME_OWNED ||
			    fake_kind(mfn) == FRAME_HEAP) &&
			   frame_state_owner(mfn_to_frame(mfn)->state) == d->id;

		ck_assert_int_eq(map(spare + 1, pte_make(mfn, RO)) == 0, own);
	}
	fake_recount();
}
END_TEST

START_TEST(bad_bits)
{
	static const uint64_t bits[] = { PTE_PWT, PTE_PCD, PTE_PSE,
					 1UL << 62 };
	mfn_t mfn = fake_mfn(d, spare + 1);
	uint64_t va = fake_va(spare);
	unsigned int i, level;

	for (i = 0; i < ARRAY_COUNT(bits); i++) {
		ck_assert_int_eq(map(spare + 1, pte_make(mfn, RW | bits[i])),
				 -EINVAL);	/* PT17, PT2 */
		for (level = 2; level <= 4; level++) {
			maddr_t at = upper_maddr(va, level);
			pte_t old = *(pte_t *)maddr_to_virt(at);

			ck_assert_int_eq(update(maddr_n(at), old | bits[i]), -EINVAL);
			ck_assert_int_eq(update(maddr_n(at), old | PTE_G), -EINVAL);
			ck_assert_uint_eq(*(pte_t *)maddr_to_virt(at), old);
		}
	}
	fake_recount();
}
END_TEST

/* TABLE4, SH19: the AVL bit and US are the hypervisor's, G is dropped. */
START_TEST(owned_bits)
{
	mfn_t mfn = fake_mfn(d, spare + 1);

	ck_assert_int_eq(map(spare + 1, pte_make(mfn, (RW & ~PTE_US) | PTE_G |
						 PTE_AVL_SHARED)), 0);
	ck_assert_uint_eq(*fake_pte(d, spare + 1), pte_make(mfn, RW));
	/* And where the entry did not map that page before. */
	ck_assert_int_eq(map(spare + 2, pte_make(mfn, PTE_P | PTE_A | PTE_G |
						 PTE_AVL_SHARED)), 0);
	ck_assert_uint_eq(*fake_pte(d, spare + 2), pte_make(mfn, RO));
}
END_TEST

START_TEST(bad_pointers)
{
	static const uint64_t vas[] = { HV_VIRT_START, HV_VIRT_END - 1,
		1UL << 47, 0x5000 };
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(vas); i++)
		ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, vas[i], 0, 0),
				 -EINVAL);	/* PT12 */
	/* PT13 */
	ck_assert_int_eq(update(maddr_n(pte_maddr(spare)) + 4, 0), -EINVAL);
	ck_assert_int_eq(update(maddr_n(pte_maddr(spare)) | 3, *fake_pte(d, spare)), 0);
	ck_assert_int_eq(update(1UL << 60, 0), -EINVAL);
	ck_assert_int_eq(update((mfn_n(fake_mfn(other, 5))) << 12, 0), -EPERM);
	ck_assert_int_eq(update(maddr_n(virt_to_maddr(d->m2p.l3)), 0), -EPERM);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 1UL << 33, 0,
				   DOMID_SELF), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, 0x10, 1, 0, DOMID_SELF),
			 -EFAULT);
	/* in another's name: unit pv_foreign has who may */
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, 7),
			 -ESRCH);
	fake_recount();
}
END_TEST

/* PT14: the hypervisor's slots of an L4. */
START_TEST(hypervisor_slots)
{
	maddr_t l4 = mfn_to_maddr(d->vcpu[0]->kernel_l4);
	unsigned int slot;

	for (slot = 256; slot <= 271; slot++)
		ck_assert_int_eq(update(maddr_n(l4) + slot * 8, 0), -EINVAL);
}
END_TEST

/* PT10: a page that is no table takes a plain store. */
START_TEST(plain_store)
{
	maddr_t at = mfn_to_maddr(fake_mfn(d, spare + 1));

	ck_assert_int_eq(update(maddr_n(at) + 8, 0x1122334455667788), 0);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, spare + 1))[1],
			  0x1122334455667788);
	fake_recount();
}
END_TEST

/* A table mapped writable, a writable page as table. */
START_TEST(classes_exclude)
{
	uint64_t va = fake_va(spare);
	mfn_t l1 = maddr_to_mfn(upper_maddr(va, 1));
	unsigned int level;

	ck_assert_int_eq(map(spare + 1, pte_make(l1, RW)), -EBUSY);
	ck_assert_int_eq(map(spare + 1, pte_make(l1, RO)), 0);
	for (level = 1; level <= 4; level++)
		ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE + level - 1,
				     mfn_n(fake_mfn(d, spare + 2))), -EBUSY);
	ck_assert_int_eq(ext(MMUEXT_PIN_L2_TABLE, mfn_n(l1)), -EBUSY);
	fake_recount();
}
END_TEST

/* --- pins --- */

START_TEST(pin_twice)
{
	mfn_t t = retire(spare + 1);

	memset(mfn_to_virt(t), 0, PAGE_SIZE);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t)), -EINVAL);
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(t)), 0);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(t)), -EINVAL);
	ck_assert_int_eq(ext(MMUEXT_PIN_L3_TABLE, mfn_n(t)), -EBUSY);
	ck_assert_int_eq(map(spare + 1, pte_make(t, RW)), -EBUSY);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t)), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t)), -EINVAL);
	ck_assert_int_eq(map(spare + 1, pte_make(t, RW)), 0);
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(fake_mfn(other, 5))), -EPERM);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, ~0UL), -EINVAL); /* PT3 */
}
END_TEST

/* PT9: a bad entry at 0, 255, 511 leaves every count as it was. */
START_TEST(bad_entry_in_table)
{
	static const unsigned int at[] = { 0, 255, 511 };
	mfn_t t = retire(spare + 1), good = fake_mfn(d, spare + 2);
	pte_t *table = mfn_to_virt(t);
	unsigned int i, slot;

	for (i = 0; i < ARRAY_COUNT(at); i++) {
		for (slot = 0; slot < PT_SLOTS; slot++)
			table[slot] = pte_make(good, RW);
		table[at[i]] = pte_make(fake_mfn(other, 5), RO);
		ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(t)), -EPERM);
		fake_recount();
		table[at[i]] = pte_make(t, RW);	/* maps itself writable */
		ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(t)), -EBUSY);
		fake_recount();
	}
	ck_assert_uint_eq(type_count(mfn_to_frame(t)->type), 0);
}
END_TEST

/*
 * TABLE3, PT14: the hypervisor's slots of an L4 are its own, whatever the guest
 * left there.
 */
static void slots_of_ours(mfn_t l4)
{
	const pte_t *table = mfn_to_virt(l4), *ours = maddr_to_virt(cpu_idle_cr3);
	unsigned int slot;

	for (slot = HV_FIRST_SLOT; slot <= HV_LAST_SLOT; slot++)
		if (slot != M2P_SLOT)
			ck_assert_uint_eq(table[slot], ours[slot]);
	ck_assert_uint_eq(mfn_n(pte_mfn(table[M2P_SLOT])), mfn_n(virt_to_mfn(d->m2p.l3)));
}

/* A tree of four levels, pinned, loaded, and let go. */
START_TEST(tree)
{
	mfn_t t[4], old = d->vcpu[0]->kernel_l4;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t[i] = retire(spare + 1 + i);
		memset(mfn_to_virt(t[i]), 0, PAGE_SIZE);
	}
	((pte_t *)mfn_to_virt(t[0]))[7] = pte_make(fake_mfn(d, spare + 9), RW);
	for (i = 1; i < 4; i++)
		((pte_t *)mfn_to_virt(t[i]))[3] = pte_make(t[i - 1], RW);
	((pte_t *)mfn_to_virt(t[3]))[HV_LAST_SLOT] = pte_make(fake_mfn(other, 5), RW);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t[3])), 0);
	fake_recount();
	slots_of_ours(t[3]);
	ck_assert_int_eq(ext(MMUEXT_NEW_USER_BASEPTR, mfn_n(t[3])), 0);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t[3])), 0);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
	fake_recount();
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(map(spare + 1 + i, pte_make(t[i], RW)), 0);
	ck_assert_int_eq(ext(MMUEXT_NEW_BASEPTR, mfn_n(t[3])), -EBUSY);
	ck_assert_uint_eq(mfn_n(d->vcpu[0]->kernel_l4), mfn_n(old));
}
END_TEST

/*
 * LP9: a link of the L4 to itself, on through a slot of the hypervisor, whose
 * L3 has a page of 1 GiB: that page begins with an L1 table, of another domain.
 */
START_TEST(slots_of_ours_by_link)
{
	pte_t *l4 = mfn_to_virt(d->vcpu[0]->kernel_l4), was = l4[HV_FIRST_SLOT + 6];
	mfn_t theirs = virt_to_mfn(fake_pte(other, 5));
	pte_t *l3 = palloc_hv(0), old = *fake_pte(other, 5);
	const uint64_t self = 300, va = 0xffff000000000000 | self << 39 |
		((uint64_t)HV_FIRST_SLOT + 6) << 30 | 1UL << 21 |
		(uint64_t)((uintptr_t)fake_pte(other, 5) & ~PAGE_MASK) / 8 << 12;

	l4[HV_FIRST_SLOT + 6] = pte_make(virt_to_mfn(l3), PTE_P | PTE_RW | PTE_A);
	l3[1] = pte_make(theirs, PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PSE);
	ck_assert_int_eq(update(maddr_n(virt_to_maddr(&l4[self])),
				pte_make(d->vcpu[0]->kernel_l4, RO)), 0);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, va, 0, 0), -EINVAL);
	ck_assert_uint_eq(*fake_pte(other, 5), old);
	ck_assert_int_eq(update(maddr_n(virt_to_maddr(&l4[self])), 0), 0);
	l4[HV_FIRST_SLOT + 6] = was;
	palloc_hv_free(l3, 0);
}
END_TEST

/*
 * LP10: before the link is there, whoever reads for the guest looks at the
 * slot, and who began before has ended.
 */
static pte_t *link_at;
static unsigned int links;

static void link_begins(void)
{
	unsigned int slot = (link_at - (pte_t *)mfn_to_virt(d->vcpu[0]->kernel_l4));

	links++;
	ck_assert_uint_eq(*link_at, 0);
	ck_assert(d->l4_linked && d->l4_linked[slot / 64] >> slot % 64 & 1);
	ck_assert_uint_eq(fake_machine.looking, domain_cpus(d));
}

START_TEST(linked_slots_are_told)
{
	pte_t *l4 = mfn_to_virt(d->vcpu[0]->kernel_l4);
	pte_t e = pte_make(d->vcpu[0]->kernel_l4, RO);
	const unsigned int slots[] = { 300, 40, 300 };
	unsigned int i;

	ck_assert_ptr_null(d->l4_linked);
	fake_machine.looking = 0;
	fake_machine.on_flush = link_begins;
	for (i = 0; i < 3; i++) {
		link_at = &l4[slots[i]];
		ck_assert_int_eq(update(maddr_n(virt_to_maddr(link_at)), e), 0);
		ck_assert_uint_eq(links, i == 2 ? 2 : i + 1);
		ck_assert_int_eq(update(maddr_n(virt_to_maddr(link_at)), 0), 0);
	}
	fake_machine.on_flush = NULL;
	fake_recount();
}
END_TEST

/* T3: a page that was writable is flushed before it is looked at as a table. */
static mfn_t racing;

static void write_while_stale(void)
{
	((pte_t *)mfn_to_virt(racing))[9] = pte_make(fake_mfn(other, 5), RW);
}

START_TEST(stale_writer)
{
	racing = retire(spare + 1);
	memset(mfn_to_virt(racing), 0, PAGE_SIZE);
	fake_machine.on_flush = write_while_stale;
	/* What the stale translation wrote before the flush was seen. */
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(racing)), -EPERM);
	fake_machine.on_flush = NULL;
	((pte_t *)mfn_to_virt(racing))[9] = 0;
}
END_TEST

/* --- batches --- */

START_TEST(done_count_and_continuation)
{
	struct mmu_update *req = (void *)fake_page(d, spare);
	uint32_t *done = (void *)fake_page(d, spare + 1);
	struct hypercall_args args = { .a = { fake_va(spare), 200,
		fake_va(spare + 1), DOMID_SELF } };
	maddr_t to = mfn_to_maddr(fake_mfn(d, spare + 2));
	unsigned int i, restarts = 0;
	long r;

	for (i = 0; i < 200; i++)
		req[i] = (struct mmu_update){ maddr_n(to) + i * 8, i + 1 };
	req[150].ptr |= 4;	/* misaligned */
	fake_machine.preempt = true;
	while ((r = op_mmu_update(&args)) == -ERESTART)
		restarts++;
	fake_machine.preempt = false;
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_uint_eq(*done, 150);
	ck_assert_uint_ge(restarts, 2);
	for (i = 0; i < 200; i++)
		ck_assert_uint_eq(((uint64_t *)fake_page(d, spare + 2))[i],
				  i < 150 ? i + 1 : 0);
}
END_TEST

START_TEST(m2p_updates)
{
	mfn_t mine = fake_mfn(d, spare + 1);

	ck_assert_int_eq(update(((mfn_n(mine)) << 12) | MMU_MACHPHYS_UPDATE,
				77), 0);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, mine)), 77);
	ck_assert_int_eq(update(((mfn_n(fake_mfn(other, 5))) << 12) |
				MMU_MACHPHYS_UPDATE, 77), -EPERM);
	ck_assert_int_eq(update(maddr_n(virt_to_maddr(d->shared_info)) |
				MMU_MACHPHYS_UPDATE, 77), -EPERM);
	fake_recount();
}
END_TEST

START_TEST(clear_and_copy)
{
	mfn_t from = fake_mfn(d, spare + 1), to = fake_mfn(d, spare + 2);
	mfn_t l1 = maddr_to_mfn(upper_maddr(fake_va(spare), 1));
	struct mmuext_op *op = (void *)fake_page(d, spare);

	memset(mfn_to_virt(from), 0x77, PAGE_SIZE);
	*op = (struct mmuext_op){ .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = mfn_n(to),
				  .arg2.src_mfn = mfn_n(from) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0,
				   DOMID_SELF), 0);
	ck_assert_uint_eq(fake_page(d, spare + 2)[4095], 0x77);
	op->arg2.src_mfn = mfn_n(fake_mfn(other, 5));
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0,
				   DOMID_SELF), -EPERM);
	ck_assert_int_eq(ext(MMUEXT_CLEAR_PAGE, mfn_n(to)), 0);
	ck_assert_uint_eq(fake_page(d, spare + 2)[4095], 0);
	ck_assert_int_eq(ext(MMUEXT_CLEAR_PAGE, mfn_n(l1)), -EBUSY);
	ck_assert_int_eq(ext(MMUEXT_CLEAR_PAGE, mfn_n(fake_mfn(other, 5))), -EPERM);
	fake_recount();
}
END_TEST

/* --- descriptor tables --- */

START_TEST(gdt)
{
	uint64_t *frames = (void *)fake_page(d, spare + 5);
	mfn_t g = retire(spare + 1);
	uint64_t *desc = mfn_to_virt(g);

	memset(desc, 0, PAGE_SIZE);
	desc[3] = 0x00af9a000000ffff;		/* DPL 0 code */
	desc[511] = 0x0000890000000067;		/* a TSS */
	frames[0] = mfn_n(g);
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(spare + 5), 16),
			 -EINVAL);
	fake_recount();
	desc[511] = 0;
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(spare + 5), 16), 0);
	ck_assert_uint_eq(desc[3], 0x00affb000000ffff);
	fake_recount();
	ck_assert_int_eq(map(spare + 1, pte_make(g, RW)), -EBUSY);
	ck_assert_int_eq(FAKE_CALL(op_update_descriptor, maddr_n(mfn_to_maddr(g)),
				   0x0000890000000067), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_update_descriptor, maddr_n(mfn_to_maddr(g)),
				   0x00cff3000000ffff), 0);
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(spare + 5), 7169),
			 -EINVAL);
	frames[0] = mfn_n(fake_mfn(d, spare + 7));	/* mapped writable */
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(spare + 5), 16),
			 -EBUSY);
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(spare + 5), 0), 0);
	ck_assert_int_eq(map(spare + 1, pte_make(g, RW)), 0);
}
END_TEST

static pte_t ldt_shown(unsigned int page)
{
	return *m2p_perdom_pte(&d->m2p, LDT_FIRST_PAGE + page);
}

/* The same entry again, with a flush behind it. */
static long map_flush(uint64_t pfn, uint64_t flags)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(pfn),
			 *fake_pte(d, pfn), flags);
}

/*
 * PT19: pages are taken as they are when the LDT is set; what cannot be one
 * shows zeroes.
 */
START_TEST(ldt)
{
	struct vcpu *v = d->vcpu[0];
	mfn_t a = retire(spare + 1), bad = retire(spare + 2);
	uint64_t va = fake_va(spare + 1);

	memset(mfn_to_virt(a), 0, PAGE_SIZE);
	memset(mfn_to_virt(bad), 0, PAGE_SIZE);
	((uint64_t *)mfn_to_virt(bad))[5] = 0x0000ec0000000000; /* call gate */
	ck_assert_int_eq(desc_set_ldt(v, va, 4 * 512), 0);
	ck_assert_uint_eq(mfn_n(v->ldt_frames[0]), mfn_n(a));
	ck_assert_uint_eq(mfn_n(pte_mfn(ldt_shown(0))), mfn_n(a));
	for (unsigned int i = 1; i < 4; i++) {	/* a gate; mapped writable */
		ck_assert_uint_eq(mfn_n(v->ldt_frames[i]), 0);
		ck_assert_uint_eq(mfn_n(pte_mfn(ldt_shown(i))), mfn_n(vcpu_zero_page_mfn()));
	}
	fake_recount();
	ck_assert_int_eq(map(spare + 1, pte_make(a, RW)), -EBUSY);
	ck_assert_int_eq(map(spare + 2, pte_make(bad, RW)), 0);
	ck_assert_int_eq(FAKE_CALL(op_update_descriptor, maddr_n(mfn_to_maddr(a)),
				   0x0000ec0000000000), -EINVAL);
	ck_assert_int_eq(desc_set_ldt(v, va, 8193), -EINVAL);
	ck_assert_int_eq(desc_set_ldt(v, va + 8, 1), -EINVAL);
	ck_assert_int_eq(desc_set_ldt(v, 0xffff830000000000, 1), -EINVAL);
	ck_assert_int_eq(desc_set_ldt(v, -(uint64_t)PAGE_SIZE, 513), -EINVAL);
	ck_assert_uint_eq(mfn_n(v->ldt_frames[0]), mfn_n(a));
	ck_assert_int_eq(desc_set_ldt(v, 0, 8192), 0);	/* nothing there */
	ck_assert_uint_eq(mfn_n(pte_mfn(ldt_shown(0))), mfn_n(vcpu_zero_page_mfn()));
	fake_recount();
	ck_assert_int_eq(map(spare + 1, pte_make(a, RW)), 0);
	retire(spare + 1);
	/* the end of d lets go of it */
	ck_assert_int_eq(desc_set_ldt(v, va, 1), 0);
}
END_TEST

/* PR1: each sets up to 16 pages of 512, so the clock is looked at after it. */
START_TEST(ldts_in_a_row)
{
	struct mmuext_op *op = (void *)fake_page(d, spare);
	unsigned int i;

	for (i = 0; i < 8; i++)
		op[i] = (struct mmuext_op){ .cmd = MMUEXT_SET_LDT,
			.arg1.linear_addr = fake_va(spare + 1), .arg2.nr_ents = 8192 };
	this_cpu()->pte_steps = 0;	/* as at the entry of a call */
	fake_machine.continued = 0;
	fake_machine.preempt = true;
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 8, 0, DOMID_SELF), 0);
	fake_machine.preempt = false;
	ck_assert_uint_eq(fake_machine.continued, 7);
}
END_TEST

/*
 * An entry that is stored to must not lose an A or D bit that another vCPU's
 * CPU sets between look and store (ptwrite.c, WRITE3): it is refused, holds
 * nothing, and nothing has changed.
 */
START_TEST(exact_swap)
{
	pte_t *pte = fake_pte(d, spare + 1), old = *pte & ~(PTE_A | PTE_D);
	pte_t new = pte_make(fake_mfn(d, spare + 2), RO);
	int r;

	*pte = old | PTE_A;
	spin_lock(&d->mm);
	r = ptcheck_entry_swap(d, pte, old, new);
	spin_unlock(&d->mm);
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_eq(*pte, old | PTE_A);
	fake_recount();
	spin_lock(&d->mm);
	r = ptcheck_entry_swap(d, pte, old | PTE_A, new);
	spin_unlock(&d->mm);
	ck_assert_int_eq(r, 0);
	fake_recount();
}
END_TEST

/*
 * Masks of vCPUs name the CPUs where those run, if they do; what is past the
 * last vCPU is ignored.
 */
START_TEST(vcpu_masks)
{
	uint32_t *word;
	uint64_t cpus;

	fake_end(d);
	fake_machine.vcpus = 4;
	d = fake_domain("g", 50);
	fake_machine.vcpus = 0;
	spare = fake_free_pfn(d);
	word = (void *)fake_page(d, spare);
	for (uint32_t i = 0; i < 4; i++)
		d->vcpu[i]->cpu = i + 1;
	d->cpu_mask = 1 | 1 << 2 | 1 << 4;	/* vCPUs 1 and 3 */
	*word = 0xfffffff0 | 1 << 0 | 1 << 3;
	ck_assert_int_eq(mmu_vcpu_mask_read(d, fake_va(spare), &cpus), 0);
	ck_assert_uint_eq(cpus, 1 << 4);
	*word = 2;
	ck_assert_int_eq(mmu_vcpu_mask_read(d, fake_va(spare), &cpus), 0);
	ck_assert_uint_eq(cpus, 1 << 2);
	ck_assert_int_eq(mmu_vcpu_mask_read(d, HV_VIRT_START, &cpus), -EFAULT);
	fake_machine.flushed = 0;
	ck_assert_int_eq(map_flush(spare + 1, UVMF_TLB_FLUSH | fake_va(spare)), 0);
	ck_assert_uint_eq(fake_machine.flushed, 1 << 2);
	ck_assert_int_eq(map_flush(spare + 1, UVMF_TLB_FLUSH | HV_VIRT_START), -EFAULT);
	d->cpu_mask = 1;
}
END_TEST

/*
 * PR3: the guest changes the rest of its requests between two parts of the
 * call: only its own harm.
 */
START_TEST(requests_changed_between_parts)
{
	struct mmu_update *req = (void *)fake_page(d, spare);
	struct hypercall_args args = { .a = { fake_va(spare), 200, 0, DOMID_SELF } };
	maddr_t to = mfn_to_maddr(fake_mfn(d, spare + 2));
	unsigned int i;
	long r;

	for (i = 0; i < 200; i++)
		req[i] = (struct mmu_update){ maddr_n(to) + i * 8, i + 1 };
	this_cpu()->pte_steps = 0;	/* as at the entry of a call */
	fake_machine.preempt = true;
	while ((r = op_mmu_update(&args)) == -ERESTART) {
		/* another domain's, the hypervisor's */
		for (i = 0; i < 200; i++)
			req[i] = (struct mmu_update){
				i & 1 ? maddr_n(cpu_idle_cr3) + 8 * i :
				(mfn_n(fake_mfn(other, 5))) << PAGE_SHIFT, ~0UL };
		args.a[1] |= 0x7fffff00;	/* and claims more of them */
	}
	fake_machine.preempt = false;
	ck_assert_int_eq(r, -EPERM);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, spare + 2))[0], 1);
	fake_recount();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("tables");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ro_rw_flips);
	tcase_add_test(tc, frames_of_others);
	tcase_add_test(tc, bad_bits);
	tcase_add_test(tc, owned_bits);
	tcase_add_test(tc, bad_pointers);
	tcase_add_test(tc, hypervisor_slots);
	tcase_add_test(tc, plain_store);
	tcase_add_test(tc, classes_exclude);
	tcase_add_test(tc, pin_twice);
	tcase_add_test(tc, bad_entry_in_table);
	tcase_add_test(tc, tree);
	tcase_add_test(tc, slots_of_ours_by_link);
	tcase_add_test(tc, linked_slots_are_told);
	tcase_add_test(tc, stale_writer);
	tcase_add_test(tc, done_count_and_continuation);
	tcase_add_test(tc, exact_swap);
	tcase_add_test(tc, vcpu_masks);
	tcase_add_test(tc, requests_changed_between_parts);
	tcase_add_test(tc, m2p_updates);
	tcase_add_test(tc, clear_and_copy);
	tcase_add_test(tc, gdt);
	tcase_add_test(tc, ldt);
	tcase_add_test(tc, ldts_in_a_row);
	return suite_run();
}
