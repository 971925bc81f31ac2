/* SPDX-License-Identifier: MIT */
/*
 * Between smp.c, which calls processors, and ap.c and ap_boot.asm, which they
 * run.
 */
#ifndef HV_X86_SMP_H
#define HV_X86_SMP_H

#include "lib/types.h"

/* Of each APIC id; atomic.  smp.c has the invariants. */
enum ap_call { AP_NOT_CALLED, AP_CALLED, AP_CAME };
#define APIC_IDS	256
extern uint8_t ap_calls[APIC_IDS];

/*
 * For the one processor that is called; the boot CPU writes them before the
 * call.
 */
extern void *ap_stack_top;
extern uint32_t ap_id;
extern void (*ap_entry)(void);	/* non-NULL: cpu_count is final, go */

struct ap_tables;
void ap_write_trampoline(maddr_t where, const struct ap_tables *tables);

#endif
