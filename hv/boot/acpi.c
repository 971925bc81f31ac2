/* SPDX-License-Identifier: MIT */
/*
 * What ACPI tells: the processors (MADT) and two clocks (FADT, HPET).  The
 * tables are the firmware's: trusted, but checked for sums and for lengths that
 * make no sense.  They are read through the boot page tables, which map the
 * first 4 GiB; tables above that are not read.  Pure but for the log;
 * unit-tested on the host with broken tables.
 */
#include <port.h>

#include "boot/boot.h"
#include "debug/log.h"
#include "mm/firmware.h"

#define MAP_END		(4UL << 30)
#define BIOS_START	0xe0000
#define BIOS_END	0x100000
#define TABLE_MAX	(1u << 20)
#define MADT_LOCAL_APIC	0
#define MADT_IOAPIC	1
#define MADT_X2APIC	9
#define LAPIC_ENABLED	1
/* what an IPI in xAPIC mode can name; 255 is all */
#define APIC_ID_MAX	254
#define FADT_NO_TIMER	(1u << 20)	/* the hardware-reduced model */
#define SPACE_MEMORY	0
#define SPACE_PORTS	1

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

/* of revision 0, all that is sure to be there */
#define RSDP_SUM_BYTES	20

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

struct madt_x2apic {
	uint8_t type, length, reserved[2];
	uint32_t apic_id, flags, acpi_id;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, first;
} __attribute__((packed));

struct mcfg {
	struct table header;
	uint8_t reserved[8];
	struct {
		uint64_t base;
		uint16_t segment;
		uint8_t first_bus, last_bus;
		uint32_t reserved;
	} __attribute__((packed)) entry[];
} __attribute__((packed));

/* Where a register is. */
struct place {
	uint8_t space, width, offset, access;
	uint64_t address;
} __attribute__((packed));

struct fadt {
	struct table header;
	uint8_t unused[12];
	uint32_t smi_command;
	uint8_t unused1[4];
	/* events, controls, control 2, timer, general events */
	uint32_t pm1_event[2], pm1_control[2], pm2_control, pm_timer, gpe[2];
	uint8_t pm1_event_length, pm1_control_length, pm2_control_length;
	uint8_t pm_timer_length, gpe_length[2], unused3[18];
	uint32_t flags;
	uint8_t unused4[92];
	struct place x_pm_timer;
} __attribute__((packed));
_Static_assert(offsetof(struct fadt, smi_command) == 48 &&
	       offsetof(struct fadt, pm1_event) == 56 &&
	       offsetof(struct fadt, pm_timer) == 76 &&
	       offsetof(struct fadt, pm_timer_length) == 91 &&
	       offsetof(struct fadt, flags) == 112 &&
	       offsetof(struct fadt, x_pm_timer) == 208, "ACPI FADT");
#define FADT_OLD_BYTES	116	/* to its flags: the first version */

struct hpet {
	struct table header;
	uint32_t id;
	struct place place;
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
	return maddr_n(m) && maddr_n(m) < MAP_END && bytes <= MAP_END - maddr_n(m);
}

static const struct rsdp *scan(maddr_t from, maddr_t to)
{
	const struct rsdp *r;

	for (; maddr_n(from) + sizeof(*r) <= maddr_n(to); from = maddr_add(from, 16)) {
		r = maddr_to_virt(from);
		if (!memcmp(r->signature, "RSD PTR ", 8) &&
		    sum_ok(r, RSDP_SUM_BYTES))
			return r;
	}
	return NULL;
}

static const struct rsdp *find_rsdp_in_bios(void)
{
	const struct rsdp *r = NULL;
	uint16_t segment;
	uint64_t ebda;

	memcpy(&segment, maddr_to_virt(MADDR(BIOS_EBDA_SEGMENT)), sizeof(segment));
	ebda = (uint64_t)segment << 4;
	if (ebda >= 0x80000 && ebda < 0xa0000)
		r = scan(MADDR(ebda), MADDR(ebda + 1024));
	return r ?: scan(MADDR(BIOS_START), MADDR(BIOS_END));
}

/* Without a BIOS the loader gives a copy, which it got from UEFI. */
static const struct rsdp *find_rsdp(void)
{
	const struct rsdp *r = (const struct rsdp *)boot_rsdp;

	if (!memcmp(r->signature, "RSD PTR ", 8) && sum_ok(r, RSDP_SUM_BYTES))
		return r;
	return find_rsdp_in_bios();
}

const void *acpi_root(uint32_t *bytes)
{
	const struct rsdp *r = find_rsdp();

	*bytes = !r ? 0 : r->revision >= 2 ? sizeof(*r) : RSDP_SUM_BYTES;
	return r;
}

static const struct table *table_at(maddr_t m, const char *signature)
{
	const struct table *t;

	if (!readable(m, sizeof(*t)))
		return NULL;
	t = maddr_to_virt(m);
	if (memcmp(t->signature, signature, 4))
		return NULL;
	if (t->length >= sizeof(*t) && t->length <= TABLE_MAX &&
	    readable(m, t->length) && sum_ok(t, t->length))
		return t;
	log_warn("the ACPI table %s is damaged, and not used", signature);
	return NULL;
}

/* The RSDT has addresses of 4 bytes, the XSDT of 8. */
static const struct table *find_in(const struct table *root, size_t width,
				   const char *signature, uint32_t bytes)
{
	const uint8_t *p = (const uint8_t *)(root + 1);
	const uint8_t *end = (const uint8_t *)root + root->length;
	const struct table *t;
	maddr_t m;

	for (; p + width <= end; p += width) {
		m = MADDR(0);
		memcpy(&m, p, width);
		t = table_at(m, signature);
		if (t && t->length >= bytes)
			return t;
	}
	return NULL;
}

/* The table with this signature, of at least `bytes`, or NULL. */
static const void *find_table(const char *signature, uint32_t bytes)
{
	const struct rsdp *r = find_rsdp();
	const struct table *root;

	if (!r)
		return NULL;
	root = r->revision >= 2 ? table_at(MADDR(r->xsdt), "XSDT") : NULL;
	if (root)
		return find_in(root, 8, signature, bytes);
	root = table_at(MADDR(r->rsdt), "RSDT");
	return root ? find_in(root, 4, signature, bytes) : NULL;
}

/* --- processors --- */

/* The ids of an entry that is an enabled processor's. */
static bool is_processor(const uint8_t *p, struct cpu_ids *ids)
{
	const struct madt_lapic *l = (const struct madt_lapic *)p;
	const struct madt_x2apic *x = (const struct madt_x2apic *)p;

	if (p[0] == MADT_LOCAL_APIC && p[1] >= sizeof(*l)) {
		*ids = (struct cpu_ids){ l->apic_id, l->acpi_id };
		return l->flags & LAPIC_ENABLED && l->apic_id <= APIC_ID_MAX;
	}
	if (p[0] == MADT_X2APIC && p[1] >= sizeof(*x)) {
		*ids = (struct cpu_ids){ x->apic_id, x->acpi_id };
		return x->flags & LAPIC_ENABLED;
	}
	return false;
}

struct cpu_list {
	struct cpu_ids *ids;
	uint32_t count, max;
	uint32_t too_many, unreachable;		/* left out */
	/* some firmware lists a processor in both kinds of entry */
	uint8_t seen[APIC_ID_MAX + 1];
};

/* It is on the list, if there was room; maybe without its ACPI id. */
static void name_processor(struct cpu_list *l, struct cpu_ids ids)
{
	uint32_t i;

	for (i = 0; i < l->count; i++)
		if (l->ids[i].apic == ids.apic && l->ids[i].acpi == ACPI_ID_NONE)
			l->ids[i].acpi = ids.acpi;
}

static void add_processor(struct cpu_list *l, struct cpu_ids ids)
{
	if (ids.apic > APIC_ID_MAX) {
		l->unreachable++;
		return;
	}
	if (l->seen[ids.apic]) {
		name_processor(l, ids);
		return;
	}
	l->seen[ids.apic] = 1;
	if (l->count < l->max)
		l->ids[l->count++] = ids;
	else
		l->too_many++;
}

static void say_left_out(const struct cpu_list *l)
{
	if (l->too_many)
		log_warn("%u of %u processors are left out: at most %u are used",
			 l->too_many, l->count + l->too_many, l->max);
	if (l->unreachable)
		log_warn("%u processors with APIC ids above %u are left out",
			 l->unreachable, APIC_ID_MAX);
}

uint32_t acpi_find_cpus(uint32_t self, struct cpu_ids *ids, uint32_t max)
{
	const struct madt *madt = find_table("APIC", sizeof(*madt));
	struct cpu_list l = { .ids = ids, .max = max };
	const uint8_t *p, *end;
	struct cpu_ids found;

	add_processor(&l, (struct cpu_ids){ self, ACPI_ID_NONE });
	if (!madt) {
		log_warn("no ACPI processor table: one processor is used");
		return l.count;
	}
	end = (const uint8_t *)madt + madt->header.length;
	for (p = madt->entries; p + 2 <= end && p[1] >= 2 && p[1] <= end - p;
	     p += p[1])
		if (is_processor(p, &found))
			add_processor(&l, found);
	say_left_out(&l);
	return l.count;
}

/* --- lines of devices --- */

uint32_t acpi_find_ioapics(struct acpi_ioapic *out, uint32_t max)
{
	const struct madt *madt = find_table("APIC", sizeof(*madt));
	const uint8_t *p, *end;
	uint32_t count = 0;

	if (!madt)
		return 0;
	end = (const uint8_t *)madt + madt->header.length;
	for (p = madt->entries; p + 2 <= end && p[1] >= 2 && p[1] <= end - p;
	     p += p[1]) {
		const struct madt_ioapic *a = (const struct madt_ioapic *)p;

		if (p[0] == MADT_IOAPIC && p[1] >= sizeof(*a) && count < max)
			out[count++] = (struct acpi_ioapic){ MADDR(a->address), a->first };
	}
	return count;
}

void acpi_find_config(maddr_t *first, maddr_t *end, uint8_t *bus)
{
	const struct mcfg *m = find_table("MCFG", sizeof(*m) + sizeof(m->entry[0]));

	*first = *end = MADDR(0);
	*bus = 0;
	if (!m || m->entry[0].base >= 1UL << 52)
		return;
	*first = MADDR(m->entry[0].base + ((uint64_t)m->entry[0].first_bus << 20));
	*bus = m->entry[0].first_bus;
	*end = MADDR(m->entry[0].base + ((m->entry[0].last_bus + 1UL) << 20));
}

static void add_ports(struct acpi_ports *out, uint32_t *count, uint32_t first,
		      uint32_t number)
{
	if (first && number && first + number <= 0x10000)
		out[(*count)++] = (struct acpi_ports){ first, number };
}

uint32_t acpi_find_ports(struct acpi_ports out[ACPI_PORTS_MAX])
{
	const struct fadt *f = find_table("FACP", FADT_OLD_BYTES);
	uint32_t count = 0, i;

	if (!f)
		return 0;
	add_ports(out, &count, f->smi_command, 1);
	for (i = 0; i < 2; i++) {
		add_ports(out, &count, f->pm1_event[i], f->pm1_event_length);
		add_ports(out, &count, f->pm1_control[i], f->pm1_control_length);
		add_ports(out, &count, f->gpe[i], f->gpe_length[i]);
	}
	add_ports(out, &count, f->pm2_control, f->pm2_control_length);
	add_ports(out, &count, f->pm_timer, f->pm_timer_length);
	return count;
}

/* --- clocks --- */

static uint16_t pm_timer_port(const struct fadt *f)
{
	const struct place *x = &f->x_pm_timer;

	if (f->flags & FADT_NO_TIMER)
		return 0;
	if (f->header.length >= sizeof(*f) && x->space == SPACE_PORTS &&
	    x->address && x->address < 0xfffc)
		return x->address;
	return f->pm_timer_length == 4 && f->pm_timer < 0xfffc ? f->pm_timer : 0;
}

void acpi_find_clocks(struct ref_hw *hw)
{
	const struct fadt *f = find_table("FACP", FADT_OLD_BYTES);
	const struct hpet *h = find_table("HPET", sizeof(*h));

	*hw = (struct ref_hw){ 0 };
	if (f)
		hw->pm_port = pm_timer_port(f);
	if (h && h->place.space == SPACE_MEMORY &&
	    readable(MADDR(h->place.address), PAGE_SIZE))
		hw->hpet = MADDR(h->place.address);
}
