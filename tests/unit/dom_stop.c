/* links: hv/dom/stop.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * CPUs that are threads stop one another, all at once (STOP1): while one has
 * stopped the machine no other is at work, and all stops come to an end.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <port.h>

#include "dom/stop.h"
#include "unit/suite.h"
#include "x86/cpu.h"

#define CPUS	4
#define STOPS	3000
#define TURNS	100	/* of a wait loop, until it sleeps */
#define WORKS	16	/* until one is long: a stop meets it */

static uint32_t at_work;	/* atomic: CPUs between two stop points */
static uint32_t running;	/* atomic: CPUs that have not made all stops */

void lapic_send_ipi(unsigned int cpu_id, enum vector vector)
{
	ck_assert_uint_lt(cpu_id, CPUS);
}

/*
 * On a busy host who gives its CPU away waits for a slice of each of the others
 * there; who sleeps soon gets it back.
 */
static void nap(void)
{
	static const struct timespec length = { .tv_nsec = 20000 };

	nanosleep(&length, NULL);
}

static void turn(void)
{
	static __thread unsigned int turns;

	if (++turns % TURNS == 0)
		nap();
}

static void work(void)
{
	static __thread unsigned int works;

	__atomic_add_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
	if (++works % WORKS == 0)
		nap();
	__atomic_sub_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
	stop_point();
}

static void *cpu_run(void *id)
{
	unsigned int i;

	this_cpu()->id = (uintptr_t)id;
	for (i = 0; i < STOPS; i++) {
		work();
		stop_machine_begin();
		if (__atomic_load_n(&at_work, __ATOMIC_SEQ_CST))
			ck_abort_msg("a CPU works while the machine is stopped");
		stop_machine_end();
	}
	/* It idles until the others are done. */
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&running, __ATOMIC_SEQ_CST)) {
		work();
		turn();
	}
	return NULL;
}

START_TEST(all_stop_all)
{
	pthread_t thread[CPUS];
	uintptr_t i;

	cpu_count = running = CPUS;
	port_on_spin = turn;
	for (i = 0; i < CPUS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, cpu_run, (void *)i), 0);
	for (i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
}
END_TEST

int main(void)
{
	TCase *stops = suite_case("stops");

	tcase_add_test(stops, all_stop_all);
	return suite_run();
}
