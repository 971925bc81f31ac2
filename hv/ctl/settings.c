/* SPDX-License-Identifier: MIT */
/*
 * See settings.h.
 *
 * SET1  A wish that cannot be granted is refused, and nothing is remembered
 *       that is not kept.  Hard affinity is kept by the scheduler (RUNQ6).
 *       Soft affinity is a hint, and all processors are as good.
 */
#include <port.h>
#include <errno.h>

#include "ctl/cpu_map.h"
#include "ctl/settings.h"
#include "dom/above.h"
#include "dom/sched_queue.h"
#include "pv/hypercall.h"

#define NODE	0	/* the only one */
#define POOL	0
/* Xen's TSC_MODE_*: the machine's counter as it is, for 0 and 2 */
#define TSC_DEFAULT	0
#define TSC_EMULATED	1
#define TSC_NATIVE	2
#define LONG_BITS	64
#define COMPAT_BITS	32

long settings_affinity_get(struct vcpu *v, struct xen_domctl_vcpuaffinity *a)
{
	int rc = 0;

	if (!a->flags)
		return -EINVAL;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = cpu_map_put_bits(&a->cpumap_hard,
				      cpu_map_all() & ~READ_ONCE(v->barred));
	if (!rc && a->flags & XEN_VCPUAFFINITY_SOFT)
		rc = cpu_map_put(&a->cpumap_soft, true);
	return rc;
}

/* SET1: the processors that it leaves out. */
static int hard_check(const struct xenctl_bitmap *map, uint64_t *barred)
{
	uint64_t cpus, all = cpu_map_all();
	int rc = cpu_map_get(map, &cpus);

	*barred = all & ~cpus;
	return rc ? rc : *barred == all ? -EINVAL : 0;
}

static int soft_check(const struct xenctl_bitmap *map)
{
	uint64_t cpus;

	return cpu_map_get(map, &cpus);
}

/* What it has from then on goes back, as on Xen. */
long settings_affinity_set(struct vcpu *v, struct xen_domctl_vcpuaffinity *a)
{
	uint64_t barred = 0;
	int rc = 0;

	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return -EINVAL;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = hard_check(&a->cpumap_hard, &barred);
	if (!rc && a->flags & XEN_VCPUAFFINITY_SOFT)
		rc = soft_check(&a->cpumap_soft);
	if (!rc && a->flags & XEN_VCPUAFFINITY_HARD)
		sched_queue_bar(v, barred);
	return rc ? rc : settings_affinity_get(v, a);
}

long settings_nodes_get(struct xen_domctl_nodeaffinity *n)
{
	return cpu_map_put_bits(&n->nodemap, 1UL << NODE);
}

long settings_nodes_set(struct xen_domctl_nodeaffinity *n)
{
	uint64_t nodes;
	int rc = cpu_map_get(&n->nodemap, &nodes);

	if (rc)
		return rc;
	return nodes & 1UL << NODE ? 0 : -EINVAL;
}

static void credit2_get(struct domain *d, struct xen_domctl_sched_credit2 *c)
{
	uint32_t weight, cap;

	sched_account_get(&d->account, &weight, &cap);
	c->weight = (uint16_t)weight;
	c->cap = (uint16_t)cap;
}

/* A weight of 0 leaves it as it is; a cap of 0 is none. */
static void credit2_put(struct domain *d, const struct xen_domctl_sched_credit2 *c)
{
	sched_account_set(&d->account, now_ns(), c->weight, c->cap);
}

long settings_scheduler(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	if (op->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EINVAL;
	switch (op->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		credit2_put(d, &op->u.credit2);
		return 0;
	case XEN_DOMCTL_SCHEDOP_getinfo:
		credit2_get(d, &op->u.credit2);
		return 0;
	default:
		return -EINVAL;	/* its vCPUs have none of their own */
	}
}

/* There is no limit of switches to set: 0. */
long settings_scheduler_all(struct xen_sysctl_scheduler_op *op)
{
	if (op->cpupool_id != POOL)
		return -ESRCH;
	if (op->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EINVAL;
	switch (op->cmd) {
	case XEN_SYSCTL_SCHEDOP_putinfo:
		return op->u.sched_credit2.ratelimit_us ? -EINVAL : 0;
	case XEN_SYSCTL_SCHEDOP_getinfo:
		op->u.sched_credit2.ratelimit_us = 0;
		return 0;
	default:
		return -EINVAL;
	}
}

/* A guest reads the processor's own counter, and cannot be shown another. */
long settings_clock(struct domain *d, const struct xen_domctl_tsc_info *info)
{
	if (d == current_vcpu()->domain)
		return -EINVAL;
	switch (info->tsc_mode) {
	case TSC_DEFAULT:
	case TSC_NATIVE:
		return 0;
	case TSC_EMULATED:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

long settings_width(const struct domain *d, uint32_t bits)
{
	if (d == current_vcpu()->domain)
		return -EINVAL;
	if (bits == LONG_BITS)
		return 0;
	return bits == COMPAT_BITS ? -EOPNOTSUPP : -EINVAL;
}

long settings_stubs(struct domain *d, mfn_t mfn)
{
	struct frame *f;

	if (resolve_area(d, mfn, &f))
		return -EACCES;
	hypercall_page_fill(mfn_to_virt(frame_to_mfn(f)));
	resolve_area_put(d, f);
	return 0;
}
