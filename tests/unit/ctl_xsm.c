// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/op_xsm.c hv/ctl/op_domctl.c hv/ctl/create.c hv/ctl/settings.c hv/ctl/cpu_policy.c hv/pv/cpuid.c hv/pv/vcpu_context.c tests/fake/fake_context.c hv/dom/sched_account.c hv/ctl/domain_info.c hv/ctl/cpu_map.c
/* Labels of the tools' are share groups. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdio.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/xen.h>
#include <xen/xsm/flask_op.h>

#include "ctl/labels.h"
#include "fake/fake_machine.h"
#include "pv/above.h"
#include "unit/suite.h"

static struct domain *first;
static uint64_t page, text;

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	memset(out, 0, sizeof(*out));
}

static struct xen_flask_op *op(void)
{
	return (void *)fake_page(first, page);
}

static long xsm(uint32_t cmd, uint32_t sid, uint32_t size)
{
	*op() = (struct xen_flask_op){
		.cmd = cmd, .interface_version = XEN_FLASK_INTERFACE_VERSION,
		.u.sid_context = { .sid = sid, .size = size },
	};
	op()->u.sid_context.context.p = (void *)fake_va(text);
	return FAKE_CALL(op_xsm, fake_va(page));
}

static long number(const char *label, uint32_t *sid)
{
	long rc;

	memset(fake_page(first, text), 'x', PAGE_SIZE);
	memcpy(fake_page(first, text), label, strlen(label));
	rc = xsm(FLASK_CONTEXT_TO_SID, 0, strlen(label));
	*sid = op()->u.sid_context.sid;
	return rc;
}

START_TEST(a_label_has_one_number)
{
	uint32_t a, b, again;

	ck_assert_int_eq(number("web", &a), 0);
	ck_assert_int_eq(number("db", &b), 0);
	ck_assert_int_eq(number("web", &again), 0);
	ck_assert_uint_eq(a, again);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_gt(a, LABEL_FIRST);
	memset(fake_page(first, text), 'x', PAGE_SIZE);
	ck_assert_int_eq(xsm(FLASK_SID_TO_CONTEXT, b, 3), 0);
	ck_assert_uint_eq(op()->u.sid_context.size, 3);
	ck_assert_str_eq((char *)fake_page(first, text), "db");
	ck_assert_int_eq(xsm(FLASK_SID_TO_CONTEXT, b, 2), -ERANGE);
	ck_assert_int_eq(xsm(FLASK_SID_TO_CONTEXT, MAX(a, b) + 1, 99), -EINVAL);
	ck_assert_int_eq(xsm(FLASK_SID_TO_CONTEXT, LABEL_FIRST, 99), -EINVAL);
	ck_assert_int_eq(xsm(FLASK_SID_TO_CONTEXT, 12, 99), -EINVAL);
}
END_TEST

START_TEST(bad_labels)
{
	static const char *const bad[] = {
		"", "two words", "a(b", "tab\t", "umlaut\xc3",
		"a-name-that-is-longer-than-31-chs",
	};
	uint32_t sid;

	ck_assert_int_eq(number(bad[_i], &sid), -EINVAL);
	ck_assert_uint_eq(sid, 0);
}
END_TEST

START_TEST(bad_calls)
{
	ck_assert_int_eq(xsm(FLASK_LOAD, 0, 0), -ENOSYS);
	ck_assert_int_eq(xsm(0, 0, 0), -ENOSYS);
	memcpy(fake_page(first, text), "a\0b", 3);
	ck_assert_int_eq(xsm(FLASK_CONTEXT_TO_SID, 0, 3), -EINVAL);
	ck_assert_int_eq(xsm(FLASK_CONTEXT_TO_SID, 0, UINT32_MAX), -EINVAL);
	op()->u.sid_context.size = 1;
	op()->u.sid_context.context.p = (void *)HV_VIRT_START;
	ck_assert_int_eq(FAKE_CALL(op_xsm, fake_va(page)), -EFAULT);
	op()->interface_version++;
	ck_assert_int_eq(FAKE_CALL(op_xsm, fake_va(page)), -ENOSYS);
	ck_assert_int_eq(FAKE_CALL(op_xsm, HV_VIRT_START), -EFAULT);
	first->privileged = false;
	ck_assert_int_eq(FAKE_CALL(op_xsm, HV_VIRT_START), -ENOSYS);
	first->privileged = true;
}
END_TEST

/* The id of a new domain with this label. */
static long make(uint32_t label, domid_t *id)
{
	struct xen_domctl *d = (void *)fake_page(first, page);
	long rc;

	*d = (struct xen_domctl){
		.cmd = XEN_DOMCTL_createdomain, .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
		.u.createdomain = {
			.ssidref = label, .max_vcpus = 1, .max_evtchn_port = 1023,
			.max_grant_frames = -1, .max_maptrack_frames = -1, .grant_opts = 2,
		},
	};
	rc = FAKE_CALL(op_domctl, fake_va(page));
	*id = d->domain;
	return rc;
}

/* A label that no domain has goes when it must, and is no other's then. */
START_TEST(more_labels_than_places)
{
	uint32_t sid, kept, web, i;
	char name[16];
	domid_t id;

	ck_assert_int_eq(number("web", &web), 0);
	ck_assert_int_eq(make(web, &id), 0);
	for (i = 0; i < GROUPS_MAX; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		ck_assert_int_eq(number(name, &sid), 0);
		kept = i ? kept : sid;
	}
	ck_assert_int_eq(number("more", &sid), 0);
	ck_assert_int_eq(make(sid, &id), 0);
	ck_assert_int_eq(make(kept, &id), -EINVAL);
	ck_assert_int_eq(xsm(FLASK_SID_TO_CONTEXT, kept, 99), -EINVAL);
	ck_assert_int_eq(number("web", &sid), 0);
	ck_assert_uint_eq(sid, web);
}
END_TEST

static uint16_t group_of(domid_t id, uint32_t label)
{
	struct xen_domctl *op = (void *)fake_page(first, page);
	struct domain *d = domain_find(id);
	uint16_t group = d->sharing.group;

	domain_put(d);
	op->cmd = XEN_DOMCTL_getdomaininfo;
	ck_assert_int_eq(FAKE_CALL(op_domctl, fake_va(page)), 0);
	ck_assert_uint_eq(op->u.getdomaininfo.ssidref, label);
	return group;
}

START_TEST(domains_with_a_label_share)
{
	uint16_t one, two, other, alone;
	uint32_t web, db;
	domid_t id;

	ck_assert_int_eq(number("web", &web), 0);
	ck_assert_int_eq(number("db", &db), 0);
	ck_assert_int_eq(make(web, &id), 0);
	one = group_of(id, web);
	ck_assert_int_eq(make(web, &id), 0);
	two = group_of(id, web);
	ck_assert_int_eq(make(db, &id), 0);
	other = group_of(id, db);
	/* What libxl says when the person said nothing. */
	ck_assert_int_eq(make(12, &id), 0);
	alone = group_of(id, 0);
	ck_assert_uint_eq(one, two);
	ck_assert_uint_ne(one, other);
	ck_assert_uint_ge(alone, GROUP_ALONE);
	ck_assert_int_eq(make(MAX(web, db) + 1, &id), -EINVAL);
}
END_TEST

static void setup(void)
{
	fake_machine_start();
	first = fake_domain_first("", 0);
	page = fake_free_pfn(first);
	text = page + 1;
}

/* The domains that were made here are left to the process's end. */
static void teardown(void)
{
	fake_recount();
}

int main(void)
{
	TCase *tc = suite_case("ctl_xsm");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_label_has_one_number);
	tcase_add_loop_test(tc, bad_labels, 0, 6);
	tcase_add_test(tc, bad_calls);
	tcase_add_test(tc, more_labels_than_places);
	tcase_add_test(tc, domains_with_a_label_share);
	return suite_run();
}
