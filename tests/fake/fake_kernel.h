/* SPDX-License-Identifier: MIT */
/*
 * Kernel images made by hand: an ELF file with Xen notes, and bzImages of it.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_KERNEL_ENTRY	0xffffffff81000180ull
#define FAKE_KERNEL_FIRST	(16ull << 20)
#define FAKE_KERNEL_END		(20ull << 20)

struct fake_file {
	uint8_t *data;
	size_t bytes;
};

/* content_bytes of one segment; with_entry: with the note that PV needs. */
struct fake_file fake_elf(size_t content_bytes, bool with_entry);
/* For one without the entry: another GUEST_OS, of 7 letters at most. */
void fake_elf_guest_os(struct fake_file *elf, const char *os);
/*
 * One with no segment of notes, but with sections: none, the names, and one of
 * that name; with `notes`, its type and bytes are those of notes.
 */
struct fake_file fake_elf_sections(size_t content_bytes, const char *name,
				   bool notes);
/* compression: "gzip", "xz", "zstd", "lz4", "bzip2", "lzma". */
struct fake_file fake_bzimage(const struct fake_file *elf,
			      const char *compression);
void fake_file_free(struct fake_file *f);

#endif
