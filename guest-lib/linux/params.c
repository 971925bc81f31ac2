// SPDX-License-Identifier: MIT
/* The module's parameters, and their ranges: `modinfo pasture`. */
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "pasture.h"

struct limits {
	unsigned int *value, min, max;
};

bool param_text = true, param_cache = true, param_reserved = true, param_vmalloc = true;
bool param_cold = true, param_free = true, param_large = true, param_balloon = true;
unsigned int param_sleep_ms = 1000, param_free_mib = 2, param_spare_mib = 2;

static int range_set(const char *text, const struct kernel_param *kp)
{
	const struct limits *r = kp->arg;
	unsigned int n;

	if (kstrtouint(text, 0, &n) || n < r->min || n > r->max) {
		pr_err("%s=%s: wanted a number from %u to %u\n", kp->name, text, r->min, r->max);
		return -EINVAL;
	}
	WRITE_ONCE(*r->value, n);
	return 0;
}

static int range_get(char *text, const struct kernel_param *kp)
{
	const struct limits *r = kp->arg;

	return sysfs_emit(text, "%u\n", *r->value);
}

static const struct kernel_param_ops range_ops = { .set = range_set, .get = range_get };

static struct limits sleep_range = { &param_sleep_ms, 50, 60000 };
static struct limits free_range = { &param_free_mib, 1, 1 << 20 };
static struct limits spare_range = { &param_spare_mib, 1, 1 << 20 };

/*
 * Kinds that are not there.  A process's page-table entry for a shared frame is
 * turned into a pfn by its value, by code that a break cannot see; that is safe
 * only in a kernel whose xen_pte_val asks the hypervisor.
 */
static int refused_set(const char *text, const struct kernel_param *kp)
{
	bool on;

	if (kstrtobool(text, &on) || on) {
		pr_err("%s=%s: pages that processes map cannot be shared safely: that needs a livepatch of xen_pte_val\n",
		       kp->name, text);
		return -EINVAL;
	}
	return 0;
}

static int refused_get(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "N\n");
}

static const struct kernel_param_ops refused_ops = { .set = refused_set, .get = refused_get };

module_param_named(text, param_text, bool, 0444);
MODULE_PARM_DESC(text, "share the kernel's text and rodata (default Y)");
module_param_named(cache, param_cache, bool, 0444);
MODULE_PARM_DESC(cache, "share page cache (default Y)");
module_param_named(cold, param_cold, bool, 0444);
MODULE_PARM_DESC(cold, "share page cache that processes map and have not used lately (default Y)");
module_param_named(free, param_free, bool, 0444);
MODULE_PARM_DESC(free, "share free pages, all zero (default Y)");
module_param_named(large, param_large, bool, 0444);
MODULE_PARM_DESC(large, "share blocks of the kernel's of 64 KiB and more that do not change (default Y)");
module_param_named(reserved, param_reserved, bool, 0444);
MODULE_PARM_DESC(reserved, "share the kernel's data and boot-time tables that do not change (default Y)");
module_param_named(vmalloc, param_vmalloc, bool, 0444);
MODULE_PARM_DESC(vmalloc, "share large areas of vmalloc that do not change (default Y)");
module_param_named(balloon, param_balloon, bool, 0444);
MODULE_PARM_DESC(balloon, "give free memory back to the machine (default Y)");
module_param_cb(mapped, &refused_ops, NULL, 0444);
MODULE_PARM_DESC(mapped, "share file pages that processes map (not there: refused)");
module_param_cb(anon, &refused_ops, NULL, 0444);
MODULE_PARM_DESC(anon, "share anonymous memory (not there: refused)");
module_param_cb(sleep_ms, &range_ops, &sleep_range, 0644);
MODULE_PARM_DESC(sleep_ms, "milliseconds between two looks, 50 to 60000 (default 1000)");
module_param_cb(free_mib, &range_ops, &free_range, 0644);
MODULE_PARM_DESC(free_mib, "the balloon takes memory again when less is available, in MiB (default 2); 1.5 MiB more for each CPU but the first");
module_param_cb(spare_mib, &range_ops, &spare_range, 0644);
MODULE_PARM_DESC(spare_mib, "and gives back what is available beyond free_mib and this, in MiB (default 2)");
