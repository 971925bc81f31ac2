/* SPDX-License-Identifier: MIT */
/* The Xen PV ABI: who does what.  Prototypes grouped by file. */
#ifndef HV_PV_PV_H
#define HV_PV_PV_H

#include "dom/domain.h"

/*
 * hypercall.c: the table.  Handlers get the six argument registers and return
 * the value for rax.  A handler that ran out of time returns -ERESTART after it has put
 * the rest of its work in the guest's argument registers: the guest's
 * rip is set back to the `syscall` instruction and the call is made again when it next runs.
 */
struct hypercall_args {
	uint64_t a[6];
	bool replaced;	/* out: the guest's registers are new (iret); the result is not for rax */
};
typedef long (*hypercall_fn)(struct hypercall_args *args);
long hypercall_dispatch(uint64_t nr, struct hypercall_args *args);
void hypercall_enter(struct vcpu *v);	/* `syscall` from guest kernel mode: registers in, registers out */
long op_multicall(struct hypercall_args *args);	/* multicall.c */

/* bounce.c: delivery of traps, events and system calls into a guest kernel. */
/* Note an exception for the running vCPU; delivered by pv_exit_to_guest(). */
void bounce_exception(struct vcpu *v, unsigned int vector, bool has_error,
		      uint32_t error_code);
void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code);
/* Deliver what is pending (exception, failsafe, event upcall) by building frames on the guest's stack. */
void bounce_pending(struct vcpu *v);
/* `syscall` from guest user mode. */
void bounce_syscall(struct vcpu *v);
/* `sysenter` from either mode. */
void bounce_sysenter(struct vcpu *v);
/* The failsafe callback: loading the guest's selectors failed. */
void bounce_failsafe(struct vcpu *v);

/* entry.c: guest_trap, guest_syscall, guest_resume and the way out. */
void pv_exit_to_guest(struct vcpu *v) noreturn;

/* After an emulated instruction of `length` bytes: advance rip, take a pending single step. */
void emulate_advance(struct vcpu *v, unsigned int length);
/* msr.c: false = #GP. */
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value);

/* traps.c: the fault or interrupt in v->regs; cr2 for #PF. */
void trap_handle(struct vcpu *v, uint64_t cr2);

/* emulate.c: privileged instructions of guest kernels, and forced-emulation cpuid. */
/* True: done, rip advanced. False: deliver the fault to the guest. */
bool emulate_privileged(struct vcpu *v);	/* on #GP */
bool emulate_ud(struct vcpu *v);		/* on #UD: ud2a; "xen"; cpuid */
void cpuid_policy(const struct vcpu *v, uint32_t leaf, uint32_t sub,
		  uint32_t out[4]);

/* emulate.c: is that selector's segment 64-bit code? A selector that became bad is not. */
bool code_is_long(uint64_t selector);

/* ptwrite.c: a guest kernel's store to a page table of its own; true: done, rip advanced. */
bool ptwrite_fault(struct vcpu *v, uint64_t cr2, uint32_t error);

/* sharefault.c: a write to a shared page of a domain that chose break first; true: do it again. */
bool sharefault(struct vcpu *v, uint64_t va, uint32_t error);

/* iret.c: a ring 3 iretq that QEMU's TCG could not do under SMAP; true: done. */
bool iret_after_tcg_fault(struct vcpu *v, uint64_t cr2);

/* ptcheck.c: contents of page tables; mmu.c: the hypercalls on them. */
long op_mmu_update(struct hypercall_args *args);
long op_update_va_mapping(struct hypercall_args *args);
long op_mmuext(struct hypercall_args *args);

/* desc.c: descriptor tables. */
long op_set_gdt(struct hypercall_args *args);
long op_update_descriptor(struct hypercall_args *args);
/* At most as many entries as GDT_FRAMES_MAX frames hold: the caller has looked. */
int desc_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int entries);
void desc_drop_gdt(struct vcpu *v);	/* and the LDT; LOCK_MM held */
bool desc_check_page(void *page);	/* validates and normalises 512 descriptors */
bool desc_ldt_ok(uint64_t va, uint64_t entries); /* may a guest name that as an LDT? */
/* Set an LDT (MMUEXT_SET_LDT) of the current vCPU, or of one that is not up.  -EINVAL: !desc_ldt_ok(). */
int desc_set_ldt(struct vcpu *v, uint64_t va, uint32_t entries);

/* grant_op.c */
long op_grant_table(struct hypercall_args *args);

/* memory.c */
long op_memory(struct hypercall_args *args);

/* traps_ops.c: also for emulated mov to/from cr0 and dr. 0, -EPERM, -ENODEV. */
void fpu_taskswitch_set(struct vcpu *v, bool on);
long debugreg_set(struct vcpu *v, uint64_t nr, uint64_t value);
int debugreg_get(struct vcpu *v, uint64_t nr, uint64_t *value);
void debugreg_note(struct vcpu *v, uint64_t causes);	/* a #DB: its bits of DR6 */
bool debugreg_exists(const struct vcpu *v, uint64_t nr); /* else -ENODEV, #UD */
/* An access to I/O ports: true if it meets a breakpoint, which is then noted in DR6. */
bool debugreg_port(struct vcpu *v, uint32_t port, unsigned int width);
/* iret.c: what a guest's rflags become in ring 3: IF on, no IOPL, nothing that ring 3 could not set. */
uint64_t guest_rflags(uint64_t wanted);

/* traps_ops.c: the calls that set a vCPU's state. */
bool handler_ok(uint64_t address);	/* none, or outside of the hypervisor's range */
long op_set_trap_table(struct hypercall_args *args);
long op_stack_switch(struct hypercall_args *args);
long op_set_callbacks(struct hypercall_args *args);
long op_callback(struct hypercall_args *args);
long op_fpu_taskswitch(struct hypercall_args *args);
long op_set_segment_base(struct hypercall_args *args);
long op_iret(struct hypercall_args *args);
long op_set_debugreg(struct hypercall_args *args);
long op_get_debugreg(struct hypercall_args *args);

/* version.c */
long op_xen_version(struct hypercall_args *args);
long op_vm_assist(struct hypercall_args *args);
void hypercall_page_fill(void *page);

#endif
