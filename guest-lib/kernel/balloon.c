/* SPDX-License-Identifier: MIT */
/* Frames given back to the hypervisor, and taken again. */
#include <gl/console.h>
#include <gl/hypercall.h>
#include <gl/memory.h>

long gl_frame_return(uint64_t va)
{
	xen_pfn_t mfn = gl_virt_to_mfn(va);
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	long rc = gl_unmap_page(va);

	if (rc)
		return rc;
	set_xen_guest_handle(r.extent_start, &mfn);
	rc = hypercall_memory_op(XENMEM_decrease_reservation, &r);
	if (rc == 1) {
		gl_p2m_set(gl_virt_to_pfn(va), GL_NO_FRAME);
		return 0;
	}
	gl_map_page(va, mfn, GL_PTE_KERNEL);
	return rc < 0 ? rc : -XEN_EBUSY;
}

long gl_frame_regain(uint64_t va)
{
	xen_pfn_t frame = gl_virt_to_pfn(va);	/* in: pfn, out: mfn */
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	long rc;

	set_xen_guest_handle(r.extent_start, &frame);
	rc = hypercall_memory_op(XENMEM_populate_physmap, &r);
	if (rc != 1)
		return rc < 0 ? rc : -XEN_ENOMEM;
	gl_p2m_set(gl_virt_to_pfn(va), frame);
	return gl_map_page(va, frame, GL_PTE_KERNEL);
}

#define RETURN_BATCH	64

/* Not on the stack; one vCPU returns frames. */
static struct multicall_entry unmaps[RETURN_BATCH];
static xen_pfn_t frames[RETURN_BATCH];

/* Unmap pages, and note their frames; false: the first entry was refused. */
static bool unmap_batch(uint64_t va, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t page = va + i * GL_PAGE_BYTES;

		frames[i] = gl_virt_to_mfn(page);
		unmaps[i] = (struct multicall_entry){
			.op = __HYPERVISOR_update_va_mapping,
			.args = { page, 0, UVMF_INVLPG | UVMF_ALL },
		};
	}
	if (hypercall_multicall(unmaps, n))
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (unmaps[i].result)
			gl_panic("a page cannot be unmapped");
	return true;
}

/* How many of them went; the others are mapped again. */
static uint64_t return_batch(uint64_t va, unsigned int n)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .domid = DOMID_SELF,
	};
	long rc;

	if (!unmap_batch(va, n))
		return 0;
	set_xen_guest_handle(r.extent_start, frames);
	rc = hypercall_memory_op(XENMEM_decrease_reservation, &r);
	for (unsigned int i = 0; i < n; i++, va += GL_PAGE_BYTES)
		if ((long)i < rc)
			gl_p2m_set(gl_virt_to_pfn(va), GL_NO_FRAME);
		else
			gl_map_page(va, frames[i], GL_PTE_KERNEL);
	return rc > 0 ? (uint64_t)rc : 0;
}

uint64_t gl_frames_return(uint64_t va, uint64_t count)
{
	uint64_t done = 0;

	while (done < count) {
		unsigned int n = count - done < RETURN_BATCH ?
				 (unsigned int)(count - done) : RETURN_BATCH;
		uint64_t went = return_batch(va + done * GL_PAGE_BYTES, n);

		done += went;
		if (went < n)
			break;
	}
	return done;
}
