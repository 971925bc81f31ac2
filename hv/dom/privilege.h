/* SPDX-License-Identifier: MIT */
/*
 * Privilege: what the first domain may do and no other.
 *
 * PRIV1  It is one bit of struct domain, set when the domain is made, and read
 *        by privilege_check() alone.
 * PRIV2  What is not on the list of privilege.c is allowed to nobody.
 */
#ifndef HV_DOM_PRIVILEGE_H
#define HV_DOM_PRIVILEGE_H

#include "dom/domain.h"

/* The calls that have sub-operations of the first domain's. */
enum privileged_call {
	PRIV_DOMCTL, PRIV_SYSCTL, PRIV_PLATFORM, PRIV_MEMORY, PRIV_CONSOLE,
	PRIV_VERSION, PRIV_EVENT,
	/* mmu_update and mmuext_op on frames of another domain */
	PRIV_MMU, PRIV_MMUEXT,
	PRIV_XSM,
	PRIV_PHYSDEV,
	PRIV_DEVICE,	/* enum privileged_device */
};

/*
 * What is no call: ports, frames in entries of tables; and that there are
 * APICs, without which no kernel asks ACPI for lines of devices.
 */
enum privileged_device { DEVICE_PORTS, DEVICE_FRAMES, DEVICE_APIC };

/*
 * May d make sub-operation `sub` of the call?  0; -EPERM: no, it is a guest;
 * -ENOSYS: it is the first domain, but there is no such thing here.
 */
int privilege_check(const struct domain *d, enum privileged_call call,
		    uint32_t sub) must_check;

#endif
