/* SPDX-License-Identifier: MIT */
/*
 * For kernels that attack the hypervisor: calls without the library's care, and
 * pages with known bytes.  Numbers such as SH7 are those of the attack list; a
 * test names the ones that it makes.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <gl/grant.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/string.h>

#include "gl_test.h"

/* ours, nothing is mapped there */
#define FAR_VA		0x00005a5a00000000UL
#define HV_BASE		0xffff800000000000UL
#define HV_END		0xffff880000000000UL
#define PAGE_WORDS	(GL_PAGE_BYTES / 8)
#define NO_MFN		(~0UL)
#define UNUSED		__attribute__((unused))

/* The instruction itself: any 64-bit number, any stack. */
UNUSED static long raw_call(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3,
			    uint64_t a4, uint64_t a5)
{
	register uint64_t r10 __asm__("r10") = a4;
	register uint64_t r8 __asm__("r8") = a5;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),
			   "+r"(r8)
			 : "a"(nr)
			 : "rcx", "r11", "r9", "memory");
	return ret;
}

/* Is that the part which this guest plays? */
UNUSED static bool role_is(const char *part)
{
	char role[16];

	if (!gl_cmdline_text("role", role, sizeof(role)))
		gl_test_error("no role");
	return !strcmp(role, part);
}

/* --- sharing without the library's records --- */

UNUSED static long offer(uint64_t va)
{
	return hypercall_make_ro_and_share(SHAREOP_single, va, 0, 0);
}

UNUSED static long offer_batch(struct shareop_entry *e, uint64_t count)
{
	return hypercall_make_ro_and_share(SHAREOP_batch, (uint64_t)e, count,
					   0);
}

UNUSED static long unshare_batch(struct shareop_entry *e, uint64_t count)
{
	return hypercall_make_ro_and_share(SHAREOP_unshare, (uint64_t)e, count,
					   0);
}

UNUSED static struct shareop_entry entry_of(uint64_t name)
{
	return (struct shareop_entry){ .pte = { name }, .nr_ptes = 1,
				     .status = -1 };
}

/* Make va's page private again; SHARE_DONE or why not.  The p2m follows. */
UNUSED static int32_t unshare(uint64_t va)
{
	struct shareop_entry e = entry_of(va);

	if (unshare_batch(&e, 1))
		return -1;
	if (e.status == SHARE_DONE && gl_virt_to_pfn(va) < gl_pages_total())
		gl_p2m_set(gl_virt_to_pfn(va), e.mfn);
	return e.status;
}

/* Offer va's page, which must work; its new frame. */
UNUSED static uint64_t must_share(uint64_t va)
{
	long mfn = offer(va);

	gl_test_check(mfn > 0);
	gl_p2m_set(gl_virt_to_pfn(va), (uint64_t)mfn);
	return (uint64_t)mfn;
}

UNUSED static struct shareop_info info_get(void)
{
	struct shareop_info info = { 0 };

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, (uint64_t)&info,
						  sizeof(info), 0), 0);
	return info;
}

/* The whole machine is recounted (debug builds). */
UNUSED static void audit(const char *after)
{
	long errors = hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0);

	if (errors && errors != -XEN_EPERM)
		gl_test_fail("after %s: %ld audit errors", after, errors);
}

/* --- page tables --- */

UNUSED static long map_at(uint64_t va, uint64_t mfn, uint64_t flags)
{
	return hypercall_update_va_mapping(va, mfn << GL_PAGE_SHIFT | flags,
					   UVMF_INVLPG | UVMF_ALL);
}

UNUSED static long pte_set(uint64_t ptr, uint64_t val)
{
	struct mmu_update req = { .ptr = ptr, .val = val };

	return hypercall_mmu_update(&req, 1, NULL, DOMID_SELF);
}

UNUSED static long ext_op(unsigned int cmd, uint64_t mfn, uint64_t arg2)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = mfn;
	op.arg2.src_mfn = arg2;
	return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* The page's only mapping: read-only, or writable. */
UNUSED static long protect(uint64_t va)
{
	return map_at(va, gl_virt_to_mfn(va), GL_PTE_KERNEL_RO);
}

UNUSED static long unprotect(uint64_t va)
{
	return map_at(va, gl_virt_to_mfn(va), GL_PTE_KERNEL);
}

UNUSED static uint64_t must_alloc(void)
{
	uint64_t va = gl_page_alloc();

	if (!va)
		gl_test_error("no memory");
	return va;
}

/* What `dom` grants by `ref`, mapped writable as soon as it does. */
UNUSED static uint64_t granted_page(domid_t dom, grant_ref_t ref)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = must_alloc(), .flags = GNTMAP_host_map,
		.ref = ref, .dom = dom,
	};

	do {
		hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
		hypercall_sched_op(SCHEDOP_yield, NULL);
	} while (op.status);
	return op.host_addr;
}

/* --- pages with known bytes --- */

#define PATTERN_MAGIC 0x5ec2e70000000000UL

UNUSED static uint64_t pattern_word(uint64_t n, unsigned int k)
{
	return PATTERN_MAGIC | n << 16 | k;
}

UNUSED static void pattern_fill(uint64_t va, uint64_t n)
{
	volatile uint64_t *p = (volatile uint64_t *)va;

	for (unsigned int k = 0; k < PAGE_WORDS; k++)
		p[k] = pattern_word(n, k);
}

UNUSED static bool pattern_intact(uint64_t va, uint64_t n)
{
	const volatile uint64_t *p = (const volatile uint64_t *)va;

	for (unsigned int k = 0; k < PAGE_WORDS; k++)
		if (p[k] != pattern_word(n, k))
			return false;
	return true;
}

#endif
