// SPDX-License-Identifier: MIT
// links: @machine hv/ctl/op_platform.c
/*
 * What the first domain is told of the CPUs and of their power states, and that
 * nobody else is.
 */
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

#define BITS	512u	/* where the buffer of bits is in the page */

static struct domain *first;
static uint64_t page;

static struct xen_platform_op *op(void)
{
	return (void *)fake_page(first, page);
}

static long call(uint32_t cmd)
{
	op()->cmd = cmd;
	op()->interface_version = XENPF_INTERFACE_VERSION;
	return FAKE_CALL(op_platform, fake_va(page));
}

static long cpu(uint32_t id)
{
	memset(op(), 0xa5, sizeof(*op()));
	op()->u.pcpu_info.xen_cpuid = id;
	return call(XENPF_get_cpuinfo);
}

static long power(uint32_t type, uint64_t va)
{
	memset(op(), 0, sizeof(*op()));
	op()->u.set_pminfo.type = type;
	op()->u.set_pminfo.u.pdc.p = (void *)va;
	return call(XENPF_set_processor_pminfo);
}

START_TEST(each_cpu)
{
	const struct xenpf_pcpuinfo *info = &op()->u.pcpu_info;

	cpu_areas[0]->apic_id = 7;
	cpu_areas[0]->acpi_id = 12;
	ck_assert_int_eq(cpu(0), 0);
	ck_assert_uint_eq(info->xen_cpuid, 0);
	ck_assert_uint_eq(info->max_present, cpu_count - 1);
	ck_assert_uint_eq(info->flags, XEN_PCPU_FLAGS_ONLINE);
	ck_assert_uint_eq(info->apic_id, 7);
	ck_assert_uint_eq(info->acpi_id, 12);
	cpu_areas[0]->apic_id = cpu_areas[0]->acpi_id = 0;
}
END_TEST

/* PLAT1; numbers of the CPU that was asked of before stay. */
START_TEST(no_cpu)
{
	const struct xenpf_pcpuinfo *info = &op()->u.pcpu_info;
	const uint32_t ids[] = { 0, cpu_count, MAX_CPUS, UINT32_MAX };
	unsigned int i;

	cpu_areas[0]->acpi_id = ACPI_ID_NONE;
	for (i = 0; i < ARRAY_COUNT(ids); i++) {
		ck_assert_int_eq(cpu(ids[i]), 0);
		ck_assert_uint_eq(info->xen_cpuid, ids[i]);
		ck_assert_uint_eq(info->max_present, cpu_count - 1);
		ck_assert_uint_eq(info->flags, XEN_PCPU_FLAGS_INVALID);
		ck_assert_uint_eq(info->apic_id, 0xa5a5a5a5);
		ck_assert_uint_eq(info->acpi_id, 0xa5a5a5a5);
	}
	cpu_areas[0]->acpi_id = 0;
}
END_TEST

/* Answers that Linux takes without a word. */
START_TEST(power_states)
{
	ck_assert_int_eq(power(XEN_PM_CX, 0), -ENOSYS);
	ck_assert_int_eq(power(XEN_PM_PX, 0), -ENOSYS);
	ck_assert_int_eq(power(XEN_PM_TX, 0), -ENOSYS);
	ck_assert_int_eq(power(XEN_PM_PDC + 1, 0), -EINVAL);
}
END_TEST

START_TEST(bits_for_the_firmware)
{
	uint32_t *pdc = (uint32_t *)(fake_page(first, page) + BITS);
	uint64_t va = fake_va(page) + BITS;

	pdc[0] = pdc[1] = 1;
	pdc[2] = 0xffffffff;
	pdc[3] = 0xa5;
	ck_assert_int_eq(power(XEN_PM_PDC, va), 0);
	ck_assert_uint_eq(pdc[0], 1);
	ck_assert_uint_eq(pdc[1], 1);
	ck_assert_uint_eq(pdc[2], 0xfffffcfa);
	ck_assert_uint_eq(pdc[3], 0xa5);
	pdc[2] = 0x1b;		/* nothing is added */
	ck_assert_int_eq(power(XEN_PM_PDC, va), 0);
	ck_assert_uint_eq(pdc[2], 0x1a);
	pdc[1] = 0;
	ck_assert_int_eq(power(XEN_PM_PDC, va), -EINVAL);
	pdc[0] = 2;
	pdc[1] = 1;
	ck_assert_int_eq(power(XEN_PM_PDC, va), -EINVAL);
	ck_assert_int_eq(power(XEN_PM_PDC, 8), -EFAULT);
	ck_assert_int_eq(power(XEN_PM_PDC, ~0UL - 4), -EFAULT);
}
END_TEST

START_TEST(nobody_else)
{
	const uint32_t *pdc = (uint32_t *)(fake_page(first, page) + BITS);

	ck_assert_int_eq(call(XENPF_firmware_info), -ENOSYS);
	first->privileged = false;
	ck_assert_int_eq(cpu(0), -EPERM);
	ck_assert_uint_eq(op()->u.pcpu_info.flags, 0xa5a5a5a5);
	memset(fake_page(first, page) + BITS, 0xff, 12);
	ck_assert_int_eq(power(XEN_PM_PDC, fake_va(page) + BITS), -EPERM);
	ck_assert_int_eq(power(XEN_PM_CX, 0), -EPERM);
	ck_assert_uint_eq(pdc[2], 0xffffffff);
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
	tcase_add_test(tc, no_cpu);
	tcase_add_test(tc, power_states);
	tcase_add_test(tc, bits_for_the_firmware);
	tcase_add_test(tc, nobody_else);
	return suite_run();
}
