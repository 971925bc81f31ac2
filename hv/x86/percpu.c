/* SPDX-License-Identifier: MIT */
/* The per-CPU areas. */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"

struct percpu *cpu_areas[MAX_CPUS];
uint32_t cpu_count = 1;

static struct percpu areas[MAX_CPUS] aligned_to(64);

void percpu_init(uint32_t id)
{
	struct percpu *cpu = &areas[id];

	cpu->self = cpu;
	cpu->id = id;
	cpu->plain_from = ~0UL;	/* no guest runs */
	cpu_areas[id] = cpu;
}

void percpu_load(uint32_t id)
{
	wrmsr(MSR_GS_BASE, (uintptr_t)cpu_areas[id]);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}
