/* SPDX-License-Identifier: MIT */
/*
 * See cpu_policy.h.  A policy is a list of cpuid leaves; of model specific
 * registers there are none to choose.  The list has a place for each leaf that
 * Xen's library writes when it gives a policy back: it has no more room.
 *
 * CPUPOL1  The tools can take features from a guest and give none: what its
 *          kernel sees is what any guest's would (pv/cpuid.h), less the bits
 *          that its policy lacks.
 * CPUPOL2  A policy does not change once the domain has started.
 */
#include <port.h>
#include <errno.h>

#include "ctl/cpu_policy.h"
#include "pv/cpuid.h"
#include "x86/guestcopy.h"

#define LEAVES_MOST	64
#define CACHES_MOST	6
#define CACHE_TYPE	0x1fu
#define LEAF_CACHES	4
#define LEAF_FEATURES	7
#define LEAF_TOPOLOGY	0xb
#define LEAF_STATE	0xd
/* words of a feature set, in the order of Xen's */
#define FEATURE_WORDS	13

/* Whose leaves: NULL for the machine's own. */
struct leaves {
	const struct domain *d;
	bool machine;
	uint64_t va;		/* where they go */
	uint32_t room, count;
};

static void leaf_read(const struct leaves *l, uint32_t leaf, uint32_t sub,
		      uint32_t out[4])
{
	uint32_t host[4];

	cpuid_host(leaf, sub, l->machine ? out : host);
	if (!l->machine)
		cpuid_filter(leaf, sub, host, out);
	if (l->d)
		cpuid_take_away(&l->d->cpuid, leaf, sub, out);
}

static int leaf_put(struct leaves *l, uint32_t leaf, uint32_t sub,
		    const uint32_t r[4])
{
	xen_cpuid_leaf_t out = { leaf, sub, r[0], r[1], r[2], r[3] };

	if (l->count == l->room)
		return -ENOBUFS;
	if (copy_to_guest(l->va + l->count * sizeof(out), &out, sizeof(out)))
		return -EFAULT;
	l->count++;
	return 0;
}

/* Those of one leaf that has several: so many, but caches end with no cache. */
static int subleaves_put(struct leaves *l, uint32_t leaf, uint32_t most)
{
	uint32_t sub, r[4];
	bool last = false;
	int rc = 0;

	for (sub = 0; sub < most && !rc && !last; sub++) {
		leaf_read(l, leaf, sub, r);
		last = leaf == LEAF_CACHES && !(r[0] & CACHE_TYPE);
		rc = leaf_put(l, leaf, sub, r);
	}
	return rc;
}

static int leaf_with_subs_put(struct leaves *l, uint32_t leaf)
{
	uint32_t r[4];

	switch (leaf) {
	case LEAF_CACHES:
		return subleaves_put(l, leaf, CACHES_MOST);
	case LEAF_FEATURES:
		return subleaves_put(l, leaf, 1);
	case LEAF_TOPOLOGY:
		return subleaves_put(l, leaf, 1);
	case LEAF_STATE:
		return subleaves_put(l, leaf, 2);
	default:
		leaf_read(l, leaf, 0, r);
		return leaf_put(l, leaf, XEN_CPUID_NO_SUBLEAF, r);
	}
}

static int range_put(struct leaves *l, uint32_t first, uint32_t most)
{
	uint32_t leaf, r[4];
	int rc = 0;

	leaf_read(l, first, 0, r);
	for (leaf = first; leaf <= MIN(r[0], most) && !rc; leaf++)
		rc = leaf_with_subs_put(l, leaf);
	return rc;
}

/* How far the hypervisor's own leaves go is not the tools' to say: as it is. */
static int hypervisor_put(struct leaves *l)
{
	static const uint32_t none[4];
	int rc = leaf_put(l, CPUID_HV_BASE, XEN_CPUID_NO_SUBLEAF, none);

	return rc ? rc : leaf_put(l, CPUID_HV_BASE + 0x100, XEN_CPUID_NO_SUBLEAF,
				  none);
}

/* *count: how many there is room for, then how many there are. */
static long leaves_put(struct leaves *l, uint32_t *count, uint32_t *msrs)
{
	int rc = 0;

	l->room = MIN(*count, (uint32_t)LEAVES_MOST);
	if (l->va)
		rc = range_put(l, 0, CPUID_BASIC_MAX);
	if (l->va && !rc)
		rc = hypervisor_put(l);
	if (l->va && !rc)
		rc = range_put(l, CPUID_EXT_BASE, CPUID_EXT_MAX);
	*count = l->va ? l->count : LEAVES_MOST;
	*msrs = 0;
	return rc;
}

long cpu_policy_machine(struct xen_sysctl_cpu_policy *op)
{
	struct leaves l = { .va = (uintptr_t)op->leaves.p };

	if (op->_rsvd || op->index > XEN_SYSCTL_cpu_policy_hvm_default)
		return -EINVAL;
	if (op->index == XEN_SYSCTL_cpu_policy_hvm_max ||
	    op->index == XEN_SYSCTL_cpu_policy_hvm_default)
		return -EOPNOTSUPP;
	l.machine = op->index == XEN_SYSCTL_cpu_policy_raw ||
		    op->index == XEN_SYSCTL_cpu_policy_host;
	return leaves_put(&l, &op->nr_leaves, &op->nr_msrs);
}

static void feature_words(const struct leaves *l, uint32_t word[FEATURE_WORDS])
{
	uint32_t basic[4], ext[4], more[4], power[4], sizes[4];

	leaf_read(l, 1, 0, basic);
	leaf_read(l, 0x80000001, 0, ext);
	leaf_read(l, LEAF_FEATURES, 0, more);
	leaf_read(l, 0x80000007, 0, power);
	leaf_read(l, 0x80000008, 0, sizes);
	memset(word, 0, FEATURE_WORDS * sizeof(word[0]));
	word[0] = basic[3];
	word[1] = basic[2];
	word[2] = ext[3];
	word[3] = ext[2];
	word[5] = more[1];
	word[6] = more[2];
	word[7] = power[3];
	word[8] = sizes[1];
	word[9] = more[3];
}

void cpu_policy_hardware(uint32_t word[8])
{
	const struct leaves l = { .machine = true };
	uint32_t all[FEATURE_WORDS], state[4];

	feature_words(&l, all);
	leaf_read(&l, LEAF_STATE, 1, state);
	all[4] = state[0];
	memcpy(word, all, 8 * sizeof(word[0]));
}

long cpu_policy_features(struct xen_sysctl_cpu_featureset *op)
{
	struct leaves l = { .machine = op->index <= XEN_SYSCTL_cpu_featureset_host };
	uint32_t word[FEATURE_WORDS], room = op->nr_features;
	uint64_t va = (uintptr_t)op->features.p;

	if (op->index > XEN_SYSCTL_cpu_featureset_hvm_max)
		return -EINVAL;
	if (op->index == XEN_SYSCTL_cpu_featureset_hvm ||
	    op->index == XEN_SYSCTL_cpu_featureset_hvm_max)
		return -EOPNOTSUPP;
	op->nr_features = va ? MIN(room, (uint32_t)FEATURE_WORDS) : FEATURE_WORDS;
	if (!va)
		return 0;
	feature_words(&l, word);
	if (copy_to_guest(va, word, op->nr_features * sizeof(word[0])))
		return -EFAULT;
	return room < FEATURE_WORDS ? -ENOBUFS : 0;
}

long cpu_policy_get(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	struct leaves l = { .d = d, .va = (uintptr_t)op->leaves.p };

	return leaves_put(&l, &op->nr_leaves, &op->nr_msrs);
}

/* Xen names the leaf that it objects to. */
static long object(struct xen_domctl_cpu_policy *op, uint32_t leaf, uint32_t sub)
{
	op->err_leaf = leaf;
	op->err_subleaf = sub;
	return -EINVAL;
}

/* One leaf of a new policy, into `less`. */
static long leaf_take(struct xen_domctl_cpu_policy *op,
		      const xen_cpuid_leaf_t *leaf, struct cpuid_less *less)
{
	struct leaves l = { 0 };
	uint32_t has[4], want[4] = { leaf->a, leaf->b, leaf->c, leaf->d };
	uint32_t sub = leaf->subleaf == XEN_CPUID_NO_SUBLEAF ? 0 : leaf->subleaf;
	bool first = leaf->leaf == 0 || leaf->leaf == CPUID_EXT_BASE;

	leaf_read(&l, leaf->leaf, sub, has);
	/* no leaf that no guest has */
	if (first && want[0] > has[0])
		return object(op, leaf->leaf, leaf->subleaf);
	cpuid_less_note(less, leaf->leaf, sub, has, want);
	return 0;
}

long cpu_policy_set(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	uint64_t va = (uintptr_t)op->leaves.p;
	struct cpuid_less less = { { 0 } };
	xen_cpuid_leaf_t leaf;
	uint32_t i;
	long rc = 0;

	if (d == current_vcpu()->domain)
		return -EINVAL;
	if (op->nr_leaves > LEAVES_MOST || op->nr_msrs)
		return -E2BIG;
	op->err_leaf = op->err_subleaf = op->err_msr = ~0u;
	for (i = 0; i < op->nr_leaves && !rc; i++) {
		if (copy_from_guest(&leaf, va + i * sizeof(leaf), sizeof(leaf)))
			return -EFAULT;
		rc = leaf_take(op, &leaf, &less);
	}
	spin_lock(&d->lock);
	if (!rc && (!d->setup.made || d->setup.started))
		rc = -EEXIST;	/* CPUPOL2 */
	if (!rc)
		d->cpuid = less;
	spin_unlock(&d->lock);
	return rc;
}
