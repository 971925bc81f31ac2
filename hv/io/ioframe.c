/* SPDX-License-Identifier: MIT */
/* See ioframe.h. */
#include <port.h>
#include <errno.h>

#include "dom/privilege.h"
#include "io/bus.h"
#include "io/ioframe.h"
#include "io/pci.h"
#include "mm/firmware.h"
#include "mm/frame.h"

/* what machines have between 640 KiB and 1 MiB: a screen, ROMs */
#define SCREEN_FIRST	0xa0
#define ROM_FIRST	0xc0
#define ROM_END		0x100

/* Constant after boot. */
static mfn_t clock_frame = { ~0UL };

void ioframe_set_clock(mfn_t mfn)
{
	clock_frame = mfn;
}

/* IOFRAME5 */
static enum pci_memory firmware_kind(mfn_t mfn)
{
	uint16_t bdf;

	if (mfn_eq(mfn, clock_frame) ||
	    (mfn_n(mfn) >= SCREEN_FIRST && mfn_n(mfn) < ROM_FIRST))
		return PCI_MEMORY_DEVICE;
	if (pci_is_processors(mfn))
		return PCI_MEMORY_NONE;
	if (bus_config_memory(mfn, &bdf) || (mfn_n(mfn) >= ROM_FIRST && mfn_n(mfn) < ROM_END))
		return PCI_MEMORY_READ_ONLY;
	switch (firmware_type(mfn)) {
	case FIRMWARE_RESERVED:
	case FIRMWARE_ACPI:
	case FIRMWARE_ACPI_NVS:
		return PCI_MEMORY_DEVICE;
	default:
		return PCI_MEMORY_NONE;
	}
}

int ioframe_take(struct domain *d, pte_t *e)
{
	enum pci_memory kind, ranges;

	/* To a guest nothing but RAM is memory. */
	if (frame_valid(pte_mfn(*e)) ||
	    privilege_check(d, PRIV_DEVICE, DEVICE_FRAMES))
		return -EINVAL;
	/* A range may be moved anywhere; below it is still what was there. */
	kind = firmware_kind(pte_mfn(*e));
	ranges = pci_memory_kind(pte_mfn(*e));
	if (kind != PCI_MEMORY_READ_ONLY && ranges != PCI_MEMORY_NONE)
		kind = ranges;
	if (kind == PCI_MEMORY_NONE)
		return -EPERM;
	*e = (*e & ~(PTE_AVL_OURS | PTE_G)) | PTE_US | PTE_AVL_DEVICE;
	if (kind == PCI_MEMORY_READ_ONLY)
		*e &= ~PTE_RW;	/* IOFRAME3 */
	d->io.entries++;
	return 0;
}

void ioframe_drop(struct domain *d)
{
	ASSERT(d->io.entries > 0);
	d->io.entries--;
}
