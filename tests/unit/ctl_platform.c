// SPDX-License-Identifier: MIT
// links: @machine hv/ctl/op_platform.c
/* What the first domain is told of the CPUs, and that nobody else is. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/platform.h>

#include "fake/fake_machine.h"
#include "pv/above.h"
#include "unit/suite.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

static struct domain *first;
static uint64_t page;

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
	return suite_run();
}
