/* SPDX-License-Identifier: MIT */
/* See ioframe.h. */
#include <port.h>
#include <errno.h>

#include "dom/privilege.h"
#include "io/ioframe.h"
#include "io/pci.h"
#include "mm/frame.h"

int ioframe_take(struct domain *d, pte_t *e)
{
	enum pci_memory kind;

	/* To a guest nothing but RAM is memory. */
	if (frame_valid(pte_mfn(*e)) ||
	    privilege_check(d, PRIV_DEVICE, DEVICE_FRAMES))
		return -EINVAL;
	kind = pci_memory_kind(pte_mfn(*e));
	if (kind == PCI_MEMORY_NONE)
		return -EPERM;
	*e = (*e & ~(PTE_AVL_OURS | PTE_G)) | PTE_US | PTE_AVL_DEVICE;
	if (kind == PCI_MEMORY_MESSAGES)
		*e &= ~PTE_RW;	/* IOFRAME3 */
	d->io.entries++;
	return 0;
}

void ioframe_drop(struct domain *d)
{
	ASSERT(d->io.entries > 0);
	d->io.entries--;
}
