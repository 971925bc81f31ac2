/* SPDX-License-Identifier: MIT */
/*
 * What another processor does as it starts: the trampoline, and its first C
 * code.
 */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"
#include "x86/smp.h"
#include "x86/tlb.h"

#define EFER_LMA	(1UL << 10)
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

void ap_main(void) noreturn;

void ap_write_trampoline(maddr_t where, const struct ap_tables *tables)
{
	uint8_t *to = maddr_to_virt(where);
	struct trampoline_words w;
	size_t words = ap_trampoline_words - ap_trampoline;

	memcpy(to, ap_trampoline, ap_trampoline_end - ap_trampoline);
	memcpy(&w, to + words, sizeof(w));
	w.cr3 = maddr_n(tables->l4);
	w.efer = rdmsr(MSR_EFER) & ~EFER_LMA;
	w.gdt_limit = BOOT_GDT_LIMIT;
	w.gdt_base = maddr_n(tables->gdt) - GDT_HV_PAGE * PAGE_SIZE;
	memcpy(to + words, &w, sizeof(w));
}

/* First C code of another processor. */
void ap_main(void)
{
	/* Not this_cpu(): the compiler may read it before GS base is loaded. */
	uint32_t id = ap_id;
	struct percpu *cpu = cpu_areas[id];

	percpu_load(id);
	cpu->loaded_cr3 = cpu_idle_cr3;
	idt_load();
	gdt_init_cpu();
	cpu_init();
	lapic_init(false);
	atomic_store_release(&cpu->online, 1);
	/*
	 * Wait asleep: dozens of processors that spin would keep a small host
	 * from starting the next one.
	 */
	while (!atomic_load_acquire(&ap_entry))
		cpu_idle_wait();
	stack_reset_call(ap_entry);
}
