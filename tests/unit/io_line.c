// links: hv/io/pci.c hv/io/msi.c hv/io/vector.c hv/io/pirq.c hv/io/ioapic.c hv/pv/physdev_device.c hv/dom/evtchn*.c hv/dom/op_evtchn.c hv/dom/privilege.c hv/dom/timer.c hv/lib/pheap.c tests/port/port.c tests/fake/fake_dom.c tests/fake/fake_bus.c
/* SPDX-License-Identifier: MIT */
/*
 * Lines of IOAPICs (IOAPIC1, IOAPIC2) as interrupts of the first domain (PIRQ1
 * to PIRQ4): edges, and levels that are masked until they are served.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "dom/timer.h"
#include "io/ioapic.h"
#include "unit/pirq_first.h"
#include "unit/suite.h"

#define MASKED	(1u << 16)
#define LEVEL	(1u << 15)
#define LOW	(1u << 13)

struct domain *domain_find(domid_hv_t id)
{
	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
	if (id != DOMID_FIRST)
		return NULL;
	d->refs++;
	return d;
}

/* What the line is written with. */
static uint32_t low(unsigned int line)
{
	return fake_bus.ioapic[line / FAKE_LINES].reg[0x10 + 2 * (line % FAKE_LINES)];
}

static uint32_t high(unsigned int line)
{
	return fake_bus.ioapic[line / FAKE_LINES].reg[0x11 + 2 * (line % FAKE_LINES)];
}

static void setup(void)
{
	first_begin();
	ck_assert(ioapic_add(MADDR(FAKE_IOAPIC), 0));
	ck_assert(ioapic_add(MADDR(FAKE_IOAPIC + PAGE_SIZE), FAKE_LINES));
	ck_assert(!ioapic_add(MADDR(FAKE_IOAPIC + 2 * PAGE_SIZE), 48));
}

/* --- calls --- */

static long map_to(int line, int pirq)
{
	struct physdev_map_pirq map = {
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = line,
		.pirq = pirq,
	};
	long r = physdev_device(PHYSDEVOP_map_pirq, fake_va(&map));

	if (!r)
		ck_assert_int_eq(map.pirq, line);
	return r;
}

static long set(int line, uint8_t level, uint8_t polarity)
{
	struct physdev_setup_gsi g = { line, level, polarity };

	return physdev_device(PHYSDEVOP_setup_gsi, fake_va(&g));
}

static void eoi(uint32_t pirq)
{
	struct physdev_eoi e = { pirq };

	ck_assert_int_eq(physdev_device(PHYSDEVOP_eoi, fake_va(&e)), 0);
}

static bool needs_eoi(uint32_t pirq)
{
	struct physdev_irq_status_query q = { .irq = pirq };

	ck_assert_int_eq(physdev_device(PHYSDEVOP_irq_status_query, fake_va(&q)), 0);
	ck_assert_uint_eq(q.flags & ~XENIRQSTAT_needs_eoi, 0);
	return q.flags;
}

/* The line is asserted: if it is not masked, its processor hears. */
static bool sends(unsigned int line)
{
	unsigned int cpu = ((high(line) >> 24) - 1) / 2;

	if (low(line) & MASKED)
		return false;
	ck_assert(interrupt(cpu, low(line) & 0xff));
	return true;
}

/* --- */

START_TEST(found)
{
	unsigned int i;
	uint32_t value;

	for (i = 0; i < 2 * FAKE_LINES; i++) {
		ck_assert_uint_eq(low(i), MASKED);	/* IOAPIC1 */
		ck_assert(ioapic_has(i));
	}
	ck_assert(!ioapic_has(2 * FAKE_LINES));
	spin_lock(&bus_lock);
	ck_assert(ioapic_read(FAKE_IOAPIC + PAGE_SIZE, 1, &value));
	ck_assert_uint_eq(value, (FAKE_LINES - 1) << 16 | 0x11);
	ck_assert(ioapic_read(FAKE_IOAPIC + PAGE_SIZE, 0x12, &value));
	ck_assert_uint_eq(value, MASKED);
	ck_assert(!ioapic_read(FAKE_IOAPIC + 2 * PAGE_SIZE, 1, &value));
	ck_assert(!ioapic_read(0, 1, &value));
	spin_unlock(&bus_lock);
	for (i = 2; i < IOAPICS_MAX; i++)
		ck_assert(ioapic_add(MADDR(FAKE_IOAPIC), 100));
	ck_assert(!ioapic_add(MADDR(FAKE_IOAPIC), 100));
}
END_TEST

START_TEST(old_vector)
{
	struct physdev_irq q = { .irq = 2 * FAKE_LINES - 1 };

	ck_assert_int_eq(physdev_device(PHYSDEVOP_alloc_irq_vector, fake_va(&q)), 0);
	ck_assert_uint_eq(q.vector, q.irq);
	q.irq++;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_alloc_irq_vector, fake_va(&q)), -EINVAL);
}
END_TEST

START_TEST(apic_read)
{
	struct physdev_apic a = { .apic_physbase = FAKE_IOAPIC, .reg = 1 };

	ck_assert_int_eq(physdev_device(PHYSDEVOP_apic_read, fake_va(&a)), 0);
	ck_assert_uint_eq(a.value, (FAKE_LINES - 1) << 16 | 0x11);
	a.apic_physbase = FAKE_IOAPIC + 8;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_apic_read, fake_va(&a)), -EINVAL);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_apic_write, fake_va(&a)), -ENOSYS);
}
END_TEST

/* PIRQ2 */
START_TEST(level)
{
	long port;

	ck_assert_int_eq(map_to(30, -1), 0);
	ck_assert_uint_eq(low(30) & ~0xffu, MASKED | LEVEL | LOW);
	ck_assert_uint_eq(high(30), 1u << 24);
	ck_assert(needs_eoi(30));
	port = bind(30);
	ck_assert_uint_eq(low(30) & MASKED, 0);
	ck_assert(sends(30));
	ck_assert(came(port));
	ck_assert(!sends(30));		/* it is asserted still */
	eoi(31);
	ck_assert(!sends(30));
	eoi(30);
	ck_assert(sends(30));
	ck_assert(came(port));
	/* Its port goes before it is served: whoever comes next hears. */
	ck_assert_int_eq(close_port(port), 0);
	ck_assert(!sends(30));
	eoi(30);
	ck_assert(!sends(30));
	port = bind(30);
	ck_assert(!came(port));
	ck_assert(sends(30));
	ck_assert(came(port));
	ck_assert_int_eq(close_port(port), 0);
	port = bind(30);
	ck_assert(sends(30));
}
END_TEST

START_TEST(edge)
{
	long port;

	ck_assert_int_eq(map_to(0, 0), 0);
	ck_assert_uint_eq(low(0) & ~0xffu, MASKED);
	ck_assert(!needs_eoi(0));
	port = bind(0);
	ck_assert(sends(0));
	ck_assert(sends(0));
	ck_assert(came(port));
	ck_assert(!came(port));
	/* PIRQ3: an IOAPIC forgets edges of a line that is masked */
	for (unsigned int i = 0; i <= PIRQ_WINDOW_MOST; i++)
		(void)sends(0);
	ck_assert(!sends(0));
	ck_assert(came(port));
	fake.now += 2 * PIRQ_WINDOW_NS;
	timer_run();
	ck_assert(sends(0) && came(port));
	ck_assert_int_eq(close_port(port), 0);
	ck_assert(!sends(0));
}
END_TEST

START_TEST(edge_flood_is_not_lost)
{
	long port;

	ck_assert_int_eq(map_to(4, -1), 0);
	port = bind(4);
	for (unsigned int i = 0; i <= PIRQ_WINDOW_MOST; i++)
		(void)sends(4);
	ck_assert(came(port));
	fake.now += 2 * PIRQ_WINDOW_NS;
	timer_run();
	ck_assert(came(port));		/* made up */
}
END_TEST

START_TEST(set_up)
{
	long port;

	ck_assert_int_eq(set(9, 1, 0), -EINVAL);	/* not mapped */
	ck_assert_int_eq(map_to(9, -1), 0);
	ck_assert_int_eq(map_to(9, 9), 0);		/* as on Xen */
	ck_assert_int_eq(set(9, 1, 0), 0);
	ck_assert_uint_eq(low(9) & ~0xffu, MASKED | LEVEL);
	ck_assert(needs_eoi(9));
	port = bind(9);
	ck_assert_int_eq(set(9, 0, 1), -EEXIST);
	ck_assert_uint_eq(low(9) & ~0xffu, LEVEL);
	ck_assert_int_eq(close_port(port), 0);
	ck_assert_int_eq(set(9, 0, 1), 0);
	ck_assert_uint_eq(low(9) & ~0xffu, MASKED | LOW);
	ck_assert(!needs_eoi(9));
	ck_assert_int_eq(set(-1, 0, 0), -EINVAL);
	ck_assert_int_eq(set(PIRQ_MESSAGES_FIRST, 0, 0), -EINVAL);
	ck_assert_int_eq(set(PIRQS_MAX + 5, 0, 0), -EINVAL);
}
END_TEST

/* IOAPIC1: no moment with a half-written line that is open. */
START_TEST(written_masked)
{
	ck_assert_int_eq(map_to(20, -1), 0);
	fake_bus.ioapic[0].reg[0x10 + 40] &= ~MASKED;	/* as left */
	fake_bus.note_count = 0;
	ck_assert_int_eq(set(20, 1, 1), 0);
	for (unsigned int i = 0; i < fake_bus.note_count; i++)
		if (fake_bus.note[i].at == FAKE_IOAPIC + 0x10) {
			ck_assert(fake_bus.note[i].value & MASKED);
			break;
		}
}
END_TEST

START_TEST(errors)
{
	struct physdev_unmap_pirq u = { DOMID_SELF, 5 };

	ck_assert_int_eq(map_to(2 * FAKE_LINES, -1), -EINVAL);
	ck_assert_int_eq(map_to(-1, -1), -EINVAL);
	ck_assert_int_eq(map_to(PIRQ_MESSAGES_FIRST, -1), -EINVAL);
	ck_assert_int_eq(map_to(5, 6), -EINVAL);
	ck_assert_int_eq(map_to(5, 5), 0);
	ck_assert_int_gt(bind(5), 0);
	ck_assert_int_eq(map_to(5, 5), 0);		/* the port stays */
	ck_assert(sends(5));
	ck_assert_int_eq(physdev_device(PHYSDEVOP_unmap_pirq, fake_va(&u)), 0);
	ck_assert(!sends(5));
	ck_assert_int_eq(physdev_device(PHYSDEVOP_unmap_pirq, fake_va(&u)), -EINVAL);
	fake.no_copy_out = true;
	ck_assert_int_eq(map_to(6, -1), -EFAULT);
	fake.no_copy_out = false;
}
END_TEST

/* PIRQ4 */
START_TEST(the_end)
{
	long port;

	ck_assert_int_eq(map_to(40, -1), 0);
	port = bind(40);
	ck_assert(sends(40));
	eoi(40);
	pirq_end(d);
	ck_assert(low(40) & MASKED);
	ck_assert(came(port) && !sends(40));
}
END_TEST

/*
 * A level was sent to a processor that has not ended it when the line is
 * unmapped: the EOI names a vector that is the line's no more (IOAPIC3).
 */
START_TEST(remapped_before_its_eoi)
{
	uint32_t *reg = &fake_bus.ioapic[0].reg[0x10 + 2 * 20];

	ck_assert_int_eq(map_to(20, 20), 0);
	ck_assert_uint_eq(low(20) & LEVEL, LEVEL);
	*reg |= FAKE_REMOTE_IRR;
	ck_assert_int_eq(pirq_unmap(d, 20), 0);
	ck_assert_uint_eq(low(20) & (MASKED | FAKE_REMOTE_IRR), MASKED | FAKE_REMOTE_IRR);
	ck_assert_int_eq(map_to(20, 20), 0);
	ck_assert_uint_eq(low(20) & (MASKED | LEVEL | FAKE_REMOTE_IRR), MASKED | LEVEL);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("line");

	tcase_add_checked_fixture(tc, setup, first_end);
	tcase_add_test(tc, found);
	tcase_add_test(tc, apic_read);
	tcase_add_test(tc, old_vector);
	tcase_add_test(tc, level);
	tcase_add_test(tc, edge);
	tcase_add_test(tc, edge_flood_is_not_lost);
	tcase_add_test(tc, set_up);
	tcase_add_test(tc, written_masked);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, the_end);
	tcase_add_test(tc, remapped_before_its_eoi);
	return suite_run();
}
