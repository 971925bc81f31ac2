/* SPDX-License-Identifier: MIT */
/*
 * A kernel that changes its page tables with `mov cr3`: to a copy of its top
 * table, and back; a base that is none gives #GP, and the old one stays (PT10,
 * PT14).
 */
#include <gl/trap.h>

#include "../attack.h"

static unsigned int faults;

static bool skip_mov(struct gl_regs *regs)
{
	faults++;
	regs->rip += 3;		/* mov %rax, %cr3 */
	return true;
}

static uint64_t cr3_get(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

/* True if it was taken. */
static bool cr3_set(uint64_t mfn)
{
	unsigned int before = faults;

	__asm__ volatile("mov %%rax, %%cr3" : : "a"(mfn << GL_PAGE_SHIFT)
			 : "memory");
	return faults == before;
}

void gl_main(void)
{
	uint64_t old = cr3_get() >> GL_PAGE_SHIFT, copy = must_alloc();
	uint64_t plain = must_alloc(), value;

	gl_trap_handler_set(TRAP_gp_fault, skip_mov);
	memcpy((void *)copy, (void *)gl_start_info->pt_base, GL_PAGE_BYTES);
	gl_test_check(!cr3_set(gl_virt_to_mfn(copy)));	/* still writable */
	gl_test_equal(protect(copy), 0);
	gl_test_check(cr3_set(gl_virt_to_mfn(copy)));
	gl_test_equal(cr3_get() >> GL_PAGE_SHIFT, gl_virt_to_mfn(copy));
	/* The new tree is the one that calls edit, and the CPU walks. */
	gl_test_equal(pte_set((gl_virt_to_mfn(copy) << 12) + 100 * 8,
			      ((uint64_t *)gl_start_info->pt_base)[0]), 0);
	gl_test_check(gl_probe_read((100UL << 39) + plain, &value));
	gl_test_check(cr3_set(gl_virt_to_mfn(copy)));	/* a flush */
	gl_test_check(!cr3_set(gl_virt_to_mfn(plain)));
	gl_test_check(!cr3_set(1UL << 40));
	gl_test_check(!cr3_set(0));
	gl_test_equal(cr3_get() >> GL_PAGE_SHIFT, gl_virt_to_mfn(copy));
	gl_test_check(cr3_set(old));
	gl_test_check(!gl_probe_read((100UL << 39) + plain, &value));
	gl_test_equal(faults, 4);
	gl_test_equal(unprotect(copy), 0);	/* nothing uses it any more */
	audit("changes of the base");
	gl_test_done();
}
