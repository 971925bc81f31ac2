/* SPDX-License-Identifier: MIT */
/*
 * The section __xen_guest of kernels that are older than Xen's notes: one text,
 * `KEY=value,KEY=value`.  A pure function of the bytes, as elf.h.
 */
#ifndef HV_CTL_ELF_GUEST_H
#define HV_CTL_ELF_GUEST_H

#include "ctl/elf.h"

/*
 * Reads the text, which ends at a zero or after `bytes`, into the fields of
 * `out` that the notes would fill; *has_entry: the text names the entry point.
 * On a mistake false and one sentence in err.
 */
bool elf_guest_read(const char *text, uint64_t bytes, struct elf_image *out,
		    bool *has_entry, char *err, size_t err_bytes);

#endif
