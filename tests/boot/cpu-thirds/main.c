/* SPDX-License-Identifier: MIT */
/*
 * One domain spins without a hypercall, with events masked; the other works a
 * little and sleeps a millisecond, in turns.  It must get at least a third of
 * the rounds that it has once the first is gone, on the same processor.
 */
#include <gl/event.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define SPIN_NS		1500000000UL
#define MEASURE_NS	800000000UL

static void spin(void)
{
	uint64_t end = gl_now_ns() + SPIN_NS;

	gl_events_save();
	while (gl_now_ns() < end)
		;
	gl_events_enable();
	gl_test_done();
}

static uint64_t rounds_in(uint64_t ns)
{
	static volatile uint64_t sum;
	uint64_t end = gl_now_ns() + ns, rounds = 0;

	for (; gl_now_ns() < end; rounds++) {
		for (unsigned int i = 0; i < 20000; i++)
			sum += i;
		gl_sleep_ns(1000000);
	}
	return rounds;
}

void gl_main(void)
{
	uint64_t start = gl_now_ns(), beside, alone;

	if (gl_cmdline_u64("spin", 0))
		spin();
	beside = rounds_in(MEASURE_NS);
	gl_sleep_ns(start + 2 * SPIN_NS - gl_now_ns());
	alone = rounds_in(MEASURE_NS);
	gl_printf("rounds beside the cpu-thirds %lu, alone %lu\n", beside, alone);
	gl_test_check(alone > 3);
	gl_test_check(beside * 3 >= alone);
	gl_test_done();
}
