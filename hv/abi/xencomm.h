/* SPDX-License-Identifier: MIT */
/*
 * xencomm: arguments of hypercalls by machine address (seed 004).
 *
 * Wherever a hypercall takes a guest's virtual address of data that is copied,
 * it also takes a reference.  References are numbers that are no canonical
 * address, so the two can be told apart, and every call of Xen's ABI takes both
 * without a change to its structures.  A reference holds a machine address, as
 * the PV ABI does everywhere: the guest looks its physical address up in its
 * p2m.  A reference plus n names the byte n further on.
 *
 *   63 62 61
 *    0  0     virtual address          1  1     virtual address
 *    1  0     descriptor: bits 61-26 machine address of a struct xencomm_desc
 *             divided by 16, bits 25-0 offset in the memory that it describes
 *    0  1  0  inline: bits 51-0 machine address of the data themselves,
 *             contiguous machine memory
 *    0  1  1  buffer: bits 60-45 number of a registered buffer, bits 44-0
 *             offset
 *
 * Descriptor (<xen/xencomm.h>): 16-byte aligned; nr_addrs machine addresses,
 * the first of which may begin inside its page, each describing the bytes up to
 * the end of its page.  The last 8 bytes of a page that holds a descriptor are
 * never part of this list: where the list reaches them, they hold the address
 * (a multiple of 4096) of the page on which the list goes on, in the same way.
 *
 * Data are read from any frame that the domain may map read-only, and written
 * only into its own ordinary RAM: never into a page table, a descriptor table,
 * a shared frame, a page of the hypervisor or a foreign frame.  Otherwise the
 * call gives -EFAULT.
 */
#ifndef PASTURE_ABI_XENCOMM_H
#define PASTURE_ABI_XENCOMM_H

#include <stdint.h>

#define XENCOMM_DESC		(2ULL << 62)
#define XENCOMM_DESC_SHIFT	26	/* offset bits below */
#define XENCOMM_DESC_ALIGN	16
/* bytes described */
#define XENCOMM_DESC_MAX	(1ULL << XENCOMM_DESC_SHIFT)
#define XENCOMM_ADDRS_MAX	(XENCOMM_DESC_MAX / 4096 + 1)

#define XENCOMM_INLINE		(2ULL << 61)
#define XENCOMM_MADDR_MAX	(1ULL << 52)

#define XENCOMM_BUFFER		(3ULL << 61)
#define XENCOMM_BUFFER_SHIFT	45

/*
 * Registered buffers, by hypercall 55:
 *
 * XENCOMMOP_register: `arg` names an array of `count` machine frame numbers.
 *   The frames become one buffer, in that order.  Returns its number (> 0), or
 *     -EINVAL  count is 0 or above XENCOMM_BUFFER_PAGES
 *     -EFAULT  the array cannot be read
 *     -EPERM   a frame is not the domain's own RAM
 *     -EBUSY   a frame is shared, a page table, or a descriptor table
 *     -ENOSPC  as many buffers, or pages in all, as a domain may have
 *     -ENOMEM  no memory for the list
 *   While registered, the frames can be neither shared, typed nor given back.
 * XENCOMMOP_unregister: `arg` is a buffer's number; 0, or -ENOENT.
 */
#define XENCOMMOP_register	0x100
#define XENCOMMOP_unregister	0x101

#define XENCOMM_BUFFERS		64	/* of one domain */
#define XENCOMM_BUFFER_PAGES	512	/* of one buffer */
#define XENCOMM_PAGES		2048	/* of all buffers of a domain */

#endif
