// SPDX-License-Identifier: MIT
/*
 * What the module asks of the hypervisor, and what it must know of the kernel:
 * the sharing call, the frames of pages, symbols that are not exported.
 */
#include <linux/kprobes.h>
#include <linux/mmzone.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/uaccess.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/xen.h>

#include "pasture.h"

unsigned long hyper_pfns;
bool hyper_last_breaks;

static long share_call(unsigned long op, void *arg, unsigned long count)
{
	return xen_single_call(__HYPERVISOR_make_ro_and_share, op,
			       (unsigned long)arg, count, 0, 0);
}

int hyper_info(struct shareop_info *info)
{
	return share_call(SHAREOP_info, info, sizeof(*info));
}

long hyper_offer(struct shareop_entry *entries, unsigned int count)
{
	return share_call(SHAREOP_batch, entries, count);
}

/* Beyond are pages that the balloon may plug one day; they are not shared. */
static unsigned long highest_pfn(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, node_end_pfn(nid));
	return min(end, xen_p2m_size);
}

int hyper_probe(void)
{
	struct shareop_info info = { 0 };
	int rc;

	if (!xen_pv_domain()) {
		pr_info("not a Xen PV guest: nothing to do\n");
		return -ENODEV;
	}
	rc = hyper_info(&info);
	if (rc) {
		pr_info("this hypervisor has no sharing call (%d): nothing to do\n", rc);
		return -ENODEV;
	}
	hyper_last_breaks = info.flags & SHARE_INFO_LAST_BREAKS;
	if (!hyper_last_breaks)
		pr_info("this hypervisor does not break a page before its last entry goes: programs are not shared\n");
	hyper_pfns = highest_pfn();
	return 0;
}

/* LX1 */
#define MODE_NEEDED (SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST | SHARE_MODE_SOLE)

static int mode_ask(unsigned int flags)
{
	struct shareop_mode mode = {
		.version = SHARE_MODE_VERSION,
		.flags = flags,
		.p2m = (u64)xen_p2m_addr,
		.p2m_entries = xen_p2m_size,
		.linear_base = PAGE_OFFSET,
	};

	return share_call(SHAREOP_mode, &mode, sizeof(mode));
}

/*
 * What a hypervisor may lack only makes sharing less: without own quota the
 * operator's budget ends it, without replicas equal pages of one guest do not
 * join.
 */
int hyper_mode_set(void)
{
	static const unsigned int wishes[] = {
		MODE_NEEDED | SHARE_MODE_OWN_QUOTA | SHARE_MODE_REPLICAS,
		MODE_NEEDED | SHARE_MODE_OWN_QUOTA,
		MODE_NEEDED,
	};
	int rc = -EINVAL, i;

	for (i = 0; i < ARRAY_SIZE(wishes) && rc == -EINVAL; i++)
		rc = mode_ask(wishes[i]);
	if (rc == -ENOMEM || rc == -ENOSPC) {
		pr_err("the hypervisor has no memory to share with now (%d); load the module again later\n", rc);
		return rc;
	}
	if (rc) {
		pr_info("this hypervisor has no version %u of the sharing mode with flags %#x (%d): nothing to do\n",
			SHARE_MODE_VERSION, MODE_NEEDED, rc);
		return -ENODEV;
	}
	if (i > 1)
		pr_info("this hypervisor has none of the mode's flags %#x\n", wishes[0] & ~wishes[i - 1]);
	return 0;
}

bool hyper_frame_of(unsigned long pfn, unsigned long *mfn)
{
	*mfn = __pfn_to_mfn(pfn);
	return *mfn != INVALID_P2M_ENTRY && !(*mfn & (FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT));
}

u64 hyper_entry_of(unsigned long pfn)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)pfn_to_kaddr(pfn), &level);

	return pte ? pte->pte : 0;
}

/* Another CPU may take the entry away while it is read. */
const void *hyper_look(unsigned long pfn)
{
	static u64 copy[PAGE_SIZE / sizeof(u64)];

	return copy_from_kernel_nofault(copy, pfn_to_kaddr(pfn), PAGE_SIZE) ? NULL : copy;
}

/*
 * A kprobe finds the address of the function that finds the rest.  It is
 * registered disabled: no byte of the text changes.
 */
unsigned long hyper_symbol(const char *name)
{
	static unsigned long (*lookup)(const char *name);
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};

	if (!lookup) {
		if (register_kprobe(&probe))
			return 0;
		lookup = (void *)probe.addr;
		unregister_kprobe(&probe);
	}
	return lookup(name);
}
