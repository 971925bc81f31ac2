/* SPDX-License-Identifier: MIT */
#include "pv/pv.h"
bool ptwrite_emulate(struct vcpu *v, uint64_t va)
{
	return false;
}
