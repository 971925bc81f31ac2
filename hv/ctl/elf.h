/* SPDX-License-Identifier: MIT */
/*
 * A guest image: ELF64 with Xen notes.  Pure functions of the bytes; every
 * offset and size is checked against the image before use (fuzzable on the
 * host).
 */
#ifndef HV_CTL_ELF_H
#define HV_CTL_ELF_H

#include "lib/types.h"

#define ELF_SEGMENTS_MAX 16

struct elf_segment {
	uint64_t file_offset, file_bytes;
	/* mem_bytes >= file_bytes, rest is zero */
	uint64_t paddr, mem_bytes;
};

struct elf_image {
	uint64_t entry;			/* va; the ENTRY note, else e_entry */
	uint64_t virt_base;		/* va of pfn 0 */
	/* va = paddr - paddr_offset + virt_base */
	uint64_t paddr_offset;
	uint64_t hypercall_page;	/* va, 0 = none wanted */
	/* va for the p2m list, 0 = behind the kernel */
	uint64_t init_p2m;
	bool mod_start_pfn;		/* initrd by pfn, unmapped */
	uint64_t first_va, end_va;	/* of all segments */
	struct elf_segment segments[ELF_SEGMENTS_MAX];
	unsigned int segment_count;
};

/* On a mistake false and one sentence in err. */
bool elf_parse(const void *image, uint64_t bytes, struct elf_image *out,
	       char *err, size_t err_bytes);

static inline uint64_t elf_va(const struct elf_image *img, uint64_t paddr)
{
	return paddr - img->paddr_offset + img->virt_base;
}

#endif
