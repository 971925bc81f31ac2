/* SPDX-License-Identifier: MIT */
/* Small kernel images for the tests of the ELF reader and the builder. */
#ifndef TESTS_FAKE_ELF_H
#define TESTS_FAKE_ELF_H

#include <port.h>
#include <xen/elfnote.h>

#define FAKE_ELF_NOTES	8

struct fake_elf {
	struct __attribute__((packed)) {
		uint8_t ident[16];
		uint16_t type, machine;
		uint32_t version;
		uint64_t entry, phoff, shoff;
		uint32_t flags;
		uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	} h;
	struct {
		uint32_t type, flags;
		uint64_t offset, vaddr, paddr, filesz, memsz, align;
	} load, note_segment;
	struct {
		uint32_t namesz, descsz, type;
		char name[4];
		uint64_t desc;
	} note[FAKE_ELF_NOTES];	/* those with namesz 0 are none */
	uint8_t code[64];
};

/*
 * An image at physical address paddr with VIRT_BASE and the notes (type, value;
 * 0 ends).
 */
void fake_elf_make(struct fake_elf *f, uint64_t virt_base, uint64_t paddr,
		   uint64_t mem_bytes, const uint64_t (*notes)[2]);

#endif
