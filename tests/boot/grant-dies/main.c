/* SPDX-License-Identifier: MIT */
/*
 * GT19, GT23: the other side dies first.  Two guests (role=giver, role=user;
 * peer=DOMID).  The giver grants 8 pages, waits until all are mapped, and ends.
 * The user waits until that one grants nothing more, reads the pages on, holds
 * a reference on each third, asks for the unmap of all, lets go, and counts:
 * each done once, none early, nothing mapped at the end.  The giver is gone at
 * once, its pages go with the last unmap; no frame may be lost.  With last=1
 * the user ends with the pages mapped instead: the hypervisor unmaps them.
 */
#include <gl/event.h>
#include <gl/grant.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "attack.h"

#define PAGES 8

static struct gl_page *mapped[PAGES];
static struct gnttab_unmap_grant_ref ops[PAGES];
static unsigned int dones[PAGES];

static void giver(domid_t peer)
{
	uint64_t va[PAGES];
	unsigned int i;

	gl_test_equal(gl_grant_init(1), 0);
	for (i = 0; i < PAGES; i++) {
		va[i] = must_alloc();
		pattern_fill(va[i], i);
		gl_test_equal(gl_grant_page(peer, va[i], i & 1),
			      GL_GRANT_FIRST + i);
	}
	for (i = 0; i < PAGES; i++)
		while (!gl_grant_in_use(GL_GRANT_FIRST + i))
			gl_sleep_ns(1000000);
	/* In use: not taken back, not offered (GT22). */
	for (i = 0; i < PAGES; i++) {
		gl_test_equal(gl_grant_end(GL_GRANT_FIRST + i), -XEN_EBUSY);
		gl_test_equal(offer(va[i]), -XEN_EBUSY);
	}
	audit("grants");
	gl_test_done();
}

static void on_done(void *data)
{
	unsigned int *n = data;

	++*n;
	gl_test_check(!(mapped[n - dones]->flags & GL_PG_FOREIGN));
}

/* Dead, or dying: it grants nothing more. */
static void wait_for_death(domid_t peer)
{
	struct gnttab_map_grant_ref op;
	struct gl_page *p = gl_foreign_alloc();

	for (;;) {
		op = (struct gnttab_map_grant_ref){
			.host_addr = p->va, .flags = GNTMAP_host_map |
						     GNTMAP_readonly,
			.ref = GL_GRANT_FIRST, .dom = peer,
		};
		gl_test_equal(hypercall_grant_table_op(GNTTABOP_map_grant_ref,
						       &op, 1), 0);
		if (op.status == GNTST_bad_domain)
			break;
		gl_test_equal(op.status, 0);
		ops[0] = (struct gnttab_unmap_grant_ref){
			.host_addr = p->va, .handle = op.handle,
		};
		gl_test_equal(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref,
						       ops, 1), 0);
		gl_sleep_ns(1000000);
	}
	gl_foreign_free(p);
}

static void user_unmaps(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (i % 3 == 0)
			gl_test_check(gl_page_get(mapped[i]));
		ops[i] = gl_foreign_unmap_op(mapped[i]);
		gl_test_equal(gnttab_unmap_refs_async(&ops[i], NULL, &mapped[i],
						      1, on_done, &dones[i]),
			      0);
		gl_test_equal(dones[i], i % 3 != 0);
	}
	gl_grant_retry();
	for (i = 0; i < PAGES; i += 3) {
		gl_test_equal(dones[i], 0);
		gl_test_check(pattern_intact(mapped[i]->va, i));
		gl_page_put(mapped[i]);
	}
	gl_grant_retry();
	for (i = 0; i < PAGES; i++)
		gl_test_equal(dones[i], 1);
}

static void user(domid_t peer)
{
	unsigned int i;

	gl_test_equal(gl_foreign_init(PAGES + 1), 0);
	for (i = 0; i < PAGES; i++) {
		mapped[i] = gl_foreign_alloc();
		while (gl_foreign_map(mapped[i], peer, GL_GRANT_FIRST + i,
				      i & 1))
			gl_sleep_ns(1000000);
	}
	wait_for_death(peer);
	for (i = 0; i < PAGES; i++)
		gl_test_check(pattern_intact(mapped[i]->va, i));
	audit("the giver's death");
	if (!gl_cmdline_u64("last", 0))
		user_unmaps();
	audit("the unmap");
	gl_test_done();
}

void gl_main(void)
{
	domid_t peer = (domid_t)gl_cmdline_u64("peer", 0);

	if (role_is("giver"))
		giver(peer);
	else
		user(peer);
}
