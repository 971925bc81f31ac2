/* SPDX-License-Identifier: MIT */
/*
 * A kernel as an ELF file: can it be a PV guest, and how much memory does it
 * take?  Pure: no output, no exit; a refusal is one sentence in err.
 */
#ifndef HARNESS_KERNEL_ELF_H
#define HARNESS_KERNEL_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_elf {
	/* such as PV guests have, or the section that was before them ... */
	bool xen_notes;
	bool whole;	/* ... in no segment: all of the file is needed */
	bool is_linux;
	bool has_entry;		/* a Xen note tells where PV guests start ... */
	uint64_t entry;		/* ... which may be 0 (GRUB) */
	uint64_t first, end;	/* guest-physical bytes that it covers */
	size_t needed;		/* bytes of the file that its segments need */
};

/* image: the whole file in memory. */
bool kernel_elf_read(struct kernel_elf *k, const uint8_t *image, size_t bytes,
		     char *err, size_t err_bytes);
/* Leave out what no segment needs (debug sections); the new size. */
size_t kernel_elf_strip(const struct kernel_elf *k, uint8_t *image);
/* Kernel, initial RAM disk and page tables fit into the guest's memory? */
bool kernel_elf_fits(const struct kernel_elf *k, uint64_t memory_mib,
		     uint64_t initrd_bytes, char *err, size_t err_bytes);

#endif
