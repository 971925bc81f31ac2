/* SPDX-License-Identifier: MIT */
/*
 * Runs the attacks of attack_abi.h; after each, the audit (where there is one).
 */
#include <gl/console.h>
#include <gl/start.h>

#include "attack_abi.h"

uint64_t maddr_of(uint64_t va)
{
	return gl_virt_to_mfn(va) << GL_PAGE_SHIFT;
}

uint64_t table_page(uint64_t *va)
{
	*va = must_alloc();
	memset((void *)*va, 0, GL_PAGE_BYTES);
	gl_test_equal(protect(*va), 0);
	return gl_virt_to_mfn(*va);
}

void table_free(uint64_t va)
{
	gl_test_equal(unprotect(va), 0);
	gl_page_free(va);
}

uint64_t l4_slot(unsigned int slot)
{
	return (L4_MFN << GL_PAGE_SHIFT) + slot * 8;
}

static bool on_pasture(void)
{
	return hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0) !=
	       -XEN_ENOSYS;
}

static void run(const struct attack *a, bool ours)
{
	for (; a->name; a++) {
		long got = a->try();

		gl_printf("ATTACK %s %ld\n", a->name, got);
		if (!ours)
			continue;
		if (got != a->want)
			gl_test_fail("%s gave %ld, not %ld", a->name, got,
				     a->want);
		audit(a->name);
	}
}

void gl_main(void)
{
	bool ours = on_pasture();

	run(pt_attacks, ours);
	run(table_attacks, ours);
	run(call_attacks, ours);
	run(nmi_attacks, ours);
	gl_printf("ATTACKS END\n");
	gl_test_done();
}
