/* SPDX-License-Identifier: MIT */
/* Debug registers of a vCPU; also for emulated mov.  0, -EPERM, -ENODEV. */
#ifndef HV_PV_DEBUGREG_H
#define HV_PV_DEBUGREG_H

#include "dom/domain.h"

long debugreg_set(struct vcpu *v, uint64_t nr, uint64_t value);
int debugreg_get(struct vcpu *v, uint64_t nr, uint64_t *value);
/* note the causes of a #DB, as bits of DR6 */
void debugreg_note(struct vcpu *v, uint64_t causes);
bool debugreg_exists(const struct vcpu *v, uint64_t nr); /* else -ENODEV, #UD */
/*
 * An access to I/O ports: true if it meets a breakpoint, which is then noted in
 * DR6.
 */
bool debugreg_port(struct vcpu *v, uint32_t port, unsigned int width);

#endif
