/* SPDX-License-Identifier: MIT */
/*
 * What boot/ calls to bring x86/ up, in the order of boot/main.c.  Nothing here
 * is for upper layers, which use cpu.h, tlb.h, spinlock.h and guestcopy.h.
 */
#ifndef HV_X86_INIT_H
#define HV_X86_INIT_H

#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/pte.h"

/* Memory of one CPU, allocated and mapped by boot/paging.c. */
#define CPU_STACK_BYTES		(8 * PAGE_SIZE)
#define CPU_IST_BYTES		(2 * PAGE_SIZE)
#define CPU_IST_COUNT		4	/* #DB, NMI, #DF, #MC */

struct cpu_memory {
	void *gdt_page;
	mfn_t gdt_page_mfn;
	void *tss;			/* one page */
	void *stack_top;
	/* the word at each top is free: the percpu pointer goes there */
	void *ist_top[CPU_IST_COUNT];
};

void percpu_init(uint32_t id);		/* fills cpu_areas[id] */
void percpu_load(uint32_t id);		/* this CPU is `id`: GS base */
void cpu_detect(void);			/* cpu_features */
/* this CPU's APIC id, before the APIC is mapped */
uint32_t cpu_apic_id(void);
/* control registers and MSRs of this CPU */
void cpu_init(void);
void vec_init_cpu(void);		/* XCR0 of this CPU; vecregs.h */
void smap_patch(void);			/* stac and clac where there is SMAP */
void idt_init(void);			/* build the table, without IST */
/* every CPU that may trap has a TSS now */
void idt_use_ist(void);
void idt_load(void);
/*
 * Fill the tables of CPU `id` in its memory; they are loaded by gdt_init_cpu().
 */
void gdt_prepare(uint32_t id, const struct cpu_memory *memory);
void gdt_init_cpu(void);		/* load GDT, TSS, null LDT */

/* Clocks that ACPI knows of; 0: none. */
struct ref_hw {
	uint16_t pm_port;
	maddr_t hpet;
};
void tsc_init(const struct ref_hw *hw);
uint64_t refclock_find_tsc_khz(const struct ref_hw *hw);	/* refclock.c */

void lapic_detect(maddr_t *base);	/* enable it, say where it is */
void lapic_init(bool boot_cpu);		/* DEVICE_VIRT is mapped */
uint32_t lapic_id(void);
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, uint8_t page);
/* NMI to all other CPUs that are online */
void lapic_stop_others(void);
void entropy_init(void);
void delay_us(uint64_t us);

/* The tables that a processor starts with, below 4 GiB. */
struct ap_tables {
	maddr_t l4, gdt;
};
/* A processor's numbers, as in struct percpu. */
struct cpu_ids {
	uint32_t apic, acpi;
};
/*
 * smp.c: start CPUs 1 .. count - 1, with the ids given (the first are this
 * one's); they call `entry`.
 */
void smp_start(const struct cpu_ids *ids, uint32_t count, maddr_t trampoline,
	       const struct ap_tables *tables, void (*entry)(void));

/*
 * entry.asm: where MSRs send syscall and sysenter; the last is a label in
 * sysenter_entry
 */
void syscall_entry(void);
void syscall_entry32(void);
void sysenter_entry(void);
void sysenter_flags_saved(void);

/* trap.c */
void trap_ist(struct regs *regs);
void trap_from_hv(struct regs *regs);
void trap_from_guest(struct regs *regs) noreturn;
extern uint64_t trap_nmi_count;
/*
 * Takes the vectors that are not the hypervisor's own, before the EOI; false:
 * it is nobody's.  NULL: there are no such vectors.  Constant after boot.
 */
extern bool (*trap_device)(uint32_t vector);

/* debug/panic.c */
void panic_trap(const struct regs *regs) noreturn;
/* id + 1 of the CPU that panics, 0 none */
extern uint32_t panic_cpu;

#endif
