// links: hv/mm/firmware.c hv/io/pci.c hv/io/pciconf.c hv/io/ioport.c hv/io/cmos.c hv/io/ioframe.c hv/io/msi.c hv/dom/privilege.c tests/port/port.c tests/fake/fake_bus.c
/* SPDX-License-Identifier: MIT */
/*
 * The table of PCI functions (PCI1-PCI3), configuration space as the first
 * domain has it (CONF1-CONF3), its ports (IOPORT1, IOPORT2) and its frames of
 * devices (IOFRAME1-IOFRAME3).  Each test is a process with a table of its own.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "fake/fake_bus.h"
#include "io/ioframe.h"
#include "io/ioport.h"
#include "io/pciconf.h"
#include "io/pci.h"
#include "mm/firmware.h"
#include "mm/ram.h"
#include "unit/suite.h"

#define HOST	0x0000
#define ISA	0x0008
#define DISK	0x0010		/* 0:2.0 */
#define NET	0x0018
#define BRIDGE	0x0020
#define BEHIND	0x0500		/* 5:0.0 */
#define MEM	FAKE_MEMORY
#define RW	(PTE_P | PTE_RW)

static struct domain first, guest;
struct ram_range ram_ranges[RAM_RANGES_MAX];
unsigned int ram_range_count;

unsigned int frame_largest_range;

bool frame_valid_elsewhere(mfn_t mfn)
{
	unsigned int i;

	for (i = 0; i < ram_range_count; i++)
		if (mfn_n(mfn) >= mfn_n(ram_ranges[i].first) &&
		    mfn_n(mfn) < mfn_n(ram_ranges[i].end))
			return true;
	return false;
}

/* The clock chip. */
static struct { uint8_t reg[128], kept; unsigned int sets; } chip;

uint8_t rtc_register(uint8_t reg)
{
	return chip.reg[reg];
}

void rtc_register_set(uint8_t reg, uint8_t value, uint8_t kept)
{
	chip.reg[reg] = value;
	chip.kept = kept;
	chip.sets++;
}

/* The messages of a function that answers again. */
static unsigned int restored;

int pirq_restore(struct domain *d, uint16_t bdf)
{
	restored += bdf == DISK;
	return 0;
}

static struct fake_function *host, *isa, *disk, *net, *bridge, *behind;

/*
 * Two bridges of the board; a disk with three ranges and MSI-X, the second
 * function of it with a range of 64 bits and a ROM; a bridge, one behind it.
 */
static void setup(void)
{
	memset(&first, 0, sizeof(first));
	memset(&guest, 0, sizeof(guest));
	first.privileged = true;
	spin_lock_init(&first.mm, LOCK_MM);
	spin_lock_init(&guest.mm, LOCK_MM);
	ram_ranges[0] = (struct ram_range){ MFN(0), MFN(0x9f) };
	ram_ranges[1] = (struct ram_range){ MFN(0x100), MFN(0x8000) };
	ram_range_count = 2;
	fake_bus_reset();
	host = fake_bus_add(HOST, 0x0600);
	isa = fake_bus_add(ISA, 0x0601);
	memset(isa->writable + 0x60, 0xff, 4);
	disk = fake_bus_add(DISK, 0x0100);
	disk->config[0x0e] = 0x80;
	fake_bus_range(disk, 0, 0xc000, 0x80, 1);
	fake_bus_range(disk, 1, MEM, 0x3000, 0);
	fake_bus_range(disk, 4, MEM + 0x4000, 0x4000, 0xc);
	fake_bus_msi(disk, 0x180);	/* 64-bit, with masks, one message */
	fake_bus_msix(disk, 3, 1, 0x1000);
	net = fake_bus_add(DISK + 2, 0x0200);
	fake_bus_range(net, 0, 0x900000000, 0x100000, 4);
	fake_bus_range(net, 6, MEM + 0x10000, 0x800, 1);
	bridge = fake_bus_add(BRIDGE, 0x0604);
	bridge->config[0x0e] = 1;
	bridge->config[0x19] = 5;
	behind = fake_bus_add(BEHIND, 0x0200);
	fake_bus_range(behind, 2, MEM + 0x8100, 0x100, 0);
	pci_scan();
}

static struct pci_function *function(uint16_t bdf)
{
	struct pci_function *f;

	spin_lock(&bus_lock);
	f = pci_find(bdf);
	spin_unlock(&bus_lock);
	return f;
}

static enum pci_memory kind(uint64_t at)
{
	return pci_memory_kind(MFN(at >> PAGE_SHIFT));
}

/* --- the table --- */

START_TEST(scan_finds_all)
{
	unsigned int i;

	for (i = 0; i < fake_bus.count; i++)
		ck_assert_ptr_nonnull(function(fake_bus.fn[i].bdf));
	ck_assert_ptr_nonnull(pci_nth(i - 1));
	ck_assert_ptr_null(pci_nth(i));
	ck_assert_ptr_null(function(NET));
	ck_assert(function(BRIDGE)->bridge && !function(DISK)->bridge);
	ck_assert(function(HOST)->chipset && function(ISA)->chipset);
	ck_assert(!function(DISK)->chipset);
}
END_TEST

/* PCI2: sizes are asked, and all is as it was then. */
START_TEST(scan_asks_sizes)
{
	const struct pci_range *r = function(DISK)->range;

	ck_assert(r[0].ports && r[0].base == 0xc000 && r[0].bytes == 0x80);
	ck_assert(!r[1].ports && r[1].base == MEM && r[1].bytes == 0x1000);
	ck_assert(!r[4].ports && r[4].base == MEM + 0x4000 && r[4].bytes == 0x4000);
	ck_assert(!r[2].bytes && !r[3].bytes && !r[5].bytes && !r[6].bytes);
	r = function(DISK + 2)->range;
	ck_assert(r[0].base == 0x900000000 && r[0].bytes == 0x100000 && !r[1].bytes);
	ck_assert(r[6].base == MEM + 0x10000 && r[6].bytes == 0x800);
	ck_assert_uint_eq(fake_bus_config(disk, 0x10, 4), 0xc001);
	ck_assert_uint_eq(fake_bus_config(disk, 0x20, 4), (MEM + 0x4000) | 0xc);
	ck_assert_uint_eq(fake_bus_config(disk, 4, 2), 7);
	ck_assert_uint_eq(fake_bus_config(net, 0x14, 4), 9);
	ck_assert_uint_eq(fake_bus_config(net, 0x30, 4), (MEM + 0x10000) | 1);
}
END_TEST

/* A bridge to its own bus, capabilities in a circle, a full table. */
START_TEST(circles_end)
{
	struct fake_function *f = fake_bus_add(NET, 0x0604);

	f->config[0x0e] = 1;
	f->config[0x19] = 0;
	f->config[0x34] = 0x40;
	f->config[6] = 0x10;
	f->config[0x40] = 9;
	f->config[0x41] = 0x40;
	pci_scan();
	ck_assert(function(NET)->bridge && !function(NET)->msi);
	while (fake_bus.count < FAKE_FUNCTIONS) {
		spin_lock(&bus_lock);
		fake_bus_add(0x6000 + fake_bus.count, 0x0200);
		(void)pci_add(0x6000 + fake_bus.count - 1);
		spin_unlock(&bus_lock);
	}
	ck_assert_ptr_nonnull(pci_nth(PCI_FUNCTIONS_MAX - 1));
	ck_assert_ptr_null(pci_nth(PCI_FUNCTIONS_MAX));
}
END_TEST

START_TEST(memory_of_devices)
{
	ck_assert_int_eq(kind(MEM), PCI_MEMORY_DEVICE);
	/* its size is a power of two, whatever it was made with */
	ck_assert_int_eq(kind(MEM + 0x1000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(MEM + 0x3fff), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(MEM + 0x4000), PCI_MEMORY_DEVICE);
	ck_assert_int_eq(kind(MEM + 0x7000), PCI_MEMORY_DEVICE);
	/* a part of a frame only */
	ck_assert_int_eq(kind(MEM + 0x8000), PCI_MEMORY_DEVICE);
	ck_assert_int_eq(kind(MEM + 0x9000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(0x900000000), PCI_MEMORY_DEVICE);
	ck_assert_int_eq(kind(0x9000ff000), PCI_MEMORY_DEVICE);
	ck_assert_int_eq(kind(0x900100000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(0x8fffff000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(~0UL), PCI_MEMORY_NONE);
}
END_TEST

/* PCI3, whatever a range says. */
START_TEST(memory_of_nobody)
{
	static const uint64_t bases[] = { 0x9f000, 0xa0000, 0x7fff000, 0x8000000,
		0x200000, 0xff000 };
	struct pci_function *f = function(BEHIND);
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(bases); i++) {
		fake_bus_range(behind, 2, bases[i], 0x1000, 0);
		spin_lock(&bus_lock);
		pci_ranges_read(f, 0x18);
		spin_unlock(&bus_lock);
		ck_assert_uint_eq(function(BEHIND)->range[2].base, bases[i]);
		ck_assert_int_eq(kind(bases[i]), bases[i] == 0xa0000 ?
				 PCI_MEMORY_DEVICE : PCI_MEMORY_NONE);
	}
	function(BEHIND)->range[2] = (struct pci_range){ 0xfe000000, 0x2000000, false };
	ck_assert_int_eq(kind(0xfebff000), PCI_MEMORY_DEVICE);
	ck_assert_int_eq(kind(0xfec00000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(0xfee00000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(0xfeeff000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(0xfef00000), PCI_MEMORY_DEVICE);
}
END_TEST

START_TEST(messages_are_known)
{
	struct pci_function *f = function(DISK);

	ck_assert_uint_eq(pci_messages_count(f), 3);
	f->range[1].bytes = 0x3000;
	spin_lock(&bus_lock);
	ck_assert_uint_eq(maddr_n(pci_messages(f)), MEM + 0x1000);
	f->msix_offset = 0x2fe0;	/* two of three */
	ck_assert_uint_eq(maddr_n(pci_messages(f)), 0);
	f->msix_offset = 0x2fd0;
	ck_assert_uint_eq(maddr_n(pci_messages(f)), MEM + 0x2fd0);
	f->msix_range = 6;		/* there is none of that number */
	f->range[6] = f->range[1];
	ck_assert_uint_eq(maddr_n(pci_messages(f)), 0);
	f->msix_range = 1;
	f->range[1].base = 0xffffe000;	/* also beyond 4 GiB */
	ck_assert_uint_eq(maddr_n(pci_messages(f)), 0xffffe000UL + 0x2fd0);
	f->range[1].base = MEM;
	f->msix_offset = 0xff0;		/* in two frames */
	spin_unlock(&bus_lock);
	ck_assert_int_eq(kind(MEM), PCI_MEMORY_READ_ONLY);
	ck_assert_int_eq(kind(MEM + 0x1000), PCI_MEMORY_READ_ONLY);
	ck_assert_int_eq(kind(MEM + 0x2000), PCI_MEMORY_DEVICE);
}
END_TEST

/* --- frames --- */

static int take(struct domain *d, uint64_t at, uint64_t flags, pte_t *e)
{
	int r;

	*e = pte_make(MFN(at >> PAGE_SHIFT), flags);
	spin_lock(&d->mm);
	r = ioframe_take(d, e);
	spin_unlock(&d->mm);
	return r;
}

START_TEST(frames)
{
	pte_t e;

	ck_assert_int_eq(take(&first, MEM, RW | PTE_PCD | PTE_PSE | PTE_G, &e), 0);
	ck_assert_uint_eq(e, MEM | RW | PTE_PCD | PTE_PSE | PTE_US | PTE_AVL_DEVICE);
	ck_assert_uint_eq(first.io.entries, 1);
	ck_assert_int_eq(take(&first, MEM + 0x1000, RW, &e), -EPERM);
	ck_assert_int_eq(take(&first, 0x200000, RW, &e), -EINVAL); /* RAM */
	ck_assert_int_eq(take(&first, 0xfee00000, RW, &e), -EPERM);
	ck_assert_int_eq(take(&guest, MEM, RW, &e), -EINVAL);
	ck_assert_int_eq(take(&guest, 0x200000, RW, &e), -EINVAL);
	ck_assert_uint_eq(first.io.entries, 1);
	ck_assert_uint_eq(guest.io.entries, 0);
	/* IOFRAME3 */
	function(DISK)->range[1].bytes = 0x3000;
	ck_assert_int_eq(take(&first, MEM + 0x1000, RW | PTE_AVL_GRANT, &e), 0);
	ck_assert_uint_eq(e, (MEM + 0x1000) | PTE_P | PTE_US | PTE_AVL_DEVICE);
	spin_lock(&first.mm);
	ioframe_drop(&first);
	ioframe_drop(&first);
	spin_unlock(&first.mm);
	ck_assert_uint_eq(first.io.entries, 0);
}
END_TEST

/* IOFRAME5 */
START_TEST(frames_of_firmware)
{
	static const struct { uint64_t at; pte_t rw; int r; } want[] = {
		{ 0x9f000, PTE_RW, 0 },		/* a part of it is reserved */
		{ 0xa0000, PTE_RW, 0 }, { 0xbf000, PTE_RW, 0 },
		{ 0xc0000, 0, 0 }, { 0xff000, 0, 0 },
		{ 0x100000, 0, -EINVAL },	/* RAM, whatever is said */
		{ 0x9000000, PTE_RW, 0 }, { 0x9001000, PTE_RW, 0 },
		{ 0x9002000, PTE_RW, 0 }, { 0x9003000, 0, -EPERM },
		{ 0xb0000000, 0, 0 }, { 0xb00ff000, 0, 0 },
		{ 0xb0100000, PTE_RW, 0 },	/* no configuration space */
		{ 0xfed00000, PTE_RW, 0 }, { 0xfed01000, 0, -EPERM },
		{ 0xfec00000, 0, -EPERM }, { 0xfee00000, 0, -EPERM },
	};
	static const struct firmware_range map[] = {
		{ 0, 0x9fc00, FIRMWARE_RAM }, { 0x9fc00, 0x400, FIRMWARE_RESERVED },
		{ 0x100000, 0x7f00000, FIRMWARE_RAM },
		{ 0x100000, 0x1000, FIRMWARE_RESERVED },
		{ 0x9000000, 1, FIRMWARE_RESERVED },
		{ 0x9001fff, 1, FIRMWARE_ACPI },
		{ 0x9002000, 0x1000, FIRMWARE_ACPI_NVS },
		{ 0x9003000, 0, FIRMWARE_ACPI }, { 0x9003000, 0x1000, 5 },
		{ 0xb0000000, 0x10000000, FIRMWARE_RESERVED },
		{ 0xfec00000, 0x1000000 - 0xc00000, FIRMWARE_RESERVED },
		{ ~0UL - 0xfff, ~0UL, FIRMWARE_RESERVED },
	};
	unsigned int i;
	pte_t e;

	memcpy(firmware_ranges, map, sizeof(map));
	firmware_range_count = ARRAY_COUNT(map);
	firmware_ranges[10].start = 0xfed02000;
	ioframe_set_clock(MFN(0xfed00));
	bus_config_memory_set(MFN(0xb0000), MFN(0xb0100), 0);
	for (i = 0; i < ARRAY_COUNT(want); i++) {
		ck_assert_int_eq(take(&guest, want[i].at, RW, &e), -EINVAL);
		ck_assert_int_eq(take(&first, want[i].at, RW, &e), want[i].r);
		if (!want[i].r)
			ck_assert_uint_eq(e & PTE_RW, want[i].rw);
	}
	ck_assert_uint_eq(firmware_type(MFN(0x50)), FIRMWARE_RAM);
	ck_assert_uint_eq(firmware_type(MFN(0x9004)), 0);
	ck_assert_uint_eq(firmware_type(MFN(~0UL)), 0);
}
END_TEST

/* --- ports --- */

static uint32_t in(uint16_t port, unsigned int width)
{
	uint32_t value = 0;

	return ioport_in(&first, port, width, &value) ? value : 0xdead;
}

START_TEST(ports)
{
	fake_bus.in_value = 0x1234;
	ck_assert_uint_eq(in(0xc000, 4), 0x1234);
	ck_assert_uint_eq(fake_bus.port, 0xc000);
	ck_assert_uint_eq(fake_bus.width, 4);
	ck_assert_uint_eq(in(0xc07f, 1), 0x1234);
	ck_assert_uint_eq(in(0xc07c, 4), 0x1234);
	ck_assert_uint_eq(in(0xc07d, 4), 0xdead);
	ck_assert_uint_eq(in(0xbfff, 2), 0xdead);
	ck_assert_uint_eq(in(0xc080, 1), 0xdead);
	ck_assert_uint_eq(in(0xffff, 4), 0xdead);
	ck_assert_uint_eq(in(0x60, 1), 0xdead);
	ck_assert_uint_eq(in(0xcf9, 1), 0xdead);
	ck_assert_uint_eq(in(0xcfb, 1), 0xdead);
	ck_assert_uint_eq(fake_bus.ins, 3);
	ck_assert(ioport_out(&first, 0xc010, 2, 0xabcd));
	ck_assert_uint_eq(fake_bus.out_value, 0xabcd);
	ck_assert(!ioport_out(&first, 0x3f8, 1, 'x'));
	ck_assert_uint_eq(fake_bus.outs, 1);
}
END_TEST

/* What boot added; not what is the hypervisor's, even so. */
START_TEST(ports_of_acpi)
{
	ck_assert_uint_eq(in(0x604, 2), 0xdead);
	ck_assert(ioport_add(0x604, 2));
	ck_assert(ioport_add(0x3f8, 8));
	ck_assert(ioport_add(0xffff, 1));
	fake_bus.in_value = 5;
	ck_assert_uint_eq(in(0x604, 2), 5);
	ck_assert_uint_eq(in(0x604, 4), 0xdead);
	ck_assert_uint_eq(in(0x603, 2), 0xdead);
	ck_assert_uint_eq(in(0x606, 1), 0xdead);
	ck_assert_uint_eq(in(0x3f8, 1), 0xdead);
	ck_assert_uint_eq(in(0xffff, 1), 5);
	while (ioport_add(1, 1))
		;
	ck_assert_uint_eq(in(0x604, 1), 5);
}
END_TEST

/* IOPORT2 */
START_TEST(ports_of_ours)
{
	static const uint16_t ours[] = { 0x20, 0x21, 0xa1, 0x40, 0x43, 0x61, 0xf4,
		0x2f8, 0x3f8, 0x3fd, 0x3ff, 0xcfb };
	unsigned int i;

	function(DISK)->range[0] = (struct pci_range){ 0x10, 0x1000, true };
	fake_bus.in_value = 7;
	for (i = 0; i < ARRAY_COUNT(ours); i++)
		ck_assert_uint_eq(in(ours[i], 1), 0xdead);
	ck_assert_uint_eq(in(0x1f, 2), 0xdead);
	ck_assert_uint_eq(in(0x70, 2), 0xdead);
	ck_assert_uint_eq(in(0x71, 4), 0xdead);
	ck_assert_uint_eq(in(0x6f, 2), 0xdead);
	ck_assert_uint_eq(in(0x3f5, 4), 0xdead);
	ck_assert_uint_eq(in(0x3f7, 1), 7);
	ck_assert_uint_eq(in(0x400, 4), 7);
}
END_TEST

/* CMOS1, CMOS2 */
START_TEST(ports_of_the_clock)
{
	chip.reg[0x0a] = 0x26;
	chip.reg[0x42] = 7;
	ck_assert_uint_eq(in(0x70, 1), 0);
	ck_assert(ioport_out(&first, 0x70, 1, 0xc2));
	ck_assert_uint_eq(in(0x70, 1), 0x42);
	ck_assert_uint_eq(in(0x71, 1), 7);
	ck_assert(ioport_out(&first, 0x71, 1, 8));
	ck_assert_uint_eq(chip.reg[0x42], 8);
	ck_assert_uint_eq(chip.kept, 0);
	ck_assert(ioport_out(&first, 0x70, 1, 0x0a));
	ck_assert(ioport_out(&first, 0x71, 1, 0));
	ck_assert_uint_eq(chip.kept, 0x70);
	ck_assert_uint_eq(chip.sets, 2);
	ck_assert(!ioport_out(&first, 0x70, 2, 0x0842));
	ck_assert_uint_eq(chip.sets, 2);
	ck_assert_uint_eq(fake_bus.ins + fake_bus.outs, 0);
}
END_TEST

START_TEST(ports_of_a_guest)
{
	uint32_t value = 5;

	ck_assert(!ioport_in(&guest, 0xc000, 4, &value));
	ck_assert(!ioport_out(&guest, 0xc000, 4, 1));
	ck_assert(!ioport_out(&guest, 0xcf8, 4, 0x80000000));
	ck_assert(!ioport_in(&guest, 0xcfc, 4, &value));
	ck_assert(!ioport_out(&guest, 0x70, 1, 0x0b));
	ck_assert(!ioport_out(&guest, 0x71, 1, 0x80));
	ck_assert(!ioport_in(&guest, 0x71, 1, &value));
	ck_assert_uint_eq(chip.sets, 0);
	ck_assert_uint_eq(value, 5);
	ck_assert_uint_eq(fake_bus.ins + fake_bus.outs, 0);
}
END_TEST

/* --- configuration space --- */

static void out(uint16_t port, unsigned int width, uint32_t value)
{
	ck_assert(ioport_out(&first, port, width, value));
}

static void name(uint16_t bdf, unsigned int reg)
{
	out(0xcf8, 4, 1u << 31 | (uint32_t)bdf << 8 | reg);
}

START_TEST(config_reads)
{
	name(DISK, 0);
	ck_assert_uint_eq(in(0xcf8, 4), 0x80001000);
	ck_assert_uint_eq(in(0xcfc, 4), 0x12341af4);
	ck_assert_uint_eq(in(0xcfe, 2), 0x1234);
	ck_assert_uint_eq(in(0xcff, 1), 0x12);
	ck_assert_uint_eq(in(0xcfd, 2), ~0u);	/* straddles */
	name(NET, 0);
	ck_assert_uint_eq(in(0xcfc, 4), ~0u);
	out(0xcf8, 4, DISK << 8);		/* not enabled */
	ck_assert_uint_eq(in(0xcfc, 4), ~0u);
	out(0xcf8, 4, 0xffffffff);
	ck_assert_uint_eq(in(0xcf8, 4), 0x80fffffc);
}
END_TEST

/* As a kernel asks for a size; and a range that moves moves here, too. */
START_TEST(config_ranges)
{
	name(DISK, 0x20);
	out(0xcfc, 4, ~0u);
	ck_assert_uint_eq(in(0xcfc, 4), 0xffffc00c);
	ck_assert_int_eq(kind(MEM + 0x4000), PCI_MEMORY_NONE);
	out(0xcfc, 4, MEM + 0x8000);
	ck_assert_int_eq(kind(MEM + 0x4000), PCI_MEMORY_NONE);
	ck_assert_int_eq(kind(MEM + 0xb000), PCI_MEMORY_DEVICE);
	name(DISK, 0x10);
	out(0xcfc, 4, 0xd001);
	ck_assert_uint_eq(in(0xd000, 1), 0);
	ck_assert_uint_eq(in(0xc000, 1), 0xdead);
	name(DISK + 2, 0x30);
	out(0xcfc, 4, (MEM + 0x14000) | 1);
	ck_assert_int_eq(kind(MEM + 0x14000), PCI_MEMORY_DEVICE);
}
END_TEST

/* CONF2 */
START_TEST(config_of_the_board)
{
	unsigned int writes = fake_bus.config_writes;

	name(ISA, 0x60);
	out(0xcfc, 4, 0x01010101);
	name(HOST, 4);
	out(0xcfc, 2, 0);
	name(NET, 4);			/* nobody's */
	out(0xcfc, 2, 0);
	out(0xcf8, 4, 0);
	out(0xcfc, 4, 0);
	ck_assert_uint_eq(fake_bus.config_writes, writes);
	ck_assert_uint_eq(fake_bus_config(host, 4, 2), 7);
	name(DISK, 4);
	out(0xcfc, 2, 6);
	ck_assert_uint_eq(fake_bus_config(disk, 4, 2), 6);
	name(BRIDGE, 0x18);
	out(0xcfe, 1, 9);
	ck_assert_uint_eq(bridge->config[0x1a], 9);
}
END_TEST

/* The bus behind a bridge, after that is written to its place. */
static unsigned int bus_of(struct fake_function *f, unsigned int reg,
			   unsigned int width, uint32_t value)
{
	name(f->bdf, reg & ~3u);
	out(0xcfc + (reg & 3), width, value);
	return f->config[0x19];
}

/* PCI5, CONF5 */
START_TEST(bus_behind_a_bridge)
{
	struct fake_function *a = fake_bus_add(BRIDGE + 8, 0x0604);
	struct fake_function *cards = fake_bus_add(BRIDGE + 16, 0x0607);

	a->config[0x0e] = 1;
	cards->config[0x0e] = 2;
	memset(a->writable + 0x18, 0xff, 4);
	memset(cards->writable + 0x18, 0xff, 4);
	/* It stays, whichever way it is written; the rest is the driver's. */
	ck_assert_uint_eq(bus_of(bridge, 0x18, 4, 0x00090700), 5);
	ck_assert_uint_eq(fake_bus_config(bridge, 0x18, 4), 0x00090500);
	ck_assert_uint_eq(bus_of(bridge, 0x18, 2, 0x0701), 5);
	ck_assert_uint_eq(bus_of(bridge, 0x19, 1, 0), 5);
	ck_assert_uint_eq(fake_bus_config(bridge, 0x18, 4), 0x00090501);
	bridge->config[0x19] = 0;	/* it was reset */
	ck_assert_uint_eq(bus_of(bridge, 0x18, 4, 0x00090500), 5);
	/* One that had none gets one, once, and none that is known. */
	ck_assert_uint_eq(bus_of(a, 0x18, 4, 0x00050500), 0);
	ck_assert_uint_eq(bus_of(a, 0x18, 4, 0x00060600), 6);
	ck_assert_uint_eq(bus_of(a, 0x19, 1, 7), 6);
	ck_assert_uint_eq(bus_of(cards, 0x19, 1, 6), 0);
	ck_assert_uint_eq(bus_of(cards, 0x19, 1, 7), 7);
	ck_assert_uint_eq(bus_of(cards, 0x19, 1, 8), 7);
	/* Other functions have ranges there. */
	ck_assert_uint_eq(bus_of(disk, 0x1a, 1, 1), 0);
}
END_TEST

/* PCI5: a bridge that is gone keeps its number from the others. */
START_TEST(bus_behind_what_is_gone)
{
	struct fake_function *a = fake_bus_add(BRIDGE + 8, 0x0604);

	a->config[0x0e] = 1;
	memset(a->writable + 0x18, 0xff, 4);
	spin_lock(&bus_lock);
	pci_remove(pci_find(BRIDGE));
	pci_remove(pci_find(BEHIND));
	spin_unlock(&bus_lock);
	ck_assert_uint_eq(bus_of(a, 0x19, 1, 5), 0);
	/* Another one is there, but not where what was behind it was. */
	bridge->config[0x19] = 0;
	spin_lock(&bus_lock);
	ck_assert_ptr_nonnull(pci_add(BRIDGE));
	ck_assert_ptr_nonnull(pci_add(BEHIND));
	spin_unlock(&bus_lock);
	ck_assert_uint_eq(bus_of(a, 0x19, 1, 5), 0);
	spin_lock(&bus_lock);
	pci_remove(pci_find(BEHIND));
	spin_unlock(&bus_lock);
	ck_assert_uint_eq(bus_of(a, 0x19, 1, 5), 5);
	ck_assert_uint_eq(bus_of(bridge, 0x19, 1, 5), 0);
}
END_TEST

/* CONF3; MSI1: nothing is written, so nothing is sent. */
/* CONF4 */
START_TEST(config_above_255)
{
	struct fake_function *f = disk;
	unsigned int before = fake_bus.config_writes;

	memset(f->writable + 0x100, 0xff, 0xf00);
	pciconf_write(&first, DISK, 0x110, 4, 0x11223344);
	ck_assert_uint_eq(fake_bus_config(f, 0x110, 4), 0x11223344);
	pciconf_write(&first, DISK, 0x112, 1, 0x55);
	pciconf_write(&first, DISK, 0xffe, 2, 0xaabb);
	ck_assert_uint_eq(fake_bus_config(f, 0x110, 4), 0x11553344);
	ck_assert_uint_eq(fake_bus_config(f, 0xffe, 2), 0xaabb);
	ck_assert_uint_eq(fake_bus.config_writes - before, 3);
	memset(host->writable, 0xff, sizeof(host->writable));
	pciconf_write(&first, HOST, 0x110, 4, 1);	/* CONF2 */
	pciconf_write(&first, 0x0300, 0x110, 4, 1);	/* nobody is there */
	ck_assert_uint_eq(fake_bus.config_writes - before, 3);
}
END_TEST

static void cap_put(unsigned int at, unsigned int id, unsigned int next)
{
	fake_bus_set(disk, at, 4, id | 1u << 16 | next << 20);
}

/* CONF4: of two resizable ranges 20 bytes, of SR-IOV 64, and what is between */
START_TEST(config_that_sizes_memory)
{
	static const struct { unsigned int reg; bool written; } want[] = {
		{ 0x104, true }, { 0x13c, true }, { 0x140, false }, { 0x148, false },
		{ 0x150, false }, { 0x154, true }, { 0x17c, true }, { 0x180, false },
		{ 0x188, false }, { 0x1bc, false }, { 0x1c0, true }, { 0xffc, true },
	};
	unsigned int i, before;

	cap_put(0x100, 1, 0x180);
	cap_put(0x180, 0x10, 0x140);
	cap_put(0x140, 0x15, 0);
	fake_bus_set(disk, 0x148, 4, 2 << 5);
	for (i = 0; i < ARRAY_COUNT(want); i++) {
		before = fake_bus.config_writes;
		pciconf_write(&first, DISK, want[i].reg, 4, ~0u);
		ck_assert_uint_eq(fake_bus.config_writes - before, want[i].written);
	}
	cap_put(0x140, 0x24, 0x140);	/* a circle */
	before = fake_bus.config_writes;
	pciconf_write(&first, DISK, 0xffc, 4, ~0u);
	ck_assert_uint_eq(fake_bus.config_writes, before);
}
END_TEST

START_TEST(config_of_messages)
{
	unsigned int msi = function(DISK)->msi, msix = function(DISK)->msix, reg;

	for (reg = 4; reg < 24; reg += 4) {
		name(DISK, msi + reg);
		out(0xcfc, 4, ~0u);
		out(0xcfd, 1, 0x55);
		ck_assert_uint_eq(fake_bus_config(disk, msi + reg, 4), 0);
	}
	name(DISK, msi);
	out(0xcfe, 2, 0x71);
	ck_assert_uint_eq(fake_bus_config(disk, msi + 2, 2), 0x180);
	out(0xcfc, 4, 0x00710000);
	out(0xcfe, 1, 0x71);
	out(0xcfc, 1, 0xff);
	ck_assert_uint_eq(fake_bus_config(disk, msi + 2, 2), 0x180);
	ck_assert_uint_eq(disk->config[msi], 5);
	/* its table is out of its range: it cannot be turned on */
	name(DISK, msix);
	out(0xcfe, 2, 0x8000);
	ck_assert_uint_eq(fake_bus_config(disk, msix + 2, 2), 2);
	ck_assert_uint_eq(fake_bus.note_count, 0);
	function(DISK)->range[1].bytes = 0x3000;
	out(0xcff, 1, 0xc0);
	ck_assert_uint_eq(fake_bus_config(disk, msix + 2, 2), 0xc002);
	for (reg = 0; reg < 3; reg++)	/* whatever was there */
		ck_assert_uint_eq(*fake_bus_word(MEM + 0x1000 + 16 * reg + 12), 1);
	ck_assert_uint_eq(fake_bus.note_count, 3);
	/* the device does not answer */
	out(0xcff, 1, 0);
	name(DISK, 4);
	out(0xcfc, 2, 4);
	name(DISK, msix);
	out(0xcfe, 2, 0x8000);
	ck_assert_uint_eq(fake_bus_config(disk, msix + 2, 2), 2);
}
END_TEST

START_TEST(quiet)
{
	struct pci_function *f[] = { function(DISK), function(BRIDGE), function(ISA) };
	unsigned int i;

	spin_lock(&bus_lock);
	for (i = 0; i < ARRAY_COUNT(f); i++)
		pci_quiet(f[i]);
	spin_unlock(&bus_lock);
	ck_assert_uint_eq(fake_bus_config(disk, 4, 2), 3);
	ck_assert_uint_eq(fake_bus_config(bridge, 4, 2), 3);
	ck_assert_uint_eq(fake_bus_config(isa, 4, 2), 7);
}
END_TEST

/* A range that the driver moves over what may be read only. */
START_TEST(range_over_the_firmwares)
{
	struct pci_function *f = function(DISK);
	const uint64_t at[] = { 0xb0000000, 0xc0000 };
	pte_t e;

	bus_config_memory_set(MFN(0xb0000), MFN(0xb0100), 0);
	for (unsigned int i = 0; i < ARRAY_COUNT(at); i++) {
		f->range[4].base = at[i];
		e = pte_make(MFN(at[i] >> PAGE_SHIFT), RW);
		spin_lock(&first.mm);
		ck_assert_int_eq(ioframe_take(&first, &e), 0);
		ioframe_drop(&first);
		spin_unlock(&first.mm);
		ck_assert(!(e & PTE_RW));	/* IOFRAME5 */
	}
}
END_TEST

/* A function goes, and another one comes to its place (PCI1). */
START_TEST(another_in_its_place)
{
	struct pci_function *f = function(DISK);

	ck_assert_uint_eq(f->range[1].bytes, 0x1000);
	spin_lock(&bus_lock);
	pci_remove(f);
	fake_bus_set(disk, 0, 4, ~0u);
	ck_assert_ptr_null(pci_add(DISK));	/* there is none yet */
	fake_bus_set(disk, 0, 4, 0x12341af4);
	fake_bus_range(disk, 1, MEM, 0x10000, 0);
	disk->config[0x34] = 0;			/* no messages */
	ck_assert_ptr_eq(pci_add(DISK), f);
	spin_unlock(&bus_lock);
	ck_assert_uint_eq(f->range[1].bytes, 0x10000);
	ck_assert(!f->msi && !f->msix);
	ck_assert_int_eq(kind(MEM + 0xf000), PCI_MEMORY_DEVICE);
	/* Once: its driver uses it from here on. */
	fake_bus.config_writes = 0;
	spin_lock(&bus_lock);
	ck_assert_ptr_eq(pci_add(DISK), f);
	spin_unlock(&bus_lock);
	ck_assert_uint_eq(fake_bus.config_writes, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("pci");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, scan_finds_all);
	tcase_add_test(tc, scan_asks_sizes);
	tcase_add_test(tc, circles_end);
	tcase_add_test(tc, memory_of_devices);
	tcase_add_test(tc, memory_of_nobody);
	tcase_add_test(tc, messages_are_known);
	tcase_add_test(tc, frames);
	tcase_add_test(tc, frames_of_firmware);
	tcase_add_test(tc, ports);
	tcase_add_test(tc, ports_of_acpi);
	tcase_add_test(tc, ports_of_ours);
	tcase_add_test(tc, ports_of_the_clock);
	tcase_add_test(tc, ports_of_a_guest);
	tcase_add_test(tc, config_reads);
	tcase_add_test(tc, config_ranges);
	tcase_add_test(tc, config_of_the_board);
	tcase_add_test(tc, bus_behind_a_bridge);
	tcase_add_test(tc, bus_behind_what_is_gone);
	tcase_add_test(tc, config_above_255);
	tcase_add_test(tc, config_that_sizes_memory);
	tcase_add_test(tc, config_of_messages);
	tcase_add_test(tc, quiet);
	tcase_add_test(tc, range_over_the_firmwares);
	tcase_add_test(tc, another_in_its_place);
	return suite_run();
}
