/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of a CPU.
 *
 * Each CPU has a gdt_page with the hypervisor's descriptors at selectors 0xe000
 * and up, and a TSS.  A guest's GDT shows the same page as its page 14.  The
 * CPU's own GDT is the same page in the direct map; its base lies 14 pages
 * before that page, on memory that is no GDT, but no selector below 0xe000 is
 * used while no guest runs.
 */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"

#define DESC_CODE64_R0	0x00af9b000000ffffUL
#define DESC_DATA_R0	0x00cf93000000ffffUL
#define DESC_CODE32_R3	0x00cffb000000ffffUL
#define DESC_DATA_R3	0x00cff3000000ffffUL
#define DESC_CODE64_R3	0x00affb000000ffffUL
#define DESC_TSS	0x89UL	/* present, available 64-bit TSS */
#define DESC_LDT	0x82UL	/* present, LDT */

#define GDT_BASE_SEL	(GDT_HV_PAGE * PAGE_SIZE)	/* 0xe000 */
/* Guests have no descriptors above the hypervisor's page. */
#define GDT_LIMIT	(GDT_BASE_SEL + PAGE_SIZE - 1)

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_bitmap;	/* beyond the limit: no port for ring 3 */
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "hardware layout");

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static uint64_t *desc(const struct percpu *cpu, unsigned int sel)
{
	return (uint64_t *)cpu->gdt_page + (sel - GDT_BASE_SEL) / 8;
}

/* A system descriptor takes two slots. */
static void set_system_desc(uint64_t *d, uint64_t base, uint64_t limit,
			    uint64_t type)
{
	d[1] = base >> 32;
	d[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 |
	       (limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
}

void gdt_prepare(uint32_t id, const struct cpu_memory *memory)
{
	struct percpu *cpu = cpu_areas[id];
	struct tss *tss = memory->tss;
	unsigned int i;

	cpu->gdt_page = memory->gdt_page;
	cpu->gdt_page_mfn = memory->gdt_page_mfn;
	cpu->tss = tss;
	cpu->stack_top = memory->stack_top;

	tss->io_bitmap = sizeof(*tss);
	for (i = 0; i < CPU_IST_COUNT; i++) {
		*(struct percpu **)memory->ist_top[i] = cpu;
		tss->ist[i] = (uintptr_t)memory->ist_top[i];
	}

	*desc(cpu, SEL_HV_CS) = DESC_CODE64_R0;
	*desc(cpu, SEL_HV_DS) = DESC_DATA_R0;
	*desc(cpu, SEL_USER_CS32 & ~3) = DESC_CODE32_R3;
	*desc(cpu, SEL_USER_DS & ~3) = DESC_DATA_R3;
	*desc(cpu, SEL_USER_CS64 & ~3) = DESC_CODE64_R3;
	set_system_desc(desc(cpu, SEL_TSS), (uintptr_t)tss, sizeof(*tss) - 1,
			DESC_TSS);
}

void gdt_load(uint64_t base_va)
{
	struct table_pointer p = { .limit = GDT_LIMIT, .base = base_va };

	__asm__ volatile("lgdt %0" : : "m"(p) : "memory");
}

void gdt_load_idle(void)
{
	gdt_load((uintptr_t)this_cpu()->gdt_page - GDT_BASE_SEL);
}

static void load_ldt(uint16_t sel)
{
	__asm__ volatile("lldt %0" : : "r"(sel) : "memory");
}

void gdt_set_ldt(uint64_t base_va, unsigned int entries)
{
	if (!entries) {
		load_ldt(0);
		return;
	}
	set_system_desc(desc(this_cpu(), SEL_LDT), base_va, entries * 8UL - 1,
			DESC_LDT);
	load_ldt(SEL_LDT);
}

void gdt_set_rsp0(void *rsp0)
{
	struct percpu *cpu = this_cpu();

	cpu->guest_regs_end = rsp0;
	((struct tss *)cpu->tss)->rsp[0] = (uintptr_t)rsp0;
}

void gdt_init_cpu(void)
{
	gdt_load_idle();
	__asm__ volatile("mov %0, %%ss\n\t"
			 "mov %1, %%ds\n\t"
			 "mov %1, %%es"
			 : : "r"(SEL_HV_DS), "r"(0) : "memory");
	load_ldt(0);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS) : "memory");
	gdt_set_rsp0(this_cpu()->stack_top);
}
