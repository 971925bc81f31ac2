/* links: hv/x86/smp.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * Processors that come when they like: at once, late, much later, never.  Each
 * does what ap_boot.asm and ap.c do.  No two may ever have one id (SMP2).
 */
#include <check.h>
#include <stdlib.h>

#include <port.h>

#include "debug/log.h"
#include "unit/suite.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/smp.h"

#define NEVER	~0UL

uint64_t tsc_khz = 1000000;
static uint64_t now;

/* A processor, by APIC id. */
static struct {
	uint64_t delay, comes_at, online_at;
	unsigned int inits;
	bool stopped;		/* could not claim its call */
	struct percpu *has;
} ap[APIC_IDS];
static unsigned int ipis;

static struct percpu areas[MAX_CPUS];

static void entry(void)
{
}

/* ap_high of ap_boot.asm, then ap_main() up to where it reads ap_id. */
static void arrive(unsigned int id)
{
	uint8_t called = AP_CALLED;

	ap[id].comes_at = NEVER;
	if (!__atomic_compare_exchange_n(&ap_calls[id], &called, AP_CAME, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		ap[id].stopped = true;
		return;
	}
	ap[id].has = cpu_areas[ap_id];
	ck_assert_ptr_eq(ap_stack_top, ap[id].has->stack_top);
	ap[id].online_at = now + ap[id].delay;
}

static void pass(uint64_t ticks)
{
	unsigned int id;

	now += ticks;
	for (id = 0; id < APIC_IDS; id++) {
		if (ap[id].comes_at <= now)
			arrive(id);
		if (ap[id].online_at <= now) {
			ap[id].online_at = NEVER;
			ck_assert_uint_eq(ap[id].has->online, 0);
			ap[id].has->online = 1;
		}
	}
}

uint64_t tsc_read(void)
{
	pass(100000);
	return now;
}

void delay_us(uint64_t us)
{
	pass(MAX(us * 1000, 100000));
}

void lapic_send_init(uint32_t id)
{
	ck_assert_msg(!ap[id].has, "INIT for a processor that has come");
	ap[id].inits++;
}

/* It came as fast as its host lets it; a second call finds it under way. */
void lapic_send_startup(uint32_t id, uint8_t page)
{
	ck_assert_uint_eq(page, 8);
	if (ap[id].comes_at == NEVER && !ap[id].has && !ap[id].stopped &&
	    ap[id].delay != NEVER)
		ap[id].comes_at = now + ap[id].delay;
}

void lapic_send_ipi(unsigned int cpu_id, enum vector vector)
{
	ck_assert_ptr_nonnull(ap_entry);
	ipis++;
}

void ap_write_trampoline(maddr_t where, const struct ap_tables *tables)
{
	ck_assert_uint_eq(maddr_n(where), 0x8000);
}

static void setup(void)
{
	unsigned int id;

	memset(ap_calls, 0, sizeof(ap_calls));
	cpu_count = 1;
	ipis = 0;
	for (id = 0; id < MAX_CPUS; id++) {
		memset(&areas[id], 0, sizeof(areas[id]));
		areas[id].stack_top = &areas[id];
		cpu_areas[id] = &areas[id];
	}
	for (id = 0; id < APIC_IDS; id++) {
		memset(&ap[id], 0, sizeof(ap[id]));
		ap[id].comes_at = ap[id].online_at = NEVER;
	}
}

static void start(unsigned int count)
{
	struct cpu_ids ids[MAX_CPUS];
	unsigned int i, j;

	for (i = 0; i < count; i++)
		ids[i] = (struct cpu_ids){ i, 300 + i };
	smp_start(ids, count, MADDR(0x8000), &(struct ap_tables){ 0 }, entry);
	for (i = 0; i < 8000; i++)
		pass(1000000);		/* whoever is late comes now */
	for (i = 1; i < count; i++)
		for (j = 1; j < i; j++)
			ck_assert(!ap[i].has || ap[i].has != ap[j].has);
	ck_assert_uint_eq(ipis, cpu_count - 1);
	ck_assert_uint_eq(this_cpu()->acpi_id, 300);
	for (i = 1; i < cpu_count; i++)	/* whichever it became */
		ck_assert_uint_eq(areas[i].acpi_id, 300 + areas[i].apic_id);
}

static unsigned int have_come(void)
{
	unsigned int id, n = 0;

	for (id = 1; id < APIC_IDS; id++)
		n += ap[id].has != NULL;
	return n;
}

START_TEST(all_come)
{
	start(8);
	ck_assert_uint_eq(cpu_count, 8);
	ck_assert_uint_eq(have_come(), 7);
}
END_TEST

/* Item 9: the next one used the same id. */
START_TEST(one_is_late)
{
	/* the third comes as the fourth starts */
	ap[3].delay = 2500000000;
	start(8);
	ck_assert_uint_eq(cpu_count - 1, have_come());
}
END_TEST

START_TEST(one_never_comes)
{
	ap[3].delay = NEVER;
	start(8);
	ck_assert_uint_eq(cpu_count, 7);
	ck_assert_uint_eq(areas[6].online, 1);
	ck_assert_uint_eq(areas[7].online, 0);
}
END_TEST

START_TEST(random_delays)
{
	unsigned int id;

	srand((unsigned int)_i);
	log_level = 0;
	for (id = 1; id < MAX_CPUS; id++)
		ap[id].delay = (uint64_t)rand() % (rand() & 1 ? 50000000 : 5000000000);
	start(16);
	ck_assert_uint_eq(cpu_count - 1, have_come());
	for (id = 1; id < 16; id++) {
		ck_assert(ap[id].has || ap[id].stopped);
		ck_assert_uint_le(ap[id].inits, ap[id].has ? 1 : 2); /* SMP3 */
	}
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, all_come);
	tcase_add_test(t, one_is_late);
	tcase_add_test(t, one_never_comes);
	tcase_add_loop_test(t, random_delays, 0, 10);
	return suite_run();
}
