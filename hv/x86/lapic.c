/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, in xAPIC mode: one-shot timer, IPIs, EOI.  Its page is at
 * DEVICE_VIRT, uncached, for all CPUs.  The legacy PICs are masked for good; no
 * device of the machine interrupts us.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/rate.h"

#define MSR_APIC_BASE	0x1b
#define APIC_BASE_ENABLE (1UL << 11)
#define APIC_BASE_X2	(1UL << 10)

#define REG_ID		0x020
#define REG_TPR		0x080
#define REG_EOI		0x0b0
#define REG_SPURIOUS	0x0f0
#define REG_ICR_LOW	0x300
#define REG_ICR_HIGH	0x310
#define REG_LVT_TIMER	0x320
#define REG_LVT_THERMAL	0x330
#define REG_LVT_PERF	0x340
#define REG_LVT_LINT0	0x350
#define REG_LVT_LINT1	0x360
#define REG_LVT_ERROR	0x370
#define REG_TIMER_INIT	0x380
#define REG_TIMER_NOW	0x390
#define REG_TIMER_DIV	0x3e0
#define REG_VERSION	0x030

#define LVT_MASKED	(1u << 16)
#define LVT_NMI		(4u << 8)
#define SPURIOUS_ENABLE	(1u << 8)
#define TIMER_DIV_16	3u
#define ICR_BUSY	(1u << 12)
#define ICR_ASSERT	(1u << 14)
#define ICR_INIT	(5u << 8)
#define ICR_STARTUP	(6u << 8)
#define ICR_NMI		(4u << 8)

/* for a deadline farther away the timer fires early, and is set again */
#define LONGEST_NS	1000000000UL

/* Timer ticks per ns, as a fraction of 2^32; 0 until lapic_init(). */
static uint64_t ticks_per_ns_32;

static uint32_t apic_read(uint32_t reg)
{
	return *(volatile uint32_t *)(DEVICE_VIRT + reg);
}

static void apic_write(uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)(DEVICE_VIRT + reg) = v;
}

/* From x2APIC mode the APIC gets into xAPIC mode only by way of "off". */
void lapic_detect(maddr_t *base)
{
	uint64_t v = rdmsr(MSR_APIC_BASE);

	if (v & APIC_BASE_X2)
		wrmsr(MSR_APIC_BASE, v & ~(APIC_BASE_X2 | APIC_BASE_ENABLE));
	v = (v & ~APIC_BASE_X2) | APIC_BASE_ENABLE;
	wrmsr(MSR_APIC_BASE, v);
	*base = MADDR(v & PTE_ADDR_MASK);
}

static void mask_pics(void)
{
	/*
	 * Move the PICs' vectors off the exceptions' first: masked lines may
	 * still send a spurious interrupt.
	 */
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void timer_start(uint32_t from)
{
	apic_write(REG_TIMER_INIT, from);
}

static uint32_t timer_left(void)
{
	return apic_read(REG_TIMER_NOW);
}

static void calibrate(void)
{
	static const struct countdown timer = { 0xffffffff, timer_start,
						timer_left };
	struct rate r;
	bool ok = rate_of_countdown(&timer, tsc_khz * 1000, &r);

	timer_start(0);
	if (!ok)
		panic("this machine's local APIC timer stands still: guests could not be scheduled");
	ticks_per_ns_32 = (rate_middle(&r) << 32) / 1000000000;
	log_debug("APIC timer: %lu kHz, to %u ppm", rate_middle(&r) / 1000,
		  rate_ppm(&r));
}

void lapic_init(bool boot_cpu)
{
	maddr_t base;
	uint32_t lvts;

	lapic_detect(&base);
	lvts = apic_read(REG_VERSION) >> 16 & 0xff;
	if (boot_cpu)
		mask_pics();
	apic_write(REG_TPR, 0);
	apic_write(REG_LVT_LINT0, LVT_MASKED);
	apic_write(REG_LVT_LINT1, boot_cpu ? LVT_NMI : LVT_MASKED);
	apic_write(REG_LVT_ERROR, LVT_MASKED);
	if (lvts >= 4)
		apic_write(REG_LVT_PERF, LVT_MASKED);
	if (lvts >= 5)
		apic_write(REG_LVT_THERMAL, LVT_MASKED);
	apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VEC_SPURIOUS);
	apic_write(REG_TIMER_DIV, TIMER_DIV_16);
	apic_write(REG_TIMER_INIT, 0);
	apic_write(REG_LVT_TIMER, VEC_TIMER);
	this_cpu()->apic_id = lapic_id();
	if (boot_cpu)
		calibrate();
}

uint32_t lapic_id(void)
{
	return apic_read(REG_ID) >> 24;
}

void lapic_eoi(void)
{
	apic_write(REG_EOI, 0);
}

void lapic_timer_set(uint64_t deadline_ns)
{
	uint64_t now = now_ns(), delta, ticks = 0;

	if (deadline_ns != ~0UL) {
		delta = deadline_ns > now ? deadline_ns - now : 0;
		delta = MIN(delta, LONGEST_NS);
		ticks = (unsigned __int128)delta * ticks_per_ns_32 >> 32;
		ticks = MIN(MAX(ticks, 1UL), 0xffffffffUL);
	}
	apic_write(REG_TIMER_INIT, (uint32_t)ticks);
}

static void send(uint32_t apic_id, uint32_t command)
{
	while (apic_read(REG_ICR_LOW) & ICR_BUSY)
		cpu_pause();
	apic_write(REG_ICR_HIGH, apic_id << 24);
	apic_write(REG_ICR_LOW, command | ICR_ASSERT);
}

void lapic_send_ipi(unsigned int cpu_id, enum vector vector)
{
	send(cpu_areas[cpu_id]->apic_id, vector);
}

void lapic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_INIT);
}

void lapic_send_startup(uint32_t apic_id, uint8_t page)
{
	send(apic_id, ICR_STARTUP | page);
}

/* No broadcast: a processor that was left out (smp.c) has no IDT for an NMI. */
void lapic_stop_others(void)
{
	uint32_t id;

	for (id = 0; ticks_per_ns_32 && id < cpu_count; id++)
		if (cpu_areas[id] != this_cpu())
			send(cpu_areas[id]->apic_id, ICR_NMI);
}
