/* SPDX-License-Identifier: MIT */
/*
 * ME12: pages are transferred to another guest, which is told each number
 * before and gives the page back as soon as it can be named.  A page that can
 * be named is whole: the machine lives, and the audit finds each list and count
 * as it should be.  (transfer-take is the other.)
 */
#include <gl/grant.h>
#include <gl/start.h>

#include "../attack.h"
#include "../transfer-take/board.h"

#define TRANSFERS	3000
#define AUDIT_EVERY	1000

static uint64_t new_page(void)
{
	struct xen_memory_reservation r = { .nr_extents = 1,
					    .domid = DOMID_SELF };
	uint64_t mfn = 0;

	set_xen_guest_handle(r.extent_start, &mfn);
	gl_test_equal(hypercall_memory_op(XENMEM_increase_reservation, &r), 1);
	return mfn;
}

static void transfer(volatile struct board *b, uint64_t n)
{
	struct gnttab_transfer t = { .domid = 2, .ref = BOARD_REF(n),
				     .mfn = new_page() };

	b->mfn = t.mfn;
	__asm__ volatile("mfence" : : : "memory");
	for (unsigned int i = 0; i < 100 + n % 64; i++)
		__asm__ volatile("pause");
	gl_test_equal(hypercall_grant_table_op(GNTTABOP_transfer, &t, 1), 0);
	gl_test_equal(t.status, 0);
	while (b->taken <= n)
		__asm__ volatile("pause");
	b->given = n + 1;
}

void gl_main(void)
{
	uint64_t va = must_alloc();
	volatile struct board *b = (volatile struct board *)va;

	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(gl_grant_init(1), 0);
	gl_test_equal(gl_grant_page(2, va, false), BOARD_GRANT);
	gl_test_equal(gl_frame_return(must_alloc()), 0);
	while (!b->ready)
		hypercall_sched_op(SCHEDOP_yield, NULL);
	for (uint64_t n = 0; n < TRANSFERS && !gl_test_failures; n++) {
		transfer(b, n);
		if (n % AUDIT_EVERY == AUDIT_EVERY - 1)
			audit("transfers");
	}
	b->over = 1;
	gl_test_done();
}
