/* SPDX-License-Identifier: MIT */
/*
 * xen_version, vm_assist, and the hypercall page.
 *
 * Every output is a whole, zero-filled structure: no byte of the hypervisor's
 * memory leaves with it (CP2).
 */
#include <errno.h>
#include <port.h>
#include <xen/version.h>

#include "dom/privilege.h"
#include "mm/layout.h"
#include "pv/cpuid.h"
#include "pv/hypercall.h"
#include "x86/guestcopy.h"

static const xen_extraversion_t extraversion = ".0-pasture";
static const struct xen_compile_info compile_info = {
	.compiler = "gcc " __VERSION__,
	.compile_by = "pasture",
};
static const xen_capabilities_info_t capabilities = "xen-3.0-x86_64 ";
static const xen_changeset_info_t changeset = "unavailable";
static const struct xen_platform_parameters parameters = {
	.virt_start = HV_VIRT_START,
};
static const xen_domain_handle_t handle;
static const xen_commandline_t denied = "<denied>";
/* the hypervisor's own; constant after boot */
static xen_commandline_t commandline;

#define FEATURES	(1u << XENFEAT_pae_pgdir_above_4gb | \
			 1u << XENFEAT_mmu_pt_update_preserve_ad | \
			 1u << XENFEAT_highmem_assist | \
			 1u << XENFEAT_gnttab_map_avail_bits)

static long get_features(uint64_t va)
{
	struct xen_feature_info info;

	if (copy_from_guest(&info, va, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	info.submap = FEATURES;
	if (!privilege_check(current_vcpu()->domain, PRIV_VERSION,
			     XENVER_get_features))
		info.submap |= 1u << XENFEAT_dom0;
	return copy_to_guest(va, &info, sizeof(info));
}

void version_set_commandline(const char *line)
{
	while (*line == ' ')
		line++;
	(void)str_copy(commandline, sizeof(commandline), line);
}

/* It may name other guests: not for guests. */
static long get_commandline(uint64_t va)
{
	bool no = privilege_check(current_vcpu()->domain, PRIV_VERSION,
				  XENVER_commandline);

	return copy_to_guest(va, no ? denied : commandline, sizeof(denied));
}

long op_xen_version(struct hypercall_args *args)
{
	uint64_t va = args->a[1];

	switch (args->a[0]) {
	case XENVER_version:
		return PV_XEN_VERSION;
	case XENVER_extraversion:
		return copy_to_guest(va, extraversion, sizeof(extraversion));
	case XENVER_compile_info:
		return copy_to_guest(va, &compile_info, sizeof(compile_info));
	case XENVER_capabilities:
		return copy_to_guest(va, capabilities, sizeof(capabilities));
	case XENVER_changeset:
		return copy_to_guest(va, changeset, sizeof(changeset));
	case XENVER_platform_parameters:
		return copy_to_guest(va, &parameters, sizeof(parameters));
	case XENVER_get_features:
		return get_features(va);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return copy_to_guest(va, handle, sizeof(handle));
	case XENVER_commandline:
		return get_commandline(va);
	case XENVER_build_id:
		return -ENODATA;
	default:
		return -ENOSYS;
	}
}

#define ASSISTS		(1u << VMASST_TYPE_4gb_segments | \
			 1u << VMASST_TYPE_writable_pagetables | \
			 1u << VMASST_TYPE_pae_extended_cr3 | \
			 1u << VMASST_TYPE_architectural_iopl | \
			 1u << VMASST_TYPE_runstate_update_flag)

/*
 * Page-table writes are emulated always; the other bits are kept, for code that
 * asks for them.
 */
long op_vm_assist(struct hypercall_args *args)
{
	uint32_t *assists = &current_vcpu()->domain->vm_assist;
	uint64_t cmd = args->a[0], type = args->a[1];

	if (type >= 32 || !(ASSISTS & 1u << type))
		return -EINVAL;
	switch (cmd) {
	case VMASST_CMD_enable:
		atomic_fetch_or(assists, 1u << type);
		return 0;
	case VMASST_CMD_disable:
		atomic_fetch_and(assists, ~(1u << type));
		return 0;
	default:
		return -ENOSYS;
	}
}

/*
 * 32 bytes a call.  As on Xen the stubs keep rcx and r11, which `syscall`
 * takes:
 *
 *	push rcx; push r11; mov eax, nr; syscall; pop r11; pop rcx; ret
 *
 * iret pushes the three lowest words of its frame and does not come back.
 */
#define STUB_BYTES	32

static void stub_fill(uint8_t *stub, uint8_t nr)
{
	static const uint8_t code[] = {
		0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05,
		0x41, 0x5b, 0x59, 0xc3,
	};

	memcpy(stub, code, sizeof(code));
	stub[4] = nr;
}

static void stub_fill_iret(uint8_t *stub)
{
	static const uint8_t code[] = {
		0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0,
		0x0f, 0x05,
	};

	memset(stub, 0xcc, STUB_BYTES);
	memcpy(stub, code, sizeof(code));
}

void hypercall_page_fill(void *page)
{
	uint8_t *stubs = page;

	memset(stubs, 0xcc, PAGE_SIZE);
	for (unsigned int nr = 0; nr < PAGE_SIZE / STUB_BYTES; nr++)
		stub_fill(stubs + nr * STUB_BYTES, nr);
	stub_fill_iret(stubs + __HYPERVISOR_iret * STUB_BYTES);
}
