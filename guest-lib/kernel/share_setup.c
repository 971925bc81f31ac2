/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of the sharing half over this library: an example of what
 * another kernel writes.
 */
#include <gl/console.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/share_setup.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

static struct gl_share share;
static struct gl_lock share_lock;
static gl_trap_fn next_handler;

static long op_hypercall(void *ctx, unsigned int nr, unsigned long a1,
			 unsigned long a2, unsigned long a3, unsigned long a4)
{
	return gl_hypercall(nr, a1, a2, a3, a4, 0);
}

static bool op_va_to_pfn(void *ctx, uint64_t va, uint64_t *pfn)
{
	*pfn = gl_virt_to_pfn(va);
	/* We may not offer another domain's page. */
	return *pfn < gl_pages_total() && !gl_pfn_is_foreign(*pfn);
}

static uint64_t op_pte_read(void *ctx, uint64_t va)
{
	return gl_pte_read(va);
}

static void op_p2m_set(void *ctx, uint64_t pfn, uint64_t mfn)
{
	gl_p2m_set(pfn, mfn);
}

static uint64_t op_p2m_get(void *ctx, uint64_t pfn)
{
	return gl_pfn_to_mfn(pfn);
}

static uint64_t op_page_alloc(void *ctx)
{
	return gl_page_alloc();
}

static void op_page_free(void *ctx, uint64_t va)
{
	gl_page_free(va);
}

static unsigned long op_lock(void *ctx)
{
	return gl_lock(&share_lock);
}

static void op_unlock(void *ctx, unsigned long state)
{
	gl_unlock(&share_lock, state);
}

static bool op_pfn_to_va(void *ctx, uint64_t pfn, uint64_t *va)
{
	*va = gl_pfn_to_virt(pfn);
	return true;
}

static void op_log(void *ctx, const char *text)
{
	gl_printf("%s\n", text);
}

static const struct gl_share_ops ops = {
	.hypercall = op_hypercall,
	.va_to_pfn = op_va_to_pfn,
	.pte_read = op_pte_read,
	.p2m_set = op_p2m_set,
	.p2m_get = op_p2m_get,
	.page_alloc = op_page_alloc,
	.page_free = op_page_free,
	.lock = op_lock,
	.unlock = op_unlock,
	.log = op_log,
	.pfn_to_va = op_pfn_to_va,
};

static bool page_fault(struct gl_regs *regs)
{
	if (gl_share_fault(&share, gl_fault_address(), regs->error_code))
		return true;
	return next_handler && next_handler(regs);
}

struct gl_share *gl_share_setup(unsigned int reserve)
{
	size_t bytes = gl_share_record_bytes(gl_pages_total());
	uint64_t record = gl_pages_alloc((bytes + GL_PAGE_BYTES - 1) /
					 GL_PAGE_BYTES);

	if (!record)
		return NULL;
	if (gl_share_init(&share, &ops, NULL, (uint64_t *)record,
			  gl_pages_total(), reserve) < 0)
		return NULL;
	if (gl_vcpu_count() > 1)
		gl_share_several_vcpus(&share);
	next_handler = gl_trap_handler_set(TRAP_page_fault, page_fault);
	return &share;
}
