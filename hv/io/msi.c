/* SPDX-License-Identifier: MIT */
/* Messages of devices; msi.h has the rules (MSI1-MSI3). */
#include <port.h>
#include <errno.h>

#include "io/msi.h"

/* MSI: the word at 2 of the capability */
#define MSI_ON			1u
#define MSI_MOST(flags)		(1u << ((flags) >> 1 & 7))
#define MSI_USED_SHIFT		4
#define MSI_USED_MASK		0x70u
#define MSI_64			0x80u
#define MSI_MASKS		0x100u
/* MSI-X: the same word, and one entry of the table */
#define MSIX_ON			0x8000u
#define MSIX_ALL_MASKED		0x4000u
#define ENTRY_BYTES		16
#define ENTRY_MASK		12	/* bit 0 of this word */

#define MESSAGE_BASE		0xfee00000u
#define MESSAGE_APIC_SHIFT	12

static unsigned int msi_data_reg(const struct pci_function *f)
{
	return f->msi + (f->msi_flags & MSI_64 ? 12u : 8u);
}

static unsigned int msi_mask_reg(const struct pci_function *f)
{
	return msi_data_reg(f) + 4;
}

/* One past the last register of the capability. */
static unsigned int msi_end(const struct pci_function *f)
{
	return f->msi_flags & MSI_MASKS ? msi_mask_reg(f) + 8 :
					  msi_data_reg(f) + 4;
}

/* MSI1, MSI3 */
static void msi_flags_write(const struct pci_function *f) needs_lock(&bus_lock)
{
	uint32_t flags = bus_config_read(f->bdf, f->msi + 2, 2);

	flags &= ~(MSI_ON | MSI_USED_MASK);
	if (f->msi_used)
		flags |= (uint32_t)__builtin_ctz(f->msi_used) << MSI_USED_SHIFT;
	if (f->msi_used && f->msi_wanted && !f->msi_held)
		flags |= MSI_ON;
	bus_config_write(f->bdf, f->msi + 2, 2, flags);
}

/* --- MSI-X's table --- */

static maddr_t entry_at(const struct pci_function *f, unsigned int entry)
	needs_lock(&bus_lock)
{
	return maddr_add(pci_messages(f), entry * ENTRY_BYTES);
}

/* The device answers at the addresses of its table. */
static bool table_answers(const struct pci_function *f) needs_lock(&bus_lock)
{
	return maddr_n(pci_messages(f)) &&
	       bus_config_read(f->bdf, PCI_REG_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

static void entry_mask(const struct pci_function *f, unsigned int entry,
		       bool mask) needs_lock(&bus_lock)
{
	maddr_t at = maddr_add(entry_at(f, entry), ENTRY_MASK);
	uint32_t word = bus_memory_read(at);

	bus_memory_write(at, mask ? word | 1 : word & ~1u);
	(void)bus_memory_read(at);	/* it is there */
}

static void table_mask(const struct pci_function *f) needs_lock(&bus_lock)
{
	unsigned int i;

	for (i = 0; i < pci_messages_count(f); i++)
		entry_mask(f, i, true);
}

/* --- writing messages --- */

int msi_check(const struct msi_place *p, unsigned int count)
{
	const struct pci_function *f = p->f;

	if (!(p->msix ? f->msix : f->msi))
		return -ENODEV;
	if (p->msix ? f->msi_used : f->msix_used || f->msi_used)
		return -EBUSY;
	if (!p->msix)
		return count && count <= MSI_MOST(f->msi_flags) && !p->entry &&
		       !(count & (count - 1)) ? 0 : -EINVAL;
	if (count != 1 || p->entry >= pci_messages_count(f))
		return -EINVAL;
	return table_answers(f) ? 0 : -ENXIO;
}

static void msix_message(const struct pci_function *f, unsigned int entry,
			 uint32_t address, uint32_t data) needs_lock(&bus_lock)
{
	maddr_t at = entry_at(f, entry);

	if (!table_answers(f))
		return;		/* nor does it send anything */
	entry_mask(f, entry, true);
	bus_memory_write(at, address);
	bus_memory_write(maddr_add(at, 4), 0);
	bus_memory_write(maddr_add(at, 8), data);
}

static void msi_message(const struct pci_function *f, uint32_t address,
			uint32_t data) needs_lock(&bus_lock)
{
	if (f->msi_flags & MSI_MASKS)
		bus_config_write(f->bdf, msi_mask_reg(f), 4, ~0u);
	bus_config_write(f->bdf, f->msi + 4, 4, address);
	if (f->msi_flags & MSI_64)
		bus_config_write(f->bdf, f->msi + 8, 4, 0);
	bus_config_write(f->bdf, msi_data_reg(f), 2, data);
}

void msi_set_again(const struct msi_place *p, unsigned int count,
		   uint32_t apic_id, uint8_t vector)
{
	uint32_t address = MESSAGE_BASE | apic_id << MESSAGE_APIC_SHIFT;

	if (p->msix) {
		msix_message(p->f, p->entry, address, vector);
	} else {
		msi_message(p->f, address, vector);
		msi_flags_write(p->f);
	}
}

void msi_set(const struct msi_place *p, unsigned int count, uint32_t apic_id,
	     uint8_t vector)
{
	/* MSI1: its driver may have turned them on, or do it now. */
	if (p->msix && !p->f->msix_used++)
		table_mask(p->f);
	if (!p->msix)
		p->f->msi_used = count;
	msi_set_again(p, count, apic_id, vector);
}

void msi_clear(const struct msi_place *p, unsigned int count)
{
	(void)msi_mask(p, true);
	if (p->msix) {
		p->f->msix_used--;
		return;
	}
	p->f->msi_used = 0;
	p->f->msi_held = false;
	msi_flags_write(p->f);
}

/* --- masks --- */

bool msi_has_mask(const struct msi_place *p)
{
	return p->msix || p->f->msi_flags & MSI_MASKS;
}

bool msi_mask(const struct msi_place *p, bool mask)
{
	struct pci_function *f = p->f;
	uint32_t bits;

	if (p->msix) {
		if (!table_answers(f))
			return false;
		entry_mask(f, p->entry, mask);
		return true;
	}
	if (!msi_has_mask(p)) {
		f->msi_held = mask;
		msi_flags_write(f);
		return true;
	}
	bits = bus_config_read(f->bdf, msi_mask_reg(f), 4) & ~(1u << p->entry);
	bus_config_write(f->bdf, msi_mask_reg(f), 4,
			 bits | (uint32_t)mask << p->entry);
	return true;
}

void msi_answers(const struct pci_function *f)
{
	if (f->msix && table_answers(f))
		table_mask(f);
}

/* --- what the driver writes --- */

/*
 * The upper half of the double word at `at` as the write leaves it; false: the
 * write does not change that.
 */
static bool upper_half(const struct pci_function *f, unsigned int at,
		       unsigned int reg, unsigned int width, uint32_t value,
		       uint32_t *flags) needs_lock(&bus_lock)
{
	uint32_t mask = (width == 4 ? ~0u : (1u << 8 * width) - 1) << 8 * (reg & 3);

	*flags = bus_config_read(f->bdf, at + 2, 2) & ~(mask >> 16);
	*flags |= (value << 8 * (reg & 3) & mask) >> 16;
	return mask >> 16;
}

static void msix_flags_written(struct pci_function *f, uint32_t flags)
	needs_lock(&bus_lock)
{
	if (flags & MSIX_ON && !table_answers(f))
		flags &= ~MSIX_ON;
	if (flags & MSIX_ON && !f->msix_used)
		table_mask(f);	/* MSI1: whatever firmware left there */
	bus_config_write(f->bdf, f->msix + 2, 2, flags);
}

bool msi_write(struct pci_function *f, unsigned int reg, unsigned int width,
	       uint32_t value)
{
	unsigned int at = reg & ~3u;
	uint32_t flags;

	if (f->msix && at == f->msix) {
		if (upper_half(f, at, reg, width, value, &flags))
			msix_flags_written(f, flags);
		return true;
	}
	if (f->msi && at == f->msi) {
		if (upper_half(f, at, reg, width, value, &flags)) {
			f->msi_wanted = flags & MSI_ON;
			msi_flags_write(f);
		}
		return true;
	}
	return f->msi && at > f->msi && at < msi_end(f);
}
