// SPDX-License-Identifier: MIT
/*
 * All pages private again: at unload, when `run` is written 2, and before the
 * guest sleeps, is saved or starts another kernel, whose images know frames.
 * Not where it halts or powers off: what it shares goes with it.
 *
 * A page with a writable entry is written, with a value that changes nothing.
 * Text and rodata are mapped writable elsewhere for a moment, as text_poke
 * does.  Either is what breaks a share for anybody, so p2m, M2P and entries are
 * the hypervisor's business, for all CPUs at once.
 */
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include <asm/asm.h>

#include "pasture.h"

static struct platform_device *device;

/*
 * A page that was freed while it was shared may be the balloon's by now,
 * without an entry: then the write faults, and there is nothing to do.
 */
static void write_nothing(unsigned long pfn)
{
	u32 *word = pfn_to_kaddr(pfn);

	asm volatile("1: lock orl $0, %0\n2:\n" _ASM_EXTABLE(1b, 2b) : "+m"(*word));
}

static void map_writable(unsigned long *pfns, unsigned int count)
{
	struct page *pages[OFFER_BATCH];
	unsigned int i;
	void *va;

	if (!count)
		return;
	for (i = 0; i < count; i++)
		pages[i] = pfn_to_page(pfns[i]);
	va = vmap(pages, count, VM_MAP, PAGE_KERNEL);
	if (!va)
		return;
	vunmap(va);
	for (i = 0; i < count; i++)
		table_unshared(pfns[i]);
}

static unsigned long count_shared(void)
{
	unsigned long n = 0;
	int kind;

	for (kind = 0; kind < KINDS; kind++)
		n += kind_counters[kind].shared;
	return n;
}

unsigned long unshare_all(void)
{
	unsigned long pfns[OFFER_BATCH], pfn;
	unsigned int count = 0;

	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		if (!table_is_shared(pfn))
			continue;
		if (table_is_read_only(pfn) && table_still_shared(pfn)) {
			pfns[count++] = pfn;
		} else {
			if (!table_is_read_only(pfn))
				write_nothing(pfn);
			table_unshared(pfn);
		}
		if (count == OFFER_BATCH) {
			map_writable(pfns, count);
			count = 0;
		}
		cond_resched();
	}
	map_writable(pfns, count);
	filler_restore();
	return count_shared();
}

static int before_sleep(struct device *unused)
{
	main_sleep();
	return 0;
}

static int after_sleep(struct device *unused)
{
	main_wake_up();
	return 0;
}

static const struct dev_pm_ops pm_ops = { SYSTEM_SLEEP_PM_OPS(before_sleep, after_sleep) };

static struct platform_driver driver = {
	.driver = { .name = "pasture", .pm = &pm_ops },
};

static int before_reboot(struct notifier_block *nb, unsigned long event, void *none)
{
	if (event == SYS_RESTART)
		main_sleep();
	else
		main_rest();
	return NOTIFY_OK;
}

static struct notifier_block reboot_block = { .notifier_call = before_reboot };

int unshare_init(void)
{
	int rc = platform_driver_register(&driver);

	if (rc)
		return rc;
	device = platform_device_register_simple("pasture", -1, NULL, 0);
	if (IS_ERR(device)) {
		platform_driver_unregister(&driver);
		return PTR_ERR(device);
	}
	register_reboot_notifier(&reboot_block);
	return 0;
}

void unshare_fini(void)
{
	unregister_reboot_notifier(&reboot_block);
	platform_device_unregister(device);
	platform_driver_unregister(&driver);
}
