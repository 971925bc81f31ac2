/* SPDX-License-Identifier: MIT */
/*
 * Break first as a foreign kernel uses it: init, offer, write, unshare, end.
 * After each step the bytes, and that entry, p2m and M2P name one frame.
 */
#include <gl/offers.h>
#include <gl/start.h>
#include <gl/stubs.h>
#include <gl/trap.h>

#include "../attack.h"

#define PAGES	600	/* more than one call takes */
#define HELD	60	/* contents 0 .. 59 are the neighbour's too */
#define EQUAL	40	/* the last pages have one content */

static struct gl_offers offers;
static uint64_t first;		/* address of page 0 */
static uint8_t written[PAGES];
static bool has_list;

static unsigned int content_of(unsigned int n)
{
	return n < PAGES - EQUAL ? n : PAGES - EQUAL;
}

static uint64_t va_of(unsigned int n)
{
	return first + n * GL_PAGE_BYTES;
}

static uint64_t frame_of(uint64_t va)
{
	return (gl_pte_read(va) & GL_PTE_FRAME) >> GL_PAGE_SHIFT;
}

static bool is_shared(unsigned int n)
{
	return gl_pte_read(va_of(n)) & SHARE_PTE_AVL;
}

static void check_pages(const char *after)
{
	for (unsigned int n = 0; n < PAGES; n++) {
		const volatile uint64_t *p = (const volatile uint64_t *)va_of(n);
		uint64_t frame = frame_of(va_of(n));

		gl_test_equal(p[0], written[n] ? 4711 : pattern_word(content_of(n), 0));
		gl_test_equal(p[511], pattern_word(content_of(n), 511));
		gl_test_equal(gl_mfn_to_pfn(frame), gl_virt_to_pfn(va_of(n)));
		if (has_list)
			gl_test_equal(gl_virt_to_mfn(va_of(n)), frame);
	}
	audit(after);
}

/* No handler of ours may see any. */
static bool page_fault(struct gl_regs *regs)
{
	gl_printf("a fault at %lx\n", gl_fault_address());
	gl_test_end("FAILURE");
}

static void write(unsigned int n)
{
	*(volatile uint64_t *)va_of(n) = 4711;
	written[n] = 1;
	gl_test_check(!is_shared(n));
}

static void begin(void)
{
	bool direct = gl_cmdline_u64("direct", 0);
	uint64_t *list = (uint64_t *)gl_start_info->mfn_list;

	has_list = gl_cmdline_u64("list", 1);
	gl_trap_handler_set(TRAP_page_fault, page_fault);
	first = gl_pages_alloc(PAGES);
	if (!first)
		gl_test_error("no memory");
	for (unsigned int n = 0; n < PAGES; n++)
		pattern_fill(va_of(n), content_of(n));
	gl_test_equal(gl_offers_init(&offers,
				     direct ? gl_call_direct : gl_call_page,
				     direct ? NULL : hypercall_page,
				     has_list ? list : NULL,
				     has_list ? gl_pages_total() : 0, 0), 0);
}

/* Every page once, and a batch with a page that cannot be. */
static void offer_all(void)
{
	int32_t status[PAGES];
	uint64_t vas[2] = { va_of(3), FAR_VA };

	gl_test_equal(gl_offers_range(&offers, first, PAGES, status), PAGES);
	for (unsigned int n = 0; n < PAGES; n++) {
		gl_test_equal(status[n], SHARE_DONE);
		gl_test_check(is_shared(n));
	}
	gl_test_equal(gl_offers_pages(&offers, vas, 2, status), 0);
	gl_test_equal(status[0], SHARE_ALREADY);
	gl_test_equal(status[1], SHARE_NOT_MAPPED);
}

/* A page that was shared becomes a table; a shared one is given back. */
static void other_uses(void)
{
	uint64_t va = must_alloc(), frame;
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};

	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(gl_offers_range(&offers, va, 1, NULL), 1);
	gl_test_equal(gl_offers_unshare(&offers, va, gl_virt_to_pfn(va), 1), 0);
	frame = frame_of(va);
	gl_test_equal(map_at(va, frame, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, frame, 0), 0);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, frame, 0), 0);
	gl_test_equal(map_at(va, frame, GL_PTE_KERNEL), 0);
	gl_test_equal(gl_offers_range(&offers, va, 1, NULL), 1);
	frame = frame_of(va);
	gl_test_equal(hypercall_update_va_mapping(va, 0, UVMF_INVLPG), 0);
	set_xen_guest_handle(r.extent_start, &frame);
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r), 1);
}

static void unshare_all(void)
{
	struct shareop_info info;
	uint64_t pfn = gl_virt_to_pfn(first);

	gl_test_equal(gl_offers_fini(&offers), -XEN_EBUSY);
	gl_test_equal(gl_offers_unshare(&offers, first, pfn, 100), 0);
	for (unsigned int n = 0; n < PAGES; n++)
		gl_test_equal(is_shared(n), n >= 100 && !written[n]);
	check_pages("unshare of a part");
	gl_test_equal(gl_offers_unshare(&offers, first, pfn, PAGES), 0);
	gl_test_equal(gl_offers_info(&offers, &info), 0);
	gl_test_equal(info.held, 0);
	check_pages("unshare of all");
	gl_test_equal(gl_offers_fini(&offers), 0);
}

void gl_main(void)
{
	begin();
	offer_all();
	check_pages("offers");
	for (unsigned int n = 0; n < PAGES; n += 7)
		write(n);
	write(1);
	write(HELD - 1);
	check_pages("writes");
	other_uses();
	unshare_all();
	gl_test_equal(offers.counters.done, PAGES + 2);
	gl_test_done();
}
