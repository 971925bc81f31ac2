/* SPDX-License-Identifier: MIT */
/*
 * Starting the other processors, one at a time: INIT, then two SIPIs with the
 * pauses that Intel's manual gives.  A processor that does not come up is left
 * out; ids stay dense.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/tlb.h"

#define EFER_LMA	(1UL << 10)
#define START_WAIT_US	1000000UL
#define BOOT_GDT_LIMIT	(GDT_HV_PAGE * PAGE_SIZE + 23)	/* null, code, data */

/* ap_boot.asm */
struct trampoline_words {
	uint32_t cr3, efer;
	uint32_t target;
	uint16_t target_cs;
	uint16_t gdt_limit;
	uint32_t gdt_base;
} __attribute__((packed));

extern const uint8_t ap_trampoline[], ap_trampoline_end[];
extern const uint8_t ap_trampoline_words[];
extern const maddr_t boot_l4_maddr, boot_gdt_maddr;	/* boot/multiboot.asm */

/* For the one processor that starts; written by the boot CPU before. */
void *ap_stack_top;
static uint32_t ap_id;
static void (*ap_entry)(void);	/* non-NULL: cpu_count is final, go */

void ap_main(void) noreturn;

static void write_trampoline(maddr_t where)
{
	uint8_t *to = maddr_to_virt(where);
	struct trampoline_words w;
	size_t words = ap_trampoline_words - ap_trampoline;

	memcpy(to, ap_trampoline, ap_trampoline_end - ap_trampoline);
	memcpy(&w, to + words, sizeof(w));
	w.cr3 = boot_l4_maddr;
	w.efer = rdmsr(MSR_EFER) & ~EFER_LMA;
	w.gdt_limit = BOOT_GDT_LIMIT;
	w.gdt_base = boot_gdt_maddr - GDT_HV_PAGE * PAGE_SIZE;
	memcpy(to + words, &w, sizeof(w));
}

/* First C code of another processor. */
void ap_main(void)
{
	/* Not this_cpu(): the compiler may read it before GS base is loaded. */
	struct percpu *cpu = cpu_areas[ap_id];

	percpu_load(ap_id);
	cpu->loaded_cr3 = cpu_idle_cr3;
	idt_load();
	gdt_init_cpu();
	cpu_init();
	lapic_init(false);
	__atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&ap_entry, __ATOMIC_ACQUIRE))
		cpu_pause();
	stack_reset_call(ap_entry);
}

static bool wait_online(const struct percpu *cpu, uint64_t us)
{
	uint64_t end = rdtsc() + us * tsc_khz / 1000;

	do {
		if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			return true;
		cpu_pause();
	} while (rdtsc() < end);
	return false;
}

static bool start_one(uint32_t id, uint32_t apic_id, maddr_t trampoline)
{
	struct percpu *cpu = cpu_areas[id];

	cpu->apic_id = apic_id;
	ap_id = id;
	ap_stack_top = cpu->stack_top;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	lapic_send_init(apic_id);
	delay_us(10000);
	lapic_send_startup(apic_id, trampoline >> PAGE_SHIFT);
	if (wait_online(cpu, 10000))
		return true;
	lapic_send_startup(apic_id, trampoline >> PAGE_SHIFT);
	return wait_online(cpu, START_WAIT_US);
}

void smp_start(const uint32_t *apic_ids, uint32_t count, maddr_t trampoline,
	       void (*entry)(void))
{
	uint32_t i;

	write_trampoline(trampoline);
	this_cpu()->online = 1;
	for (i = 1; i < count; i++) {
		if (start_one(cpu_count, apic_ids[i], trampoline)) {
			cpu_count++;
			continue;
		}
		log_warn("processor with APIC id %u does not start",
			 apic_ids[i]);
		lapic_send_init(apic_ids[i]);	/* and shall not, later */
	}
	__atomic_store_n(&ap_entry, entry, __ATOMIC_RELEASE);
}
