/* SPDX-License-Identifier: MIT */
/*
 * See create.h.  What is asked for is checked as Xen 4.17 checks it for a PV
 * guest on a machine without an IOMMU.
 *
 * NEW1  A domain that the first domain makes can be found as soon as it is
 *       whole, and before it has a page; it is paused once, so it does not run
 *       before the tools say so.
 * NEW2  All its vCPUs are made with it: what they cost is promised from the
 *       start, or there is no domain.  XEN_DOMCTL_max_vcpus shows them.
 * NEW3  It is in the share group that its label names (labels.h), or alone; and
 *       it shares when it says itself that its holds are charged to its own
 *       quota (SHARE_MODE_OWN_QUOTA): its share budget is 0.
 */
#include <port.h>
#include <errno.h>

#include "ctl/create.h"
#include "ctl/labels.h"
#include "debug/log.h"
#include "dom/console.h"
#include "dom/die.h"
#include "dom/grant.h"
#include "dom/promise.h"
#include "dom/wallclock.h"
#include "sharing/holds.h"

/* as many as Xen allows; more than there can be here is no mistake */
#define GRANT_FRAMES_XEN	64
#define MAPTRACK_FRAMES_XEN	1024
#define MAPTRACK_XEN		256	/* handles in one of Xen's */
#define VCPUS_XEN		8192
#define GRANT_VERSIONS		2
#define CPU_POOL		0

#define FLAGS_KNOWN	(2 * XEN_DOMCTL_CDF_MAX - 1)
/* what needs hardware, or another kind of guest */
#define FLAGS_ABSENT	(XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | \
			 XEN_DOMCTL_CDF_nested_virt | XEN_DOMCTL_CDF_iommu | \
			 XEN_DOMCTL_CDF_vpmu)

static bool within(int32_t frames, int32_t least, int32_t most)
{
	return frames < 0 || (frames >= least && frames <= most);
}

static int check(const struct xen_domctl_createdomain *c)
{
	uint32_t version = XEN_DOMCTL_GRANT_version(c->grant_opts);

	if (c->flags & ~FLAGS_KNOWN || c->flags & FLAGS_ABSENT)
		return -EINVAL;
	if (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask || !version ||
	    version > GRANT_VERSIONS)
		return -EINVAL;
	if (!c->max_vcpus || c->max_vcpus > VCPUS_XEN)
		return -EINVAL;
	if (c->iommu_opts || c->vmtrace_size)
		return -EINVAL;
	if (c->arch.emulation_flags & ~XEN_X86_EMU_PIT ||
	    c->arch.misc_flags & ~XEN_X86_MISC_FLAGS_MAX)
		return -EINVAL;
	if (!within(c->max_grant_frames, 1, GRANT_FRAMES_XEN) ||
	    !within(c->max_maptrack_frames, 0, MAPTRACK_FRAMES_XEN))
		return -EINVAL;
	if (c->cpupool_id != CPU_POOL)
		return -ESRCH;
	/* Xen has room for more: here it is a want, not a mistake. */
	return c->max_vcpus > MAX_VCPUS ? -ENOMEM : 0;
}

static void limit(struct domain *d, const struct xen_domctl_createdomain *c)
{
	uint32_t frames = c->max_grant_frames < 0 ? GRANT_FRAMES_MAX :
						    c->max_grant_frames;
	uint32_t tracks = c->max_maptrack_frames < 0 ? MAPTRACK_FRAMES_XEN :
						       c->max_maptrack_frames;

	grant_limit(d, frames, tracks * MAPTRACK_XEN,
		    XEN_DOMCTL_GRANT_version(c->grant_opts));
	d->events.last = MIN(c->max_evtchn_port, EVTCHN_PORTS - 1);
	memcpy(d->setup.handle, c->handle, sizeof(d->setup.handle));
}

/* The rest of what the builder (build.c) gives to its domains. */
static int furnish(struct domain *d, const char *group)
{
	unsigned int i;

	for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
	wallclock_fill(d->shared_info);
	return holds_domain_init(d, group, 0) ? -ENOMEM : console_init_served(d);
}

/* Xen's first question. */
static bool is_free(domid_t number)
{
	struct domain *d = number ? domain_find(number) : NULL;

	if (d)
		domain_put(d);
	return !d;
}

int create_domain(domid_t *id, const struct xen_domctl_createdomain *wanted)
{
	domid_t number = *id < DOMID_FIRST_RESERVED ? *id : 0;
	char group[DOMAIN_NAME_MAX] = "";
	struct domain *d;
	int r = is_free(number) ? check(wanted) : -EEXIST;

	/* By its name from here on: the number may go at any time. */
	if (!r && wanted->ssidref >= LABEL_FIRST && !labels_name(wanted->ssidref, group))
		r = -EINVAL;
	if (!r && number >= DOMID_ORPHAN)
		r = -ENOMEM;	/* not a guest's here */
	if (!r)
		r = domain_create_empty(number, wanted->max_vcpus, &d);
	if (r)
		return r;
	limit(d, wanted);
	if (furnish(d, group)) {
		domain_abandon(d);
		return -ENOMEM;
	}
	*id = d->id;
	log_stat("@dom id=%u name=%s group=%s state=made",
		 d->id, d->name, d->sharing.group_name);
	domain_start_paused(d);
	return 0;
}

int create_vcpus(struct domain *d, uint32_t count)
{
	if (d == current_vcpu()->domain || count != d->vcpu_count)
		return -EINVAL;
	WRITE_ONCE(d->setup.has_vcpus, true);
	return 0;
}

int create_limit(struct domain *d, uint64_t kib)
{
	uint64_t pages = kib / (PAGE_SIZE / 1024);

	/* No machine has so much, and no sum may overflow. */
	if (pages > mfn_n(frame_max_mfn))
		return -ENOMEM;
	if (!domain_promise_limit(d, pages))
		return -ENOMEM;
	spin_lock(&d->mm);
	holds_budget_set(d);
	spin_unlock(&d->mm);
	return 0;
}

int create_handle(struct domain *d, const uint8_t handle[16])
{
	spin_lock(&d->lock);
	memcpy(d->setup.handle, handle, sizeof(d->setup.handle));
	spin_unlock(&d->lock);
	return 0;
}
