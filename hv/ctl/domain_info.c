/* SPDX-License-Identifier: MIT */
/* See domain_info.h. */
#include <port.h>

#include "ctl/domain_info.h"
#include "ctl/labels.h"
#include "pv/memory.h"
#include "x86/cpu.h"

/* Of the domain's vCPUs that are up. */
struct vcpus_seen {
	uint32_t online;
	bool one_runs, one_wants;
};

/*
 * Those of a domain that has shut down count as on Xen, where they only stop.
 */
static struct vcpus_seen vcpus_look(const struct domain *d)
{
	bool shut = READ_ONCE(d->state) == DOM_SHUT;
	struct vcpus_seen seen = { 0 };
	uint32_t i;

	for (i = 0; READ_ONCE(d->setup.has_vcpus) && i < d->vcpu_count; i++) {
		enum run_state run = READ_ONCE(d->vcpu[i]->run);

		if (shut && READ_ONCE(d->vcpu[i]->initialised))
			run = RUN_PAUSED;
		seen.online += run != RUN_OFFLINE;
		seen.one_runs |= run == RUN_RUNNING;
		seen.one_wants |= run >= RUN_PAUSED;
	}
	return seen;
}

static uint32_t flags_of(const struct domain *d, const struct vcpus_seen *seen)
{
	uint32_t flags = seen->one_runs ? XEN_DOMINF_running : 0;

	if (seen->online && !seen->one_wants)
		flags |= XEN_DOMINF_blocked;
	if (READ_ONCE(d->paused))
		flags |= XEN_DOMINF_paused;
	if (READ_ONCE(d->state) >= DOM_DYING)
		flags |= XEN_DOMINF_dying | XEN_DOMINF_shutdown;
	else if (atomic_load(&d->end.told))
		flags |= XEN_DOMINF_shutdown;
	if (flags & XEN_DOMINF_shutdown)
		flags |= domain_shutdown_code(d) << XEN_DOMINF_shutdownshift;
	return flags;
}

void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	struct vcpus_seen seen = vcpus_look(d);

	*info = (struct xen_domctl_getdomaininfo){
		.domain = d->id,
		.flags = flags_of(d, &seen),
		.tot_pages = READ_ONCE(d->pages.total),
		.max_pages = READ_ONCE(d->pages.limit),
		.outstanding_pages = memory_map_claimed(d),
		.shared_info_frame = mfn_n(virt_to_mfn(d->shared_info)),
		.ssidref = labels_number(d->sharing.group_number),
		.nr_online_vcpus = seen.online,
		.max_vcpu_id = READ_ONCE(d->setup.has_vcpus) ? d->vcpu_count - 1 :
						    XEN_INVALID_MAX_VCPU_ID,
	};
	spin_lock(&d->lock);
	memcpy(info->handle, d->setup.handle, sizeof(info->handle));
	spin_unlock(&d->lock);
	spin_lock(&d->account.lock);
	info->cpu_time = d->account.ran_ns;
	spin_unlock(&d->account.lock);
}
