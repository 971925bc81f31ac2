/* SPDX-License-Identifier: MIT */
/*
 * A kernel around the README's sample "share": its callbacks, its page-fault
 * handler, and a round of offer, write, end.
 */
#include <pasture/console.h>
#include <pasture/hypercall.h>
#include <pasture/memory.h>
#include <pasture/share.h>
#include <pasture/stubs.h>
#include <pasture/trap.h>

#define PAGES 40

long sharing_begin(void);
bool sharing_fault(uint64_t cr2, uint64_t error_code);
long sharing_offer(uint64_t va, size_t pages);
void sharing_idle(void);
long sharing_end(void);

static bool va_to_pfn(void *ctx, uint64_t va, uint64_t *pfn)
{
	*pfn = gl_virt_to_pfn(va);
	return *pfn < gl_pages_total();
}

static bool pfn_to_va(void *ctx, uint64_t pfn, uint64_t *va)
{
	*va = gl_pfn_to_virt(pfn);
	return true;
}

static uint64_t pte_read(void *ctx, uint64_t va)
{
	return gl_pte_read(va);
}

static void p2m_set(void *ctx, uint64_t pfn, uint64_t mfn)
{
	gl_p2m_set(pfn, mfn);
}

static uint64_t p2m_get(void *ctx, uint64_t pfn)
{
	return gl_pfn_to_mfn(pfn);
}

static uint64_t page_alloc(void *ctx)
{
	return gl_page_alloc();
}

static void page_free(void *ctx, uint64_t va)
{
	gl_page_free(va);
}

/* One vCPU, no events. */
static unsigned long lock(void *ctx)
{
	return 0;
}

static void unlock(void *ctx, unsigned long state)
{
}

static void log_line(void *ctx, const char *text)
{
	gl_printf("%s\n", text);
}

extern const struct gl_share_ops my_ops;
const struct gl_share_ops my_ops = {
	gl_call_direct, va_to_pfn, pte_read, p2m_set, p2m_get, page_alloc,
	page_free, lock, unlock, log_line, pfn_to_va,
};

static bool page_fault(struct gl_regs *regs)
{
	return sharing_fault(gl_fault_address(), regs->error_code);
}

void gl_main(void)
{
	uint64_t va = gl_pages_alloc(PAGES);
	volatile uint64_t *p = (volatile uint64_t *)va;
	long begun, offered;

	for (unsigned int i = 0; i < PAGES * 512; i++)
		p[i] = i;
	gl_trap_handler_set(TRAP_page_fault, page_fault);
	begun = sharing_begin();
	offered = sharing_offer(va, PAGES);
	p[5] = 55;
	sharing_idle();
	gl_printf("begun %ld offered %ld ended %ld words %lu %lu\n", begun,
		  offered, sharing_end(), p[5], p[6]);
}
