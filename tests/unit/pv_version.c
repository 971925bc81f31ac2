/* links: hv/pv/version.c hv/dom/privilege.c hv/lib/str.c tests/port/port.c tests/fake/fake_pv.c */
/* SPDX-License-Identifier: MIT */
/*
 * xen_version's outputs are whole (CP2) and fail cleanly (CP1); vm_assist; the
 * hypercall page.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>
#include <xen/version.h>

#include "fake/fake_pv.h"
#include "unit/suite.h"

#define OUT_VA	0x700000UL

static uint8_t out[2048];
static struct vcpu *v;

static void setup(void)
{
	v = fake_pv_reset();
	memset(out, 0xcc, sizeof(out));
	fake_memory_add(OUT_VA, out, sizeof(out), true);
}

static long call(hypercall_fn fn, uint64_t a0, uint64_t a1)
{
	struct hypercall_args args = { .a = { a0, a1 } };

	return fn(&args);
}

static const struct {
	unsigned int cmd;
	size_t bytes;
} outputs[] = {
	{ XENVER_extraversion, sizeof(xen_extraversion_t) },
	{ XENVER_compile_info, sizeof(struct xen_compile_info) },
	{ XENVER_capabilities, sizeof(xen_capabilities_info_t) },
	{ XENVER_changeset, sizeof(xen_changeset_info_t) },
	{ XENVER_platform_parameters, sizeof(struct xen_platform_parameters) },
	{ XENVER_guest_handle, sizeof(xen_domain_handle_t) },
	{ XENVER_commandline, sizeof(xen_commandline_t) },
};

START_TEST(whole_outputs)
{
	size_t bytes = outputs[_i].bytes;

	ck_assert_int_eq(call(op_xen_version, outputs[_i].cmd, OUT_VA), 0);
	for (size_t i = 0; i < bytes; i++)
		ck_assert_uint_ne(out[i], 0xcc);
	for (size_t i = bytes; i < sizeof(out); i++)
		ck_assert_uint_eq(out[i], 0xcc);
	ck_assert_int_eq(call(op_xen_version, outputs[_i].cmd, 0), -EFAULT);
	ck_assert_int_eq(call(op_xen_version, outputs[_i].cmd,
			      OUT_VA + sizeof(out) - 4), -EFAULT);
	ck_assert_int_eq(call(op_xen_version, outputs[_i].cmd, HV_VIRT_START),
			 -EFAULT);
}
END_TEST

START_TEST(numbers)
{
	ck_assert_int_eq(call(op_xen_version, XENVER_version, 0), 0x40011);
	ck_assert_int_eq(call(op_xen_version, XENVER_pagesize, 0), 4096);
	ck_assert_int_eq(call(op_xen_version, XENVER_build_id, 0), -ENODATA);
	ck_assert_int_eq(call(op_xen_version, 11, OUT_VA), -ENOSYS);
	ck_assert_int_eq(call(op_xen_version, ~0UL, OUT_VA), -ENOSYS);
}
END_TEST

/* What only the first domain is told. */
START_TEST(first_domain)
{
	struct xen_feature_info info = { 0 };

	version_set_commandline("  dom0_mem=1G");
	ck_assert_int_eq(call(op_xen_version, XENVER_commandline, OUT_VA), 0);
	ck_assert_str_eq((char *)out, "<denied>");
	v->domain->privileged = true;
	ck_assert_int_eq(call(op_xen_version, XENVER_commandline, OUT_VA), 0);
	ck_assert_str_eq((char *)out, "dom0_mem=1G");
	memcpy(out, &info, sizeof(info));
	ck_assert_int_eq(call(op_xen_version, XENVER_get_features, OUT_VA), 0);
	memcpy(&info, out, sizeof(info));
	ck_assert(info.submap & 1u << XENFEAT_dom0);
}
END_TEST

START_TEST(features)
{
	struct xen_feature_info info = { 0, 0x5a5a5a5a };

	memcpy(out, &info, sizeof(info));
	ck_assert_int_eq(call(op_xen_version, XENVER_get_features, OUT_VA), 0);
	memcpy(&info, out, sizeof(info));
	ck_assert_uint_eq(info.submap & 1 << 5, 1 << 5);
	ck_assert_uint_eq(info.submap & (1 | 1 << 2 | 1 << 3 | 1 << 11), 0);
	info.submap_idx = 1;
	memcpy(out, &info, sizeof(info));
	ck_assert_int_eq(call(op_xen_version, XENVER_get_features, OUT_VA),
			 -EINVAL);
}
END_TEST

START_TEST(assists)
{
	static const unsigned int known[] = { 0, 2, 3, 4, 5 };

	for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
		ck_assert_int_eq(call(op_vm_assist, 0, known[i]), 0);
		ck_assert_uint_eq(v->domain->vm_assist, 1u << known[i]);
		ck_assert_int_eq(call(op_vm_assist, 1, known[i]), 0);
		ck_assert_uint_eq(v->domain->vm_assist, 0);
	}
	ck_assert_int_eq(call(op_vm_assist, 2, 2), -ENOSYS);
	ck_assert_int_eq(call(op_vm_assist, 0, 6), -EINVAL);
	ck_assert_int_eq(call(op_vm_assist, 0, 32), -EINVAL);
	ck_assert_int_eq(call(op_vm_assist, 0, ~0UL), -EINVAL);
}
END_TEST

START_TEST(hypercall_page)
{
	static uint8_t page[PAGE_SIZE];

	hypercall_page_fill(page);
	ck_assert_int_eq(memcmp(page + 17 * 32,
		"\x51\x41\x53\xb8\x11\0\0\0\x0f\x05\x41\x5b\x59\xc3\xcc", 15), 0);
	ck_assert_int_eq(memcmp(page + 23 * 32,
		"\x51\x41\x53\x50\xb8\x17\0\0\0\x0f\x05\xcc", 12), 0);
	ck_assert_uint_ne(page[0], 0xc3);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("version");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, whole_outputs, 0, ARRAY_COUNT(outputs));
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, features);
	tcase_add_test(tc, first_domain);
	tcase_add_test(tc, assists);
	tcase_add_test(tc, hypercall_page);
	return suite_run();
}
