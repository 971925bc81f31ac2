// links: hv/io/pci.c hv/io/pciconf.c hv/io/ioport.c hv/io/cmos.c hv/io/msi.c hv/io/vector.c hv/io/pirq.c hv/io/ioapic.c hv/pv/physdev_device.c hv/dom/evtchn*.c hv/dom/op_evtchn.c hv/dom/privilege.c hv/dom/timer.c hv/lib/pheap.c tests/port/port.c tests/fake/fake_dom.c tests/fake/fake_bus.c
/* SPDX-License-Identifier: MIT */
/*
 * From physdev_op to an event: messages (MSI1-MSI3), vectors, interrupts of the
 * first domain (PIRQ1-PIRQ4).  Each test is a process.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "dom/privilege.h"
#include "dom/timer.h"
#include "io/ioport.h"
#include "io/pci.h"
#include "io/vector.h"
#include "unit/pirq_first.h"
#include "unit/suite.h"
#include "x86/rtc.h"

/* tests/unit/x86_rtc.c */
uint8_t rtc_register(uint8_t reg) { return 0; }
void rtc_register_set(uint8_t reg, uint8_t value, uint8_t kept) { }

#define X	0x0010		/* MSI-X, 4 entries */
#define M	0x0018		/* MSI of 64 bits with masks, 8 messages */
#define P	0x0020		/* MSI of 32 bits without masks */
#define TABLE	(FAKE_MEMORY + 0x800)

static struct domain *guest;
static struct fake_function *x, *m, *p;
static uint32_t msi_of_m, msi_of_p, msix_of_x;

struct domain *domain_find(domid_hv_t id)
{
	struct domain *who = id == DOMID_FIRST ? d : id == guest->id ? guest : NULL;

	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
	if (who)
		who->refs++;
	return who;
}

static void setup(void)
{
	unsigned int i;

	first_begin();
	guest = fake_domain(1);
	x = fake_bus_add(X, 0x0108);
	fake_bus_range(x, 0, FAKE_MEMORY, 0x1000, 0);
	msix_of_x = fake_bus_msix(x, 4, 0, 0x800);
	m = fake_bus_add(M, 0x0200);
	msi_of_m = fake_bus_msi(m, 0x186);
	p = fake_bus_add(P, 0x0106);
	msi_of_p = fake_bus_msi(p, 0);
	pci_scan();
	for (i = 0; i < 4; i++)	/* as after a reset */
		*fake_bus_word(TABLE + 16 * i + 12) = 1;
}

static void teardown(void)
{
	first_end();
	ck_assert_uint_eq(guest->refs, 1);
}

/* --- calls --- */

static struct physdev_map_pirq map;

static long map_again(void)
{
	return physdev_device(PHYSDEVOP_map_pirq, fake_va(&map));
}

static long map_msix(int entry)
{
	map = (struct physdev_map_pirq){
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG, .index = -1,
		.pirq = -1, .bus = 0, .devfn = X, .entry_nr = entry,
		.table_base = FAKE_MEMORY,
	};
	return map_again();
}

static long map_msi(int devfn, int count)
{
	map = (struct physdev_map_pirq){
		.domid = DOMID_SELF, .index = -1, .pirq = -1, .devfn = devfn,
		.type = count > 1 ? MAP_PIRQ_TYPE_MULTI_MSI : MAP_PIRQ_TYPE_MSI,
		.entry_nr = count > 1 ? count : 0,
	};
	return map_again();
}

static long unmap(int pirq)
{
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = pirq };

	return physdev_device(PHYSDEVOP_unmap_pirq, fake_va(&u));
}

/* --- the device's side --- */

static uint32_t entry(unsigned int nr, unsigned int word)
{
	return *fake_bus_word(TABLE + 16 * nr + 4 * word);
}

static bool msix_masked(unsigned int nr)
{
	return entry(nr, 3) & 1;
}

/* It sends what was written. */
static bool send(uint32_t address, uint32_t data)
{
	unsigned int cpu = ((address >> 12 & 0xff) - 1) / 2;

	ck_assert_uint_eq(address & 0xfff00fff, 0xfee00000);
	ck_assert_uint_lt(cpu, FAKE_CPUS);
	ck_assert_uint_eq(data & ~0xffu, 0);
	return interrupt(cpu, data);
}

static bool send_msix(unsigned int nr)
{
	return send(entry(nr, 0), entry(nr, 2));
}

static bool send_msi_m(unsigned int nr)
{
	return send(fake_bus_config(m, msi_of_m + 4, 4),
		    fake_bus_config(m, msi_of_m + 12, 2) + nr);
}

static bool send_msi_p(void)
{
	return send(fake_bus_config(p, msi_of_p + 4, 4),
		    fake_bus_config(p, msi_of_p + 8, 2));
}

static void config_out(uint16_t bdf, unsigned int reg, unsigned int width,
		       uint32_t value)
{
	ck_assert(ioport_out(d, 0xcf8, 4, 1u << 31 | (uint32_t)bdf << 8 | (reg & 0xfc)));
	ck_assert(ioport_out(d, 0xcfc + (reg & 3), width, value));
}

/* --- MSI-X --- */

START_TEST(msix_life)
{
	long port;

	config_out(X, msix_of_x + 2, 2, 0xc003);
	ck_assert_int_eq(map_msix(2), 0);
	ck_assert_int_eq(map.pirq, PIRQS_MAX - 1);
	ck_assert(msix_masked(2));			/* MSI2 */
	ck_assert_uint_eq(entry(2, 1), 0);
	ck_assert(send_msix(2));			/* PIRQ1: noted */
	port = bind((uint32_t)map.pirq);
	ck_assert_int_gt(port, 0);
	ck_assert(!msix_masked(2));
	ck_assert(came(port));
	ck_assert(!came(port));
	ck_assert(send_msix(2));
	ck_assert(came(port));
	ck_assert(msix_masked(0) && msix_masked(1) && msix_masked(3));
	ck_assert_int_eq(bind((uint32_t)map.pirq), -EEXIST);
	ck_assert_int_eq(close_port(port), 0);
	ck_assert(msix_masked(2));
	port = bind((uint32_t)map.pirq);
	ck_assert(!msix_masked(2));
	ck_assert_int_eq(unmap(map.pirq), 0);
	ck_assert(msix_masked(2));
	ck_assert(!send_msix(2));
	ck_assert(!came(port));
	ck_assert_int_eq(unmap(map.pirq), -EINVAL);
	ck_assert_int_eq(close_port(port), 0);
	ck_assert_int_eq(bind((uint32_t)map.pirq), -EINVAL);
}
END_TEST

/* MSI2: before the message changes, the mask is set. */
START_TEST(msix_masked_first)
{
	*fake_bus_word(TABLE + 12) = 0;		/* as somebody left it */
	ck_assert_int_eq(map_msix(0), 0);
	ck_assert_uint_ge(fake_bus.note_count, 4);
	ck_assert_uint_eq(fake_bus.note[0].at, TABLE + 12);
	ck_assert_uint_eq(fake_bus.note[0].value, 1);
	ck_assert(msix_masked(0));
}
END_TEST

START_TEST(msix_errors)
{
	ck_assert_int_eq(map_msix(4), -EINVAL);
	ck_assert_int_eq(map_msix(-1), -EINVAL);
	ck_assert_int_eq(map_msix(0x10000), -ENODEV);
	ck_assert_int_eq(map_msix(0), 0);
	ck_assert_int_eq(map_msix(0), -EEXIST);
	map.entry_nr = 1;
	map.pirq = PIRQS_MAX - 1;
	ck_assert_int_eq(map_again(), -EEXIST);
	map.pirq = PIRQS_MAX;
	ck_assert_int_eq(map_again(), -EINVAL);
	map.pirq = PIRQ_MESSAGES_FIRST - 1;
	ck_assert_int_eq(map_again(), -EINVAL);
	map.pirq = -2;
	ck_assert_int_eq(map_again(), -EINVAL);
	map.entry_nr = 2;	/* and past the last number */
	map.type = MAP_PIRQ_TYPE_MULTI_MSI;
	map.devfn = M;
	ck_assert_int_eq(map_again(), -EINVAL);
	map.pirq = PIRQS_MAX - 1;
	ck_assert_int_eq(map_again(), -EINVAL);
	(void)map_msix(0);
	map.entry_nr = 1;
	map.pirq = 100;
	ck_assert_int_eq(map_again(), 0);
	ck_assert_int_eq(map.pirq, 100);
	map.entry_nr = 2;
	map.pirq = -1;
	map.domid = guest->id;
	ck_assert_int_eq(map_again(), -EPERM);
	map.domid = 77;
	ck_assert_int_eq(map_again(), -ESRCH);
	map.domid = DOMID_FIRST;
	map.bus = 1 << 16;
	ck_assert_int_eq(map_again(), -ENODEV);
	map.bus = 9;
	ck_assert_int_eq(map_again(), -ENODEV);
	map.bus = 0;
	map.devfn = M;				/* it has no MSI-X */
	ck_assert_int_eq(map_again(), -ENODEV);
	map.devfn = X;
	map.type = MAP_PIRQ_TYPE_GSI;
	ck_assert_int_eq(map_again(), -EINVAL);
	map.type = MAP_PIRQ_TYPE_MSI_SEG;
	fake_bus_set(x, 4, 2, 4);		/* it answers nowhere */
	ck_assert_int_eq(map_again(), -ENXIO);
	fake_bus_set(x, 4, 2, 6);
	fake.no_copy_out = true;
	ck_assert_int_eq(map_again(), -EFAULT);
	fake.no_copy_out = false;
	map.pirq = -1;
	ck_assert_int_eq(map_again(), 0);
	ck_assert_int_eq(map.pirq, PIRQS_MAX - 2);
}
END_TEST

/* The driver moves its table: to RAM, a processor's, where no address is. */
START_TEST(table_elsewhere)
{
	static const uint64_t places[] = { 0x200000, 0xfee00000, 0xfffffffffe000000, 1UL << 46 };

	ram_ranges[0] = (struct ram_range){ MFN(0x100), MFN(0x8000) };
	ram_range_count = 1;
	for (unsigned int i = 0; i < ARRAY_COUNT(places); i++) {
		pci_find(X)->range[0].base = places[i];
		fake_bus.note_count = 0;
		ck_assert_int_eq(map_msix(0), -ENXIO);
		config_out(X, msix_of_x + 2, 2, 0x8000);
		ck_assert_uint_eq(fake_bus.note_count, 0);
	}
	ram_range_count = 0;
}
END_TEST

/* What could not be written while the table did not answer is made up for. */
START_TEST(table_does_not_answer)
{
	long port;
	ck_assert_int_eq(map_msix(0), 0);
	config_out(X, msix_of_x + 2, 2, 0x8000);
	config_out(X, 4, 2, 4);
	port = bind((uint32_t)map.pirq);
	ck_assert(port > 0 && msix_masked(0));
	config_out(X, 4, 2, 6);
	ck_assert(!msix_masked(0));
	config_out(X, 4, 2, 4);
	ck_assert_int_eq(close_port(port), 0);
	config_out(X, 4, 2, 6);
	ck_assert(msix_masked(0));
	ck_assert_int_gt(bind((uint32_t)map.pirq), 0);
	/* It goes while it cannot be masked: its vector may be another's. */
	config_out(X, 4, 2, 4);
	ck_assert_int_eq(unmap(map.pirq), 0);
	config_out(X, 4, 2, 6);
	ck_assert(msix_masked(0));
}
END_TEST

/* A number that is mapped anew while its port is still there. */
START_TEST(port_from_before)
{
	ck_assert_int_eq(map_msix(0), 0);
	ck_assert_int_gt(bind((uint32_t)map.pirq), 0);
	ck_assert_int_eq(unmap(map.pirq), 0);
	ck_assert_int_eq(map_again(), 0);
	ck_assert(!msix_masked(0));
}
END_TEST

/* MSI1: an entry that firmware left open, and a driver that comes before us. */
START_TEST(others_entries_are_masked)
{
	*fake_bus_word(TABLE + 16 + 12) = 0;
	ck_assert_int_eq(map_msix(0), 0);
	config_out(X, msix_of_x + 2, 2, 0x8000);
	ck_assert(msix_masked(1));
}
END_TEST

/* --- MSI --- */

START_TEST(msi_with_masks)
{
	unsigned int i, vector;
	long port[4];

	ck_assert_int_eq(map_msi(M, 3), -EINVAL);
	ck_assert_int_eq(map_msi(M, 16), -EINVAL);
	ck_assert_int_eq(map_msi(M, 64), -EINVAL);
	ck_assert_int_eq(map_msi(M, 4), 0);
	ck_assert_int_eq(map.pirq, PIRQS_MAX - 4);
	vector = fake_bus_config(m, msi_of_m + 12, 2);
	ck_assert_uint_eq(vector % 4, 0);
	/* MSI1: its driver has not asked for it yet */
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 2, 2), 0x1a6);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 16, 4), ~0u);
	config_out(M, msi_of_m + 2, 2, 1);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 2, 2), 0x1a7);
	for (i = 0; i < 4; i++) {
		port[i] = bind((uint32_t)map.pirq + i);
		ck_assert_int_gt(port[i], 0);
		ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 16, 4), ~0u << (i + 1));
	}
	ck_assert(send_msi_m(2));
	ck_assert(came(port[2]) && !came(port[1]) && !came(port[3]));
	ck_assert_int_eq(close_port(port[2]), 0);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 16, 4), ~0u << 4 | 4);
	ck_assert_int_eq(unmap(map.pirq + 1), -EINVAL);
	ck_assert_int_eq(map_msi(M, 2), -EEXIST);
	ck_assert_int_eq(unmap(PIRQS_MAX - 4), 0);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 2, 2), 0x186);
	ck_assert(!send_msi_m(3));
	ck_assert_int_eq(map_msi(M, 1), 0);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 2, 2), 0x187);
}
END_TEST

/* PIRQ1, MSI3: what comes without a port is not lost. */
START_TEST(msi_without_masks)
{
	long port;

	ck_assert_int_eq(map_msi(P, 2), -EINVAL);
	ck_assert_int_eq(map_msi(P, 1), 0);
	config_out(P, msi_of_p, 4, 0x00010000);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 1);
	ck_assert(send_msi_p());
	port = bind((uint32_t)map.pirq);
	ck_assert(came(port));
	ck_assert(send_msi_p());
	ck_assert(came(port));
	ck_assert_int_eq(close_port(port), 0);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 1);
	port = bind((uint32_t)map.pirq);
	ck_assert(!came(port));
	config_out(P, msi_of_p + 2, 1, 0);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 0);
}
END_TEST

/* One kind excludes the other. */
START_TEST(one_kind)
{
	fake_bus_reset();
	x = fake_bus_add(0x0100, 0x0108);
	fake_bus_range(x, 0, FAKE_MEMORY, 0x1000, 0);
	fake_bus_msi(x, 0x180);
	fake_bus_msix(x, 4, 0, 0x800);
	map = (struct physdev_map_pirq){ .domid = DOMID_SELF, .pirq = -1, .bus = 1 };
	ck_assert_int_eq(map_again(), -ENODEV);		/* not known yet */
	ck_assert_int_eq(physdev_device(PHYSDEVOP_manage_pci_add, fake_va("\1\0")), 0);
	ck_assert_int_eq(map_again(), 0);
	map.table_base = FAKE_MEMORY;
	map.pirq = -1;
	ck_assert_int_eq(map_again(), -EBUSY);
	ck_assert_int_eq(unmap(PIRQS_MAX - 1), 0);
	ck_assert_int_eq(map_again(), 0);
	map.table_base = 0;
	map.pirq = -1;
	ck_assert_int_eq(map_again(), -EBUSY);
}
END_TEST

/* --- floods: PIRQ3 --- */

static void flood(bool (*sends)(unsigned int), unsigned int times)
{
	while (times--)
		(void)sends(0);
}

static bool sends_p(unsigned int nr)
{
	return send_msi_p();
}

/* What is set is due on the processor that had the flood. */
static void time_passes(uint64_t ns)
{
	unsigned int i;

	fake.now += ns;
	for (i = 0; i < FAKE_CPUS; i++) {
		fake_cpu(i);
		timer_run();
	}
	fake_cpu(0);
	fake_current(d);
}

START_TEST(flood_is_masked)
{
	long port;

	ck_assert_int_eq(map_msix(0), 0);
	port = bind((uint32_t)map.pirq);
	flood(send_msix, PIRQ_WINDOW_MOST);
	ck_assert(!msix_masked(0));
	flood(send_msix, 1);
	ck_assert(msix_masked(0));
	flood(send_msix, 10);			/* they were on their way */
	ck_assert(came(port));
	time_passes(PIRQ_WINDOW_NS / 2);
	ck_assert(msix_masked(0));
	/* Neither a close nor a bind takes that mask off. */
	ck_assert_int_eq(close_port(port), 0);
	port = bind((uint32_t)map.pirq);
	ck_assert(msix_masked(0));
	time_passes(PIRQ_WINDOW_NS);
	ck_assert(!msix_masked(0));
	ck_assert(send_msix(0));
	ck_assert(came(port));
	ck_assert(!msix_masked(0));
	/* spread out it is no flood */
	for (unsigned int i = 0; i < 4; i++) {
		time_passes(PIRQ_WINDOW_NS);
		flood(send_msix, PIRQ_WINDOW_MOST);
		ck_assert(!msix_masked(0));
	}
}
END_TEST

/* What it would have sent meanwhile: an event is made up. */
START_TEST(flood_without_mask)
{
	long port;

	ck_assert_int_eq(map_msi(P, 1), 0);
	config_out(P, msi_of_p + 2, 2, 1);
	port = bind((uint32_t)map.pirq);
	flood(sends_p, PIRQ_WINDOW_MOST + 1);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 0);
	ck_assert(came(port));
	config_out(P, msi_of_p + 2, 2, 1);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 0);
	time_passes(2 * PIRQ_WINDOW_NS);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 1);
	ck_assert(came(port));
}
END_TEST

/* The one that floods goes; its timer finds nothing. */
START_TEST(flood_then_gone)
{
	ck_assert_int_eq(map_msix(0), 0);
	ck_assert_int_gt(bind((uint32_t)map.pirq), 0);
	flood(send_msix, PIRQ_WINDOW_MOST + 1);
	ck_assert_int_eq(unmap(map.pirq), 0);
	time_passes(2 * PIRQ_WINDOW_NS);
	ck_assert(msix_masked(0));
}
END_TEST

/* --- numbers and vectors --- */

START_TEST(vectors)
{
	int v[4], r;
	unsigned int n = 0;

	v[0] = vector_alloc(1, 1, 5);
	v[1] = vector_alloc(1, 32, 6);
	ck_assert_int_ge(v[0], 0x30);
	ck_assert_int_eq(v[1] % 32, 0);
	ck_assert_uint_eq(vector_tag(1, (uint32_t)v[1] + 31), 37);
	ck_assert_uint_eq(vector_tag(0, (uint32_t)v[1]), 0);
	ck_assert_uint_eq(vector_tag(1, 0xffff), 0);
	vector_free(1, (uint8_t)v[1], 32);
	ck_assert_uint_eq(vector_tag(1, (uint32_t)v[1]), 0);
	while ((r = vector_alloc(2, 1, 1)) >= 0) {
		ck_assert_int_lt(r, VEC_TIMER);
		ck_assert(r != VEC_INT80 && r != VEC_HYPERCALL_INT);
		n++;
	}
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_uint_eq(n, VEC_TIMER - 0x30 - 2);
	ck_assert_int_eq(vector_alloc(2, 32, 1), -ENOSPC);
}
END_TEST

/* Each processor in its turn. */
START_TEST(processors_in_turn)
{
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(map_msix(i), 0);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(entry(i, 0), 0xfee00000 | (2 * i + 1) << 12);
	/* where one has no vector left, another has */
	while (vector_alloc(0, 1, 1) >= 0)
		;
	ck_assert_int_eq(map_msi(P, 1), 0);
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 4, 4), 0xfee00000 | 3 << 12);
	for (unsigned int i = 1; i < 4; i++)
		while (vector_alloc(i, 1, 1) >= 0)
			;
	ck_assert_int_eq(map_msi(M, 1), -ENOSPC);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 4, 4), 0);
}
END_TEST

START_TEST(numbers)
{
	struct physdev_get_free_pirq g = { .type = MAP_PIRQ_TYPE_MSI };
	unsigned int i;

	ck_assert_int_eq(physdev_device(PHYSDEVOP_get_free_pirq, fake_va(&g)), 0);
	ck_assert_uint_eq(g.pirq, PIRQS_MAX - 1);
	ck_assert_int_eq(map_msix(0), 0);
	ck_assert_int_eq(map.pirq, PIRQS_MAX - 2);
	map.entry_nr = 1;
	map.pirq = PIRQS_MAX - 1;
	ck_assert_int_eq(map_again(), 0);
	for (i = 0; i < PIRQS_MAX - PIRQ_MESSAGES_FIRST - 2; i++)
		ck_assert_int_eq(physdev_device(PHYSDEVOP_get_free_pirq, fake_va(&g)), 0);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_get_free_pirq, fake_va(&g)), -ENOSPC);
	ck_assert_int_eq(map_msix(3), -ENOSPC);
	ck_assert_int_eq(unmap(100), 0);
	ck_assert_int_eq(unmap(100), -EINVAL);
	g.type = MAP_PIRQ_TYPE_GSI;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_get_free_pirq, fake_va(&g)), -EINVAL);
	g.type = MAP_PIRQ_TYPE_MSI;
	fake.no_copy_out = true;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_get_free_pirq, fake_va(&g)), -EFAULT);
	fake.no_copy_out = false;
	ck_assert_int_eq(map_msix(3), 0);
	ck_assert_int_eq(map.pirq, 100);
	ck_assert_int_eq(unmap(PIRQS_MAX), -EINVAL);
	ck_assert_int_eq(unmap(-1), -EINVAL);
}
END_TEST

START_TEST(no_memory)
{
	fake.alloc_fail_at = 1;
	ck_assert_int_eq(map_msix(0), -ENOMEM);
	ck_assert_int_eq(bind(PIRQS_MAX - 1), -EINVAL);
	ck_assert_int_eq(map_msix(0), 0);
}
END_TEST

/* --- ports --- */

START_TEST(ports)
{
	struct evtchn_status s = { .dom = DOMID_SELF };
	struct evtchn_bind_vcpu v;
	struct evtchn_send send_it;
	struct evtchn_reset r = { .dom = DOMID_SELF };

	fake_vcpus(d, 2);
	ck_assert_int_eq(bind(PIRQS_MAX), -EINVAL);
	ck_assert_int_eq(bind(5), -EINVAL);
	ck_assert_int_eq(map_msix(0), 0);
	s.port = (uint32_t)bind((uint32_t)map.pirq);
	ck_assert_int_eq(event(EVTCHNOP_status, &s), 0);
	ck_assert_uint_eq(s.status, EVTCHNSTAT_pirq);
	ck_assert_uint_eq(s.u.pirq, (uint32_t)map.pirq);
	v = (struct evtchn_bind_vcpu){ .port = s.port, .vcpu = 1 };
	ck_assert_int_eq(event(EVTCHNOP_bind_vcpu, &v), 0);
	send_it.port = s.port;
	ck_assert_int_eq(event(EVTCHNOP_send, &send_it), -EINVAL);
	ck_assert(send_msix(0));
	ck_assert(d->vcpu[1]->info->evtchn_upcall_pending);
	ck_assert_int_eq(event(EVTCHNOP_reset, &r), 0);
	ck_assert(msix_masked(0));
	fake.no_copy_out = true;
	ck_assert_int_eq(bind((uint32_t)map.pirq), -EFAULT);
	fake.no_copy_out = false;
	ck_assert(!msix_masked(0));	/* the port is there, as on Xen */
}
END_TEST

/* --- devices that come, forget and go; the end --- */

START_TEST(functions)
{
	struct physdev_pci_device_add add = { .devfn = 0x28 };
	struct physdev_pci_device dev = { .devfn = X };
	struct physdev_restore_msi restore = { .devfn = M };
	unsigned int notes, writes;
	long port;

	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_add, fake_va(&add)), -ENODEV);
	fake_bus_add(0x28, 0x0200);
	add.seg = 1;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_add, fake_va(&add)), -ENODEV);
	add.seg = 0;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_add, fake_va(&add)), 0);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_add, fake_va(&add)), 0);
	ck_assert_int_eq(map_msix(0), 0);
	port = bind((uint32_t)map.pirq);
	ck_assert_int_eq(map_msix(1), 0);
	memset(fake_bus_word(TABLE), 0, 32);
	*fake_bus_word(TABLE + 12) = *fake_bus_word(TABLE + 28) = 1;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_restore_msi_ext, fake_va(&dev)), 0);
	ck_assert(!msix_masked(0) && msix_masked(1));
	ck_assert(send_msix(0));
	ck_assert(came(port));
	ck_assert(send_msix(1));
	ck_assert_int_eq(map_msi(M, 2), 0);
	config_out(M, msi_of_m + 2, 2, 1);
	port = bind((uint32_t)map.pirq + 1);
	notes = fake_bus.note_count;
	memset(m->config + msi_of_m + 2, 0, 22);
	fake_bus_set(m, msi_of_m + 2, 2, 0x186);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_restore_msi, fake_va(&restore)), 0);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 2, 2), 0x197);
	ck_assert_uint_eq(fake_bus_config(m, msi_of_m + 16, 4), ~2u);
	ck_assert_uint_eq(fake_bus.note_count, notes);	/* of no other */
	ck_assert(send_msi_m(1));
	ck_assert(came(port));
	restore.devfn = 0x99;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_restore_msi, fake_va(&restore)), -ENODEV);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_remove, fake_va(&dev)), 0);
	ck_assert(msix_masked(0) && !send_msix(0));
	ck_assert_int_eq(map_msix(0), -ENODEV);	/* it is no more */
	/* Another one there is another one (PCI2). */
	add.devfn = dev.devfn;
	writes = fake_bus.config_writes;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_add, fake_va(&add)), 0);
	ck_assert_uint_gt(fake_bus.config_writes, writes);
	writes = fake_bus.config_writes;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_add, fake_va(&add)), 0);
	ck_assert_uint_eq(fake_bus.config_writes, writes);
	dev.seg = 1;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_pci_device_remove, fake_va(&dev)), -ENODEV);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_restore_msi_ext, fake_va(&dev)), -ENODEV);
}
END_TEST

/* PIRQ4 */
START_TEST(the_end)
{
	long port;

	ck_assert_int_eq(map_msix(0), 0);
	port = bind((uint32_t)map.pirq);
	ck_assert_int_eq(map_msi(P, 1), 0);
	config_out(P, msi_of_p + 2, 2, 1);
	pirq_end(guest);
	ck_assert(!msix_masked(0));
	ck_assert_uint_eq(fake_bus_config(p, 4, 2), 7);
	pirq_end(d);
	ck_assert(msix_masked(0));
	ck_assert_uint_eq(fake_bus_config(p, msi_of_p + 2, 2), 0);
	ck_assert_uint_eq(fake_bus_config(p, 4, 2), 3);
	ck_assert_uint_eq(fake_bus_config(x, 4, 2), 3);
	ck_assert(!send_msix(0) && !came(port));
}
END_TEST

/* --- whoever is not the first domain --- */

START_TEST(a_guest)
{
	uint8_t bytes[64];
	uint32_t cmd;

	ck_assert_int_eq(map_msix(0), 0);
	fake_current(guest);
	memset(bytes, 0xa5, sizeof(bytes));
	for (cmd = 0; cmd < 100; cmd++) {
		bool device = (cmd >= 5 && cmd <= 31) && cmd != 18 && cmd != 22;

		ck_assert_int_eq(physdev_device(cmd, fake_va(bytes)),
				 device ? -EPERM : -ENOSYS);
		ck_assert_int_eq(physdev_device(cmd, FAKE_BAD_VA),
				 device ? -EPERM : -ENOSYS);
	}
	for (cmd = 0; cmd < sizeof(bytes); cmd++)
		ck_assert_uint_eq(bytes[cmd], 0xa5);
	ck_assert_int_eq(bind((uint32_t)map.pirq), -EPERM);
	ck_assert_int_eq(bind(PIRQS_MAX), -EINVAL);
	fake_current(d);
}
END_TEST

START_TEST(bad_arguments)
{
	struct physdev_irq_status_query q = { .irq = PIRQS_MAX - 1, .flags = 9 };
	struct physdev_eoi e = { .irq = PIRQS_MAX - 1 };
	uint32_t cmd;

	for (cmd = 5; cmd <= 31; cmd++)
		ck_assert_int_eq(physdev_device(cmd, FAKE_BAD_VA),
				 privilege_check(d, PRIV_PHYSDEV, cmd) ? -ENOSYS : -EFAULT);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_irq_status_query, fake_va(&q)), 0);
	ck_assert_uint_eq(q.flags, 0);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_eoi, fake_va(&e)), 0);
	q.irq = e.irq = PIRQS_MAX;
	ck_assert_int_eq(physdev_device(PHYSDEVOP_irq_status_query, fake_va(&q)), -EINVAL);
	ck_assert_int_eq(physdev_device(PHYSDEVOP_eoi, fake_va(&e)), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("pirq");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, msix_life);
	tcase_add_test(tc, msix_masked_first);
	tcase_add_test(tc, msix_errors);
	tcase_add_test(tc, table_elsewhere);
	tcase_add_test(tc, table_does_not_answer);
	tcase_add_test(tc, port_from_before);
	tcase_add_test(tc, others_entries_are_masked);
	tcase_add_test(tc, msi_with_masks);
	tcase_add_test(tc, msi_without_masks);
	tcase_add_test(tc, one_kind);
	tcase_add_test(tc, flood_is_masked);
	tcase_add_test(tc, flood_without_mask);
	tcase_add_test(tc, flood_then_gone);
	tcase_add_test(tc, vectors);
	tcase_add_test(tc, processors_in_turn);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, no_memory);
	tcase_add_test(tc, ports);
	tcase_add_test(tc, functions);
	tcase_add_test(tc, the_end);
	tcase_add_test(tc, a_guest);
	tcase_add_test(tc, bad_arguments);
	return suite_run();
}
