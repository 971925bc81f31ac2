/* SPDX-License-Identifier: MIT */
/*
 * The sysctl hypercall: what the first domain asks of the machine.
 *
 * As on Xen a guest gets -EFAULT (the argument cannot be read), -EACCES (it is
 * of another version), -EPERM.  What is an answer of one size is in
 * sysctl_info.c.
 */
#include <port.h>
#include <errno.h>

#include <xen/sysctl.h>

#include "ctl/cpu_policy.h"
#include "ctl/debug_keys.h"
#include "ctl/domain_info.h"
#include "ctl/sessions.h"
#include "ctl/settings.h"
#include "ctl/sysctl_info.h"
#include "debug/log.h"
#include "dom/privilege.h"
#include "dom/sched.h"
#include "pv/above.h"
#include "pv/again.h"
#include "x86/guestcopy.h"

#define PIECE	256	/* of the log, between two copies */

/* atomic: where the log begins for who names no place; `clear` moves it */
static uint32_t console_from;

/*
 * Of the log, from op->index on or all that was not cleared.  As on Xen,
 * `clear` hides what was read; who goes on from an index of his own misses
 * nothing.
 */
static long read_console(struct xen_sysctl_readconsole *op)
{
	uint32_t at = op->incremental ? op->index : atomic_load(&console_from);
	uint32_t done = 0, n;
	char piece[PIECE];
	uint64_t va = (uintptr_t)op->buffer.p;

	while (done < op->count &&
	       (n = log_read(&at, piece, MIN(op->count - done, PIECE + 0u)))) {
		if (copy_to_guest(va + done, piece, n))
			return -EFAULT;
		done += n;
	}
	if (op->clear)
		atomic_store(&console_from, at);
	op->index = at;
	op->count = done;
	return 0;
}

/*
 * In the order of their numbers.  In one go: there are at most MAX_DOMAINS,
 * each is found near the one before it, and takes about as long as a page
 * operation.
 */
static long list_domains(struct xen_sysctl_getdomaininfolist *op)
{
	struct xen_domctl_getdomaininfo info;
	uint64_t va = (uintptr_t)op->buffer.p;
	uint32_t id = op->first_domain, n = 0;
	struct domain *d;
	int rc = 0;

	while (!rc && n < op->max_domains && (d = domain_from_id((domid_hv_t)id))) {
		domain_info_fill(d, &info);
		id = d->id + 1u;
		domain_put(d);
		rc = copy_to_guest(va + n * sizeof(info), &info, sizeof(info));
		n++;
	}
	op->num_domains = n;
	return rc;
}

/* *place: which key, and how far that is; 0 at first. */
static long press_keys(const struct xen_sysctl_debug_keys *op, uint64_t *place)
{
	uint64_t va = (uintptr_t)op->keys.p;
	uint32_t i = *place >> 32, next = (uint32_t)*place;
	char key;

	while (i < MIN(op->nr_keys, DEBUG_KEYS_MOST)) {
		if (copy_from_guest(&key, va + i, 1))
			return -EFAULT;
		if (debug_keys_press(key, &next) == DONE) {
			i++;
			next = 0;
		}
		if (sched_preempt_pending()) {
			*place = (uint64_t)i << 32 | next;
			return -ERESTART;
		}
	}
	return 0;
}

_Static_assert(sizeof(struct pasture_control) == 40, "ABI");
_Static_assert(sizeof(struct pasture_control) <= sizeof(((struct xen_sysctl *)0)->u),
	       "ABI");

/* Ours, where Xen has no call. */
static long control(struct xen_sysctl *op)
{
	struct pasture_control c;
	long rc;

	memcpy(&c, &op->u, sizeof(c));
	rc = sessions_call(&c);
	memcpy(&op->u, &c, sizeof(c));
	return rc;
}

static long sysctl(struct xen_sysctl *op, uint64_t *place)
{
	switch (op->cmd) {
	case XEN_SYSCTL_readconsole:
		return read_console(&op->u.readconsole);
	case XEN_SYSCTL_physinfo:
		return sysctl_info_machine(&op->u.physinfo);
	case XEN_SYSCTL_sched_id:
		return sysctl_info_scheduler(&op->u.sched_id);
	case XEN_SYSCTL_getdomaininfolist:
		return list_domains(&op->u.getdomaininfolist);
	case XEN_SYSCTL_debug_keys:
		return press_keys(&op->u.debug_keys, place);
	case XEN_SYSCTL_availheap:
		return sysctl_info_heap(&op->u.availheap);
	case XEN_SYSCTL_cputopoinfo:
		return sysctl_info_cpus(&op->u.cputopoinfo);
	case XEN_SYSCTL_numainfo:
		return sysctl_info_nodes(&op->u.numainfo);
	case XEN_SYSCTL_pcitopoinfo:
		return sysctl_info_devices(&op->u.pcitopoinfo);
	case XEN_SYSCTL_scheduler_op:
		return settings_scheduler_all(&op->u.scheduler_op);
	case XEN_SYSCTL_get_cpu_policy:
		return cpu_policy_machine(&op->u.cpu_policy);
	case XEN_SYSCTL_get_cpu_featureset:
		return cpu_policy_features(&op->u.cpu_featureset);
	case XEN_SYSCTL_cpupool_op:
		return sysctl_info_pool(&op->u.cpupool_op);
	case PASTURE_SYSCTL_control:
		return control(op);
	default:
		return -ENOSYS;
	}
}

static long sysctl_at(uint64_t va, uint64_t *place)
{
	struct xen_sysctl op;
	long rc;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	rc = privilege_check(current_vcpu()->domain, PRIV_SYSCTL, op.cmd);
	if (!rc)
		rc = sysctl(&op, place);
	if (!rc && copy_to_guest(va, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}

/*
 * Who says himself how far it is leaves out some of what he asks for
 * (pv/again.h).
 */
long op_sysctl(struct hypercall_args *args)
{
	uint64_t place = again_place(args);
	long rc = sysctl_at(args->a[0], &place);

	return again_end(args, rc, place, 0);
}
