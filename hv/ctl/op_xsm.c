/* SPDX-License-Identifier: MIT */
/*
 * The xsm_op hypercall: labels and their numbers, for the first domain's tools
 * (labels.h).  There is no policy behind them.  To everybody else this is a Xen
 * without labels: -ENOSYS, whatever is asked.
 */
#include <port.h>
#include <errno.h>

#include <xen/xen.h>
#include <xen/xsm/flask_op.h>

#include "ctl/labels.h"
#include "dom/privilege.h"
#include "lib/string.h"
#include "pv/above.h"
#include "x86/guestcopy.h"

/* The label has no byte 0 at its end. */
static long number_of(struct xen_flask_sid_context *op)
{
	char text[DOMAIN_NAME_MAX] = "", name[DOMAIN_NAME_MAX];

	if (op->size >= sizeof(text))
		return -EINVAL;
	if (copy_from_guest(text, (uintptr_t)op->context.p, op->size))
		return -EFAULT;
	if (strlen(text) != op->size || str_take_name(text, name, sizeof(name)))
		return -EINVAL;
	op->sid = labels_number(groups_number(name));
	return op->sid ? 0 : -ENOSPC;
}

static long label_of(struct xen_flask_sid_context *op)
{
	char name[DOMAIN_NAME_MAX];
	uint32_t bytes;

	if (!labels_name(op->sid, name))
		return -EINVAL;
	bytes = strlen(name) + 1;
	if (bytes > op->size)
		return -ERANGE;
	op->size = bytes;
	return copy_to_guest((uintptr_t)op->context.p, name, bytes) ? -EFAULT : 0;
}

static long xsm(struct xen_flask_op *op)
{
	switch (op->cmd) {
	case FLASK_CONTEXT_TO_SID:
		return number_of(&op->u.sid_context);
	case FLASK_SID_TO_CONTEXT:
		return label_of(&op->u.sid_context);
	default:
		return -ENOSYS;
	}
}

long op_xsm(struct hypercall_args *args)
{
	struct xen_flask_op op;
	long rc;

	if (!current_vcpu()->domain->privileged)
		return -ENOSYS;
	if (copy_from_guest(&op, args->a[0], sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_FLASK_INTERFACE_VERSION)
		return -ENOSYS;
	rc = privilege_check(current_vcpu()->domain, PRIV_XSM, op.cmd);
	if (!rc)
		rc = xsm(&op);
	if (!rc && copy_to_guest(args->a[0], &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
