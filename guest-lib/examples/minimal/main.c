/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful guest: offer one page, read it, write it again.  The
 * write faults, the library puts a private copy there (or nobody else has the
 * frame, and it becomes the page's own), and the store goes on as if nothing
 * had been.  On a hypervisor without the call it says so and ends well.  With
 * hold=1 it offers the page again and stays until the operator types "go".
 */
#include <gl/console.h>
#include <gl/hold.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/string.h>

#define RESERVE_FRAMES	4
#define WORDS		(GL_PAGE_BYTES / sizeof(uint64_t))
#define FILL		0x5061737475726500UL	/* "Pasture" */

/* The same in every guest that runs this, so that all share one frame. */
static void fill(uint64_t *page)
{
	for (unsigned int i = 0; i < WORDS; i++)
		page[i] = FILL + i;
}

static bool is_filled(const uint64_t *page, unsigned int from)
{
	for (unsigned int i = from; i < WORDS; i++)
		if (page[i] != FILL + i)
			return false;
	return true;
}

static void print_counters(struct gl_share *share)
{
	struct gl_share_counters c;
	struct shareop_info info;

	gl_share_counters_get(share, &c);
	gl_printf("offered %lu shared %lu faults %lu breaks %lu unshares %lu\n",
		  c.offered, c.done, c.faults, c.breaks, c.unshares);
	if (gl_share_info(share, &info) == 0)
		gl_printf("hypervisor: offered %lu held %lu breaks %lu pages %lu of %lu\n",
			  info.offered, info.held, info.breaks, info.tot_pages,
			  info.max_pages);
}

static void write_again(struct gl_share *share, uint64_t *page)
{
	uint64_t shared_mfn = gl_virt_to_mfn((uint64_t)page);

	*(volatile uint64_t *)page = 1;	/* faults; see gl_share_fault() */
	if (page[0] != 1 || !is_filled(page, 1))
		gl_panic("the copy is wrong");
	if (gl_share_is_shared(share, gl_virt_to_pfn((uint64_t)page)))
		gl_panic("written without a frame of its own");
	gl_printf("written: the page has frame %lx now, its own%s\n",
		  gl_virt_to_mfn((uint64_t)page),
		  gl_virt_to_mfn((uint64_t)page) == shared_mfn ?
		  ": nobody else had it any more" : "");
	gl_share_refill(share);
}

void gl_main(void)
{
	struct gl_share *share = gl_share_setup(RESERVE_FRAMES);
	uint64_t *page = (uint64_t *)gl_page_alloc();
	uint64_t own_mfn;
	long rc;

	if (!share || !page)
		gl_panic("no memory");
	gl_printf("hello from domain %u: %lu pages, %lu free\n", gl_domid(),
		  gl_pages_total(), gl_pages_free_count());
	fill(page);
	own_mfn = gl_virt_to_mfn((uint64_t)page);
	rc = gl_share_page(share, (uint64_t)page);
	if (rc == -XEN_ENOSYS) {
		gl_printf("this hypervisor has no sharing call\n");
	} else if (rc) {
		gl_printf("the page was not shared: error %ld\n", rc);
	} else {
		gl_printf("shared: frame %lx instead of %lx\n",
			  gl_virt_to_mfn((uint64_t)page), own_mfn);
		if (!is_filled(page, 0))
			gl_panic("the shared page is wrong");
		write_again(share, page);
	}
	print_counters(share);
	if (gl_cmdline_u64("hold", 0)) {
		gl_share_page(share, (uint64_t)page);
		gl_hold(0);
	}
	gl_printf("bye\n");
}
