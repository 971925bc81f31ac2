/* SPDX-License-Identifier: MIT */
/*
 * What the boot CPU found out, and the services of the CPU that upper layers
 * use.
 */
#ifndef HV_X86_CPU_H
#define HV_X86_CPU_H

#include "lib/types.h"
#include "x86/regs.h"

struct cpu_features {
	bool nx, smap, smep, pge, mce, sep, xsave, fsgsbase, pcid, page1gb, pat;
	bool rdrand, rdseed;
	unsigned int maxphysaddr;	/* bits */
};
extern struct cpu_features cpu_features;	/* constant after boot */

/* PTE_NX where the CPU has it, else 0: without NX the bit is reserved. */
static inline uint64_t pte_nx(void)
{
	return cpu_features.nx ? 1UL << 63 : 0;
}

/*
 * a page table with the hypervisor's slots 256..271 only; every other L4 is
 * made after it
 */
extern maddr_t cpu_idle_cr3;

/* --- descriptor tables (gdt.c) --- */
#define SEL_HV_CS	0xe008
#define SEL_HV_DS	0xe010
#define SEL_USER_CS32	0xe023
#define SEL_USER_DS	0xe02b
#define SEL_USER_CS64	0xe033
#define SEL_TSS		0xe040
#define SEL_LDT		0xe050
/* page of a GDT that shows the CPU's gdt_page */
#define GDT_HV_PAGE	14

/* lgdt with limit 0xffff, e.g. GDT_VIRT(0) or the CPU's own */
void gdt_load(uint64_t base_va);
/* the CPU's own GDT, valid in every address space */
void gdt_load_idle(void);
/* 0 entries: null LDT */
void gdt_set_ldt(uint64_t base_va, unsigned int entries);
void gdt_set_rsp0(void *rsp0);		/* also percpu.guest_regs_end */

/* --- CR4 (cpu.c): what guests may choose --- */
/* in the CPU only while guest user mode runs */
#define CR4_TSD		(1UL << 2)
/* served by emulation, never in the CPU */
#define CR4_DE		(1UL << 3)
#define CR4_FSGSBASE	(1UL << 16)
#define CR4_LOADED	(CR4_TSD | CR4_FSGSBASE)
/* CR4 bits for guests that this machine has */
uint64_t cpu_cr4_for_guests(void);
/* the running guest's CR4_LOADED */
void cpu_cr4_set_guest(uint64_t bits);
/* This CPU's translations, the hypervisor's own (global) ones, too. */
void cpu_forget_all(void);

/* --- segment and FPU state of a guest (segs.c, fpu.c) --- */
struct guest_segs {
	uint16_t ds, es, fs, gs;
	uint64_t fs_base;
	uint64_t gs_base;	/* of the mode the vCPU is in */
};
void segs_save(struct guest_segs *s);
/*
 * Loads selectors then bases; returns false if a selector was refused (it is
 * then null).
 */
bool segs_load(const struct guest_segs *s);
/* set_segment_base(GS_USER_SEL): load sel into the guest's GS */
bool segs_load_gs_user(uint16_t sel);
/* what `lar` gives; 0: there is no such segment */
uint32_t segs_rights(uint16_t sel);
uint64_t segs_read_gs_base(void);	/* the guest's live GS base */
void segs_write_gs_base(uint64_t base);
uint64_t segs_read_fs_base(void);
void segs_write_fs_base(uint64_t base);

#define FPU_STATE_BYTES 512
void fpu_save(void *state512);		/* 16-byte aligned fxsave area */
void fpu_load(const void *state512);
void fpu_init_state(void *state512);	/* what a new vCPU starts with */
void fpu_set_ts(bool on);		/* CR0.TS of this CPU */

void debugreg_write(unsigned int nr, uint64_t value);	/* nr 0-3, 6, 7 */
uint64_t debugreg_read(unsigned int nr);

/* --- time (tsc.c, lapic.c) --- */
uint64_t tsc_read(void);
uint64_t tsc_to_ns(uint64_t tsc);	/* since boot */
uint64_t ns_to_tsc(uint64_t ns);	/* inverse */
uint64_t now_ns(void);			/* tsc_to_ns(tsc_read()) */
extern uint64_t tsc_khz;
extern uint64_t tsc_boot;		/* TSC value that is time 0 */
/*
 * pvclock parameters: ns = ((delta << shift) * mul) >> 32, shift may be
 * negative.
 */
extern uint32_t tsc_pv_mul;
extern int8_t tsc_pv_shift;
/* since 1970, by KVM; 0: not below KVM */
uint64_t refclock_kvm_seconds(void);
/* one shot; ~0 = off; a deadline in the past fires at once */
void lapic_timer_set(uint64_t deadline_ns);
void lapic_send_ipi(unsigned int cpu_id, enum vector vector);
void lapic_eoi(void);

/* --- entropy (entropy.c): RDSEED, RDRAND and timing jitter, mixed --- */
void entropy_fill(void *dst, size_t bytes);
/*
 * The next number of the caller's own stream, which nobody else's draws move.
 * A stream starts at any number, such as random_u64() gives.
 */
uint64_t random_next(uint64_t *stream);
/* fast, unpredictable to guests; per-CPU state seeded from entropy_fill */
uint64_t random_u64(void);

/* --- serial ports (uart.c) --- */
enum uart_port { UART_CONSOLE, UART_CONTROL, UART_PORTS };
/* Set it up, once, before it is used; false: the machine has no such port. */
bool uart_open(enum uart_port port);
/* returns how many bytes the port took; 0: it is busy */
size_t uart_put(enum uart_port port, const char *bytes, size_t count);
int uart_read(enum uart_port port);	/* next byte, or -1 */

/* --- leaving --- */
enum exit_code { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_PANIC = 2, EXIT_LOST = 3 };
/*
 * Leave the machine as `exit=` says: isa-debug-exit (which status: exit.c),
 * halt or reboot.
 */
void exit_machine(enum exit_code code) noreturn;

/* --- entering and leaving guests (entry.asm) --- */
/* iretq, or sysretq where regs->vector is VEC_SYSCALL and it is safe */
void guest_enter(struct regs *regs) noreturn;
/* fn on an empty CPU stack; never returns */
void stack_reset_call(void (*fn)(void)) noreturn;
/* sti; hlt; cli: until the next interrupt */
void cpu_idle_wait(void);

#endif
