/* SPDX-License-Identifier: MIT */
/*
 * The vcpu_op hypercall.  A vCPU that the domain does not have is -ENOENT,
 * which is how Linux counts them.
 */
#include <port.h>
#include <errno.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "dom/die.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "pv/vcpu_context.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define PERIOD_MIN_NS	1000000UL
#define PERIOD_MAX_NS	(3600UL * 1000000000UL)

static struct vcpu *vcpu_lookup(struct domain *d, uint64_t id)
{
	return id < d->vcpu_count ? d->vcpu[id] : NULL;
}

static long op_up(struct vcpu *v)
{
	struct domain *d = v->domain;
	bool initialised;

	spin_lock(&d->lock);
	initialised = v->initialised;
	if (initialised)
		sched_online(v);
	spin_unlock(&d->lock);
	return initialised ? 0 : -EINVAL;
}

/*
 * A vCPU that stops itself comes back from this call when somebody starts it
 * again.  The last vCPU that goes down takes the domain with it.  vCPUs go up
 * and down under LOCK_DOMAIN, so if several go down at once, one of them is the
 * last.
 */
static long op_down(struct vcpu *v)
{
	struct domain *d = v->domain;
	uint32_t others = 0, i;

	spin_lock(&d->lock);
	for (i = 0; i < d->vcpu_count; i++)
		others += d->vcpu[i] != v && sched_is_up(d->vcpu[i]);
	if (others)
		sched_stop(v);
	spin_unlock(&d->lock);
	if (!others)
		domain_shutdown(d, SHUTDOWN_poweroff);
	return 0;
}

static long op_get_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_runstate_info info;

	sched_runstate(v, &info);
	return copy_to_guest(arg, &info, sizeof(info));
}

/*
 * The area's address, of any of the guest's vCPUs; it is written at once,
 * through the caller's tables, and whenever that vCPU starts to run.
 */
static long op_register_area(struct vcpu *v, uint64_t arg, uint64_t *va,
			     size_t bytes)
{
	uint64_t area;

	if (copy_from_guest(&area, arg, sizeof(area)))
		return -EFAULT;
	if (!guest_range_ok(area, bytes))
		return -EFAULT;
	WRITE_ONCE(*va, area);
	if (v == current_vcpu())
		vcpu_update_time(v);
	else
		vcpu_areas_show(v);
	return 0;
}

static long op_register_info(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_vcpu_info info;

	if (copy_from_guest(&info, arg, sizeof(info)))
		return -EFAULT;
	if (v != current_vcpu() && sched_is_up(v))
		return -EINVAL;
	return vcpu_register_info(v, MFN(info.mfn), info.offset);
}

static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_periodic_timer set;

	if (copy_from_guest(&set, arg, sizeof(set)))
		return -EFAULT;
	if (set.period_ns < PERIOD_MIN_NS || set.period_ns > PERIOD_MAX_NS)
		return -EINVAL;
	vcpu_ticks_set(v, set.period_ns);
	return 0;
}

static long op_stop_periodic(struct vcpu *v)
{
	vcpu_ticks_set(v, 0);
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
	/*
	 * A time in the past fires at once, even with VCPU_SSHOTTMR_future set:
	 * Xen ignores that flag, too.
	 */
	timer_cancel(&v->single_timer);
	evtchn_virq(v, VIRQ_TIMER);
	return 0;
}

static long op_stop_singleshot(struct vcpu *v)
{
	if (v != current_vcpu())
		return -EINVAL;
	timer_cancel(&v->single_timer);
	return 0;
}

static long op_send_nmi(struct vcpu *v, uint64_t arg)
{
	if (arg)
		return -EINVAL;
	sched_send_nmi(v);
	return 0;
}

long op_vcpu(unsigned long cmd, uint64_t vcpu_id, uint64_t arg)
{
	struct vcpu *v = vcpu_lookup(current_vcpu()->domain, vcpu_id);

	if (!v)
		return -ENOENT;
	switch (cmd) {
	case VCPUOP_initialise:
		return vcpu_context_set(v, arg);
	case VCPUOP_up:
		return op_up(v);
	case VCPUOP_down:
		return op_down(v);
	case VCPUOP_is_up:
		return sched_is_up(v);
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
	case VCPUOP_send_nmi:
		return op_send_nmi(v, arg);
	case VCPUOP_get_physid:
		/* only for pinned vCPUs of the hardware domain */
		return -EINVAL;
	default:
		return -ENOSYS;
	}
}
