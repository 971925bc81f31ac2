// SPDX-License-Identifier: MIT
// links: @machine hv/ctl/sysctl_info.c hv/ctl/cpu_map.c hv/ctl/cpu_policy.c hv/pv/cpuid.c
/* Which node the first domain is told for its devices. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "ctl/sysctl_info.h"
#include "fake/fake_machine.h"
#include "unit/suite.h"
#include "x86/cpu.h"

static struct domain *first;
static uint64_t page;
uint64_t tsc_khz = 1000;

/* All are of the one node; for more than 64 the tools ask again. */
START_TEST(devices)
{
	uint32_t *nodes = (void *)fake_page(first, page);
	struct xen_sysctl_pcitopoinfo info = { .num_devs = 100 };

	ck_assert_int_eq(sysctl_info_devices(&info), -EINVAL);
	info.devs.p = (void *)fake_va(page);
	ck_assert_int_eq(sysctl_info_devices(&info), -EINVAL);
	info.nodes.p = (void *)fake_va(page);
	memset(nodes, 0xa5, PAGE_SIZE);
	ck_assert_int_eq(sysctl_info_devices(&info), 0);
	ck_assert_uint_eq(info.num_devs, 64);
	ck_assert_uint_eq(nodes[0] | nodes[63], 0);
	ck_assert_uint_eq(nodes[64], 0xa5a5a5a5);
	info.nodes.p = (void *)8;
	ck_assert_int_eq(sysctl_info_devices(&info), -EFAULT);
	info.num_devs = 0;
	ck_assert_int_eq(sysctl_info_devices(&info), 0);
}
END_TEST

static void setup(void)
{
	fake_machine_start();
	first = fake_domain_first("", 0);
	page = fake_free_pfn(first);
}

int main(void)
{
	TCase *tc = suite_case("ctl_devices");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, devices);
	return suite_run();
}
