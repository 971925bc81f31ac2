/* SPDX-License-Identifier: MIT */
/* See kernel_elf.h. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include <xen/elfnote.h>

#include "bench/harness/kernel_elf.h"

#define ONE_MIB		(1ull << 20)
/*
 * Start info, page tables, boot stack: half a MiB is what libxenguest leaves
 * too.
 */
#define TABLES		(ONE_MIB / 2)

#define REFUSE(...)	(snprintf(err, err_bytes, __VA_ARGS__), false)

typedef unsigned long long ull;

static bool lies_in(uint64_t offset, uint64_t size, size_t bytes)
{
	return offset <= bytes && size <= bytes - offset;
}

static bool header_ok(const Elf64_Ehdr *h, size_t bytes, char *err,
		      size_t err_bytes)
{
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
		return REFUSE("the kernel is not for x86-64");
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum ||
	    !lies_in(h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr), bytes))
		return REFUSE("the kernel's ELF header is damaged");
	return true;
}

static uint64_t align4(uint64_t n)
{
	return (n + 3) & ~3ull;
}

/*
 * PHYS32_ENTRY alone is PVH.  A Linux for PV has an entry note, other kernels
 * may begin where their ELF header says.
 */
static void note_take(struct kernel_elf *k, const Elf64_Nhdr *n,
		      const uint8_t *desc)
{
	if (n->n_type == XEN_ELFNOTE_PHYS32_ENTRY)
		return;
	k->xen_notes = true;
	if (n->n_type == XEN_ELFNOTE_ENTRY && n->n_descsz == 8) {
		memcpy(&k->entry, desc, 8);
		k->has_entry = true;
	} else if (n->n_type == XEN_ELFNOTE_GUEST_OS && n->n_descsz >= 5) {
		k->is_linux = !memcmp(desc, "linux", 5);
	}
}

static void read_notes(struct kernel_elf *k, const uint8_t *notes, uint64_t size)
{
	uint64_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		const uint8_t *name, *desc;
		Elf64_Nhdr n;

		memcpy(&n, notes + at, sizeof(n));
		at += sizeof(n);
		if (align4(n.n_namesz) + align4(n.n_descsz) > size - at)
			return;
		name = notes + at;
		desc = name + align4(n.n_namesz);
		at += align4(n.n_namesz) + align4(n.n_descsz);
		if (n.n_namesz == 4 && !memcmp(name, "Xen", 4))
			note_take(k, &n, desc);
	}
}

/* The bytes of a section, if it has some and they are all in the file. */
static bool read_section(Elf64_Shdr *s, const uint8_t *image, size_t bytes,
			 const Elf64_Ehdr *h, unsigned int i)
{
	memcpy(s, image + h->e_shoff + i * sizeof(*s), sizeof(*s));
	return s->sh_type != SHT_NOBITS &&
	       lies_in(s->sh_offset, s->sh_size, bytes);
}

/* The section of kernels that are older than Xen's notes. */
static bool is_xen_guest(const Elf64_Shdr *s, const Elf64_Shdr *names,
			 const uint8_t *image)
{
	static const char name[] = "__xen_guest";

	return lies_in(s->sh_name, sizeof(name), names->sh_size) &&
	       !memcmp(image + names->sh_offset + s->sh_name, name, sizeof(name));
}

/* For kernels with no segment of notes: then the file has to stay whole. */
static void read_sections(struct kernel_elf *k, const uint8_t *image,
			  size_t bytes, const Elf64_Ehdr *h)
{
	Elf64_Shdr s, names = { 0 };

	if (h->e_shentsize != sizeof(s) || h->e_shstrndx >= h->e_shnum ||
	    !lies_in(h->e_shoff, h->e_shnum * sizeof(s), bytes) ||
	    !read_section(&names, image, bytes, h, h->e_shstrndx))
		return;
	for (unsigned int i = 0; i < h->e_shnum; i++) {
		if (!read_section(&s, image, bytes, h, i))
			continue;
		if (s.sh_type == SHT_NOTE)
			read_notes(k, image + s.sh_offset, s.sh_size);
		else if (is_xen_guest(&s, &names, image))
			k->xen_notes = true;
	}
	k->whole = k->xen_notes;
	if (k->whole)
		k->needed = bytes;
}

static void read_load(struct kernel_elf *k, const Elf64_Phdr *p)
{
	if (p->p_paddr < k->first)
		k->first = p->p_paddr;
	if (p->p_paddr + p->p_memsz > k->end)
		k->end = p->p_paddr + p->p_memsz;
}

static bool read_segment(struct kernel_elf *k, const uint8_t *image,
			 size_t bytes, const Elf64_Phdr *p)
{
	if (p->p_type != PT_LOAD && p->p_type != PT_NOTE)
		return true;
	if (!lies_in(p->p_offset, p->p_filesz, bytes) ||
	    p->p_paddr > UINT64_MAX - p->p_memsz)
		return false;
	if (p->p_offset + p->p_filesz > k->needed)
		k->needed = p->p_offset + p->p_filesz;
	if (p->p_type == PT_LOAD)
		read_load(k, p);
	else
		read_notes(k, image + p->p_offset, p->p_filesz);
	return true;
}

bool kernel_elf_read(struct kernel_elf *k, const uint8_t *image, size_t bytes,
		     char *err, size_t err_bytes)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;

	*k = (struct kernel_elf){ .first = UINT64_MAX };
	if (bytes < sizeof(h) || memcmp(image, ELFMAG, SELFMAG))
		return REFUSE("the kernel is no ELF file");
	memcpy(&h, image, sizeof(h));
	if (!header_ok(&h, bytes, err, err_bytes))
		return false;
	k->needed = h.e_phoff + h.e_phnum * sizeof(p);
	for (unsigned int i = 0; i < h.e_phnum; i++) {
		memcpy(&p, image + h.e_phoff + i * sizeof(p), sizeof(p));
		if (!read_segment(k, image, bytes, &p))
			return REFUSE("the kernel's ELF file is truncated: "
				      "segment %u is not all there", i);
	}
	if (!k->end)
		return REFUSE("the kernel's ELF file has nothing to load");
	if (!k->xen_notes)
		read_sections(k, image, bytes, &h);
	if (!k->xen_notes || (k->is_linux && !k->has_entry))
		return REFUSE("the kernel cannot be a PV guest: it was built "
			      "without CONFIG_XEN_PV=y (no Xen entry note)");
	if (!k->has_entry)
		k->entry = h.e_entry;
	return true;
}

size_t kernel_elf_strip(const struct kernel_elf *k, uint8_t *image)
{
	Elf64_Ehdr h;

	if (k->whole)
		return k->needed;
	memcpy(&h, image, sizeof(h));
	h.e_shoff = 0;
	h.e_shnum = h.e_shstrndx = 0;
	memcpy(image, &h, sizeof(h));
	return k->needed;
}

static ull round_mib(uint64_t bytes)
{
	return (bytes + ONE_MIB - 1) / ONE_MIB;
}

bool kernel_elf_fits(const struct kernel_elf *k, uint64_t memory_mib,
		     uint64_t initrd_bytes, char *err, size_t err_bytes)
{
	uint64_t memory = memory_mib * ONE_MIB;
	/* The list of its pages takes 8 bytes for each. */
	uint64_t needs = k->end + TABLES + memory / 512;

	if (needs > memory)
		return REFUSE("a guest of %llu MiB is too small for this kernel, "
			      "which needs %llu MiB", (ull)memory_mib,
			      round_mib(needs + needs / 512));
	if (initrd_bytes > memory - needs)
		return REFUSE("the initial RAM disk (%llu KiB) is too large for "
			      "a guest of %llu MiB: %llu KiB are left beside "
			      "the kernel", (ull)(initrd_bytes >> 10),
			      (ull)memory_mib, (ull)((memory - needs) >> 10));
	return true;
}
