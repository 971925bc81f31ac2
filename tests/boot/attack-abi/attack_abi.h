/* SPDX-License-Identifier: MIT */
/*
 * One attack, one number: what a hypervisor of Xen's ABI answers.  The kernel
 * prints "ATTACK name answer" for each, on any hypervisor; on Pasture it is
 * also compared with what must come (`want`).
 */
#ifndef ATTACK_ABI_H
#define ATTACK_ABI_H

#include <gl/event.h>
#include <gl/trap.h>

#include "../attack.h"

struct attack {
	/* a number of the attack list, and what is tried */
	const char *name;
	long (*try)(void);
	long want;
};

extern const struct attack pt_attacks[], table_attacks[], call_attacks[],
	nmi_attacks[];

/*
 * A zeroed page that is mapped read-only, so that it may become a table; its
 * mfn.
 */
uint64_t table_page(uint64_t *va);
void table_free(uint64_t va);	/* no use of it is left: writable again */
uint64_t maddr_of(uint64_t va);
#define L4_MFN gl_virt_to_mfn(gl_start_info->pt_base)
#define FREE_SLOT 300		/* of L4: nothing is there */
uint64_t l4_slot(unsigned int slot);	/* its machine address */

#endif
