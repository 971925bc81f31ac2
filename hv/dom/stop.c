/* SPDX-License-Identifier: MIT */
/* stop.h has the contract. */
#include <port.h>

#include "dom/stop.h"
#include "x86/cpu.h"

static uint32_t stopper;	/* atomic: id + 1 of the CPU that stops the others, 0 = none */
static uint32_t stopped;	/* atomic: CPUs that wait */

void stop_point(void)
{
	if (likely(!__atomic_load_n(&stopper, __ATOMIC_ACQUIRE)))
		return;
	__atomic_add_fetch(&stopped, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&stopper, __ATOMIC_ACQUIRE))
		port_spin();
	__atomic_sub_fetch(&stopped, 1, __ATOMIC_ACQ_REL);
}

void stop_machine_begin(void)
{
	uint32_t none = 0, me = this_cpu()->id, i;

	while (!__atomic_compare_exchange_n(&stopper, &none, me + 1, false,
					    __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE)) {
		stop_point();
		none = 0;
	}
	for (i = 0; i < cpu_count; i++)
		if (i != me)
			lapic_send_ipi(i, VEC_RESCHED);
	while (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) != cpu_count - 1)
		port_spin();
}

void stop_machine_end(void)
{
	__atomic_store_n(&stopper, 0, __ATOMIC_RELEASE);
	/* A late leaver must not be counted by the next stop. */
	while (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE))
		port_spin();
}
