/* links: hv/boot/acpi.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/* ACPI's tables, whole and broken; every kind of processor entry. */
#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <port.h>

#include "boot/boot.h"
#include "debug/log.h"
#include "unit/suite.h"
#include "x86/init.h"
#include "x86/percpu.h"

#define RAM	(4UL << 30)	/* of addresses; a few pages are touched */
#define RSDP	0xf0000u
#define RSDT	0x1000u
#define XSDT	0x2000u
#define MADT	0x3000u
#define FADT	0x4000u
#define HPET	0x5000u
#define LIST	44u		/* where the MADT's entries begin */

uint8_t boot_rsdp[RSDP_BYTES];

static struct cpu_ids ids[256];
static uint32_t madt_bytes;

static void put(uint64_t at, uint64_t v, unsigned int bytes)
{
	memcpy(maddr_to_virt(MADDR(at)), &v, bytes);
}

static void fix_sum(uint64_t table, uint32_t bytes, unsigned int at)
{
	uint8_t *p = maddr_to_virt(MADDR(table)), sum = 0;

	p[at] = 0;
	for (uint32_t i = 0; i < bytes; i++)
		sum += p[i];
	p[at] = -sum;
}

static void finish(uint64_t table, const char *signature, uint32_t bytes)
{
	memcpy(maddr_to_virt(MADDR(table)), signature, 4);
	put(table + 4, bytes, 4);
	fix_sum(table, bytes, 9);
}

static void rsdp(uint64_t at, unsigned int revision)
{
	memcpy(maddr_to_virt(MADDR(at)), "RSD PTR ", 8);
	put(at + 15, revision, 1);
	put(at + 16, RSDT, 4);
	put(at + 24, XSDT, 8);
	fix_sum(at, 20, 8);
}

/* An entry more: type, length, an id at `at` and flags at `flags`. */
static void entry(unsigned int type, unsigned int bytes, unsigned int at,
		  uint32_t id, unsigned int flags_at, uint32_t flags)
{
	uint64_t e = MADT + madt_bytes;

	put(e, type, 1);
	put(e + 1, bytes, 1);
	put(e + at, id, at == 3 ? 1 : 4);
	put(e + flags_at, flags, 4);
	madt_bytes += bytes;
	finish(MADT, "APIC", madt_bytes);
}

static void lapic(uint32_t id, uint32_t flags)
{
	entry(0, 8, 3, id, 4, flags);
}

static void x2apic(uint32_t id, uint32_t flags)
{
	entry(9, 16, 4, id, 8, flags);
}

/* An enabled processor (kind 9: of the longer kind; 0: it is not enabled). */
static void named(unsigned int kind, uint32_t id, uint32_t acpi_id)
{
	uint64_t e = MADT + madt_bytes;

	if (kind == 9) {
		put(e + 12, acpi_id, 4);
		x2apic(id, 1);
	} else {
		put(e + 2, acpi_id, 1);
		lapic(id, kind);
	}
}

static void setup(void)
{
	fake_ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert(fake_ram != MAP_FAILED);
	fake_ram_bytes = RAM;	/* a look beyond is seen */
	memset(boot_rsdp, 0, sizeof(boot_rsdp));
	madt_bytes = LIST;
	rsdp(RSDP, 2);
	put(RSDT + 36, MADT, 4);
	finish(RSDT, "RSDT", 40);
	put(XSDT + 36, MADT, 8);
	put(XSDT + 44, FADT, 8);
	put(XSDT + 52, HPET, 8);
	finish(XSDT, "XSDT", 60);
	finish(MADT, "APIC", madt_bytes);
}

static void teardown(void)
{
	munmap(fake_ram, RAM);
}

static uint32_t cpus(void)
{
	return acpi_find_cpus(0, ids, MAX_CPUS);
}

START_TEST(both_kinds)
{
	lapic(0, 1);
	lapic(2, 1);
	lapic(4, 0);		/* not enabled */
	entry(1, 12, 4, 7, 8, 1); /* an I/O APIC is no processor */
	x2apic(6, 1);
	x2apic(2, 1);		/* the same one again */
	ck_assert_uint_eq(cpus(), 3);
	ck_assert_uint_eq(ids[0].apic, 0);
	ck_assert_uint_eq(ids[1].apic, 2);
	ck_assert_uint_eq(ids[2].apic, 6);
}
END_TEST

/* The number that ACPI's objects have for it: of the first entry that says. */
START_TEST(names_of_processors)
{
	ck_assert_uint_eq(cpus(), 1);	/* this one, of which nothing is said */
	ck_assert_uint_eq(ids[0].acpi, ACPI_ID_NONE);
	named(1, 2, 7);
	named(9, 0, 0x1234567);
	named(0, 4, 9);		/* not enabled */
	named(1, 0, 3);		/* these were named */
	named(9, 2, 8);
	named(1, 6, 0);
	ck_assert_uint_eq(cpus(), 3);
	ck_assert_uint_eq(ids[0].acpi, 0x1234567);
	ck_assert_uint_eq(ids[1].acpi, 7);
	ck_assert_uint_eq(ids[2].apic, 6);
	ck_assert_uint_eq(ids[2].acpi, 0);
	ck_assert_uint_eq(acpi_find_cpus(0, ids, 1), 1);
	ck_assert_uint_eq(ids[0].acpi, 0x1234567);
}
END_TEST

START_TEST(ioapics)
{
	struct acpi_ioapic a[2];

	ck_assert_uint_eq(acpi_find_ioapics(a, 2), 0);
	lapic(0, 1);
	entry(1, 12, 4, 0xfec00000, 8, 0);
	entry(1, 8, 4, 0xfec10000, 4, 0xfec10000);	/* too short */
	entry(1, 12, 4, 0xfec01000, 8, 24);
	ck_assert_uint_eq(acpi_find_ioapics(a, 1), 1);
	ck_assert_uint_eq(acpi_find_ioapics(a, 2), 2);
	ck_assert_uint_eq(maddr_n(a[0].at), 0xfec00000);
	ck_assert_uint_eq(a[0].first, 0);
	ck_assert_uint_eq(maddr_n(a[1].at), 0xfec01000);
	ck_assert_uint_eq(a[1].first, 24);
	entry(1, 12, 4, 0xfec02000, 8, 48);
	ck_assert_uint_eq(acpi_find_ioapics(a, 2), 2);
}
END_TEST

/* Ports of registers as FADT names them; those that are none are left out. */
START_TEST(acpi_ports)
{
	struct acpi_ports p[ACPI_PORTS_MAX];

	put(FADT + 48, 0xb2, 4);
	put(FADT + 56, 0x600, 4);
	put(FADT + 64, 0x604, 4);
	put(FADT + 68, 0x10000, 4);	/* beyond */
	put(FADT + 76, 0x608, 4);
	put(FADT + 80, 0xafe0, 4);
	put(FADT + 88, 4 | 2 << 8 | 4 << 24, 4);
	put(FADT + 92, 4, 1);
	finish(FADT, "FACP", 244);
	ck_assert_uint_eq(acpi_find_ports(p), 5);
	ck_assert(p[0].first == 0xb2 && p[0].count == 1);
	ck_assert(p[1].first == 0x600 && p[1].count == 4);
	ck_assert(p[2].first == 0x604 && p[2].count == 2);
	ck_assert(p[3].first == 0xafe0 && p[3].count == 4);
	ck_assert(p[4].first == 0x608 && p[4].count == 4);
	put(FADT + 36, 1, 1);		/* damaged */
	ck_assert_uint_eq(acpi_find_ports(p), 0);
}
END_TEST

START_TEST(config_in_memory)
{
	maddr_t first, end;
	uint8_t bus;

	acpi_find_config(&first, &end, &bus);
	ck_assert(!maddr_n(first) && !maddr_n(end));
	put(HPET + 44, 0xb0000000, 8);
	put(HPET + 54, 2 | 9 << 8, 4);	/* buses 2 to 9 */
	finish(HPET, "MCFG", 60);
	acpi_find_config(&first, &end, &bus);
	ck_assert_uint_eq(maddr_n(first), 0xb0200000);
	ck_assert_uint_eq(maddr_n(end), 0xb0a00000);
	ck_assert_uint_eq(bus, 2);
	put(HPET + 44, 1UL << 60, 8);
	finish(HPET, "MCFG", 60);
	acpi_find_config(&first, &end, &bus);
	ck_assert(!maddr_n(first) && !maddr_n(end));
}
END_TEST

START_TEST(left_out)
{
	uint32_t i;

	for (i = 0; i < 70; i++)
		lapic(i * 2, 1);
	x2apic(255, 1);
	x2apic(0x10000, 1);
	lapic(255, 1);		/* means all of them: none */
	ck_assert_uint_eq(cpus(), MAX_CPUS);
	ck_assert_uint_eq(ids[MAX_CPUS - 1].apic, 2 * (MAX_CPUS - 1));
}
END_TEST

START_TEST(no_bios)
{
	uint32_t bytes;

	memset(maddr_to_virt(MADDR(RSDP)), 0, 36);
	lapic(3, 1);
	ck_assert_uint_eq(cpus(), 1);
	rsdp(0x9000, 2);
	memcpy(boot_rsdp, maddr_to_virt(MADDR(0x9000)), RSDP_BYTES);
	ck_assert_uint_eq(cpus(), 2);
	ck_assert_ptr_eq(acpi_root(&bytes), boot_rsdp);
	ck_assert_uint_eq(bytes, RSDP_BYTES);
	boot_rsdp[8]++;		/* damaged */
	ck_assert_uint_eq(cpus(), 1);
	ck_assert_ptr_null(acpi_root(&bytes));
	ck_assert_uint_eq(bytes, 0);
	rsdp(RSDP, 0);
	ck_assert_ptr_eq(acpi_root(&bytes), maddr_to_virt(MADDR(RSDP)));
	ck_assert_uint_eq(bytes, 20);
}
END_TEST

START_TEST(old_root)
{
	lapic(3, 1);
	put(XSDT + 9, 1, 1);	/* damaged: the old one is used */
	ck_assert_uint_eq(cpus(), 2);
	setup();
	lapic(3, 1);
	rsdp(RSDP, 0);
	memset(maddr_to_virt(MADDR(XSDT)), 0, 60);
	ck_assert_uint_eq(cpus(), 2);
}
END_TEST

START_TEST(broken_sums)
{
	lapic(3, 1);
	put(MADT + 9, 0, 1);
	ck_assert_uint_eq(cpus(), 1);
	finish(MADT, "APIC", madt_bytes);
	ck_assert_uint_eq(cpus(), 2);
	put(RSDP + 8, 0, 1);
	ck_assert_uint_eq(cpus(), 1);
}
END_TEST

START_TEST(broken_lengths)
{
	static const uint32_t lengths[] = { 0, 8, 35, 43, 1u << 21, ~0u };
	unsigned int i;

	lapic(3, 1);
	for (i = 0; i < ARRAY_COUNT(lengths); i++) {
		put(MADT + 4, lengths[i], 4);
		fix_sum(MADT, MIN(lengths[i], 1u << 22), 9);
		ck_assert_uint_eq(cpus(), 1);
	}
	finish(MADT, "APIC", madt_bytes);
	put(MADT + LIST + 1, 0, 1);	/* an entry of no length: no loop */
	finish(MADT, "APIC", madt_bytes);
	ck_assert_uint_eq(cpus(), 1);
	put(MADT + LIST + 1, 200, 1);	/* beyond the end */
	finish(MADT, "APIC", madt_bytes);
	ck_assert_uint_eq(cpus(), 1);
	put(MADT + LIST + 1, 4, 1);	/* too short for its kind */
	finish(MADT, "APIC", madt_bytes);
	ck_assert_uint_eq(cpus(), 1);
}
END_TEST

START_TEST(broken_places)
{
	static const uint64_t where[] = {
		0, XSDT, RAM - 8, RAM, ~0UL, ~0UL - 35, RAM - 36
	};
	unsigned int i;

	lapic(3, 1);
	for (i = 0; i < ARRAY_COUNT(where); i++) {
		put(XSDT + 36, where[i], 8);
		finish(XSDT, "XSDT", 60);
		ck_assert_uint_eq(cpus(), 1);
	}
	/* the root itself: the old one is used */
	put(RSDP + 24, ~0UL - 10, 8);
	ck_assert_uint_eq(cpus(), 2);
	finish(XSDT, "XSDT", 37);	/* a part of an address */
	rsdp(RSDP, 2);
	ck_assert_uint_eq(cpus(), 1);
}
END_TEST

START_TEST(clocks)
{
	struct ref_hw hw;

	acpi_find_clocks(&hw);
	ck_assert(!hw.pm_port && !maddr_n(hw.hpet));
	put(FADT + 76, 0x608, 4);
	put(FADT + 91, 4, 1);
	finish(FADT, "FACP", 116);
	put(HPET + 44, 0xfed00000, 8);
	finish(HPET, "HPET", 56);
	acpi_find_clocks(&hw);
	ck_assert_uint_eq(hw.pm_port, 0x608);
	ck_assert_uint_eq(maddr_n(hw.hpet), 0xfed00000);
	put(FADT + 208, 1, 1);
	put(FADT + 212, 0x408, 8);
	finish(FADT, "FACP", 244);
	acpi_find_clocks(&hw);
	ck_assert_uint_eq(hw.pm_port, 0x408);
	put(FADT + 112, 1u << 20, 4);	/* hardware-reduced */
	finish(FADT, "FACP", 244);
	put(HPET + 44, RAM - 8, 8);
	finish(HPET, "HPET", 56);
	acpi_find_clocks(&hw);
	ck_assert(!hw.pm_port && !maddr_n(hw.hpet));
	put(FADT + 112, 0, 4);
	finish(FADT, "FACP", 80);	/* too short */
	acpi_find_clocks(&hw);
	ck_assert(!hw.pm_port);
}
END_TEST

/* Any byte of any table, any value: no look beyond, no loop. */
START_TEST(random_damage)
{
	static const uint32_t tables[] = { RSDP, RSDT, XSDT, MADT, FADT, HPET };
	struct ref_hw hw;
	unsigned int i;
	uint32_t at;

	srand(5);
	log_level = 0;
	for (i = 0; i < 64; i++)
		i & 1 ? lapic(i, 1) : x2apic(i, 1);
	finish(FADT, "FACP", 244);
	finish(HPET, "HPET", 56);
	for (i = 0; i < 3000; i++) {
		at = tables[(unsigned int)rand() % ARRAY_COUNT(tables)];
		put(at + (unsigned int)rand() % 60, (uint64_t)rand(),
		    1u << rand() % 4);
		if (rand() & 1)
			fix_sum(at, at == RSDP ? 20 : *(uint32_t *)
				maddr_to_virt(MADDR(at + 4)) % 4096, at == RSDP ? 8 : 9);
		ck_assert_uint_le(cpus(), MAX_CPUS);
		acpi_find_clocks(&hw);
		if (i % 50 == 49) {
			teardown();
			setup();
		}
	}
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, both_kinds);
	tcase_add_test(t, names_of_processors);
	tcase_add_test(t, ioapics);
	tcase_add_test(t, acpi_ports);
	tcase_add_test(t, config_in_memory);
	tcase_add_test(t, left_out);
	tcase_add_test(t, no_bios);
	tcase_add_test(t, old_root);
	tcase_add_test(t, broken_sums);
	tcase_add_test(t, broken_lengths);
	tcase_add_test(t, broken_places);
	tcase_add_test(t, clocks);
	tcase_add_test(t, random_damage);
	return suite_run();
}
