// SPDX-License-Identifier: MIT
// links: @machine hv/ctl/op_platform.c hv/ctl/sysctl_info.c hv/ctl/cpu_map.c hv/ctl/cpu_policy.c hv/pv/cpuid.c
/* What the first domain is told of CPUs and devices, and that nobody else is. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/platform.h>

#include "ctl/sysctl_info.h"
#include "fake/fake_machine.h"
#include "pv/above.h"
#include "unit/suite.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

static struct domain *first;
static uint64_t page;
uint64_t tsc_khz = 1000;

static struct xen_platform_op *op(void)
{
	return (void *)fake_page(first, page);
}

static long cpu(uint32_t id)
{
	memset(op(), 0xa5, sizeof(*op()));
	op()->cmd = XENPF_get_cpuinfo;
	op()->interface_version = XENPF_INTERFACE_VERSION;
	op()->u.pcpu_info.xen_cpuid = id;
	return FAKE_CALL(op_platform, fake_va(page));
}

START_TEST(each_cpu)
{
	const struct xenpf_pcpuinfo *info = &op()->u.pcpu_info;

	cpu_areas[0]->apic_id = 7;
	ck_assert_int_eq(cpu(0), 0);
	ck_assert_uint_eq(info->max_present, cpu_count - 1);
	ck_assert_uint_eq(info->flags, XEN_PCPU_FLAGS_ONLINE);
	ck_assert_uint_eq(info->apic_id, 7);
	ck_assert_uint_eq(info->acpi_id, UINT32_MAX);	/* nobody knows */
	ck_assert_int_eq(cpu(cpu_count), 0);
	ck_assert_uint_eq(info->flags, XEN_PCPU_FLAGS_INVALID);
	ck_assert_int_eq(cpu(UINT32_MAX), 0);
	ck_assert_uint_eq(info->xen_cpuid, UINT32_MAX);
	ck_assert_uint_eq(info->max_present, cpu_count - 1);
	ck_assert_uint_eq(info->flags, XEN_PCPU_FLAGS_INVALID);
	ck_assert_uint_eq(info->apic_id, 0);
}
END_TEST

START_TEST(nobody_else)
{
	op()->cmd = XENPF_firmware_info;
	op()->interface_version = XENPF_INTERFACE_VERSION;
	ck_assert_int_eq(FAKE_CALL(op_platform, fake_va(page)), -ENOSYS);
	first->privileged = false;
	ck_assert_int_eq(cpu(0), -EPERM);
	ck_assert_uint_eq(op()->u.pcpu_info.flags, 0xa5a5a5a5);
	first->privileged = true;
}
END_TEST

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
	TCase *tc = suite_case("ctl_platform");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, each_cpu);
	tcase_add_test(tc, nobody_else);
	tcase_add_test(tc, devices);
	return suite_run();
}
