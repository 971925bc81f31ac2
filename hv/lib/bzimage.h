/* SPDX-License-Identifier: MIT */
/*
 * The setup header of Linux's bzImage (Documentation/x86/boot.rst of Linux):
 * where in the file the kernel proper is, packed, and how long it is unpacked.
 * The hypervisor and the harness read it, so it needs no other header of ours.
 *
 * BZI1  Of a file that is BZIMAGE_WHOLE the payload lies within the file, and
 *       its content has 1 to BZIMAGE_CONTENT_MAX bytes.
 */
#ifndef HV_LIB_BZIMAGE_H
#define HV_LIB_BZIMAGE_H

#include <stdint.h>

#define BZIMAGE_CONTENT_MAX	(512u << 20)

enum bzimage_state {
	BZIMAGE_NOT,		/* something else */
	BZIMAGE_OLD,		/* it does not say where the kernel is */
	BZIMAGE_CUT,		/* the file ends before the payload does */
	BZIMAGE_DAMAGED,	/* no kernel has so many bytes */
	BZIMAGE_WHOLE,
};

struct bzimage {
	unsigned int protocol;	/* 0x20f: 2.15 */
	uint64_t at, bytes;	/* the payload in the file; not if OLD */
	uint32_t content;	/* its bytes, unpacked; if WHOLE or DAMAGED */
};

static inline uint32_t bzimage_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline enum bzimage_state bzimage_read(struct bzimage *b,
					      const uint8_t *file,
					      uint64_t bytes)
{
	*b = (struct bzimage){ 0 };
	if (bytes < 0x250 || file[0x1fe] != 0x55 || file[0x1ff] != 0xaa ||
	    bzimage_u32(file + 0x202) != 0x53726448)	/* "HdrS" */
		return BZIMAGE_NOT;
	b->protocol = bzimage_u32(file + 0x206) & 0xffff;
	if (b->protocol < 0x208)
		return BZIMAGE_OLD;
	/* behind the setup's sectors, 4 where it says 0, and the first one */
	b->at = ((file[0x1f1] ?: 4u) + 1) * 512u + (uint64_t)bzimage_u32(file + 0x248);
	b->bytes = bzimage_u32(file + 0x24c);
	if (b->at + b->bytes > bytes)
		return BZIMAGE_CUT;
	/* it ends with the content's size */
	b->content = b->bytes < 8 ? 0 : bzimage_u32(file + b->at + b->bytes - 4);
	return b->content && b->content <= BZIMAGE_CONTENT_MAX ? BZIMAGE_WHOLE : BZIMAGE_DAMAGED;
}

#endif
