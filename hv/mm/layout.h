/* SPDX-License-Identifier: MIT */
/*
 * The address map, drawn once.  L4 slots 256..271 are the hypervisor's in every
 * address space (Xen's ABI); all else belongs to the guest.
 *
 *   0x0000000000000000  slot   0..255  guest
 *   0xffff800000000000  slot 256       the domain's own view of the M2P, guest
 *                       read-only
 *   0xffff807fc0000000  slot 256, last L3 slot: this domain's GDT and LDT
 *                       areas, hypervisor only
 *   0xffff820000000000  slot 260       frame table, in 2 MiB pages where there
 *                       is RAM
 *   0xffff828000000000  slot 261       hypervisor image (linked at +1 MiB)
 *   0xffff830000000000  slot 262..269  direct map of all RAM, and of the first
 *                       4 GiB for devices
 *   0xffff870000000000  slot 270       devices, uncached: local APIC, and the
 *                       page by which io/bus.c looks at others
 *   0xffff878000000000  slot 271       CPU stacks, with unmapped pages between
 *                       them
 *   0xffff880000000000  slot 272..511  guest
 */
#ifndef HV_MM_LAYOUT_H
#define HV_MM_LAYOUT_H

#define HV_FIRST_SLOT		256
#define HV_LAST_SLOT		271
#define HV_VIRT_START		0xffff800000000000UL
#define HV_VIRT_END		0xffff880000000000UL

#define M2P_SLOT		256
#define M2P_VIRT		0xffff800000000000UL
#define M2P_VIRT_END		0xffff804000000000UL

/*
 * 16 GDT pages then 16 LDT pages per vCPU; 64 KiB each, so an offset is a
 * selector.
 */
#define PERDOM_L3_SLOT		511
#define PERDOM_VIRT		0xffff807fc0000000UL
#define PERDOM_VCPU_PAGES	32
#define GDT_VIRT(vcpu_id) \
	(PERDOM_VIRT + (uint64_t)(vcpu_id) * PERDOM_VCPU_PAGES * 4096)
#define LDT_VIRT(vcpu_id)	(GDT_VIRT(vcpu_id) + 16 * 4096)

#define FRAMETABLE_VIRT		0xffff820000000000UL
#define IMAGE_VIRT		0xffff828000000000UL
#define DIRECTMAP_VIRT		0xffff830000000000UL
#define DEVICE_VIRT		0xffff870000000000UL
#define CPU_STACKS_VIRT		0xffff878000000000UL
#define CPU_STACKS_STRIDE	(64 * 4096UL)

/* Largest machine address that the frame table and direct map serve. */
#define MAX_MADDR		(4UL << 40)	/* slots 262..269 */

#endif
