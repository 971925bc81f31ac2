// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/op_domctl.c hv/ctl/create.c hv/ctl/domain_info.c hv/ctl/cpu_map.c
/*
 * Domains that the first domain makes: what may be asked for and what not, how
 * much memory they are promised, and their end at each point.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/sched.h>

#include "ctl/create.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/grant.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "fake/fake_machine.h"
#include "pv/above.h"
#include "unit/suite.h"

static struct domain *first;
static uint64_t page;

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	memset(out, 0, sizeof(*out));
}

static struct xen_domctl *out(void)
{
	return (void *)fake_page(first, page);
}

static long domctl(uint32_t cmd, domid_t dom)
{
	out()->cmd = cmd;
	out()->domain = dom;
	out()->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return FAKE_CALL(op_domctl, fake_va(page));
}

static struct xen_domctl_createdomain good(void)
{
	return (struct xen_domctl_createdomain){
		.handle = { 1, 2, 3, 4 }, .max_vcpus = 2,
		.max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = 2,
	};
}

static long create(domid_t id, const struct xen_domctl_createdomain *c)
{
	out()->u.createdomain = *c;
	return domctl(XEN_DOMCTL_createdomain, id);
}

static domid_t made(void)
{
	struct xen_domctl_createdomain c = good();

	ck_assert_int_eq(create(0, &c), 0);
	return out()->domain;
}

static struct domain *found(domid_t id)
{
	struct domain *d = domain_find(id);

	ck_assert_ptr_nonnull(d);
	domain_put(d);
	return d;
}

static void destroy(domid_t id)
{
	struct hypercall_args args = { .a = { fake_va(page) } };
	unsigned int i;
	long rc;

	out()->cmd = XEN_DOMCTL_destroydomain;
	out()->domain = id;
	for (i = 0; (rc = op_domctl(&args)) == -ERESTART && i < 1000; i++)
		(void)reaper_step();
	ck_assert_int_eq(rc, 0);
	ck_assert_ptr_null(domain_find(id));
}

static uint64_t promised_before, free_before;

static void setup(void)
{
	fake_machine_start();
	fake_machine.first = true;
	first = fake_domain("", 0);
	fake_machine.first = false;
	page = fake_free_pfn(first);
	destroy(made());	/* pools have their first pages */
	promised_before = domain_promise_left();
	free_before = palloc_free_count();
}

static void teardown(void)
{
	ck_assert_uint_eq(domain_promise_left(), promised_before);
	ck_assert_uint_eq(palloc_free_count(), free_before);
	fake_end(first);
	fake_check();
}

START_TEST(is_empty_and_paused)
{
	const struct xen_domctl_getdomaininfo *info = &out()->u.getdomaininfo;
	domid_t id = made();
	struct domain *d = found(id);

	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_paused);
	ck_assert_uint_eq(info->tot_pages, 0);
	ck_assert_uint_eq(info->max_pages, 0);
	ck_assert_uint_eq(info->nr_online_vcpus, 0);
	ck_assert_uint_eq(info->max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
	ck_assert(info->handle[0] == 1 && info->handle[3] == 4);
	out()->u.getvcpuinfo.vcpu = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, id), -ESRCH);
	ck_assert_int_eq(create_vcpus(d, 1), -EINVAL);
	ck_assert_int_eq(create_vcpus(d, 3), -EINVAL);
	ck_assert_int_eq(create_vcpus(first, 1), -EINVAL);
	ck_assert_int_eq(create_vcpus(d, 2), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, id), 0);
	ck_assert(!out()->u.getvcpuinfo.online);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_eq(info->max_vcpu_id, 1);
	memset(out()->u.setdomainhandle.handle, 7, 16);
	ck_assert_int_eq(domctl(XEN_DOMCTL_setdomainhandle, id), 0);
	ck_assert_uint_eq(d->setup.handle[15], 7);
	ck_assert_uint_eq(d->events.last, 1023);
	fake_check();
	destroy(id);
}
END_TEST

/* The number that is asked for, or the next one. */
START_TEST(numbers)
{
	struct xen_domctl_createdomain c = good();
	domid_t a = made(), b = made();

	ck_assert_uint_eq(b, a + 1);
	ck_assert_int_eq(create(a, &c), -EEXIST);
	ck_assert_int_eq(create(a + MAX_DOMAINS, &c), -ENOMEM);	/* the slot */
	ck_assert_int_eq(create(700, &c), 0);
	ck_assert_uint_eq(out()->domain, 700);
	ck_assert_int_eq(create(DOMID_ORPHAN, &c), -ENOMEM);
	ck_assert_int_eq(create(DOMID_SELF, &c), 0);
	ck_assert_uint_eq(out()->domain, b + 1);
	c.max_vcpus = 0;
	ck_assert_int_eq(create(a, &c), -EEXIST);	/* as Xen asks */
	destroy(700);
	destroy(b + 1);
	destroy(a);
	destroy(b);
}
END_TEST

#define WRONG(field, value, error) do { \
	struct xen_domctl_createdomain c = good(); \
	c.field = (value); \
	ck_assert_int_eq(create(0, &c), -(error)); \
} while (0)

#define RIGHT(field, value) do { \
	struct xen_domctl_createdomain c = good(); \
	c.field = (value); \
	ck_assert_int_eq(create(0, &c), 0); \
	destroy(out()->domain); \
} while (0)

START_TEST(each_field)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		if (1u << i != XEN_DOMCTL_CDF_oos_off &&
		    1u << i != XEN_DOMCTL_CDF_s3_integrity &&
		    1u << i != XEN_DOMCTL_CDF_xs_domain)
			WRONG(flags, 1u << i, EINVAL);
	RIGHT(flags, XEN_DOMCTL_CDF_oos_off);
	WRONG(max_vcpus, 0, EINVAL);
	WRONG(max_vcpus, 8193, EINVAL);
	WRONG(max_vcpus, MAX_VCPUS + 1, ENOMEM);
	RIGHT(max_vcpus, MAX_VCPUS);
	WRONG(grant_opts, 0, EINVAL);
	WRONG(grant_opts, 3, EINVAL);
	WRONG(grant_opts, 0x12, EINVAL);
	WRONG(max_grant_frames, 0, EINVAL);
	WRONG(max_grant_frames, 65, EINVAL);
	RIGHT(max_grant_frames, 64);
	WRONG(max_maptrack_frames, 1025, EINVAL);
	RIGHT(max_maptrack_frames, 0);
	WRONG(iommu_opts, 1, EINVAL);
	WRONG(vmtrace_size, 4096, EINVAL);
	WRONG(cpupool_id, 1, ESRCH);
	WRONG(arch.emulation_flags, XEN_X86_EMU_LAPIC, EINVAL);
	RIGHT(arch.emulation_flags, XEN_X86_EMU_PIT);
	WRONG(arch.misc_flags, 2, EINVAL);
	RIGHT(arch.misc_flags, XEN_X86_MSR_RELAXED);
}
END_TEST

START_TEST(grants)
{
	struct xen_domctl_createdomain c = good();
	struct domain *d;

	c.grant_opts = 1;
	c.max_grant_frames = 3;
	ck_assert_int_eq(create(0, &c), 0);
	d = found(out()->domain);
	ck_assert_int_eq(grant_grow(d, 4), GNTST_general_error);
	ck_assert_int_eq(grant_grow(d, 3), GNTST_okay);
	ck_assert_int_eq(grant_set_version(d, 2), -ENOSYS);
	ck_assert_int_eq(grant_set_version(d, 3), -EINVAL);
	ck_assert_int_eq(grant_set_version(d, 1), 0);
	destroy(d->id);
}
END_TEST

/* --- memory --- */

static mfn_t page_of(struct domain *d)
{
	mfn_t mfn = domain_pages_prepare(d, 0);

	if (!mfn_eq(mfn, INVALID_MFN))
		domain_pages_publish(d, mfn, 0);
	return mfn;
}

/* Promised when it is allowed, or not allowed. */
START_TEST(memory)
{
	struct domain *d = found(made());
	uint64_t left = domain_promise_left(), pages = left / 2;

	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	ck_assert_int_eq(create_limit(d, (left + 1) * 4), -ENOMEM);
	ck_assert_int_eq(create_limit(d, ~0UL), -ENOMEM);
	ck_assert_uint_eq(d->pages.max, 0);
	ck_assert_uint_eq(domain_promise_left(), left);
	ck_assert_int_eq(create_limit(d, pages * 4 + 3), 0);
	ck_assert_uint_eq(d->pages.max, pages);
	ck_assert_uint_le(domain_promise_left(), left - pages);
	ck_assert(!mfn_eq(page_of(d), INVALID_MFN));
	fake_check();
	destroy(d->id);
}
END_TEST

/* Less than it has: it keeps what it has, and gets no more. */
START_TEST(ratchet)
{
	struct domain *d = found(made());
	mfn_t mfn[10];
	unsigned int i;

	ck_assert_int_eq(create_limit(d, 40), 0);
	for (i = 0; i < 10; i++)
		mfn[i] = page_of(d);
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	ck_assert_int_eq(create_limit(d, 24), 0);
	ck_assert_uint_eq(d->pages.max, 10);
	ck_assert_uint_eq(d->pages.limit, 6);
	fake_check();
	for (i = 0; i < 5; i++) {
		struct frame *f = mfn_to_frame(mfn[i]);

		ck_assert(mfn_eq(page_of(d), INVALID_MFN));
		ck_assert(frame_test_and_clear_allocated(f));
		frame_put(f);
		domain_pages_settle(d);
		ck_assert_uint_eq(d->pages.max, MAX(6u, 9 - i));
		fake_check();
	}
	ck_assert(!mfn_eq(page_of(d), INVALID_MFN));
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	ck_assert_int_eq(create_limit(d, 40), 0);
	for (i = 0; i < 4; i++)
		ck_assert(!mfn_eq(page_of(d), INVALID_MFN));
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	destroy(d->id);
}
END_TEST

/* Memory runs out at each step of a birth: nothing is lost. */
START_TEST(no_memory)
{
	struct xen_domctl_createdomain c = good();
	unsigned int left, refused = 0;
	long rc = -ENOMEM;

	for (left = 0; rc && left < 200; left++) {
		fake_memory_take(left);
		rc = create(0, &c);
		fake_memory_give();
		ck_assert(rc == 0 || rc == -ENOMEM);
		refused += rc != 0;
		while (domain_any_dying())
			ck_assert(reaper_step());
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_gt(refused, 5);
	destroy(out()->domain);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ctl_create");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_empty_and_paused);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, each_field);
	tcase_add_test(tc, grants);
	tcase_add_test(tc, memory);
	tcase_add_test(tc, ratchet);
	tcase_add_test(tc, no_memory);
	return suite_run();
}
