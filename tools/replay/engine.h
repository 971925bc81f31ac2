/* SPDX-License-Identifier: MIT */
/*
 * The pages of images, offered to share/, the hypervisor's own engine, one after
 * another; what became of each.
 */
#ifndef REPLAY_ENGINE_H
#define REPLAY_ENGINE_H

#include "tools/replay/image.h"

/* What became of a page.  Each page is one of these. */
enum page_kind {
	KIND_ZERO,	/* all zeros */
	KIND_WITHIN,	/* an earlier page of its guest has the content */
	KIND_BETWEEN,	/* an earlier guest of its group has it */
	KIND_FIRST,	/* the first one, and others of the group have it, too */
	KIND_OTHER,	/* alone in its group; another group has it */
	KIND_ALONE,	/* nobody else has it */
	KINDS
};
extern const char *const kind_names[KINDS];

struct replay_page {
	uint8_t kind;
	uint32_t frame;		/* the shared frame that has its content */
};

struct replay_counts {
	uint64_t kind[KINDS];
	uint64_t pages, frames;	/* frames: that are needed for them */
};

struct replay {
	struct replay_page *page;	/* of all guests, in their order */
	struct replay_counts *guest, *group, all;
	uint64_t metadata_bytes;	/* of the engine, at the end */
	uint64_t audit_errors;
};

/*
 * Dies where the engine refuses a page: it does so only for want of memory, or
 * if more than four contents have one hash.
 */
void replay_run(struct replay *r, const struct images *im);
void replay_free(struct replay *r);

#endif
