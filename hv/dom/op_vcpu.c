/* SPDX-License-Identifier: MIT */
/*
 * The vcpu_op hypercall.  A vCPU that the domain does not have is -ENOENT, which
 * is how Linux counts them.
 */
#include <port.h>
#include <errno.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "dom/evtchn.h"
#include "dom/sched.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define PERIOD_MIN_NS	1000000UL
#define PERIOD_MAX_NS	(3600UL * 1000000000UL)

static struct vcpu *vcpu_lookup(struct domain *d, uint64_t id)
{
	return id < d->vcpu_count ? d->vcpu[id] : NULL;
}

static bool is_up(const struct vcpu *v)
{
	return READ_ONCE(v->run) != RUN_OFFLINE;
}

/* The last one that goes down takes the domain with it. */
static long op_down(struct vcpu *v)
{
	struct domain *d = v->domain;
	uint32_t others = 0;

	for (uint32_t i = 0; i < d->vcpu_count; i++)
		others += d->vcpu[i] != v && is_up(d->vcpu[i]);
	if (others)
		sched_stop(v);
	else
		domain_shutdown(d, SHUTDOWN_poweroff);
	return 0;
}

static long op_get_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_runstate_info info;

	sched_runstate(v, &info);
	return copy_to_guest(arg, &info, sizeof(info));
}

/* The area's address; it is written at once and whenever the vCPU starts to run. */
static long op_register_area(struct vcpu *v, uint64_t arg, uint64_t *va,
			     size_t bytes)
{
	uint64_t area;

	if (v != current_vcpu())
		return -EINVAL;
	if (copy_from_guest(&area, arg, sizeof(area)))
		return -EFAULT;
	if (!guest_range_ok(area, bytes))
		return -EFAULT;
	*va = area;
	vcpu_update_time(v);
	return 0;
}

static long op_register_info(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_vcpu_info info;

	if (copy_from_guest(&info, arg, sizeof(info)))
		return -EFAULT;
	if (v != current_vcpu() && is_up(v))
		return -EINVAL;
	return vcpu_register_info(v, info.mfn, info.offset);
}

static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_periodic_timer set;

	if (copy_from_guest(&set, arg, sizeof(set)))
		return -EFAULT;
	if (set.period_ns < PERIOD_MIN_NS || set.period_ns > PERIOD_MAX_NS)
		return -EINVAL;
	WRITE_ONCE(v->periodic_ns, set.period_ns);
	timer_set(&v->periodic_timer, now_ns() + set.period_ns);
	return 0;
}

static long op_stop_periodic(struct vcpu *v)
{
	WRITE_ONCE(v->periodic_ns, 0);
	timer_cancel(&v->periodic_timer);
	return 0;
}

static long op_set_singleshot(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_singleshot_timer set;

	if (v != current_vcpu())
		return -EINVAL;
	if (copy_from_guest(&set, arg, sizeof(set)))
		return -EFAULT;
	if (set.timeout_abs_ns > now_ns()) {
		timer_set(&v->single_timer, set.timeout_abs_ns);
		return 0;
	}
	if (set.flags & VCPU_SSHOTTMR_future)
		return -ETIME;
	timer_cancel(&v->single_timer);
	evtchn_virq(v, VIRQ_TIMER); /* past: at once */
	return 0;
}

static long op_stop_singleshot(struct vcpu *v)
{
	if (v != current_vcpu())
		return -EINVAL;
	timer_cancel(&v->single_timer);
	return 0;
}

long op_vcpu(unsigned long cmd, uint64_t vcpu_id, uint64_t arg)
{
	struct vcpu *v = vcpu_lookup(current_vcpu()->domain, vcpu_id);

	if (!v)
		return -ENOENT;
	switch (cmd) {
	case VCPUOP_initialise:
		return -EEXIST; /* all that exist were initialised by the builder */
	case VCPUOP_up:
		sched_online(v);
		return 0;
	case VCPUOP_down:
		return op_down(v);
	case VCPUOP_is_up:
		return is_up(v);
	case VCPUOP_get_runstate_info:
		return op_get_runstate(v, arg);
	case VCPUOP_register_runstate_memory_area:
		return op_register_area(v, arg, &v->runstate_va,
					sizeof(struct vcpu_runstate_info));
	case VCPUOP_register_vcpu_time_memory_area:
		return op_register_area(v, arg, &v->time_va,
					sizeof(struct vcpu_time_info));
	case VCPUOP_register_vcpu_info:
		return op_register_info(v, arg);
	case VCPUOP_set_periodic_timer:
		return op_set_periodic(v, arg);
	case VCPUOP_stop_periodic_timer:
		return op_stop_periodic(v);
	case VCPUOP_set_singleshot_timer:
		return op_set_singleshot(v, arg);
	case VCPUOP_stop_singleshot_timer:
		return op_stop_singleshot(v);
	case VCPUOP_get_physid:
		return -EINVAL; /* only for pinned vCPUs of the hardware domain */
	default:
		return -ENOSYS;
	}
}
