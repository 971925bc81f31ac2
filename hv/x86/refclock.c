/* SPDX-License-Identifier: MIT */
/*
 * Where the TSC's rate comes from: the machine's other clocks, in order of how
 * well they measure, and what the processor or a hypervisor below us tells.
 * Each may be missing.  What is told is exact where it agrees with a
 * measurement.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/rate.h"
#include "x86/rtc.h"

/* reads; each takes about a microsecond */
#define SHORT_WAIT	20000
#define RTC_WAIT	1000000

/* --- the HPET: its registers are in the direct map, uncached --- */

#define HPET_PERIOD	0x04		/* in 10^-15 s */
#define HPET_CONFIG	0x10
#define HPET_ENABLE	1u
#define HPET_COUNT	0xf0
#define FS_PER_S	1000000000000000UL

static volatile uint8_t *hpet;

static volatile uint32_t *hpet_reg(unsigned int at)
{
	return (volatile uint32_t *)(hpet + at);
}

static void hpet_start(void)
{
	*hpet_reg(HPET_CONFIG) |= HPET_ENABLE;
}

static uint64_t hpet_read(void)
{
	return *hpet_reg(HPET_COUNT);
}

static struct ref_clock hpet_clock = {
	.name = "HPET", .turn = 1UL << 32, .patience = SHORT_WAIT,
	.start = hpet_start, .read = hpet_read,
};

static bool hpet_found(maddr_t base)
{
	uint32_t period;

	hpet = maddr_to_virt(base);
	period = maddr_n(base) ? *hpet_reg(HPET_PERIOD) : 0;
	if (!period || period > 100000000)	/* the specification's limit */
		return false;
	hpet_clock.hz = FS_PER_S / period;
	return hpet_clock.hz <= 1UL << 28;
}

/* --- ACPI's timer --- */

static uint16_t pm_port;

static void no_start(void)
{
}

/*
 * Some older timers can be read while they change.  24 bits are kept, and a bad
 * read shows as a count that went back.
 */
static uint64_t pm_read(void)
{
	return inl(pm_port) & 0xffffff;
}

static const struct ref_clock pm_clock = {
	.name = "the ACPI timer", .hz = 3579545, .turn = 1UL << 24,
	.patience = SHORT_WAIT, .start = no_start, .read = pm_read,
};

/*
 * --- the PIT: channel 0, its gate is always open, its interrupt masked ---
 *
 * It counts 65,536 down once.  A latched status beside the count says whether
 * it is at its end, from where on the count means nothing.
 */

#define PIT_CHANNEL0	0x40
#define PIT_COMMAND	0x43
#define PIT_ONCE	0x30	/* channel 0, both bytes, mode 0 */
#define PIT_LATCH	0xc2	/* channel 0, status and count */
#define PIT_OUT		0x80
#define PIT_NOT_LOADED	0x40
#define PIT_FULL	0x10000u

static void pit_start(void)
{
	outb(PIT_COMMAND, PIT_ONCE);
	outb(PIT_CHANNEL0, 0);
	outb(PIT_CHANNEL0, 0);
}

static uint64_t pit_read(void)
{
	uint8_t status, low, high;

	outb(PIT_COMMAND, PIT_LATCH);
	status = inb(PIT_CHANNEL0);
	low = inb(PIT_CHANNEL0);
	high = inb(PIT_CHANNEL0);
	if (status & PIT_OUT)
		return REF_LOST;
	if (status & PIT_NOT_LOADED)
		return 0;
	return (PIT_FULL - (low | high << 8)) % PIT_FULL;
}

static const struct ref_clock pit_clock = {
	.name = "the PIT", .hz = 1193182, .turn = PIT_FULL,
	.patience = SHORT_WAIT, .start = pit_start, .read = pit_read,
};

/* --- the clock chip, whose seconds change at an exact time --- */

static uint64_t rtc_read(void)
{
	unsigned int s = rtc_second();

	return s < 60 ? s : REF_LOST;
}

static const struct ref_clock rtc_clock = {
	.name = "the clock chip", .hz = 1, .turn = 60, .patience = RTC_WAIT,
	.start = no_start, .read = rtc_read,
};

/* --- KVM's clock --- */

#define MSR_KVM_WALL	0x4b564d00
#define MSR_KVM_CLOCK	0x4b564d01
#define NS_PER_S	1000000000UL

/* The time of day at the zero of KVM's clock; the ABI is KVM's. */
struct kvm_wall {
	uint32_t version, sec, nsec;
};

/* KVM fills it in at the write, and not again once it is off. */
static bool ask_kvm(struct kvm_clock *told)
{
	static struct kvm_clock clock aligned_to(64);

	if (!rate_kvm_leaf(cpuid))
		return false;
	wrmsr(MSR_KVM_CLOCK, ((uintptr_t)&clock - IMAGE_VIRT) | 1);
	__asm__ volatile("" : : : "memory");	/* KVM wrote it */
	memcpy(told, &clock, sizeof(*told));
	wrmsr(MSR_KVM_CLOCK, 0);
	return true;
}

static uint64_t told_by_kvm(void)
{
	struct kvm_clock told;

	return ask_kvm(&told) ? rate_of_kvm_clock(&told) : 0;
}

uint64_t refclock_kvm_seconds(void)
{
	static struct kvm_wall wall aligned_to(64);
	struct kvm_clock told;

	if (!ask_kvm(&told))
		return 0;
	wrmsr(MSR_KVM_WALL, (uintptr_t)&wall - IMAGE_VIRT);
	return READ_ONCE(wall.sec) + (told.ns + READ_ONCE(wall.nsec)) / NS_PER_S;
}

/* --- choosing --- */

static uint64_t told_khz(const char **by)
{
	uint64_t khz = rate_told_by_cpuid(cpuid);

	*by = "CPUID";
	if (khz)
		return khz;
	*by = "the hypervisor below";
	return rate_told_by_hypervisor(cpuid) ?: told_by_kvm();
}

/*
 * Measure against two clocks if there are two, to compare them.  Against the
 * clock chip, which takes two seconds, only if there is no other.
 */
static unsigned int measure(const struct ref_hw *hw, struct rate rate[2],
			    const struct ref_clock *by[2])
{
	unsigned int n = 0;

	if (hpet_found(hw->hpet) && rate_measure(&hpet_clock, &rate[n]))
		by[n++] = &hpet_clock;
	pm_port = hw->pm_port;
	if (pm_port && rate_measure(&pm_clock, &rate[n]))
		by[n++] = &pm_clock;
	if (n < 2 && rate_measure(&pit_clock, &rate[n]))
		by[n++] = &pit_clock;
	if (!n && rate_measure(&rtc_clock, &rate[n]))
		by[n++] = &rtc_clock;
	return n;
}

static void compare(const struct rate rate[2], const struct ref_clock *by[2])
{
	if (!rate_agrees(&rate[1], rate_middle(&rate[0])))
		log_warn("%s says that the TSC has %lu kHz, %s %lu kHz: the first is used",
			 by[0]->name, rate_middle(&rate[0]) / 1000, by[1]->name,
			 rate_middle(&rate[1]) / 1000);
}

/* No clock to measure against: believe what is told, else guess. */
static uint64_t unmeasured(uint64_t told, const char *by)
{
	if (!told) {
		log_warn("no HPET, ACPI timer, PIT or clock chip to measure the TSC with: 1 GHz assumed, all times may be wrong");
		return 1000000;
	}
	log_info("TSC: %lu kHz by %s; no clock to compare it with", told, by);
	return told;
}

uint64_t refclock_find_tsc_khz(const struct ref_hw *hw)
{
	const struct ref_clock *by[2];
	struct rate rate[2];
	const char *teller;
	uint64_t told = told_khz(&teller), khz;
	unsigned int n = measure(hw, rate, by);

	if (!n)
		return unmeasured(told, teller);
	if (n > 1)
		compare(rate, by);
	khz = (rate_middle(&rate[0]) + 500) / 1000;
	if (told && rate_agrees(&rate[0], told * 1000)) {
		log_info("TSC: %lu kHz by %s, as %s has it", told, teller,
			 by[0]->name);
		return told;
	}
	if (told)
		log_warn("%s says that the TSC has %lu kHz, which %s does not bear out",
			 teller, told, by[0]->name);
	log_info("TSC: %lu kHz by %s, to %u ppm", khz, by[0]->name,
		 rate_ppm(&rate[0]));
	return khz;
}
