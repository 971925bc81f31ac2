/* SPDX-License-Identifier: MIT */
/* See fake_elf.h. */
#include <string.h>

#include "fake/fake_elf.h"

static void note_add(struct fake_elf *f, uint32_t type, uint64_t value)
{
	unsigned int i = 0;

	while (i < FAKE_ELF_NOTES - 1 && f->note[i].namesz)
		i++;
	f->note[i].namesz = 4;
	f->note[i].descsz = 8;
	f->note[i].type = type;
	memcpy(f->note[i].name, "Xen", 4);
	f->note[i].desc = value;
	f->note_segment.filesz = (i + 1) * sizeof(f->note[0]);
}

void fake_elf_make(struct fake_elf *f, uint64_t virt_base, uint64_t paddr,
		   uint64_t mem_bytes, const uint64_t (*notes)[2])
{
	*f = (struct fake_elf){
		.h = { .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .type = 2,
		       .machine = 62, .version = 1, .entry = virt_base + paddr,
		       .phoff = offsetof(struct fake_elf, load),
		       .phentsize = sizeof(f->load), .phnum = 2 },
		.load = { 1, 7, offsetof(struct fake_elf, code), 0, paddr,
			  sizeof(f->code), mem_bytes, 0x1000 },
		.note_segment = { 4, 4, offsetof(struct fake_elf, note), 0, 0,
				  0, 0, 4 },
		.code = { 0x90, 0x90 },
	};
	if (virt_base)
		note_add(f, XEN_ELFNOTE_VIRT_BASE, virt_base);
	for (; (*notes)[0]; notes++)
		note_add(f, (uint32_t)(*notes)[0], (*notes)[1]);
}
