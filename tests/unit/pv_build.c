// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_elf.c
/*
 * The domain builder, and the life of a domain from there to its last frame
 * (D1-D3, DD1).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "ctl/build.h"
#include "ctl/config.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "fake/fake_elf.h"
#include "fake/fake_machine.h"
#include "mm/palloc.h"
#include "pv/ptcheck.h"
#include "sharing/sharing.h"
#include "unit/suite.h"

static struct start_info *start_info_of(struct domain *d)
{
	uint64_t pfn = (d->vcpu[0]->regs.rsi - FAKE_BASE) / PAGE_SIZE;

	return (struct start_info *)fake_page(d, pfn);
}

START_TEST(as_xen_starts_it)
{
	struct domain *d = fake_domain("g", 100);
	struct start_info *si = start_info_of(d);
	struct vcpu *v = d->vcpu[0];
	uint64_t pfn;

	ck_assert_str_eq(si->magic, "xen-3.0-x86_64");
	ck_assert_uint_eq(si->nr_pages, FAKE_PAGES);
	ck_assert_uint_eq(si->shared_info, maddr_n(virt_to_maddr(d->shared_info)));
	ck_assert_uint_eq(si->pt_base >> 12 << 12, si->pt_base);
	ck_assert_uint_eq(v->regs.rip, FAKE_BASE + 0x1000);
	ck_assert_uint_eq(v->regs.cs, SEL_USER_CS64);
	ck_assert(v->kernel_mode && !mfn_eq(v->kernel_l4, INVALID_MFN));
	ck_assert_uint_eq(d->pages.total, FAKE_PAGES);
	ck_assert_uint_eq(d->sharing.budget, 100);
	/* M2P and p2m agree, every page is mapped, tables read-only. */
	for (pfn = 0; pfn < FAKE_PAGES; pfn++) {
		uint64_t *list = (uint64_t *)fake_page(d,
			(si->mfn_list - FAKE_BASE) / PAGE_SIZE + pfn / 512);
		uint64_t table = pfn - (si->pt_base - FAKE_BASE) / PAGE_SIZE;

		ck_assert_uint_eq(list[pfn % 512], mfn_n(fake_mfn(d, pfn)));
		ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, fake_mfn(d, pfn))), pfn);
		ck_assert_int_eq(!(*fake_pte(d, pfn) & PTE_RW),
				 table < si->nr_pt_frames);
	}
	ck_assert_uint_eq(fake_page(d, 1)[0], 0x90);
	fake_check();
	fake_end(d);
	fake_check();
}
END_TEST

/* A machine that is full says so, and nothing is lost. */
START_TEST(does_not_fit)
{
	struct domain *d[8];
	unsigned int n = 0;

	while (n < 8 && (d[n] = fake_domain("", 100)))
		n++;
	ck_assert_uint_gt(n, 3);
	ck_assert_uint_lt(n, 8);
	fake_check();
	while (n-- > 0)
		fake_end(d[n]);
	fake_check();
}
END_TEST

static const char *acpi_root;	/* what the next domain is given, of 16 bytes */

static struct domain *build_kernel(const struct boot_module *kernel,
				   uint64_t pages, uint64_t initrd_bytes)
{
	static struct boot_module module;
	static struct domain_config c;

	module = (struct boot_module){ .name = "rd", .bytes = initrd_bytes,
				       .start = MADDR(0x101 << PAGE_SHIFT) };
	c = (struct domain_config){
		.name = "x", .count = 1, .vcpus = 1, .weight = 256, .repeat = 1, .share_budget = ~0UL,
		.memory_bytes = pages * PAGE_SIZE, .kernel = kernel,
		.modules = { &module }, .module_count = initrd_bytes ? 1 : 0,
		.acpi_root = acpi_root, .acpi_root_bytes = acpi_root ? 16 : 0,
	};
	return build_domain(&c, 0, 1);
}

static struct domain *build_with(uint64_t pages, uint64_t initrd_bytes)
{
	return build_kernel(fake_kernel(), pages, initrd_bytes);
}

START_TEST(too_little_memory)
{
	ck_assert_ptr_null(build_with(4, 0));
	ck_assert_ptr_null(build_with(600, 600 * PAGE_SIZE));
	fake_check();
}
END_TEST

static void **memory_take(uint64_t left)
{
	void **list = NULL, **page;

	while (palloc_free_count() > left && (page = palloc_hv(0))) {
		*page = list;
		list = page;
	}
	return list;
}

static void memory_give(void **list)
{
	while (list) {
		void **next = *list;

		palloc_hv_free(list, 0);
		list = next;
	}
}

/*
 * With overcommit, a build that runs short says so and nothing else, whatever
 * it was at; all comes back, and it is not reported as a domain that died.
 */
START_TEST(runs_short)
{
	struct domain_config c = {
		.name = "x", .count = 1, .vcpus = 1, .weight = 256, .repeat = 5, .share_budget = 100,
		.memory_bytes = FAKE_PAGES * PAGE_SIZE, .kernel = fake_kernel(),
	};
	uint64_t free = palloc_free_count();
	struct domain *d = NULL;
	bool no_memory = true;
	unsigned int tries;
	void **taken;

	domain_set_overcommit(true);
	for (tries = 0; !d; tries++) {
		/*
		 * Each of the first ones, which are of many kinds; then of its
		 * pages.
		 */
		uint64_t left = tries < 60 ? tries : 60 + (tries - 60) * 50;

		ck_assert_uint_lt(left, 2 * FAKE_PAGES);
		taken = memory_take(left);
		d = build_domain_try(&c, 0, 1, &no_memory);
		ck_assert_int_eq(no_memory, !d);
		while (!d && reaper_step())
			;
		reclaim_flush_all();
		if (!d)
			ck_assert_uint_eq(palloc_free_count(), left);
		memory_give(taken);
	}
	ck_assert_uint_gt(tries, 70);
	ck_assert_uint_eq(fake_machine.rebuilds, 0);
	domain_set_overcommit(false);
	fake_end(d);
	ck_assert_uint_eq(palloc_free_count(), free);
	/* What can never be built is no lack of memory. */
	c.memory_bytes = 4 * PAGE_SIZE;
	ck_assert_ptr_null(build_domain_try(&c, 0, 1, &no_memory));
	ck_assert(!no_memory);
}
END_TEST

START_TEST(initrd)
{
	struct domain *d;
	struct start_info *si;

	memset(mfn_to_virt(MFN(0x101)), 0x5a, 5000);
	d = build_with(FAKE_PAGES, 5000);
	ck_assert_ptr_nonnull(d);
	fake_run(d);
	si = start_info_of(d);
	ck_assert_uint_eq(si->mod_len, 5000);
	ck_assert_uint_eq(fake_page(d, (si->mod_start - FAKE_BASE) /
					PAGE_SIZE + 1)[903], 0x5a);
	ck_assert_uint_eq(fake_page(d, (si->mod_start - FAKE_BASE) /
					PAGE_SIZE + 1)[904], 0);
	fake_end(d);
	fake_check();
}
END_TEST

#define INIT_P2M	0x8000000000UL

/* An image that asks for what Linux asks for, at pfn `first`. */
static struct domain *build_like_linux(uint64_t first, uint64_t init_p2m)
{
	static struct boot_module kernel = { .name = "linux",
		.start = MADDR(0x103 << PAGE_SHIFT), .bytes = sizeof(struct fake_elf) };
	const uint64_t notes[][2] = {
		{ XEN_ELFNOTE_INIT_P2M, init_p2m },
		{ XEN_ELFNOTE_MOD_START_PFN, 1 }, { 0 },
	};

	fake_elf_make(mfn_to_virt(MFN(0x103)), FAKE_BASE, first << PAGE_SHIFT,
		      0x8000, notes);
	memset(mfn_to_virt(MFN(0x101)), 0x5a, 5000);
	return build_kernel(&kernel, FAKE_PAGES, 5000);
}

static uint64_t pfn_of(uint64_t va)
{
	return (va - FAKE_BASE) / PAGE_SIZE;
}

/*
 * The list is mapped writable at its own address, whole pages; its pfns are
 * behind stack and slack.
 */
START_TEST(p2m_at_its_own_address)
{
	struct domain *d = build_like_linux(0x200, INIT_P2M);
	mfn_t l4 = d->vcpu[0]->kernel_l4;
	struct start_info *si;

	fake_run(d);
	si = start_info_of(d);
	ck_assert_uint_eq(si->mfn_list, INIT_P2M);
	ck_assert_uint_eq(si->nr_p2m_frames, FAKE_PAGES / 512);
	ck_assert_uint_ge(si->first_p2m_pfn,
			  pfn_of(d->vcpu[0]->regs.rsp) + 128);
	for (uint64_t pfn = 0; pfn < FAKE_PAGES; pfn++) {
		pte_t *pte = ptcheck_walk(d, l4, INIT_P2M + pfn * 8);
		uint64_t *list = mfn_to_virt(pte_mfn(*pte));
		uint64_t table = pfn - pfn_of(si->pt_base);

		ck_assert_uint_eq(mfn_n(pte_mfn(*pte)), mfn_n(fake_mfn(d, si->first_p2m_pfn +
							  pfn / 512)));
		ck_assert(*pte & PTE_RW);
		ck_assert_uint_eq(list[pfn % 512], mfn_n(fake_mfn(d, pfn)));
		ck_assert_int_eq(!(*fake_pte(d, pfn) & PTE_RW),
				 table < si->nr_pt_frames);
	}
	fake_end(d);
	fake_check();
}
END_TEST

/* By pfn: below the image if it fits there, else behind everything. */
START_TEST(initrd_by_pfn)
{
	for (uint64_t first = 0x101; first < 0x200; first++) {
		struct domain *d = build_like_linux(first, INIT_P2M);
		struct start_info *si;

		ck_assert_ptr_nonnull(d);
		fake_run(d);
		si = start_info_of(d);
		ck_assert_uint_eq(si->flags, SIF_MOD_START_PFN);
		ck_assert_uint_eq(si->mod_len, 5000);
		if (first >= 0x102)
			ck_assert_uint_eq(si->mod_start, 0x100);
		else
			ck_assert_uint_eq(si->mod_start, si->first_p2m_pfn +
					  si->nr_p2m_frames);
		ck_assert_uint_eq(fake_page(d, si->mod_start + 1)[903], 0x5a);
		ck_assert_uint_eq(fake_page(d, si->mod_start + 1)[904], 0);
		fake_end(d);
		first += first > 0x102 ? 0x40 : 0;
	}
	fake_check();
}
END_TEST

/* Where a BIOS leaves it; but not in an image. */
START_TEST(acpi_root_is_found)
{
	const uint8_t segment[] = { 0x50, 0 }, nothing[16] = { 0 };
	struct domain *d;

	acpi_root = "RSD PTR as it is";
	d = build_like_linux(0x200, INIT_P2M);
	fake_run(d);
	ck_assert_mem_eq(fake_page(d, 0) + 0x40e, segment, 2);
	ck_assert_mem_eq(fake_page(d, 0) + 0x500, acpi_root, 16);
	ck_assert_mem_eq(fake_page(d, 0) + 0x510, nothing, 16);
	fake_end(d);
	d = build_like_linux(0x20, INIT_P2M);
	fake_run(d);
	ck_assert_mem_eq(fake_page(d, 0) + 0x500, nothing, 16);
	fake_end(d);
	acpi_root = NULL;
	fake_check();
}
END_TEST

START_TEST(p2m_in_the_way)
{
	ck_assert_ptr_null(build_like_linux(0x200, FAKE_BASE));
	ck_assert_ptr_null(build_like_linux(0x200, FAKE_BASE + 0x3ff000));
	ck_assert_ptr_null(build_like_linux(0x200, FAKE_BASE - PAGE_SIZE));
	ck_assert_ptr_null(build_like_linux(0x200, ~0UL << PAGE_SHIFT));
	ck_assert_ptr_null(build_like_linux(0x200, (1UL << 47) - PAGE_SIZE));
	fake_check();
}
END_TEST

/* DD1: ids go on, nothing drifts. */
START_TEST(many_lives)
{
	domid_hv_t last = 0;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		struct domain *d = fake_domain("", 10);

		ck_assert_uint_ne(d->id, last);
		last = d->id;
		fake_end(d);
		fake_check();
	}
}
END_TEST

/* D1: a reference from domain_find() keeps the domain, not its memory. */
START_TEST(found_domain_waits)
{
	struct domain *d = fake_domain("", 10);
	struct domain *found = domain_find(d->id);
	unsigned int i;

	ck_assert_ptr_eq(found, d);
	ck_assert_ptr_null(domain_find(d->id + 1));
	fake_run(NULL);
	domain_shutdown(d, 0);
	for (i = 0; i < 100; i++)
		(void)reaper_step();
	ck_assert_uint_eq(fake_machine.gone, 0);
	ck_assert_uint_eq(d->pages.total, 0);
	domain_put(found);
	while (reaper_step())
		;
	ck_assert_uint_eq(fake_machine.gone, 1);
	fake_check();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("build");

	tcase_add_checked_fixture(tc, fake_machine_start, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, as_xen_starts_it);
	tcase_add_test(tc, does_not_fit);
	tcase_add_test(tc, too_little_memory);
	tcase_add_test(tc, runs_short);
	tcase_add_test(tc, initrd);
	tcase_add_test(tc, p2m_at_its_own_address);
	tcase_add_test(tc, initrd_by_pfn);
	tcase_add_test(tc, acpi_root_is_found);
	tcase_add_test(tc, p2m_in_the_way);
	tcase_add_test(tc, many_lives);
	tcase_add_test(tc, found_domain_waits);
	return suite_run();
}
