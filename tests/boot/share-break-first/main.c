/* SPDX-License-Identifier: MIT */
/*
 * Break first: writes by an instruction, by the output of a hypercall, by a
 * frame that the hypervisor pushes, by an entry; of pages with one mapping and
 * with more; held by a neighbour too, or by nobody else (SH8, SH13, SH20).
 * After each the bytes, both entries, p2m and M2P, and the audit.
 */
#include <gl/grant.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>
#include <gl/trap.h>

#include "../attack.h"

#define HELD	60		/* contents 0 .. 59 are the neighbour's too */
#define OWN	5000		/* contents that nobody else has */
#define ALIAS	0x00005a5a00000000UL
#define AVL_RW	(SHARE_PTE_AVL | GL_PTE_WRITE)

static struct gl_share *share;
static uint64_t next_held;	/* the next content that was not used */
static unsigned int traps;
static uint64_t trap_page;	/* has a second mapping at ALIAS */

static uint64_t frame_of(uint64_t va)
{
	return (gl_pte_read(va) & GL_PTE_FRAME) >> GL_PAGE_SHIFT;
}

/* A page with this content, shared. */
static uint64_t shared_page(uint64_t content)
{
	uint64_t va = must_alloc();

	pattern_fill(va, content);
	gl_test_equal(gl_share_page(share, va), 0);
	gl_test_equal(gl_pte_read(va) & AVL_RW, SHARE_PTE_AVL);
	return va;
}

/*
 * va is private and writable; all its names agree; its bytes are those of
 * content, but for `changed`.
 */
static void check_private(uint64_t va, uint64_t content, unsigned int changed)
{
	const volatile uint64_t *p = (const volatile uint64_t *)va;
	unsigned int different = 0;

	gl_test_equal(gl_pte_read(va) & AVL_RW, GL_PTE_WRITE);
	gl_test_equal(frame_of(va), gl_virt_to_mfn(va));
	gl_test_equal(gl_mfn_to_pfn(frame_of(va)), gl_virt_to_pfn(va));
	for (unsigned int k = 0; k < 512; k++)
		different += p[k] != pattern_word(content, k);
	gl_test_check(different <= changed);
	audit("a write");
}

/*
 * Until the neighbour holds its pages, a break of such a page copies nothing.
 */
static void wait_for_neighbour(void)
{
	uint64_t va, old;

	for (unsigned int i = 0; i < 200; i++) {
		va = shared_page(HELD - 1);
		old = frame_of(va);
		*(volatile uint64_t *)va = 1;
		if (frame_of(va) != old)
			return;
		gl_page_free(va);
		gl_sleep_ns(20000000);
	}
	gl_test_error("the neighbour shares nothing");
}

static void by_instruction(void)
{
	uint64_t n = next_held++, va = shared_page(n), old = frame_of(va);
	uint64_t faults = share->counters.faults;

	*(volatile uint64_t *)(va + 8) = 42;
	gl_test_equal(*(volatile uint64_t *)(va + 8), 42);
	gl_test_check(frame_of(va) != old);
	gl_test_equal(share->counters.faults, faults);	/* we saw none */
	check_private(va, n, 1);
}

/*
 * An output over the border of two pages; and the result of a call in its own
 * arguments.
 */
static void by_output(void)
{
	uint64_t n = next_held, va = gl_pages_alloc(2);
	struct multicall_entry *m;

	next_held += 2;
	for (unsigned int i = 0; i < 2; i++) {
		pattern_fill(va + i * GL_PAGE_BYTES, n + i);
		gl_test_equal(gl_share_page(share, va + i * GL_PAGE_BYTES), 0);
	}
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info,
			va + GL_PAGE_BYTES - 48, sizeof(struct shareop_info), 0),
		      0);
	gl_test_equal(*(volatile uint32_t *)(va + GL_PAGE_BYTES - 48),
		      SHARE_ABI_VERSION);
	check_private(va, n, 6);
	check_private(va + GL_PAGE_BYTES, n + 1, 6);

	m = (struct multicall_entry *)must_alloc();
	for (unsigned int i = 0; i < 8; i++)
		m[i] = (struct multicall_entry){
			.op = __HYPERVISOR_xen_version, .result = 99,
			.args = { XENVER_version } };
	gl_test_equal(gl_share_page(share, (uint64_t)m), 0);
	gl_test_equal(hypercall_multicall(m, 8), 0);
	for (unsigned int i = 0; i < 8; i++)
		gl_test_check((m[i].result & 0xffff0000) == 0x40000);
	audit("a write");
}

static bool breakpoint(struct gl_regs *regs)
{
	traps++;
	/* Not one instruction of ours sees the page half-way. */
	if (trap_page)
		gl_test_equal(frame_of(ALIAS), frame_of(trap_page));
	return true;
}

/* The hypervisor pushes a trap's frame on a stack that ends there. */
static void trap_on(uint64_t stack)
{
	gl_trap_fn before = gl_trap_handler_set(TRAP_int3, breakpoint);

	traps = 0;
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %0, %%rsp\n\t"
			 "int3\n\t"
			 "movq %%rbx, %%rsp"
			 : : "r"(stack) : "rbx", "memory");
	gl_trap_handler_set(TRAP_int3, before);
	gl_test_equal(traps, 1);
}

static void by_trap_frame(void)
{
	uint64_t n = next_held++, va = shared_page(n), old = frame_of(va);

	trap_on(va + GL_PAGE_BYTES);
	gl_test_check(frame_of(va) != old);
	check_private(va, n, 300);
}

enum route { BY_CALL, BY_UPDATE, BY_STORE, ROUTES };

static void write_entry(enum route route, uint64_t va, uint64_t pte)
{
	struct mmu_update u = { gl_pte_maddr(va), pte };
	volatile uint64_t *l1 = gl_l1_of(va);

	switch (route) {
	case BY_CALL:
		gl_test_equal(hypercall_update_va_mapping(va, pte,
							  UVMF_INVLPG), 0);
		break;
	case BY_UPDATE:
		gl_test_equal(hypercall_mmu_update(&u, 1, NULL, DOMID_SELF), 0);
		break;
	default:	/* the hypervisor emulates it */
		l1[va >> GL_PAGE_SHIFT & 511] = pte;
	}
}

static void by_entry(enum route route)
{
	uint64_t n = next_held++, va = shared_page(n), old = frame_of(va);

	write_entry(route, va, old << GL_PAGE_SHIFT | GL_PTE_KERNEL);
	gl_test_check(frame_of(va) != old);
	check_private(va, n, 0);
	*(volatile uint64_t *)va = 7;
	check_private(va, n, 1);
}

/* A page with a second, writable mapping and a third that is read-only. */
static uint64_t shared_aliases(uint64_t content)
{
	uint64_t va = must_alloc(), mfn = gl_virt_to_mfn(va);
	struct shareop_entry e = {
		.pte = { va, ALIAS }, .nr_ptes = 2, .status = SHARE_NOT_TRIED,
	};

	pattern_fill(va, content);
	gl_test_equal(gl_map_page(ALIAS, mfn, GL_PTE_KERNEL), 0);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_batch,
						  (unsigned long)&e, 1, 0), 0);
	gl_test_equal(e.status, SHARE_DONE);
	gl_p2m_set(gl_virt_to_pfn(va), e.mfn);
	gl_test_equal(gl_map_page(ALIAS + GL_PAGE_BYTES, e.mfn,
				  GL_PTE_KERNEL_RO), 0);
	return va;
}

enum alias_write { THROUGH_ALIAS, THROUGH_OUTPUT, THROUGH_ENTRY,
		   THROUGH_STACK, THROUGH_CALLS, ALIAS_WRITES };

/*
 * The first call's output breaks the page in one of its entries; the second
 * finds it broken in all: it is not to make another private page of what the
 * alias still maps.
 */
static void call_after_call(uint64_t va)
{
	struct shareop_entry e = {
		.pte = { ALIAS }, .nr_ptes = 1, .status = SHARE_NOT_TRIED,
	};
	struct multicall_entry m[2] = {
		{ .op = __HYPERVISOR_make_ro_and_share,
		  .args = { SHAREOP_info, va, sizeof(struct shareop_info) } },
		{ .op = __HYPERVISOR_make_ro_and_share,
		  .args = { SHAREOP_unshare, (unsigned long)&e, 1 } },
	};

	gl_test_equal(hypercall_multicall(m, 2), 0);
	gl_test_equal(m[0].result, 0);
	gl_test_equal(m[1].result, 0);
	gl_test_equal(e.status, SHARE_NOT_SHARED);
}

static void alias_write(enum alias_write how, uint64_t va)
{
	switch (how) {
	case THROUGH_ALIAS:
		*(volatile uint64_t *)ALIAS = 1;
		break;
	case THROUGH_OUTPUT:
		gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, va,
				sizeof(struct shareop_info), 0), 0);
		break;
	case THROUGH_ENTRY:	/* a fourth name, writable */
		gl_test_equal(gl_map_page(ALIAS + 2 * GL_PAGE_BYTES,
					  frame_of(va), GL_PTE_KERNEL), 0);
		gl_test_equal(frame_of(ALIAS + 2 * GL_PAGE_BYTES), frame_of(va));
		gl_unmap_page(ALIAS + 2 * GL_PAGE_BYTES);
		break;
	case THROUGH_STACK:
		trap_page = va;
		trap_on(ALIAS + GL_PAGE_BYTES);
		trap_page = 0;
		break;
	default:
		call_after_call(va);
	}
}

static void with_aliases(enum alias_write how, bool held)
{
	uint64_t n = held ? next_held++ : OWN + 100 + how;
	uint64_t va = shared_aliases(n), old = frame_of(va);

	alias_write(how, va);
	gl_test_equal(frame_of(va) != old, held);
	check_private(va, n, 300);
	gl_test_equal(frame_of(ALIAS), frame_of(va));
	gl_test_equal(frame_of(ALIAS + GL_PAGE_BYTES), frame_of(va));
	gl_test_equal(gl_pte_read(ALIAS) & AVL_RW, GL_PTE_WRITE);
	gl_test_equal(gl_pte_read(ALIAS + GL_PAGE_BYTES) & AVL_RW, 0);
	*(volatile uint64_t *)va = 0x1234;
	gl_test_equal(*(volatile uint64_t *)ALIAS, 0x1234);
	gl_test_equal(*(volatile uint64_t *)(ALIAS + GL_PAGE_BYTES), 0x1234);
	gl_unmap_page(ALIAS);
	gl_unmap_page(ALIAS + GL_PAGE_BYTES);
}

/*
 * A grant names the page when it is shared and, the second time, by the name
 * that it had; the mapping is of the page that is written then.
 */
static void by_grant(bool readonly)
{
	uint64_t n = next_held++, va = shared_page(n), old = frame_of(va), at = must_alloc();
	grant_ref_t ref = (grant_ref_t)gl_grant_page(gl_domid(), va, readonly);
	struct gnttab_map_grant_ref op = {
		.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
		.ref = ref, .dom = gl_domid(),
	};
	struct gnttab_unmap_grant_ref end = { .host_addr = at };

	gl_test_equal(gl_frame_return(at), 0);
	op.host_addr = at;
	for (unsigned int round = 0; round < 2; round++) {
		gl_test_equal(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
		gl_test_equal(op.status, GNTST_okay);
		gl_test_check(frame_of(va) != old);
		check_private(va, n, 1);
		*(volatile uint64_t *)(va + 8) = 42 + round;
		gl_test_equal(*(volatile uint64_t *)(at + 8), 42 + round);
		end.handle = op.handle;
		gl_test_equal(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &end, 1), 0);
		gl_test_equal(end.status, GNTST_okay);
	}
	gl_test_equal(gl_grant_end(ref), 0);
	gl_test_equal(gl_frame_regain(at), 0);
	gl_page_free(at);
}

/* Nobody else has it: the frame stays. */
static void last_holder(void)
{
	uint64_t va = shared_page(OWN), old = frame_of(va);
	uint64_t last = info_get().last_breaks;

	*(volatile uint64_t *)va = 3;
	gl_test_equal(frame_of(va), old);
	check_private(va, OWN, 1);
	for (enum route r = 0; r < ROUTES; r++) {
		va = shared_page(OWN + 1 + r);
		old = frame_of(va);
		write_entry(r, va, old << GL_PAGE_SHIFT | GL_PTE_KERNEL);
		gl_test_equal(frame_of(va), old);
		check_private(va, OWN + 1 + r, 0);
	}
	gl_test_equal(info_get().last_breaks - last, 1 + ROUTES);
}

/*
 * The domain has all the pages that it may have: the hypervisor's own fault is
 * an error of the call, and ours comes to the library, whose reserve has a
 * frame.
 */
static void without_quota(void)
{
	static xen_pfn_t frames[1024];
	struct shareop_info n = info_get();
	/* and the page that is shared now */
	uint64_t more = n.max_pages - n.tot_pages + 1;
	struct xen_memory_reservation r = { .domid = DOMID_SELF };
	uint64_t content = next_held++, va = shared_page(content);
	uint64_t unshares = share->counters.unshares;

	r.nr_extents = more;
	gl_test_check(more <= 1024);
	set_xen_guest_handle(r.extent_start, frames);
	gl_test_equal(hypercall_memory_op(XENMEM_increase_reservation, &r),
		      more);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, va,
			sizeof(struct shareop_info), 0), -XEN_EFAULT);
	gl_test_check(pattern_intact(va, content));
	*(volatile uint64_t *)va = 11;
	gl_test_equal(share->counters.unshares, unshares + 1);
	check_private(va, content, 1);
	r.nr_extents = more;
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r),
		      more);
	gl_test_equal(gl_share_refill(share), 0);
}

/*
 * One pfn a frame; and a page that was read-only when it was offered stays so.
 */
static void refusals(void)
{
	uint64_t n = next_held++, va = shared_page(n), other = must_alloc();

	pattern_fill(other, n);
	gl_test_equal(gl_share_page(share, other), -XEN_EEXIST);
	gl_test_check(pattern_intact(other, n));
	gl_test_equal(gl_share_break_first(share, NULL, 0), 0);	/* and again: */
	gl_test_equal(gl_share_break_first(share,
			(const uint64_t *)gl_start_info->mfn_list,
			gl_pages_total()), 0);
	gl_test_equal(gl_map_page(va, gl_virt_to_mfn(va), GL_PTE_KERNEL_RO), 0);
	*(volatile uint64_t *)other = 5;
	gl_test_equal(gl_map_page(other, gl_virt_to_mfn(other),
				  GL_PTE_KERNEL_RO), 0);
	gl_test_equal(gl_share_page(share, other), 0);
	gl_test_equal(gl_pte_read(other) & AVL_RW, 0);
	gl_test_check(!gl_probe_write(other, 1));
	audit("a write");
}

/* The list, in what the operator chose for us: the flags need not ask. */
static void tell_list(void)
{
	const struct shareop_mode m = {
		.version = SHARE_MODE_VERSION,
		.p2m = gl_start_info->mfn_list,
		.p2m_entries = gl_pages_total(),
	};

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_mode, (uint64_t)&m,
						  sizeof(m), 0), 0);
}

/*
 * The operator chose it; before we tell where our list is, shares are ours to
 * break, so that no name in it is stale.  The neighbour holds the contents too.
 */
static void operators_choice(void)
{
	uint64_t n, va, other = must_alloc();

	wait_for_neighbour();
	n = next_held++;
	va = shared_page(n);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, va,
			sizeof(struct shareop_info), 0), -XEN_EFAULT);
	pattern_fill(other, n);
	gl_test_equal(gl_share_page(share, other), -XEN_EEXIST);
	*(volatile uint64_t *)va = 1;
	check_private(va, n, 1);
	gl_test_check(share->counters.faults > 0);

	tell_list();
	by_instruction();
	by_output();
	gl_test_done();
}

void gl_main(void)
{
	share = gl_share_setup(8);
	if (!share)
		gl_test_error("no memory");
	if (gl_cmdline_u64("operator", 0))
		operators_choice();
	gl_test_equal(gl_share_break_first(share,
			(const uint64_t *)gl_start_info->mfn_list,
			gl_pages_total()), 0);
	wait_for_neighbour();
	by_instruction();
	by_output();
	by_trap_frame();
	for (enum route r = 0; r < ROUTES; r++)
		by_entry(r);
	for (enum alias_write how = 0; how < ALIAS_WRITES; how++) {
		with_aliases(how, true);
		with_aliases(how, false);
	}
	gl_test_equal(gl_grant_init(1), 0);
	by_grant(false);
	by_grant(true);
	last_holder();
	without_quota();
	refusals();
	gl_test_check(next_held < HELD - 1);
	gl_test_done();
}
