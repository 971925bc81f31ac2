/* SPDX-License-Identifier: MIT */
/*
 * Mistakes of the hypervisor's own, made on purpose (selftest=, test builds):
 * each must end in a register dump, the lock levels held and EXIT_PANIC.
 */
#include <port.h>

#include "boot/selftest.h"
#include "boot/boot.h"
#include "x86/spinlock.h"

static void touch_nothing(void)
{
	*(volatile int *)HV_VIRT_START = 1;
}

static locks_unchecked void wrong_order(void)
{
	static struct spinlock low = SPINLOCK_INIT(LOCK_HEAP);
	static struct spinlock high = SPINLOCK_INIT(LOCK_DOMAIN);

	spin_lock(&low);
	spin_lock(&high);
}

void selftest(const char *name)
{
	if (!name[0])
		return;
	if (!strcmp(name, "fault"))
		touch_nothing();
	if (!strcmp(name, "order"))
		wrong_order();
	if (!strcmp(name, "panic"))
		panic("selftest");
	boot_fail("selftest=%s is not one of panic, fault, order", name);
}
