// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/settings.c hv/ctl/cpu_policy.c hv/ctl/create.c hv/ctl/cpu_map.c hv/pv/cpuid.c hv/dom/sched_account.c
/*
 * What the tools set of a domain, and read back: affinities, weights, clock,
 * width, hypercall stubs, processor features.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "ctl/cpu_map.h"
#include "ctl/cpu_policy.h"
#include "ctl/create.h"
#include "ctl/settings.h"
#include "dom/sched.h"
#include "fake/fake_machine.h"
#include "pv/cpuid.h"
#include "unit/suite.h"

static struct domain *first, *guest;
static uint64_t page;

static void setup(void)
{
	fake_machine_start();
	first = fake_domain_first("", 0);
	guest = fake_domain("", 0);
	fake_run(first);
	page = fake_free_pfn(first);
}

static void teardown(void)
{
	fake_end(guest);
	fake_end(first);
	fake_check();
}

static struct xenctl_bitmap map_of(uint64_t bits, uint32_t nr)
{
	struct xenctl_bitmap map = { .nr_bits = nr };

	*(uint64_t *)fake_page(first, page) = bits;
	map.bitmap.p = (void *)fake_va(page);
	return map;
}

START_TEST(maps)
{
	struct xenctl_bitmap map = map_of(~0UL, 3);
	uint64_t bits;

	ck_assert_int_eq(cpu_map_get(&map, &bits), 0);
	ck_assert_uint_eq(bits, 7);
	map.nr_bits = 64;
	ck_assert_int_eq(cpu_map_get(&map, &bits), 0);
	ck_assert_uint_eq(bits, ~0UL);
	map.nr_bits = ~0u;
	ck_assert_int_eq(cpu_map_get(&map, &bits), -EINVAL);
	map.nr_bits = 8;
	map.bitmap.p = (void *)8;
	ck_assert_int_eq(cpu_map_get(&map, &bits), -EFAULT);
	map.nr_bits = 0;
	ck_assert_int_eq(cpu_map_get(&map, &bits), 0);
	ck_assert_uint_eq(bits, 0);
}
END_TEST

/* SET1: all processors, or an answer that says no. */
START_TEST(affinity)
{
	struct xen_domctl_vcpuaffinity a = { .flags = XEN_VCPUAFFINITY_HARD };

	cpu_count = 2;
	a.cpumap_hard = map_of(~0UL, 64);
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), 0);
	ck_assert_uint_eq(*(uint64_t *)fake_page(first, page), 3);
	a.cpumap_hard = map_of(0xf0, 64);
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), -EINVAL);
	a.cpumap_hard = map_of(1, 64);
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), 0);
	ck_assert_uint_eq(guest->vcpu[0]->barred, 2);
	ck_assert_uint_eq(*(uint64_t *)fake_page(first, page), 1);
	/* Not half of a wish; and a soft one leaves the hard one alone. */
	a.flags = XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_HARD;
	a.cpumap_hard = map_of(2, 64);
	a.cpumap_soft.bitmap.p = (void *)8;
	a.cpumap_soft.nr_bits = 64;
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), -EFAULT);
	ck_assert_uint_eq(guest->vcpu[0]->barred, 2);
	a.flags = XEN_VCPUAFFINITY_SOFT;
	a.cpumap_soft = map_of(1, 64);
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), 0);
	a.cpumap_soft.bitmap.p = (void *)8;
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), -EFAULT);
	ck_assert_uint_eq(guest->vcpu[0]->barred, 2);
	a.flags = XEN_VCPUAFFINITY_FORCE;
	ck_assert_int_eq(settings_affinity_set(guest->vcpu[0], &a), -EINVAL);
	cpu_count = 1;
}
END_TEST

START_TEST(nodes)
{
	struct xen_domctl_nodeaffinity n = { .nodemap = map_of(1, 64) };

	ck_assert_int_eq(settings_nodes_set(&n), 0);
	n.nodemap = map_of(2, 64);
	ck_assert_int_eq(settings_nodes_set(&n), -EINVAL);
	ck_assert_int_eq(settings_nodes_get(&n), 0);
	ck_assert_uint_eq(*(uint64_t *)fake_page(first, page), 1);
}
END_TEST

START_TEST(scheduler)
{
	struct xen_domctl_scheduler_op op = {
		.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_getinfo,
	};
	struct xen_sysctl_scheduler_op all = { .sched_id = XEN_SCHEDULER_CREDIT2 };

	guest->account.weight = 256;
	ck_assert_int_eq(settings_scheduler(guest, &op), 0);
	ck_assert_uint_eq(op.u.credit2.weight, 256);
	ck_assert_uint_eq(op.u.credit2.cap, 0);
	op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op.u.credit2.weight = 512;
	op.u.credit2.cap = 50;
	ck_assert_int_eq(settings_scheduler(guest, &op), 0);
	ck_assert_uint_eq(guest->account.weight, 512);
	ck_assert_uint_eq(guest->account.cap, 50);
	op.u.credit2.weight = op.u.credit2.cap = 0;
	ck_assert_int_eq(settings_scheduler(guest, &op), 0);
	ck_assert_uint_eq(guest->account.weight, 512);
	ck_assert_uint_eq(guest->account.cap, 0);
	op.cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
	ck_assert_int_eq(settings_scheduler(guest, &op), -EINVAL);
	op.sched_id = XEN_SCHEDULER_CREDIT;
	ck_assert_int_eq(settings_scheduler(guest, &op), -EINVAL);
	all.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	ck_assert_int_eq(settings_scheduler_all(&all), 0);
	all.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	ck_assert_int_eq(settings_scheduler_all(&all), 0);
	all.u.sched_credit2.ratelimit_us = 1000;
	ck_assert_int_eq(settings_scheduler_all(&all), -EINVAL);
	all.cpupool_id = 1;
	ck_assert_int_eq(settings_scheduler_all(&all), -ESRCH);
	all.cpupool_id = 0;
	all.sched_id = XEN_SCHEDULER_NULL;
	ck_assert_int_eq(settings_scheduler_all(&all), -EINVAL);
}
END_TEST

/* ACCT1: what ran before counts by the old weight. */
START_TEST(weight_changes)
{
	struct sched_account a = { .counted_ns = 1000 };

	sched_account_init(&a);
	ck_assert_uint_eq(sched_account_begin(&a, 1000, 500), 500);
	sched_account_set(&a, 1000 + 25600, 512, 0);
	ck_assert_uint_eq(a.vtime, 100);
	ck_assert_uint_eq(sched_account_vtime(&a, 1000 + 25600 + 51200), 200);
}
END_TEST

START_TEST(clock_and_width)
{
	struct xen_domctl_tsc_info info = { .tsc_mode = 0 };

	ck_assert_int_eq(settings_clock(guest, &info), 0);
	ck_assert_int_eq(settings_clock(first, &info), -EINVAL);
	info.tsc_mode = 2;
	ck_assert_int_eq(settings_clock(guest, &info), 0);
	info.tsc_mode = 1;
	ck_assert_int_eq(settings_clock(guest, &info), -EOPNOTSUPP);
	info.tsc_mode = 9;
	ck_assert_int_eq(settings_clock(guest, &info), -EINVAL);
	ck_assert_int_eq(settings_width(guest, 64), 0);
	ck_assert_int_eq(settings_width(guest, 32), -EOPNOTSUPP);
	ck_assert_int_eq(settings_width(guest, 16), -EINVAL);
	ck_assert_int_eq(settings_width(first, 64), -EINVAL);
}
END_TEST

START_TEST(stubs)
{
	mfn_t mine = fake_mfn(guest, fake_free_pfn(guest));

	ck_assert_int_eq(settings_stubs(guest, mine), 0);
	ck_assert_uint_eq(*(uint8_t *)mfn_to_virt(mine), 0xc3);
	ck_assert_int_eq(settings_stubs(guest, fake_mfn(first, page)), -EACCES);
	ck_assert_int_eq(settings_stubs(guest, guest->vcpu[0]->kernel_l4), -EACCES);
	ck_assert_int_eq(settings_stubs(guest, MFN(~0UL)), -EACCES);
	fake_check();
}
END_TEST

/* --- features --- */

static struct xen_sysctl_cpu_policy machine_policy(uint32_t index, uint32_t room)
{
	struct xen_sysctl_cpu_policy op = { .index = index, .nr_leaves = room };

	op.leaves.p = (void *)fake_va(page);
	return op;
}

static const xen_cpuid_leaf_t *leaf_of(uint32_t leaf, uint32_t count)
{
	const xen_cpuid_leaf_t *l = (void *)fake_page(first, page);

	while (count-- && l->leaf != leaf)
		l++;
	ck_assert_uint_eq(l->leaf, leaf);
	return l;
}

START_TEST(policy_of_the_machine)
{
	struct xen_sysctl_cpu_policy op = { .index = XEN_SYSCTL_cpu_policy_pv_default };
	uint32_t out[4], count;

	op.nr_msrs = 9;
	ck_assert_int_eq(cpu_policy_machine(&op), 0);	/* how many at most */
	ck_assert_uint_ge(op.nr_leaves, 20);
	ck_assert_uint_eq(op.nr_msrs, 0);
	op = machine_policy(XEN_SYSCTL_cpu_policy_pv_default, 64);
	ck_assert_int_eq(cpu_policy_machine(&op), 0);
	count = op.nr_leaves;
	cpuid_policy(guest->vcpu[0], 1, 0, out);
	ck_assert_uint_eq(leaf_of(1, count)->d, out[3]);
	ck_assert_uint_eq(leaf_of(1, count)->subleaf, XEN_CPUID_NO_SUBLEAF);
	ck_assert_uint_eq(leaf_of(0x80000001, count)->leaf, 0x80000001);
	op = machine_policy(XEN_SYSCTL_cpu_policy_host, 64);
	ck_assert_int_eq(cpu_policy_machine(&op), 0);
	cpuid_host(1, 0, out);
	ck_assert_uint_eq(leaf_of(1, op.nr_leaves)->d, out[3]);
	op = machine_policy(XEN_SYSCTL_cpu_policy_pv_default, 3);
	ck_assert_int_eq(cpu_policy_machine(&op), -ENOBUFS);
	op = machine_policy(XEN_SYSCTL_cpu_policy_hvm_max, 64);
	ck_assert_int_eq(cpu_policy_machine(&op), -EOPNOTSUPP);
	op = machine_policy(6, 64);
	ck_assert_int_eq(cpu_policy_machine(&op), -EINVAL);
	op = machine_policy(0, 64);
	op._rsvd = 1;
	ck_assert_int_eq(cpu_policy_machine(&op), -EINVAL);
	op = machine_policy(0, 64);
	op.leaves.p = (void *)8;
	ck_assert_int_eq(cpu_policy_machine(&op), -EFAULT);
}
END_TEST

START_TEST(feature_sets)
{
	struct xen_sysctl_cpu_featureset op = { .index = XEN_SYSCTL_cpu_featureset_pv };
	uint32_t *word = (void *)fake_page(first, page), out[4];

	ck_assert_int_eq(cpu_policy_features(&op), 0);
	ck_assert_uint_eq(op.nr_features, 13);
	op.features.p = (void *)fake_va(page);
	op.nr_features = 20;
	ck_assert_int_eq(cpu_policy_features(&op), 0);
	ck_assert_uint_eq(op.nr_features, 13);
	cpuid_policy(guest->vcpu[0], 1, 0, out);
	ck_assert(word[0] == out[3] && word[1] == out[2]);
	word[2] = 0;
	op.nr_features = 2;
	ck_assert_int_eq(cpu_policy_features(&op), -ENOBUFS);
	ck_assert(op.nr_features == 2 && word[2] == 0);
	op.index = XEN_SYSCTL_cpu_featureset_hvm;
	ck_assert_int_eq(cpu_policy_features(&op), -EOPNOTSUPP);
	op.index = 6;
	ck_assert_int_eq(cpu_policy_features(&op), -EINVAL);
}
END_TEST

/* CPUPOL1, CPUPOL2 */
START_TEST(policy_of_a_guest)
{
	struct xen_domctl_createdomain c = {
		.max_vcpus = 1, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = 1,
	};
	struct xen_domctl_cpu_policy op = { .nr_leaves = 64 };
	xen_cpuid_leaf_t *l;
	struct domain *d;
	uint32_t out[4];
	domid_t id = 0;

	ck_assert_int_eq(create_domain(&id, &c), 0);
	d = domain_find(id);
	op.leaves.p = (void *)fake_va(page);
	ck_assert_int_eq(cpu_policy_get(d, &op), 0);
	l = (xen_cpuid_leaf_t *)leaf_of(1, op.nr_leaves);
	ck_assert(l->d & 1u << 26);
	l->d &= ~(1u << 26);
	ck_assert_int_eq(cpu_policy_set(first, &op), -EINVAL);
	ck_assert_int_eq(cpu_policy_set(guest, &op), -EEXIST);
	ck_assert_int_eq(cpu_policy_set(d, &op), 0);
	cpuid_policy(d->vcpu[0], 1, 0, out);
	ck_assert_uint_eq(out[3], l->d);
	cpuid_policy(guest->vcpu[0], 1, 0, out);
	ck_assert(out[3] & 1u << 26);
	((xen_cpuid_leaf_t *)leaf_of(0, op.nr_leaves))->a = 99;
	ck_assert_int_eq(cpu_policy_set(d, &op), -EINVAL);
	ck_assert_uint_eq(op.err_leaf, 0);
	op.nr_leaves = 65;
	ck_assert_int_eq(cpu_policy_set(d, &op), -E2BIG);
	op.nr_leaves = 0;
	op.nr_msrs = 1;
	ck_assert_int_eq(cpu_policy_set(d, &op), -E2BIG);
	op.nr_msrs = 0;
	d->setup.started = true;
	ck_assert_int_eq(cpu_policy_set(d, &op), -EEXIST);
	domain_put(d);
	fake_end(d);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ctl_settings");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, maps);
	tcase_add_test(tc, affinity);
	tcase_add_test(tc, nodes);
	tcase_add_test(tc, scheduler);
	tcase_add_test(tc, weight_changes);
	tcase_add_test(tc, clock_and_width);
	tcase_add_test(tc, stubs);
	tcase_add_test(tc, policy_of_the_machine);
	tcase_add_test(tc, feature_sets);
	tcase_add_test(tc, policy_of_a_guest);
	return suite_run();
}
