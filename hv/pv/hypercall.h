/* SPDX-License-Identifier: MIT */
/* Hypercalls: the table, and the form of its handlers. */
#ifndef HV_PV_HYPERCALL_H
#define HV_PV_HYPERCALL_H

#include "dom/domain.h"

/*
 * Handlers get the six argument registers and return the value for rax.  A
 * handler that ran out of time returns -ERESTART after it has put the rest of
 * its work in the guest's argument registers: the guest's rip is set back to
 * the `syscall` instruction and the call is made again when it next runs.
 */
enum hypercall_regs {
	REGS_KEPT,	/* but for rax */
	REGS_NEW,	/* all are the guest's already (iret) */
	REGS_ARGS,	/* the arguments, too: the end of a call that went on */
};
struct hypercall_args {
	uint64_t a[6];
	enum hypercall_regs regs;	/* out */
};
typedef long (*hypercall_fn)(struct hypercall_args *args);
long hypercall_dispatch(uint64_t nr, struct hypercall_args *args);
/* `syscall` from guest kernel mode: registers in, registers out */
void hypercall_enter(struct vcpu *v);

/*
 * The handlers of the table, each in the file that its comment names.  Those
 * that act on the caller's own vCPU need no lock.  Arguments and results are
 * those of Xen's ABI.
 */
long op_set_trap_table(struct hypercall_args *args);	/* traps_ops.c */
long op_stack_switch(struct hypercall_args *args);
long op_set_callbacks(struct hypercall_args *args);
long op_callback(struct hypercall_args *args);
long op_fpu_taskswitch(struct hypercall_args *args);
long op_set_segment_base(struct hypercall_args *args);
long op_set_debugreg(struct hypercall_args *args);	/* debugreg.c */
long op_get_debugreg(struct hypercall_args *args);
long op_iret(struct hypercall_args *args);		/* iret.c */
long op_set_gdt(struct hypercall_args *args);		/* desc.c */
long op_update_descriptor(struct hypercall_args *args);
long op_mmu_update(struct hypercall_args *args);	/* mmu.c */
long op_update_va_mapping(struct hypercall_args *args);
long op_mmuext(struct hypercall_args *args);		/* mmuext.c */
long op_memory(struct hypercall_args *args);		/* memory.c */
long op_grant_table(struct hypercall_args *args);	/* grant_op.c */
long op_physdev(struct hypercall_args *args);		/* op_physdev.c */
long op_physdev_compat(struct hypercall_args *args);
long op_multicall(struct hypercall_args *args);		/* multicall.c */
long op_xen_version(struct hypercall_args *args);	/* version.c */
long op_vm_assist(struct hypercall_args *args);

/* version.c: what the first domain is told; cut where it is too long */
void version_set_commandline(const char *line);
/* the stubs of a guest's hypercall page */
void hypercall_page_fill(void *page);

#endif
