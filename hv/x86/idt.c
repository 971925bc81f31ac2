/* SPDX-License-Identifier: MIT */
/*
 * The IDT: one table for all CPUs, interrupt gates only, so every entry starts
 * with interrupts off.  Ring 3 may use int3, into, int 0x80 and int 0x82; any
 * other int n is a #GP that names the vector.
 */
#include <port.h>

#include "x86/init.h"

#define GATES		256
#define GATE_INTERRUPT	0x8e00UL	/* present, DPL 0 */
#define GATE_DPL3	0x6000UL

struct gate {
	uint64_t low, high;
};

extern const uint64_t trap_stubs[GATES];	/* entry.asm */

static struct gate idt[GATES] aligned_to(16);

static bool for_ring3(unsigned int vec)
{
	return vec == VEC_BP || vec == VEC_OF || vec == VEC_INT80 ||
	       vec == VEC_HYPERCALL_INT;
}

static void set_gate(unsigned int vec, unsigned int ist)
{
	uint64_t to = trap_stubs[vec];
	uint64_t type = GATE_INTERRUPT | (for_ring3(vec) ? GATE_DPL3 : 0) | ist;

	idt[vec].low = (to & 0xffff) | (uint64_t)SEL_HV_CS << 16 | type << 32 |
		       (to >> 16 & 0xffff) << 48;
	idt[vec].high = to >> 32;
}

void idt_init(void)
{
	unsigned int vec;

	for (vec = 0; vec < GATES; vec++)
		set_gate(vec, 0);
	idt_load();
}

void idt_use_ist(void)
{
	static const uint8_t vectors[CPU_IST_COUNT] = {
		VEC_DB, VEC_NMI, VEC_DF, VEC_MC
	};
	unsigned int i;

	for (i = 0; i < CPU_IST_COUNT; i++)
		set_gate(vectors[i], i + 1);
}

void idt_load(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) p = { sizeof(idt) - 1, (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(p) : "memory");
}
