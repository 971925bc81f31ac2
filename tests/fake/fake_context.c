/* SPDX-License-Identifier: MIT */
/* What a vCPU's context needs of files that are not linked. */
#include <port.h>

#include "pv/debugreg.h"
#include "pv/iret.h"
#include "pv/traps.h"
#include "x86/guestcopy.h"

bool traps_handler_ok(uint64_t address)
{
	return !address || guest_range_ok(address, 1);
}

uint64_t iret_guest_rflags(uint64_t wanted)
{
	return (wanted & 0xcff) | RFLAGS_IF;
}

long debugreg_set(struct vcpu *v, uint64_t nr, uint64_t value)
{
	v->dr[nr] = value;
	return 0;
}

uint64_t cpu_cr4_for_guests(void)
{
	return 0;
}

void fpu_init_state(void *state512)
{
	memset(state512, 0, FPU_STATE_BYTES);
}
