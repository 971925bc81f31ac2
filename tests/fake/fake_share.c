/* SPDX-License-Identifier: MIT */
#include "fake/fake_share.h"

struct fake_machine machine;
struct share *share;

void fake_share_create(const struct page_fns *fns)
{
	uint8_t secret[SHARE_SECRET_BYTES];

	fake_machine_init(&machine, 64, 256);
	fake_secret(secret, 11);
	share = share_create_with(&fake_share_ops, &machine, machine.records,
				  secret, fns);
	CHECK(share);
}

void fake_share_destroy(void)
{
	fake_audit(share);
	share_destroy(share);
	fake_machine_fini(&machine);
}

int fake_try_offer(struct share_dom *d, uint64_t content, uint32_t mappings,
		   uint32_t *frame)
{
	fake_content(&machine, 1, content);
	return share_offer(d, 1, 0x1000 + content, mappings, frame);
}

uint32_t fake_offer(struct share_dom *d, uint64_t content)
{
	uint32_t frame = UINT32_MAX;

	CHECK(fake_try_offer(d, content, 1, &frame) == SHARE_OK);
	CHECK(page_equal(fake_page(&machine, 1), fake_page(&machine, frame)));
	return frame;
}

void fake_drop_all(struct share_dom *d)
{
	uint64_t cursor = 0;
	uint32_t frame, mappings;

	while (share_dom_next(d, &cursor, &frame, &mappings))
		share_drop(d, frame, mappings, false);
}

void fake_dom_end(struct share_dom *d)
{
	fake_drop_all(d);
	share_dom_destroy(d);
}
