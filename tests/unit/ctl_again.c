// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/op_domctl.c hv/ctl/create.c hv/ctl/settings.c hv/ctl/cpu_policy.c hv/pv/cpuid.c hv/pv/vcpu_context.c tests/fake/fake_context.c hv/dom/sched_account.c hv/ctl/domain_info.c hv/ctl/cpu_map.c
/*
 * Calls on a domain that go on (pv/again.h), and what happened to it meanwhile:
 * it was destroyed, another one has its number.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/domctl.h>

#include "dom/above.h"
#include "dom/die.h"
#include "dom/pause.h"
#include "dom/promise.h"
#include "fake/fake_machine.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "unit/suite.h"

#define ID	700	/* what the domain asks for */

static struct domain *first;
static uint64_t page;

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	memset(out, 0, sizeof(*out));
}

static struct xen_domctl *out(uint32_t cmd)
{
	struct xen_domctl *op = (void *)fake_page(first, page);

	*op = (struct xen_domctl){
		.cmd = cmd, .domain = ID,
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
	};
	return op;
}

/* It is paused once, as its tools leave it. */
static struct domain *made(void)
{
	struct domain *d;

	out(XEN_DOMCTL_createdomain)->u.createdomain = (struct xen_domctl_createdomain){
		.handle = { 1, 2, 3, 4 }, .max_vcpus = 1, .max_evtchn_port = 1023,
		.max_grant_frames = -1, .max_maptrack_frames = -1, .grant_opts = 2,
	};
	ck_assert_int_eq(FAKE_CALL(op_domctl, fake_va(page)), 0);
	out(XEN_DOMCTL_max_vcpus)->u.max_vcpus.max = 1;
	ck_assert_int_eq(FAKE_CALL(op_domctl, fake_va(page)), 0);
	d = domain_find(ID);
	ck_assert_ptr_nonnull(d);
	domain_put(d);
	return d;
}

/* As its tools leave it to run, and it does. */
static struct domain *made_running(void)
{
	struct domain *d = made();

	ck_assert_int_eq(pause_end(d), 0);
	d->vcpu[0]->run = RUN_RUNNING;
	return d;
}

static void reap(void)
{
	while (domain_dying_count())
		(void)reaper_step();
	ck_assert_ptr_null(domain_find(ID));
}

static void destroy(struct domain *d)
{
	d->vcpu[0]->run = RUN_OFFLINE;
	domain_destroy(d);
	reap();
}

static uint64_t promised_before, free_before;

static void setup(void)
{
	fake_machine_start();
	first = fake_domain_first("", 0);
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

/* The call begins, and does not end: its registers are where it goes on. */
static struct hypercall_args begun(uint32_t cmd)
{
	struct hypercall_args args = { .a = { fake_va(page) } };

	(void)out(cmd);
	ck_assert_int_eq(op_domctl(&args), -ERESTART);
	return args;
}

/*
 * It does not go on for more than 5 s, since Linux can do nothing else
 * meanwhile.
 */
START_TEST(destroy_waits)
{
	struct hypercall_args args;
	struct domain *d = made();

	args = begun(XEN_DOMCTL_destroydomain);
	fake_machine.skip_ns = 4900000000UL;
	ck_assert_int_eq(op_domctl(&args), -ERESTART);
	fake_machine.skip_ns = 200000000UL;
	ck_assert_int_eq(op_domctl(&args), 0);
	ck_assert_int_eq(d->state, DOM_DYING);
	reap();
}
END_TEST

/* The other domain of the number is left alone. */
START_TEST(destroy_of_one_made_anew)
{
	struct hypercall_args args;
	struct domain *d = made();

	args = begun(XEN_DOMCTL_destroydomain);
	reap();
	d = made();
	(void)out(XEN_DOMCTL_destroydomain);
	ck_assert_int_eq(op_domctl(&args), 0);
	ck_assert_int_eq(d->state, DOM_RUNNING);
	destroy(d);
}
END_TEST

/* The pause that this one was made with is not the one that the call made. */
START_TEST(context_of_one_made_anew)
{
	struct domain *d = made_running();
	struct hypercall_args args = begun(XEN_DOMCTL_getvcpucontext);
	long rc;

	ck_assert_uint_eq(d->paused, 1);
	destroy(d);
	d = made();
	(void)out(XEN_DOMCTL_getvcpucontext);
	rc = op_domctl(&args);
	ck_assert_uint_eq(d->paused, 1);
	ck_assert_int_eq(rc, -ESRCH);
	/* AGAIN1 */
	ck_assert_uint_eq(args.a[1] | args.a[2] | args.a[3], 0);
	destroy(d);
}
END_TEST

/* Nor is it told that one is paused that is not. */
START_TEST(pause_of_one_made_anew)
{
	struct domain *d = made_running();
	struct hypercall_args args = begun(XEN_DOMCTL_pausedomain);

	destroy(d);
	d = made_running();
	(void)out(XEN_DOMCTL_pausedomain);
	ck_assert_int_eq(op_domctl(&args), -ESRCH);
	ck_assert_uint_eq(d->paused, 0);
	destroy(d);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("again");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, destroy_waits);
	tcase_add_test(tc, destroy_of_one_made_anew);
	tcase_add_test(tc, context_of_one_made_anew);
	tcase_add_test(tc, pause_of_one_made_anew);
	return suite_run();
}
