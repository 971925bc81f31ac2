/* SPDX-License-Identifier: MIT */
/*
 * Starting the other processors, one at a time: INIT, then SIPIs with the
 * pauses that Intel's manual gives.  A processor that does not come in time is
 * left out, and ids stay dense.  But on a host that runs its virtual processors
 * late, it may still come at any time.  So:
 *
 * SMP1  each call is a word of its own, found by APIC id: a processor that
 *       comes claims it (CALLED to CAME, one compare-and-swap, in ap_boot.asm
 *       before it has a stack), and the boot CPU takes it back in the same way
 *       (CALLED to NOT_CALLED). One of them wins.
 * SMP2  the processor that claimed its call is the only one that uses ap_id and
 *       that id's stack and TSS; the boot CPU waits for it, since it surely
 *       comes.  A processor that cannot claim its call stops for good, and has
 *       touched nothing.
 * SMP3  one INIT for each call: a second one could stop a processor that has
 *       just come.  SIPIs can be repeated, a running processor does not notice.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/smp.h"

#define START_TRIES	3
#define START_WAIT_US	1000000UL
#define START_SOON_US	10000UL

uint8_t ap_calls[APIC_IDS];
void *ap_stack_top;
uint32_t ap_id;
void (*ap_entry)(void);

static bool wait_came(uint32_t apic_id, uint64_t us)
{
	uint64_t end = tsc_read() + us * tsc_khz / 1000;

	do {
		if (atomic_load_acquire(&ap_calls[apic_id]) ==
		    AP_CAME)
			return true;
		cpu_pause();
	} while (tsc_read() < end);
	return false;
}

/* SMP3 */
static bool call(uint32_t apic_id, uint8_t page)
{
	uint64_t wait = START_SOON_US;
	unsigned int i;

	lapic_send_init(apic_id);
	delay_us(10000);
	for (i = 0; i < START_TRIES; i++, wait = START_WAIT_US) {
		lapic_send_startup(apic_id, page);
		if (wait_came(apic_id, wait))
			return true;
	}
	return false;
}

/* SMP1: false: it has just come. */
static bool take_back(uint32_t apic_id)
{
	uint8_t called = AP_CALLED;

	return atomic_cas(&ap_calls[apic_id], &called, AP_NOT_CALLED);
}

static void wait_online(const struct percpu *cpu)
{
	while (!atomic_load_acquire(&cpu->online))
		delay_us(1);
}

static bool start_one(uint32_t id, const struct cpu_ids *ids, maddr_t trampoline)
{
	struct percpu *cpu = cpu_areas[id];
	uint32_t apic_id = ids->apic;

	cpu->apic_id = apic_id;
	cpu->acpi_id = ids->acpi;
	ap_id = id;
	ap_stack_top = cpu->stack_top;
	atomic_store(&ap_calls[apic_id], AP_CALLED);
	if (!call(apic_id, maddr_n(trampoline) >> PAGE_SHIFT) && take_back(apic_id)) {
		lapic_send_init(apic_id); /* so that it does not come later */
		return false;
	}
	wait_online(cpu); /* SMP2 */
	return true;
}

void smp_start(const struct cpu_ids *ids, uint32_t count, maddr_t trampoline,
	       const struct ap_tables *tables, void (*entry)(void))
{
	uint32_t i;

	this_cpu()->acpi_id = ids[0].acpi;
	this_cpu()->online = 1;
	if (!maddr_n(trampoline) && count > 1) {
		log_warn("no memory below 640 KiB to start processors in: one is used");
		return;
	}
	ap_write_trampoline(trampoline, tables);
	for (i = 1; i < count; i++) {
		if (start_one(cpu_count, &ids[i], trampoline))
			cpu_count++;
		else
			log_warn("processor with APIC id %u does not start",
				 ids[i].apic);
	}
	atomic_store(&ap_entry, entry);
	for (i = 1; i < cpu_count; i++)
		lapic_send_ipi(i, VEC_RESCHED);
}
