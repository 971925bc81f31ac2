/* SPDX-License-Identifier: MIT */
/* The trace buffer's place in the kernel's address space. */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/trace.h>

/* the library uses no other address near this one */
#define TRACE_VA 0x0000600000000000UL

long gl_trace_open(struct gl_trace *t)
{
	struct shareop_trace at = { 0 };
	long rc = hypercall_make_ro_and_share(SHAREOP_trace, (unsigned long)&at,
					      sizeof(at), 0);

	for (uint32_t i = 0; !rc && i < at.pages; i++)
		rc = gl_map_page(TRACE_VA + i * GL_PAGE_BYTES, at.mfn + i,
				 GL_PTE_KERNEL_RO | GL_PTE_NX);
	if (rc)
		return rc;
	return gl_trace_start(t, (const void *)TRACE_VA) ? 0 : -XEN_EINVAL;
}
