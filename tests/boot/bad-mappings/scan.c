/* SPDX-License-Identifier: MIT */
/*
 * Every frame number of the machine, and some beyond, through every call that
 * takes one (SH7, PT3, PT10, PT11, SH6).  Only our own frames may work.
 */
#include "scan.h"

#define BEYOND	0x10000UL	/* numbers past the last frame */
#define MFNS_MAX (1UL << 20)

static uint8_t ours[MFNS_MAX / 8];
static uint8_t tables[MFNS_MAX / 8];
static uint64_t scratch;	/* a page of ours whose entry is changed */
static uint64_t scratch_mfn, scratch_pte;

static bool test_bit(const uint8_t *bits, uint64_t mfn)
{
	return mfn < MFNS_MAX && (bits[mfn / 8] >> mfn % 8 & 1);
}

static struct shareop_trace trace;

static void set_bit(uint8_t *bits, uint64_t mfn)
{
	if (mfn < MFNS_MAX)
		bits[mfn / 8] |= 1 << mfn % 8;
}

bool scan_is_ours(uint64_t mfn)
{
	return test_bit(ours, mfn);
}

/* Mapped read-only now: not to be had writable. */
static bool is_busy(uint64_t mfn)
{
	return test_bit(tables, mfn);
}

static void find_ours(void)
{
	for (uint64_t pfn = 0; pfn < gl_pages_total(); pfn++) {
		uint64_t mfn = gl_pfn_to_mfn(pfn);

		if (mfn == GL_NO_FRAME)
			continue;
		set_bit(ours, mfn);
		if (pfn && !(gl_pte_read(gl_pfn_to_virt(pfn)) & GL_PTE_WRITE))
			set_bit(tables, mfn);
	}
	/* shared_info is the hypervisor's, and ours to map. */
	set_bit(ours, gl_start_info->shared_info >> GL_PAGE_SHIFT);
	/* The trace buffer too, to be read. */
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_trace,
						  (unsigned long)&trace,
						  sizeof(trace), 0), 0);
	for (uint32_t i = 0; i < trace.pages; i++)
		set_bit(ours, trace.mfn + i);
}

static bool is_trace(uint64_t mfn)
{
	return mfn >= trace.mfn && mfn < trace.mfn + trace.pages;
}

/* Of a frame of ours. */
static long map_result(uint64_t mfn, bool rw)
{
	if (!rw)
		return 0;
	return is_trace(mfn) ? -XEN_EPERM : is_busy(mfn) ? -XEN_EBUSY : 0;
}

/* What a refusal has to look like. */
static bool refused(uint64_t mfn, uint64_t max, long rc)
{
	if (mfn > max)
		return rc == -XEN_EINVAL;
	return rc == -XEN_EPERM || rc == -XEN_EINVAL;
}

static void look(uint64_t va, uint64_t mfn)
{
	uint64_t word = *(volatile uint64_t *)va;

	if (!scan_is_ours(mfn) ||
	    (word & 0xffffffff00000000UL) == PATTERN_MAGIC)
		gl_test_fail("frame %lx can be read: %lx", mfn, word);
}

static void try_map(uint64_t mfn, uint64_t max, bool by_ptr, uint64_t flags)
{
	uint64_t pte = mfn << GL_PAGE_SHIFT | flags;
	bool rw = flags & GL_PTE_WRITE;
	long rc = by_ptr ? pte_set(scratch_pte, pte) :
		  hypercall_update_va_mapping(scratch, pte,
					      UVMF_INVLPG | UVMF_LOCAL);

	if (!rc)
		look(scratch, mfn);
	if (scan_is_ours(mfn) ? rc != map_result(mfn, rw) :
				!refused(mfn, max, rc))
		gl_test_fail("map %lx flags %lx: %ld", mfn, flags, rc);
}

void scan_maps(uint64_t max)
{
	find_ours();
	scratch = must_alloc();
	scratch_pte = gl_pte_maddr(scratch);
	for (uint64_t mfn = 0; mfn < max + BEYOND; mfn++) {
		try_map(mfn, max, false, GL_PTE_KERNEL_RO);
		try_map(mfn, max, mfn & 1, GL_PTE_KERNEL);
		if (mfn < max && !scan_is_ours(mfn))
			try_map(mfn, max, true, GL_PTE_KERNEL_RO);
		if (gl_test_failures > 10)
			gl_test_done();
	}
	for (unsigned int bit = 21; bit < 40; bit++) {
		try_map(1UL << bit, max, false, GL_PTE_KERNEL_RO);
		try_map((1UL << bit) - 1, max, true, GL_PTE_KERNEL);
	}
	gl_test_equal(unprotect(scratch), 0);
}

/* --- all other calls that take a frame --- */

static long use_ext(uint64_t mfn, unsigned int cmd)
{
	return ext_op(cmd, mfn, 0);
}

static long use_copy_from(uint64_t mfn, unsigned int cmd)
{
	return ext_op(MMUEXT_COPY_PAGE, scratch_mfn, mfn);
}

static long use_store(uint64_t mfn, unsigned int type)
{
	return pte_set(mfn << GL_PAGE_SHIFT | type, 0);
}

static long use_desc(uint64_t mfn, unsigned int arg)
{
	return raw_call(__HYPERVISOR_update_descriptor, mfn << GL_PAGE_SHIFT,
			0, 0, 0, 0);
}

static long use_gdt(uint64_t mfn, unsigned int arg)
{
	return raw_call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 1, 0, 0, 0);
}

static long use_info(uint64_t mfn, unsigned int arg)
{
	struct vcpu_register_vcpu_info info = { .mfn = mfn };

	return hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info);
}

/* These count what they did: nothing. */
static long use_decrease(uint64_t mfn, unsigned int arg)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};

	r.extent_start.p = (xen_pfn_t *)&mfn;
	return hypercall_memory_op(XENMEM_decrease_reservation, &r) ?
		0 : -XEN_EPERM;
}

static long use_exchange(uint64_t mfn, unsigned int arg)
{
	xen_pfn_t out = 1;
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .nr_extents = 1, .domid = DOMID_SELF },
	};

	x.in.extent_start.p = (xen_pfn_t *)&mfn;
	x.out.extent_start.p = &out;
	return hypercall_memory_op(XENMEM_exchange, &x);
}

static long use_share(uint64_t mfn, unsigned int unshare_it)
{
	struct shareop_entry e = entry_of(mfn << GL_PAGE_SHIFT | SHARE_PTE_MADDR);

	gl_test_equal(unshare_it ? unshare_batch(&e, 1) : offer_batch(&e, 1),
		      0);
	return e.status == SHARE_BAD_PTE ? -XEN_EPERM : 0;
}

void scan_uses(uint64_t max)
{
	static const struct {
		const char *name;
		long (*use)(uint64_t mfn, unsigned int arg);
		unsigned int arg;
	} uses[] = {
		{ "pin L1", use_ext, MMUEXT_PIN_L1_TABLE },
		{ "pin L2", use_ext, MMUEXT_PIN_L2_TABLE },
		{ "pin L4", use_ext, MMUEXT_PIN_L4_TABLE },
		{ "unpin", use_ext, MMUEXT_UNPIN_TABLE },
		{ "new base", use_ext, MMUEXT_NEW_BASEPTR },
		{ "new user base", use_ext, MMUEXT_NEW_USER_BASEPTR },
		{ "clear", use_ext, MMUEXT_CLEAR_PAGE },
		{ "copy to", use_ext, MMUEXT_COPY_PAGE },
		{ "copy from", use_copy_from, 0 },
		{ "store", use_store, MMU_NORMAL_PT_UPDATE },
		{ "store", use_store, MMU_PT_UPDATE_PRESERVE_AD },
		{ "M2P", use_store, MMU_MACHPHYS_UPDATE },
		{ "descriptor", use_desc, 0 },
		{ "GDT", use_gdt, 0 },
		{ "vcpu_info", use_info, 0 },
		{ "decrease", use_decrease, 0 },
		{ "exchange", use_exchange, 0 },
		{ "offer", use_share, 0 },
		{ "unshare", use_share, 1 },
	};
	static const uint64_t odd[] = { ~0UL, ~0UL >> 1, 1UL << 52, 1UL << 40,
		(1UL << 52) - 1, 1UL << 63, ~0UL >> 12, 0xfee00, 0xfec00 };

	scratch_mfn = gl_virt_to_mfn(scratch);
	for (unsigned int i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		for (unsigned int k = 0; k < sizeof(odd) / 8; k++)
			if (uses[i].use(odd[k], uses[i].arg) >= 0)
				gl_test_fail("%s of frame %lx", uses[i].name,
					     odd[k]);
		/* User base 0 means none. */
		for (uint64_t mfn = 1; mfn <= max + 2; mfn++) {
			long rc;

			if (scan_is_ours(mfn))
				continue;
			rc = uses[i].use(mfn, uses[i].arg);
			if (!refused(mfn, 0xfffff, rc))
				gl_test_fail("%s of frame %lx gave %ld",
					     uses[i].name, mfn, rc);
			if (gl_test_failures > 10)
				gl_test_done();
		}
	}
}
