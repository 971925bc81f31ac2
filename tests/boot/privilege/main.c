/* SPDX-License-Identifier: MIT */
/*
 * A guest tries what only the first domain may: every number of domctl, sysctl
 * (ours among them) and platform_op, on itself, on the first domain and on
 * nobody.  Exactly Xen's errors each time, and no byte comes back.  With
 * "first=1" on the command line there is a first domain.
 */
#include "../attack.h"

#include <gl/event.h>

#include <xen/domctl.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

#include <control.h>

#define NUMBERS		1100	/* there are none above 1003 */
#define NOBODY		0x7000

static uint64_t page;
static domid_t self;
static bool first;

/* The argument is at the page's start; the rest must stay as it was. */
static void try(uint8_t call, uint32_t cmd, uint32_t version, domid_t dom,
		long want)
{
	struct { uint32_t cmd, version; domid_t dom; } head = { cmd, version, dom };
	uint8_t *bytes = (uint8_t *)page;
	unsigned int i, changed = 0;
	long got;

	memset(bytes, 0xa5, GL_PAGE_BYTES);
	memcpy(bytes, &head, sizeof(head));
	got = raw_call(call, page, 0, 0, 0, 0);
	changed = memcmp(bytes, &head, sizeof(head)) != 0;
	for (i = sizeof(head); i < GL_PAGE_BYTES; i++)
		changed += bytes[i] != 0xa5;
	if (got != want || changed)
		gl_test_fail("call %u number %u on d%u gave %ld, not %ld; %u bytes changed",
			     call, cmd, dom, got, want, changed);
}

/* Xen looks for the domain first, but where none need be there. */
static long domctl_nobody(uint32_t cmd)
{
	switch (cmd) {
	case XEN_DOMCTL_createdomain:
	case XEN_DOMCTL_getdomaininfo:
	case XEN_DOMCTL_gdbsx_guestmemio:
		return -XEN_EPERM;
	default:
		return -XEN_ESRCH;
	}
}

static void test_walk(void)
{
	uint32_t cmd;

	for (cmd = 0; cmd < NUMBERS; cmd++) {
		try(__HYPERVISOR_domctl, cmd, XEN_DOMCTL_INTERFACE_VERSION, self,
		    -XEN_EPERM);
		try(__HYPERVISOR_domctl, cmd, XEN_DOMCTL_INTERFACE_VERSION, 0,
		    first ? -XEN_EPERM : domctl_nobody(cmd));
		try(__HYPERVISOR_domctl, cmd, XEN_DOMCTL_INTERFACE_VERSION,
		    NOBODY, domctl_nobody(cmd));
		try(__HYPERVISOR_domctl, cmd, XEN_DOMCTL_INTERFACE_VERSION - 1,
		    self, -XEN_EACCES);
		try(__HYPERVISOR_sysctl, cmd, XEN_SYSCTL_INTERFACE_VERSION, 0,
		    -XEN_EPERM);
		try(__HYPERVISOR_sysctl, cmd, 0, 0, -XEN_EACCES);
		try(__HYPERVISOR_platform_op, cmd, XENPF_INTERFACE_VERSION, 0,
		    -XEN_EPERM);
		try(__HYPERVISOR_platform_op, cmd, 0, 0, -XEN_EACCES);
	}
}

/* Ours among the numbers of sysctl: lines of the operator's. */
static void test_control(void)
{
	try(__HYPERVISOR_sysctl, PASTURE_SYSCTL_control, XEN_SYSCTL_INTERFACE_VERSION, 0,
	    -XEN_EPERM);
	try(__HYPERVISOR_sysctl, PASTURE_SYSCTL_control, 0, 0, -XEN_EACCES);
}

static void test_bad_arguments(void)
{
	static const uint8_t calls[] = { __HYPERVISOR_domctl,
		__HYPERVISOR_sysctl, __HYPERVISOR_platform_op };
	const uint64_t bad[] = { 0, 8, FAR_VA, HV_BASE, HV_END - 8, ~7UL,
				 page + GL_PAGE_BYTES - 16 };
	unsigned int i, k;

	for (i = 0; i < sizeof(calls); i++)
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
			gl_test_equal(raw_call(calls[i], bad[k], 0, 0, 0, 0),
				      -XEN_EFAULT);
}

/* Of the domain before it, which is there, and of itself. */
static void test_memory_of_others(void)
{
	static const uint32_t ops[] = { XENMEM_populate_physmap,
		XENMEM_increase_reservation, XENMEM_decrease_reservation,
		XENMEM_claim_pages };
	struct xen_foreign_memory_map map = { .domid = self };
	unsigned int i;
	domid_t dom = self - 1;
	uint64_t list = 0;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = dom };

		r.extent_start.p = (void *)&list;
		gl_test_equal(hypercall_memory_op(ops[i], &r), -XEN_EPERM);
		gl_test_equal(list, 0);
	}
	gl_test_equal(hypercall_memory_op(XENMEM_current_reservation, &dom), -XEN_EPERM);
	gl_test_equal(hypercall_memory_op(XENMEM_maximum_reservation, &dom), -XEN_EPERM);
	gl_test_equal(hypercall_memory_op(XENMEM_set_memory_map, &map), -XEN_EPERM);
	map.domid = dom;
	gl_test_equal(hypercall_memory_op(XENMEM_set_memory_map, &map), -XEN_EPERM);
}

static void test_ports_of_others(void)
{
	struct evtchn_alloc_unbound u = { .dom = self - 1, .remote_dom = self };
	struct evtchn_status s = { .dom = self - 1, .port = 1 };
	struct evtchn_reset r = { .dom = self - 1 };

	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &u), -XEN_EPERM);
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_status, &s), -XEN_EPERM);
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_reset, &r), -XEN_EPERM);
	u.dom = s.dom = r.dom = NOBODY;
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &u), -XEN_ESRCH);
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_status, &s), -XEN_ESRCH);
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_reset, &r), -XEN_ESRCH);
}

static bool is_of_devices(uint32_t cmd)
{
	return cmd >= PHYSDEVOP_irq_status_query && cmd <= PHYSDEVOP_release_msix &&
	       cmd != PHYSDEVOP_set_iopl && cmd != PHYSDEVOP_set_iobitmap &&
	       cmd != 18 && cmd != 22;
}

/* All numbers of physdev_op but the two that guests have, with any argument. */
static void test_physdev(void)
{
	const uint64_t args[] = { page, 0, FAR_VA, HV_BASE, page + GL_PAGE_BYTES - 4 };
	struct evtchn_bind_pirq b = { 0 };
	uint8_t *bytes = (uint8_t *)page;
	unsigned int i, cmd, changed = 0;

	memset(bytes, 0xa5, GL_PAGE_BYTES);
	for (cmd = 0; cmd < NUMBERS; cmd++) {
		if (cmd == PHYSDEVOP_set_iopl || cmd == PHYSDEVOP_set_iobitmap)
			continue;
		for (i = 0; i < sizeof(args) / sizeof(args[0]); i++)
			gl_test_equal(raw_call(__HYPERVISOR_physdev_op, cmd, args[i], 0, 0, 0),
				      is_of_devices(cmd) ? -XEN_EPERM : -XEN_ENOSYS);
	}
	for (i = 0; i < GL_PAGE_BYTES; i++)
		changed += bytes[i] != 0xa5;
	gl_test_equal(changed, 0);
	for (b.pirq = 0; b.pirq < 256; b.pirq++)
		gl_test_equal(hypercall_event_channel_op(EVTCHNOP_bind_pirq, &b), -XEN_EPERM);
	b.pirq = 256;
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_bind_pirq, &b), -XEN_EINVAL);
}

static uint32_t port_in(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
	return value;
}

/* Ports and memory of devices are as if there were none. */
static void test_devices(void)
{
	static const uint64_t frames[] = { 0xa0, 0xf0, 0xfe000, 0xfea00, 0xfeb00, 0xfebff,
		0xfec00, 0xfed00, 0xfee00, 0xb0000, 0xfd000 };
	struct physdev_set_iopl iopl = { 1 };
	uint64_t va = page + GL_PAGE_BYTES;
	unsigned int i;

	gl_test_equal(raw_call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl,
			       (uint64_t)&iopl, 0, 0, 0), 0);
	for (i = 0; i < 32; i++) {
		__asm__ volatile("outl %0, %1" : : "a"(1u << 31 | i << 11),
				 "d"((uint16_t)0xcf8));
		gl_test_equal(port_in(0xcf8), 0xffffffff);
		gl_test_equal(port_in(0xcfc), 0xffffffff);
	}
	for (i = 0xc000; i < 0xd000; i += 4)
		gl_test_equal(port_in(i), 0xffffffff);
	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		gl_test_equal(gl_map_page(va, frames[i], GL_PTE_KERNEL), -XEN_EINVAL);
		gl_test_equal(gl_map_page(va, frames[i], GL_PTE_KERNEL_RO | 0x10), -XEN_EINVAL);
		gl_test_equal(gl_map_page(va, frames[i], GL_PTE_KERNEL | 1UL << 56), -XEN_EINVAL);
	}
}

/* What is the first domain's in calls that guests have, too. */
static void test_elsewhere(void)
{
	struct xen_memory_map map = { .nr_entries = 1 };

	gl_test_equal(raw_call(__HYPERVISOR_memory_op, XENMEM_machine_memory_map,
			       (uint64_t)&map, 0, 0, 0), -XEN_EPERM);
	gl_test_equal(raw_call(__HYPERVISOR_memory_op,
			       XENMEM_get_sharing_freed_pages, 0, 0, 0, 0),
		      -XEN_ENOSYS);
	gl_test_equal(raw_call(__HYPERVISOR_memory_op,
			       XENMEM_get_sharing_shared_pages, 0, 0, 0, 0),
		      -XEN_ENOSYS);
	test_memory_of_others();
	test_ports_of_others();
	memset((void *)page, 0xa5, GL_PAGE_BYTES);
	gl_test_equal(raw_call(__HYPERVISOR_console_io, CONSOLEIO_read, 64, page,
			       0, 0), 0);
	gl_test_equal(*(uint8_t *)page, 0xa5);
	gl_test_equal(raw_call(__HYPERVISOR_xen_version, XENVER_commandline, page,
			       0, 0, 0), 0);
	gl_test_check(!strcmp((char *)page, "<denied>"));
}

void gl_main(void)
{
	page = gl_pages_alloc(2);
	if (!page)
		gl_test_error("no memory");
	gl_unmap_page(page + GL_PAGE_BYTES);
	self = gl_cmdline_u64("self", 0);
	first = gl_cmdline_u64("first", 0);
	test_walk();
	test_control();
	test_bad_arguments();
	test_elsewhere();
	test_physdev();
	test_devices();
	audit("privilege");
	gl_test_done();
}
