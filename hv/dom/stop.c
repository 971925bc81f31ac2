/* SPDX-License-Identifier: MIT */
/* stop.h has the contract. */
#include <port.h>

#include "dom/stop.h"
#include "x86/cpu.h"

/* atomic: id + 1 of the CPU that stops the others, 0 = none */
static uint32_t stopper;
static uint32_t stopped;	/* atomic: CPUs that wait */

void stop_point(void)
{
	if (likely(!atomic_load_acquire(&stopper)))
		return;
	atomic_add(&stopped, 1);
	while (atomic_load_acquire(&stopper))
		port_spin();
	atomic_sub(&stopped, 1);
}

void stop_machine_begin(void)
{
	uint32_t none = 0, me = this_cpu()->id, i;

	while (!atomic_cas(&stopper, &none, me + 1)) {
		stop_point();
		none = 0;
	}
	for (i = 0; i < cpu_count; i++)
		if (i != me)
			lapic_send_ipi(i, VEC_RESCHED);
	while (atomic_load_acquire(&stopped) != cpu_count - 1)
		port_spin();
}

void stop_machine_end(void)
{
	atomic_store_release(&stopper, 0);
	/* A late leaver must not be counted by the next stop. */
	while (atomic_load_acquire(&stopped))
		port_spin();
}
