/* SPDX-License-Identifier: MIT */
/*
 * DD5: a domain dies with mappings=N mappings of one shared frame.  What its
 * end cost is on the hypervisor's @dom line; bench/benches/destroy.sh reads it
 * there.
 */
#include <gl/share_setup.h>
#include <gl/trace.h>

#include "../attack.h"

static void map_table(uint64_t va, uint64_t mfn, uint64_t count)
{
	uint64_t table = must_alloc(), *e = (uint64_t *)table;

	for (unsigned int i = 0; i < 512; i++)
		e[i] = i < count ? mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO : 0;
	gl_test_equal(gl_l1_install(va, table), 0);
}

void gl_main(void)
{
	uint64_t n = gl_cmdline_u64("mappings", 1000), left, va = FAR_VA;
	uint64_t page = must_alloc();
	struct shareop_trace at;

	gl_share_setup(4);
	/* So that its end is printed. */
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_trace,
						  (uint64_t)&at, sizeof(at), 0),
		      0);
	pattern_fill(page, 1);
	must_share(page);
	for (left = n; left; va += GL_L1_SPAN) {
		uint64_t some = left < 512 ? left : 512;

		map_table(va, gl_virt_to_mfn(page), some);
		left -= some;
	}
	gl_test_equal(info_get().held, 1);
	gl_test_equal(info_get().mappings, n + 1);
	gl_test_check(pattern_intact(FAR_VA + (n - 1) * GL_PAGE_BYTES, 1));
	audit("many mappings");
	gl_test_done();
}
