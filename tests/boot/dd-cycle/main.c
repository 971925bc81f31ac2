/* SPDX-License-Identifier: MIT */
/*
 * DD1: a domain that uses every resource there is, holds all of it, and ends:
 * shared pages, private copies, page tables pinned and loaded, a linear one, a
 * GDT, an LDT, vcpu_info in a page of its own, event ports, a timer, a
 * registered buffer, its trace, grants given and mapped, pages given back and
 * taken.  Rebuilt again and again (repeat=), it must leave every frame behind.
 * how=N chooses the end.
 */
#include <gl/event.h>
#include <gl/grant.h>
#include <gl/share_setup.h>
#include <gl/timer.h>
#include <gl/trace.h>
#include <gl/xencomm.h>

#include "../attack.h"

#define SHARED	64
#define PORTS	300	/* more than one page of them */

static void share_pages(struct gl_share *share)
{
	static uint64_t va[SHARED];

	for (unsigned int i = 0; i < SHARED; i++) {
		va[i] = must_alloc();
		pattern_fill(va[i], i % 5);
	}
	gl_test_equal(gl_share_pages(share, va, SHARED, NULL), SHARED);
	for (unsigned int i = 0; i < 8; i++)
		*(volatile uint64_t *)va[i] = 1;
	gl_test_equal(gl_share_unshare(share, va[9]), 0);
}

static void load_tables(void)
{
	uint64_t table = must_alloc(), gdt = must_alloc();
	uint64_t mfn = gl_virt_to_mfn(gdt);

	memset((void *)table, 0, GL_PAGE_BYTES);
	memset((void *)gdt, 0, GL_PAGE_BYTES);
	*(uint64_t *)table = gl_virt_to_mfn(gdt) << GL_PAGE_SHIFT |
			     GL_PTE_KERNEL_RO;
	gl_test_equal(protect(table), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, gl_virt_to_mfn(table), 0), 0);
	gl_test_equal(protect(gdt), 0);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 512, 0, 0,
			       0), 0);
	gl_test_equal(ext_op(MMUEXT_NEW_USER_BASEPTR,
			     gl_virt_to_mfn(gl_start_info->pt_base), 0), 0);
}

static void link_and_ldt(void)
{
	uint64_t table = must_alloc(), ldt = must_alloc();
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	memset((void *)table, 0, GL_PAGE_BYTES);
	memset((void *)ldt, 0, GL_PAGE_BYTES);
	gl_test_equal(protect(table), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L4_TABLE, gl_virt_to_mfn(table), 0), 0);
	gl_test_equal(pte_set((gl_virt_to_mfn(gl_start_info->pt_base) << 12) +
			      300 * 8, gl_virt_to_mfn(table) << 12 |
			      GL_PTE_KERNEL_RO), 0);
	gl_test_equal(protect(ldt), 0);
	op.arg1.linear_addr = ldt;
	op.arg2.nr_ents = 512;
	gl_test_equal(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
}

/* One is mapped, by us; one is only given. */
static void use_grants(void)
{
	uint64_t va = must_alloc(), other = must_alloc();
	grant_ref_t ref;

	gl_test_equal(gl_grant_init(2), 0);
	gl_test_equal(gl_foreign_init(1), 0);
	ref = gl_grant_page(gl_domid(), va, false);
	gl_test_check(gl_grant_page(DOMID_SELF - 1, other, true) > 0);
	gl_test_equal(gl_foreign_map(gl_foreign_alloc(), gl_domid(), ref, false),
		      0);
}

static void open_ports(void)
{
	for (unsigned int i = 0; i < PORTS; i++) {
		struct evtchn_alloc_unbound a = {
			.dom = DOMID_SELF, .remote_dom = DOMID_SELF,
		};

		gl_test_equal(hypercall_event_channel_op(
				      EVTCHNOP_alloc_unbound, &a), 0);
	}
}

static void use_areas(void)
{
	struct gl_trace trace;
	long buf = xencomm_alloc_buf(2, 1);
	void *va;

	gl_test_equal(gl_trace_open(&trace), 0);
	gl_test_check(buf > 0);
	gl_test_check(xencomm_alloc_mem(buf, 128, &va) != 0);
}

/* The last thing: the library does not know where vcpu_info went. */
static void move_vcpu_info(void)
{
	uint64_t page = must_alloc();
	struct vcpu_register_vcpu_info info = { .mfn = gl_virt_to_mfn(page) };

	memset((void *)page, 0, GL_PAGE_BYTES);
	gl_test_equal(hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info),
		      0);
}

static void give_and_take(void)
{
	uint64_t kept = must_alloc(), given = must_alloc();

	gl_test_equal(gl_frame_return(given), 0);
	gl_test_equal(gl_frame_return(kept), 0);
	gl_test_equal(gl_frame_regain(kept), 0);
}

static void tick(void)
{
}

void gl_main(void)
{
	struct gl_share *share = gl_share_setup(8);
	struct sched_shutdown how = { 0 };

	share_pages(share);
	load_tables();
	open_ports();
	use_areas();
	link_and_ldt();
	use_grants();
	give_and_take();
	gl_test_equal(gl_timer_set(gl_now_ns() + 1000000000UL, tick), 0);
	audit("every resource");
	if (gl_test_failures)
		gl_test_done();
	how.reason = gl_cmdline_u64("how", 0) ? SHUTDOWN_crash :
						SHUTDOWN_poweroff;
	gl_printf("cycle done\n");
	gl_console_flush();
	/* an upcall could not be acknowledged from there on */
	gl_events_save();
	move_vcpu_info();
	gl_test_equal(hypercall_sched_op(SCHEDOP_shutdown, &how), 0);
}
