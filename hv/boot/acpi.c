/* SPDX-License-Identifier: MIT */
/*
 * The processors, from ACPI's MADT.  The tables are the firmware's: trusted, but
 * checked for sums and for lengths that make no sense.  All lie below 4 GiB or in RAM.
 */
#include <port.h>

#include "boot/boot.h"
#include "debug/log.h"
#include "x86/insn.h"

#define EBDA_SEGMENT	0x40e
#define BIOS_START	0xe0000
#define BIOS_END	0x100000
#define TABLE_MAX	(1u << 20)
#define MADT_LOCAL_APIC	0
#define LAPIC_ENABLED	1

struct rsdp {
	char signature[8];
	uint8_t sum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t sum2, reserved[3];
} __attribute__((packed));

#define RSDP_SUM_BYTES	20	/* of revision 0, all that is sure to be there */

struct table {
	char signature[4];
	uint32_t length;
	uint8_t revision, sum;
	char oem[26];
} __attribute__((packed));
_Static_assert(sizeof(struct table) == 36, "ACPI table header");

struct madt {
	struct table header;
	uint32_t lapic, flags;
	uint8_t entries[];
} __attribute__((packed));

struct madt_lapic {
	uint8_t type, length, acpi_id, apic_id;
	uint32_t flags;
} __attribute__((packed));

static bool sum_ok(const void *p, size_t bytes)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (bytes--)
		sum += *b++;
	return sum == 0;
}

static bool readable(maddr_t m, uint64_t bytes)
{
	return m && (m + bytes <= 4UL << 30 ||
		     (m < MAX_MADDR && e820_has_ram(m >> PAGE_SHIFT,
					(m + bytes) >> PAGE_SHIFT)));
}

static const struct rsdp *scan(maddr_t from, maddr_t to)
{
	const struct rsdp *r;

	for (; from + sizeof(*r) <= to; from += 16) {
		r = maddr_to_virt(from);
		if (!memcmp(r->signature, "RSD PTR ", 8) &&
		    sum_ok(r, RSDP_SUM_BYTES))
			return r;
	}
	return NULL;
}

static const struct rsdp *find_rsdp(void)
{
	uint16_t segment;
	const struct rsdp *r;
	maddr_t ebda;

	memcpy(&segment, maddr_to_virt(EBDA_SEGMENT), sizeof(segment));
	ebda = (maddr_t)segment << 4;
	r = ebda >= 0x80000 && ebda < 0xa0000 ? scan(ebda, ebda + 1024) : NULL;
	return r ?: scan(BIOS_START, BIOS_END);
}

static const struct table *table_at(maddr_t m, const char *signature)
{
	const struct table *t = maddr_to_virt(m);

	if (!readable(m, sizeof(*t)) || memcmp(t->signature, signature, 4) ||
	    t->length < sizeof(*t) || t->length > TABLE_MAX ||
	    !readable(m, t->length) || !sum_ok(t, t->length))
		return NULL;
	return t;
}

/* The RSDT has addresses of 4 bytes, the XSDT of 8. */
static const struct madt *find_madt_in(const struct table *root, size_t width)
{
	const uint8_t *p = (const uint8_t *)(root + 1);
	const uint8_t *end = (const uint8_t *)root + root->length;
	const struct table *t;
	maddr_t m;

	for (; p + width <= end; p += width) {
		m = 0;
		memcpy(&m, p, width);
		t = table_at(m, "APIC");
		if (t && t->length >= sizeof(struct madt))
			return (const struct madt *)t;
	}
	return NULL;
}

static const struct madt *find_madt(void)
{
	const struct rsdp *r = find_rsdp();
	const struct table *root;

	if (!r)
		return NULL;
	root = r->revision >= 2 ? table_at(r->xsdt, "XSDT") : NULL;
	if (root)
		return find_madt_in(root, 8);
	root = table_at(r->rsdt, "RSDT");
	return root ? find_madt_in(root, 4) : NULL;
}

static uint32_t this_apic_id(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[1] >> 24;
}

uint32_t acpi_find_cpus(uint32_t apic_ids[MAX_CPUS], uint32_t max)
{
	const struct madt *madt = find_madt();
	const uint8_t *p, *end;
	const struct madt_lapic *e;
	uint32_t count = 1;

	apic_ids[0] = this_apic_id();
	if (!madt)
		log_warn("no ACPI processor table: one processor is used");
	p = madt ? madt->entries : NULL;
	end = madt ? (const uint8_t *)madt + madt->header.length : NULL;
	for (; madt && p + 2 <= end && p[1] >= 2 && count < max; p += p[1]) {
		e = (const struct madt_lapic *)p;
		if (p[0] == MADT_LOCAL_APIC && p + sizeof(*e) <= end &&
		    e->flags & LAPIC_ENABLED && e->apic_id != apic_ids[0])
			apic_ids[count++] = e->apic_id;
	}
	return count;
}
