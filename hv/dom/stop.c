/* SPDX-License-Identifier: MIT */
/*
 * stop.h has the contract.
 *
 * STOP1  Each stop has a number of its own, and a CPU that waits says for which
 *        one.  So who is late to leave one stop is not taken for one that waits
 *        in the next, and nobody has to see everybody out.
 */
#include <port.h>

#include "dom/stop.h"
#include "x86/cpu.h"

static uint64_t last;		/* atomic: stops that were asked for */
static uint64_t now;		/* atomic: the stop that there is; 0: none */
static uint64_t waits_in[MAX_CPUS];	/* atomic; each by its CPU */

bool stop_wanted(void)
{
	return atomic_load_acquire(&now);
}

void stop_point(void)
{
	uint64_t stop;

	while (unlikely(stop = atomic_load_acquire(&now))) {
		atomic_store_release(&waits_in[this_cpu()->id], stop);
		while (atomic_load_acquire(&now) == stop)
			port_spin();
	}
}

void stop_machine_begin(void)
{
	uint64_t stop = atomic_add(&last, 1), none = 0;
	uint32_t me = this_cpu()->id, i;

	while (!atomic_cas(&now, &none, stop)) {
		stop_point();
		none = 0;
	}
	for (i = 0; i < cpu_count; i++)
		if (i != me)
			lapic_send_ipi(i, VEC_RESCHED);
	for (i = 0; i < cpu_count; i++)
		while (i != me && atomic_load_acquire(&waits_in[i]) != stop)
			port_spin();
}

void stop_machine_end(void)
{
	atomic_store_release(&now, 0);
}
