/* SPDX-License-Identifier: MIT */
/* Frames given back to the hypervisor, and taken again. */
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
