/* SPDX-License-Identifier: MIT */
/*
 * The control channel from the first domain: a sub-operation of Xen's sysctl
 * that Xen has not.  The lines are those of docs/control.md; a session is what
 * the serial port is elsewhere, and each client has its own.
 *
 * A call opens a session (session 0), gives it bytes, takes bytes from it, and
 * ends it, or any of these; it never waits.  Errors: EPERM, the caller is not
 * the first domain; EBUSY, all sessions are in use; ESRCH, there is no such
 * session any more; EFAULT.
 */
#ifndef HV_ABI_CONTROL_H
#define HV_ABI_CONTROL_H

#include <stdint.h>

/* "pasC": far from Xen's own numbers */
#define PASTURE_SYSCTL_control	0x70617343u

#define PASTURE_CONTROL_END	1u	/* of flags: the session is over */

/* In the place of xen_sysctl's union. */
struct pasture_control {
	uint64_t session;	/* IN: 0, a new one.  OUT: which it is */
	uint64_t give, take;	/* IN: virtual addresses of bytes */
	/* IN: how many there are, and have room; OUT: so many were moved */
	uint32_t give_bytes, take_bytes;
	uint32_t flags;
	uint32_t reserved;	/* 0 */
};

#endif
