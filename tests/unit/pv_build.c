// SPDX-License-Identifier: MIT
// links: @machine
/* The domain builder, and the life of a domain from there to its last frame (D1-D3, DD1). */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "boot/config.h"
#include "fake/fake_machine.h"
#include "mm/palloc.h"
#include "sharing/sharing.h"

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
	ck_assert_uint_eq(si->shared_info, virt_to_maddr(d->shared_info));
	ck_assert_uint_eq(si->pt_base >> 12 << 12, si->pt_base);
	ck_assert_uint_eq(v->regs.rip, FAKE_BASE + 0x1000);
	ck_assert_uint_eq(v->regs.cs, SEL_USER_CS64);
	ck_assert(v->kernel_mode && v->kernel_l4 != INVALID_MFN);
	ck_assert_uint_eq(d->tot_pages, FAKE_PAGES);
	ck_assert_uint_eq(d->share_budget, 100);
	/* M2P and p2m agree, every page is mapped, tables read-only. */
	for (pfn = 0; pfn < FAKE_PAGES; pfn++) {
		uint64_t *list = (uint64_t *)fake_page(d,
			(si->mfn_list - FAKE_BASE) / PAGE_SIZE + pfn / 512);
		uint64_t table = pfn - (si->pt_base - FAKE_BASE) / PAGE_SIZE;

		ck_assert_uint_eq(list[pfn % 512], fake_mfn(d, pfn));
		ck_assert_uint_eq(m2p_get(&d->m2p, fake_mfn(d, pfn)), pfn);
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

static struct domain *build_with(uint64_t pages, uint64_t initrd_bytes)
{
	static struct boot_module module;
	static struct domain_config c;

	module = (struct boot_module){ .name = "rd", .bytes = initrd_bytes,
				       .start = 0x101 << PAGE_SHIFT };
	c = (struct domain_config){
		.name = "x", .count = 1, .repeat = 1, .share_budget = ~0UL,
		.memory_bytes = pages * PAGE_SIZE, .kernel = fake_kernel(),
		.modules = { &module }, .module_count = initrd_bytes ? 1 : 0,
	};
	return build_domain(&c, 0, 1);
}

START_TEST(too_little_memory)
{
	ck_assert_ptr_null(build_with(4, 0));
	ck_assert_ptr_null(build_with(600, 600 * PAGE_SIZE));
	fake_check();
}
END_TEST

START_TEST(initrd)
{
	struct domain *d;
	struct start_info *si;

	memset(mfn_to_virt(0x101), 0x5a, 5000);
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
	ck_assert_uint_eq(d->tot_pages, 0);
	domain_put(found);
	while (reaper_step())
		;
	ck_assert_uint_eq(fake_machine.gone, 1);
	fake_check();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pv_build");
	TCase *tc = tcase_create("build");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(tc, fake_machine_start, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, as_xen_starts_it);
	tcase_add_test(tc, does_not_fit);
	tcase_add_test(tc, too_little_memory);
	tcase_add_test(tc, initrd);
	tcase_add_test(tc, many_lives);
	tcase_add_test(tc, found_domain_waits);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
