/* SPDX-License-Identifier: MIT */
/*
 * ELF64 images with Xen notes, or the section that was there before; elf.h has
 * the contract.
 */
#include <port.h>

#include <xen/elfnote.h>

#include "lib/fmt.h"
#include "ctl/elf.h"
#include "ctl/elf_guest.h"

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct shdr {
	uint32_t name, type;
	uint64_t flags, addr, offset, size;
	uint32_t link, info;
	uint64_t addralign, entsize;
};

struct note {
	uint32_t namesz, descsz, type;
};

enum { PT_LOAD = 1, PT_NOTE = 4, SHT_NOTE = 7, EM_X86_64 = 62 };

struct parse {
	const uint8_t *image;
	uint64_t bytes;
	struct elf_image *out;
	char *err;
	size_t err_bytes;
	bool any_note;		/* of Xen's, also those that are not for PV */
	bool xen_notes, entry_note;
};

#define FAIL(p, ...) \
	(fmt_snprintf((p)->err, (p)->err_bytes, __VA_ARGS__), false)

/*
 * The address of bytes [offset, offset + size) of the image; NULL if it ends
 * before.
 */
static const void *at(const struct parse *p, uint64_t offset, uint64_t size)
{
	if (offset > p->bytes || size > p->bytes - offset)
		return NULL;
	return p->image + offset;
}

static bool header_ok(struct parse *p, struct ehdr *h)
{
	const struct ehdr *in = at(p, 0, sizeof(*h));

	if (!in)
		return FAIL(p, "not an ELF file (only %lu bytes)", p->bytes);
	memcpy(h, in, sizeof(*h));
	if (memcmp(h->ident, "\177ELF", 4))
		return FAIL(p, "not an ELF file (no ELF magic)");
	if (h->ident[4] != 2)
		return FAIL(p, "wrong ELF class: need a 64-bit kernel");
	if (h->ident[5] != 1 || h->machine != EM_X86_64)
		return FAIL(p, "wrong machine: need a little-endian x86-64 kernel");
	if (h->phentsize != sizeof(struct phdr))
		return FAIL(p, "bad program header size %u", h->phentsize);
	if (!at(p, h->phoff, (uint64_t)h->phnum * sizeof(struct phdr)))
		return FAIL(p, "program headers lie outside the file");
	return true;
}

static uint64_t desc_number(const uint8_t *desc, uint32_t bytes)
{
	uint64_t v = 0;

	memcpy(&v, desc, MIN(bytes, sizeof(v)));
	return v;
}

static void note_take(struct parse *p, uint32_t type, const uint8_t *desc,
		      uint32_t bytes)
{
	struct elf_image *out = p->out;

	p->any_note = true;
	if (type == XEN_ELFNOTE_PHYS32_ENTRY)
		return;		/* PVH: a kernel without PV has only this */
	p->xen_notes = true;
	switch (type) {
	case XEN_ELFNOTE_ENTRY:
		out->entry = desc_number(desc, bytes);
		p->entry_note = true;
		break;
	case XEN_ELFNOTE_HYPERCALL_PAGE:
		out->hypercall_page = desc_number(desc, bytes);
		break;
	case XEN_ELFNOTE_VIRT_BASE:
		out->virt_base = desc_number(desc, bytes);
		break;
	case XEN_ELFNOTE_PADDR_OFFSET:
		out->paddr_offset = desc_number(desc, bytes);
		break;
	case XEN_ELFNOTE_INIT_P2M:
		out->init_p2m = desc_number(desc, bytes);
		break;
	case XEN_ELFNOTE_MOD_START_PFN:
		out->mod_start_pfn = desc_number(desc, bytes) != 0;
		break;
	default:
		break;
	}
}

/* The notes in [offset, offset + size). */
static bool notes_read(struct parse *p, uint64_t offset, uint64_t size)
{
	const uint8_t *notes = at(p, offset, size);
	uint64_t pos = 0;

	if (!notes)
		return FAIL(p, "notes lie outside the file");
	while (size - pos >= sizeof(struct note)) {
		struct note n;
		uint64_t name, desc;

		memcpy(&n, notes + pos, sizeof(n));
		name = pos + sizeof(n);
		desc = name + ALIGN_UP((uint64_t)n.namesz, 4);
		if (desc > size || n.descsz > size - desc)
			return FAIL(p, "a note runs past its segment");
		if (n.namesz == 4 && !memcmp(notes + name, "Xen", 4))
			note_take(p, n.type, notes + desc, n.descsz);
		pos = desc + ALIGN_UP((uint64_t)n.descsz, 4);
		if (pos > size)
			break;
	}
	return true;
}

static void section_header(const struct parse *p, const struct ehdr *h,
			   unsigned int i, struct shdr *s)
{
	memcpy(s, p->image + h->shoff + i * sizeof(*s), sizeof(*s));
}

/* The number of section headers, if all of them are in the image, else 0. */
static unsigned int sections(const struct parse *p, const struct ehdr *h)
{
	bool ok = h->shentsize == sizeof(struct shdr) &&
		  at(p, h->shoff, (uint64_t)h->shnum * sizeof(struct shdr));

	return ok ? h->shnum : 0;
}

/* Kernels without PT_NOTE keep their notes in sections. */
static bool section_notes_read(struct parse *p, const struct ehdr *h)
{
	unsigned int i;

	for (i = 0; i < sections(p, h); i++) {
		struct shdr s;

		section_header(p, h, i, &s);
		if (s.type == SHT_NOTE && !notes_read(p, s.offset, s.size))
			return false;
	}
	return true;
}

/* Has the section that name?  `names` holds them all. */
static bool section_is(const struct parse *p, const struct shdr *s,
		       const struct shdr *names, const char *name)
{
	uint64_t bytes = strlen(name) + 1;
	const char *in;

	if (s->name > names->size || bytes > names->size - s->name)
		return false;
	in = at(p, names->offset, names->size);
	return in && !memcmp(in + s->name, name, bytes);
}

/* For kernels that are older than Xen's notes. */
static bool guest_section_read(struct parse *p, const struct ehdr *h)
{
	struct shdr s, names;
	const char *text;
	unsigned int i;

	if (h->shstrndx >= sections(p, h))
		return true;
	section_header(p, h, h->shstrndx, &names);
	for (i = 0; i < h->shnum; i++) {
		section_header(p, h, i, &s);
		if (section_is(p, &s, &names, "__xen_guest"))
			break;
	}
	if (i == h->shnum)
		return true;
	text = at(p, s.offset, s.size);
	if (!text)
		return FAIL(p, "__xen_guest: the section lies outside the file");
	p->xen_notes = true;
	return elf_guest_read(text, s.size, p->out, &p->entry_note, p->err,
			      p->err_bytes);
}

static bool segment_take(struct parse *p, const struct phdr *ph)
{
	struct elf_image *out = p->out;
	struct elf_segment *s;

	if (!ph->memsz)
		return true;
	if (out->segment_count == ELF_SEGMENTS_MAX)
		return FAIL(p, "more than %d loadable segments",
			    ELF_SEGMENTS_MAX);
	if (!at(p, ph->offset, ph->filesz))
		return FAIL(p, "a segment's data lie outside the file");
	if (ph->filesz > ph->memsz)
		return FAIL(p, "a segment is larger in the file than in memory");
	s = &out->segments[out->segment_count++];
	*s = (struct elf_segment){ ph->offset, ph->filesz, ph->paddr,
				   ph->memsz };
	return true;
}

static bool headers_read(struct parse *p, const struct ehdr *h)
{
	unsigned int i;

	for (i = 0; i < h->phnum; i++) {
		struct phdr ph;
		bool ok = true;

		memcpy(&ph, p->image + h->phoff + i * sizeof(ph), sizeof(ph));
		if (ph.type == PT_LOAD)
			ok = segment_take(p, &ph);
		else if (ph.type == PT_NOTE)
			ok = notes_read(p, ph.offset, ph.filesz);
		if (!ok)
			return false;
	}
	if (!p->xen_notes && !section_notes_read(p, h))
		return false;
	return p->any_note || guest_section_read(p, h);
}

static bool guest_va(uint64_t va)
{
	return va < 1UL << 47 || va >= HV_VIRT_END;
}

static bool addresses_check(struct parse *p)
{
	struct elf_image *out = p->out;
	unsigned int i;

	out->first_va = ~0UL;
	for (i = 0; i < out->segment_count; i++) {
		const struct elf_segment *s = &out->segments[i];
		uint64_t va = elf_va(out, s->paddr);
		uint64_t end = s->paddr - out->paddr_offset + s->mem_bytes;

		if (end < s->mem_bytes || end >> 40)
			return FAIL(p, "segment address %lx out of range",
				    s->paddr);
		if (va < out->virt_base || va + s->mem_bytes < va ||
		    !guest_va(va) || !guest_va(va + s->mem_bytes - 1))
			return FAIL(p, "segment at %lx is out of range", va);
		out->first_va = MIN(out->first_va, va);
		out->end_va = MAX(out->end_va, va + s->mem_bytes);
	}
	if (out->entry < out->first_va || out->entry >= out->end_va)
		return FAIL(p, "entry point %lx is outside the image",
			    out->entry);
	if (out->hypercall_page &&
	    ((out->hypercall_page & ~PAGE_MASK) ||
	     out->hypercall_page < out->first_va ||
	     out->hypercall_page + PAGE_SIZE > ALIGN_UP(out->end_va, PAGE_SIZE)))
		return FAIL(p, "hypercall page %lx is outside the image",
			    out->hypercall_page);
	if (out->init_p2m && ((out->init_p2m & ~PAGE_MASK) ||
			      !guest_va(out->init_p2m)))
		return FAIL(p, "p2m address %lx is out of range",
			    out->init_p2m);
	return true;
}

bool elf_parse(const void *image, uint64_t bytes, struct elf_image *out,
	       char *err, size_t err_bytes)
{
	struct parse p = {
		.image = image, .bytes = bytes, .out = out,
		.err = err, .err_bytes = err_bytes,
	};
	struct ehdr h;

	memset(out, 0, sizeof(*out));
	if (!header_ok(&p, &h) || !headers_read(&p, &h))
		return false;
	if (!p.xen_notes)
		return FAIL(&p, "no Xen notes: not a PV kernel (Linux: CONFIG_XEN_PV is missing)");
	if (!out->segment_count)
		return FAIL(&p, "no loadable segment");
	if (!p.entry_note)
		out->entry = h.entry;
	return addresses_check(&p);
}
