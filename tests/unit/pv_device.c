// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * Entries for memory of devices (IOFRAME1-IOFRAME4) in page tables: who may
 * have them, what they count, what takes their place, what may not be done with
 * them.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "dom/above.h"
#include "dom/reclaim.h"
#include "fake/fake_breaks.h"
#include "fake/fake_bus.h"
#include "io/pci.h"
#include "mm/firmware.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "unit/suite.h"

#define DEVICE	MFN(FAKE_MEMORY >> PAGE_SHIFT)	/* four frames */
#define TABLE	mfn_add(DEVICE, 2)		/* the third has messages */
#define UC	(PTE_PCD | PTE_PWT)
#define KEPT	(PTE_US | PTE_AVL_DEVICE)

static struct domain *first;	/* d and peer are guests */
static uint64_t spare;		/* pfn of a run of its pages */

static void setup_first(void)
{
	struct fake_function *f;

	setup();
	first = fake_domain_first("first", 0);
	spare = fake_free_pfn(first);
	fake_bus_reset();
	f = fake_bus_add(0x0010, 0x0200);
	fake_bus_range(f, 0, FAKE_MEMORY, 4 * PAGE_SIZE, 0);
	(void)fake_bus_msix(f, 2, 0, 2 * PAGE_SIZE);
	pci_scan();
}

static void end_all(void)
{
	fake_check();
	if (first)
		fake_end(first);
	teardown();
}

/* In d's own name: page pfn maps e. */
static long map_by(struct domain *whom, uint64_t pfn, pte_t e)
{
	long r;

	fake_run(whom);
	r = FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0);
	reclaim_flush();
	return r;
}

static long map_first(unsigned int i, pte_t e)
{
	return map_by(first, spare + i, e);
}

static pte_t entry(unsigned int i)
{
	return *fake_pte(first, spare + i);
}

START_TEST(maps_and_unmaps)
{
	mfn_t own = fake_mfn(first, spare), mine = fake_mfn(first, spare + 1);
	uint32_t ref = fake_ref(own);

	ck_assert_int_eq(map_first(0, pte_make(DEVICE, RW | UC)), 0);
	ck_assert_uint_eq(entry(0), pte_make(DEVICE, RW | UC | KEPT));
	ck_assert_uint_eq(fake_ref(own), ref - 1);
	ck_assert_uint_eq(first->io.entries, 1);
	/* IOFRAME4: any type; and the other flags are as for all */
	ck_assert_int_eq(map_first(1, pte_make(mfn_add(DEVICE, 3), RO | PTE_PSE | PTE_G)), 0);
	ck_assert_uint_eq(entry(1), pte_make(mfn_add(DEVICE, 3), RO | PTE_PSE | KEPT));
	ck_assert_int_eq(map_first(2, pte_make(DEVICE, RW | 1UL << 62)), -EINVAL);
	fake_check();
	/* the same page, another type; and what a guest says of our mark */
	ck_assert_int_eq(map_first(0, pte_make(DEVICE, RW | PTE_PCD | PTE_AVL_GRANT)), 0);
	ck_assert_uint_eq(entry(0), pte_make(DEVICE, RW | PTE_PCD | KEPT));
	ck_assert_int_eq(map_first(0, pte_make(DEVICE, RW | 1UL << 62)), -EINVAL);
	ck_assert_int_eq(map_first(0, pte_make(DEVICE, RO)), 0);
	ck_assert_int_eq(map_first(0, pte_make(DEVICE, RW)), 0);
	ck_assert_uint_eq(first->io.entries, 2);
	fake_check();
	/* RAM takes its place, and has one type */
	ck_assert_int_eq(map_first(0, pte_make(own, RW | UC)), -EINVAL);
	ck_assert_uint_eq(first->io.entries, 2);
	ck_assert_int_eq(map_first(0, pte_make(own, RW | PTE_AVL_DEVICE)), 0);
	ck_assert_uint_eq(entry(0), pte_make(own, RW));
	ck_assert_int_eq(map_first(0, pte_make(own, RW | PTE_PCD)), -EINVAL);
	ck_assert_int_eq(map_first(1, 0), 0);
	ck_assert_uint_eq(first->io.entries, 0);
	ck_assert_int_eq(map_first(1, pte_make(mine, RW)), 0);
}
END_TEST

/* IOFRAME3 */
START_TEST(messages_are_read_only)
{
	ck_assert_int_eq(map_first(0, pte_make(TABLE, RW | UC)), 0);
	ck_assert_uint_eq(entry(0), pte_make(TABLE, RO | UC | PTE_D | KEPT));
	ck_assert_int_eq(map_first(0, pte_make(TABLE, RW)), 0);
	ck_assert_uint_eq(entry(0), pte_make(TABLE, RO | PTE_D | KEPT));
	ck_assert_int_eq(map_first(0, pte_make(TABLE, RO)), 0);
	ck_assert_uint_eq(first->io.entries, 1);
}
END_TEST

START_TEST(nobody_elses)
{
	static const uint64_t bad[] = { 0xfee00, 0xfec00, 0xfe004, 0xfdfff,
		0xffffffff, 0xffffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(map_first(0, pte_make(MFN(bad[i]), RW | UC)), -EPERM);
		ck_assert_int_eq(map_by(d, p, pte_make(MFN(bad[i]), RW | UC)), -EINVAL);
		ck_assert_int_eq(map_by(d, p, pte_make(MFN(bad[i]), RO)), -EINVAL);
	}
	ck_assert_int_eq(map_by(d, p, pte_make(DEVICE, RW)), -EINVAL);
	ck_assert_int_eq(map_by(d, p, pte_make(DEVICE, RO | UC)), -EINVAL);
	ck_assert_int_eq(map_by(d, p, pte_make(DEVICE, RW | PTE_AVL_DEVICE)), -EINVAL);
	/* of another's RAM the first domain learns no other word than before */
	ck_assert_int_eq(map_first(0, pte_make(fake_mfn(d, p), RW)), -EPERM);
	ck_assert_uint_eq(first->io.entries + d->io.entries, 0);
}
END_TEST

/* As a foreign entry, in the name of another domain or of itself. */
START_TEST(not_foreign)
{
	struct mmu_update *req;

	fake_run(first);
	req = (struct mmu_update *)fake_page(first, spare);
	*req = (struct mmu_update){ maddr_n(virt_to_maddr(fake_pte(first, spare + 1))),
				    pte_make(DEVICE, RW) };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, d->id), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, DOMID_SELF), 0);
	ck_assert_uint_eq(first->io.entries, 1);
	/* a foreign entry takes its place */
	fake_run(first);
	req->val = pte_make(fake_mfn(d, p), RO);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, d->id), 0);
	ck_assert_uint_eq(first->io.entries, 0);
	ck_assert_uint_eq(first->foreign_entries, 1);
	fake_check();
	ck_assert_int_eq(map_first(1, pte_make(DEVICE, RW)), 0);
	ck_assert_uint_eq(first->io.entries, 1);
	ck_assert_uint_eq(first->foreign_entries, 0);
}
END_TEST

/* There is no frame to offer, give back, pin, or use as anything. */
START_TEST(no_frame)
{
	struct xen_memory_reservation *r;
	struct mmuext_op *op;

	ck_assert_int_eq(map_first(1, pte_make(DEVICE, RW)), 0);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(spare + 1)), -EPERM);
	r = (void *)fake_page(first, spare);
	*r = (struct xen_memory_reservation){ .nr_extents = 1, .domid = DOMID_SELF };
	set_xen_guest_handle(r->extent_start, (xen_pfn_t *)(fake_va(spare) + 64));
	*(uint64_t *)(fake_page(first, spare) + 64) = mfn_n(DEVICE);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_decrease_reservation,
				   fake_va(spare)), 0);
	op = (void *)fake_page(first, spare);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(DEVICE) };
	ck_assert_int_lt(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), 0);
	ck_assert_uint_eq(first->io.entries, 1);
}
END_TEST

/* A table that has such entries is validated, and given up. */
START_TEST(table_of_them)
{
	mfn_t table = fake_mfn(first, spare + 5);
	struct mmuext_op *op;
	unsigned int i;

	fake_run(first);
	for (i = 0; i < PT_SLOTS; i++)
		((pte_t *)fake_page(first, spare + 5))[i] =
			pte_make(mfn_add(DEVICE, i % 4), RW | PTE_AVL_FOREIGN);
	ck_assert_int_eq(map_first(5, pte_make(table, RO)), 0);
	op = (void *)fake_page(first, spare);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), 0);
	ck_assert_uint_eq(first->io.entries, PT_SLOTS);
	ck_assert_uint_eq(((pte_t *)fake_page(first, spare + 5))[6],
			  pte_make(TABLE, RO | PTE_D | KEPT));
	fake_check();
	op->cmd = MMUEXT_UNPIN_TABLE;
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), 0);
	ck_assert_uint_eq(first->io.entries, 0);
	/* and one that has a bad one is not, with nothing counted */
	ck_assert_int_eq(map_first(5, pte_make(table, RW)), 0);
	((pte_t *)fake_page(first, spare + 5))[9] = pte_make(MFN(0xfee00), RW);
	ck_assert_int_eq(map_first(5, pte_make(table, RO)), 0);
	op->cmd = MMUEXT_PIN_L1_TABLE;
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), -EPERM);
	ck_assert_uint_eq(first->io.entries, 0);
}
END_TEST

/* What the firmware said, to the first domain. */
START_TEST(memory_map)
{
	struct entry { uint64_t start, bytes; uint32_t type; } __attribute__((packed)) *e;
	struct xen_memory_map *map;
	unsigned int i;

	firmware_range_count = 3;
	for (i = 0; i < 3; i++)
		firmware_ranges[i] = (struct firmware_range){ i * 0x100000, i + 1, 4 - i };
	fake_run(first);
	map = (void *)fake_page(first, spare);
	e = (void *)(fake_page(first, spare) + 64);
	*map = (struct xen_memory_map){ .nr_entries = 9 };
	map->buffer.p = (void *)(fake_va(spare) + 64);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_machine_memory_map, fake_va(spare)), 0);
	ck_assert_uint_eq(map->nr_entries, 3);
	for (i = 0; i < 3; i++)
		ck_assert(e[i].start == i * 0x100000 && e[i].bytes == i + 1 && e[i].type == 4 - i);
	map->nr_entries = 2;
	e[2].start = 77;
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_machine_memory_map, fake_va(spare)), 0);
	ck_assert_uint_eq(map->nr_entries, 2);
	ck_assert_uint_eq(e[2].start, 77);
	map->buffer.p = NULL;
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_machine_memory_map, fake_va(spare)), -EFAULT);
	map->nr_entries = 0;
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_machine_memory_map, fake_va(spare)), -EINVAL);
	fake_run(d);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_machine_memory_map, fake_va(p)), -EPERM);
	firmware_range_count = 0;
}
END_TEST

/* It ends with all of them. */
START_TEST(dies_with_them)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		ck_assert_int_eq(map_first(i, pte_make(mfn_add(DEVICE, i % 4), RW)), 0);
	ck_assert_uint_eq(first->io.entries, 100);
	fake_check();
	fake_end(first);
	first = NULL;
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("device");

	tcase_add_checked_fixture(tc, setup_first, end_all);
	tcase_add_test(tc, maps_and_unmaps);
	tcase_add_test(tc, messages_are_read_only);
	tcase_add_test(tc, nobody_elses);
	tcase_add_test(tc, not_foreign);
	tcase_add_test(tc, no_frame);
	tcase_add_test(tc, table_of_them);
	tcase_add_test(tc, memory_map);
	tcase_add_test(tc, dies_with_them);
	return suite_run();
}
