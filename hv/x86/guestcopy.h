/* SPDX-License-Identifier: MIT */
/*
 * Copies between the hypervisor and the running guest's virtual memory, through
 * its own page tables (which are loaded), with faults caught.
 *
 * Addresses inside the hypervisor's range (0xffff8000.. to 0xffff8800..), non
 * canonical ones and ranges that wrap are refused before any access.  A copy
 * moves data front to back and stops at the first fault.  Locks: none needed;
 * none may be held, since guest_access_fault() (above.h) may take any.
 */
#ifndef HV_X86_GUESTCOPY_H
#define HV_X86_GUESTCOPY_H

#include "lib/types.h"

/*
 * 0, or -EFAULT; on -EFAULT part of dst may have been written (to a guest: only
 * within [dst, dst+bytes)).
 */
int copy_from_guest(void *dst, uint64_t guest_src, size_t bytes) must_check;
int copy_to_guest(uint64_t guest_dst, const void *src, size_t bytes) must_check;
int clear_guest(uint64_t guest_dst, size_t bytes) must_check;
/* One word, by a store: such a move costs more to begin than to do. */
int copy_word_to_guest(uint64_t guest_dst, uint64_t word) must_check;

/*
 * Up to max bytes of code at va, for emulation; returns how many could be read.
 */
int guest_read_insn(void *dst, uint64_t va, size_t max);

/*
 * Is `address` a guest's address in range, or a reference?  Calls that only
 * copy data take references, too (abi/xencomm.h): numbers that are no canonical
 * address.
 */
bool guest_arg_ok(uint64_t address, uint64_t bytes);

/*
 * Is [va, va+bytes) wholly outside the hypervisor's range, canonical and
 * without wrap?
 */
bool guest_range_ok(uint64_t va, uint64_t bytes);

/*
 * A guest may link an L4 into an L4 (mm/m2p.c).  On such a way the CPU comes
 * through the hypervisor's slots to the hypervisor's tables, in which the guest
 * can read nothing; but the hypervisor could, for the guest.  So nothing is
 * read from the L4 slots that a domain ever used for such a link; writes fail
 * by themselves, as the link is read-only (LP10).
 *
 * guestcopy_slots(): the word that says which slots these are for the guest
 * that this CPU enters (a bit for each; NULL: none); NULL: no guest.
 * guestcopy_look(): these CPUs look at their guest's slots from now on.  Who
 * then flushes their TLBs waits for copies that began before.
 */
#define GUESTCOPY_SLOTS_BYTES	(512 / 8)
void guestcopy_slots(uint64_t *const *slots);
void guestcopy_look(uint64_t cpus);

#endif
