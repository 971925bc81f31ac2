/* SPDX-License-Identifier: MIT */
/*
 * The image is built with 3-byte nops where stac and clac belong, which exist
 * only with SMAP.  Runs once on the boot CPU, before others start; the image is
 * written through the direct map.
 */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"

struct smap_site {
	int32_t where;		/* relative to this field */
	uint32_t insn;		/* 3 bytes */
};

extern const struct smap_site smap_patch_start[], smap_patch_end[];

void smap_patch(void)
{
	const struct smap_site *s;
	uint32_t r[4];

	if (!cpu_features.smap)
		return;
	for (s = smap_patch_start; s < smap_patch_end; s++)
		memcpy(maddr_to_virt(MADDR((uintptr_t)&s->where + s->where -
				     IMAGE_VIRT)), &s->insn, 3);
	cpuid(0, 0, r);		/* serialise: fetch the new bytes */
}
