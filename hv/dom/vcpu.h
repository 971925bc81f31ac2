/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU.  While it runs, its fields belong to the CPU that runs it;
 * fields that others touch name their lock.
 */
#ifndef HV_DOM_VCPU_H
#define HV_DOM_VCPU_H

#include "lib/types.h"

#include <xen/xen.h>
#include <xen/vcpu.h>

#include "dom/ptpending.h"
#include "dom/timer.h"
#include "lib/list.h"
#include "lib/pheap.h"
#include "mm/frame.h"
#include "x86/cpu.h"
#include "x86/regs.h"

/* pages of a guest's GDT below the hypervisor's entries */
#define GDT_FRAMES_MAX	14

#define LDT_FRAMES_MAX	16
#define LDT_FIRST_PAGE	16	/* of the descriptor area */

/* PAUSED: RUNNABLE, were its domain not paused */
enum run_state { RUN_OFFLINE, RUN_BLOCKED, RUN_PAUSED, RUN_RUNNABLE, RUN_RUNNING };

struct pv_callback {
	uint64_t address;	/* 0 = none */
	bool mask_events;
};

struct vcpu {
	/*
	 * Entry code pushes here.  The CPU aligns its stack pointer to 16 bytes
	 * before it pushes, so regs must end on such a boundary.
	 */
	uint64_t regs_pad;
	struct regs regs;

	struct domain *domain;	/* constant */
	uint32_t id;		/* constant */
	/*
	 * it has registers and tables; until then it cannot be brought up.
	 * LOCK_DOMAIN
	 */
	bool initialised;

	/* --- mode and page tables; changed by the vCPU itself --- */
	/* guest kernel or guest user: both run in ring 3 */
	bool kernel_mode;
	mfn_t kernel_l4;	/* holds a use as CLASS_L4; INVALID_MFN none */
	mfn_t user_l4;		/* as kernel_l4 */
	struct pt_result pt_result; /* LOCK_MM */
	uint64_t kernel_sp, kernel_ss; /* stack_switch */
	struct guest_segs segs;	/* live only while not running */
	/*
	 * vcpu_switch() could not load one of segs: the guest is owed its
	 * failsafe callback
	 */
	bool segs_refused;
	uint64_t gs_base_kernel, gs_base_user; /* the one not live in the MSR */
	mfn_t gdt_frames[GDT_FRAMES_MAX];	/* 0 = none; LOCK_MM */
	uint32_t gdt_entries;
	/*
	 * entry of its descriptor area that shows the CPU's GDT page; constant
	 */
	uint64_t *gdt_hv_pte;
	mfn_t ldt_frames[LDT_FRAMES_MAX];	/* as gdt_frames */
	uint32_t ldt_entries;
	uint64_t ldt_va;	/* LOCK_MM */
	uint64_t cr0_ts;	/* guest's CR0.TS (fpu_taskswitch) */
	uint64_t cr4;		/* guest's view */
	uint64_t dr[8];
	/* enable bits of breakpoints on I/O ports, which are not in dr[7] */
	uint64_t dr7_io;
	uint64_t iopl;
	/* of the guest kernel; a clear bit allows its user mode the port */
	uint64_t iobitmap_va;
	uint32_t iobitmap_ports; /* that it is looked at for: 0 none */

	/* --- traps --- */
	struct trap_info traps[256];
	struct pv_callback event_cb, failsafe_cb, syscall_cb, syscall32_cb,
		sysenter_cb;
	struct {
		bool pending;
		uint8_t vector;
		bool has_error;
		uint32_t error_code;
		uint64_t cr2;
	} trap;
	/* an exception to deliver on the way back to the guest */
	/*
	 * VCPUOP_send_nmi: set by anybody, who then kicks it; taken by the vCPU
	 * itself on its way to the guest
	 */
	bool nmi_pending;
	/* its own: from the handler's start to the next iret hypercall */
	bool nmi_masked;

	/* --- areas shared with the guest --- */
	/*
	 * in shared_info, or where the guest registered it; changed under
	 * LOCK_EVENT
	 */
	struct vcpu_info *info;
	/* referenced (writable) when registered, else NULL; LOCK_DOMAIN */
	struct frame *info_frame;
	/* registered areas, 0 = none; its domain's vCPUs set them: atomic */
	uint64_t runstate_va;
	uint64_t time_va;	/* secondary time */
	struct vcpu_runstate_info runstate; /* LOCK_SCHED */
	uint32_t time_version;	/* last version written to the time page */
	/* runstate_va, time_va to be written when kernel mode is back */
	bool areas_stale;

	/*
	 * --- scheduling: LOCK_SCHED of the queue that `cpu` names
	 * (dom/sched_queue.c, RUNQ1) ---
	 */
	enum run_state run;
	uint32_t cpu;		/* where it runs, ran last or waits */
	uint64_t barred;	/* bits of CPUs that must not run it; RUNQ6 */
	struct pheap_node queued; /* RUNNABLE: in that queue, */
	struct list parked;	/* or waiting for its domain's budget */
	/* its place in the queue: virtual time; how long it waits */
	uint64_t key, since;
	/*
	 * virtual time: it waits for those that are not yet so far; 0: for
	 * nobody
	 */
	uint64_t yielded_to;
	uint64_t ran_since_ns;	/* when it was put on its CPU, */
	uint64_t granted_ns;	/* and for how long */
	bool poll_wait;		/* blocked in SCHEDOP_poll */
	uint32_t poll_port;	/* for this port, 0 = for any */
	/*
	 * What happens to it when its CPU leaves it (it is RUNNING until then):
	 */
	bool want_block, want_yield, want_offline;

	/* set_singleshot_timer, set_timer_op: VIRQ_TIMER */
	struct timer single_timer;
	struct timer poll_timer;   /* SCHEDOP_poll's timeout */
	struct timer periodic_timer;	/* TICK1 */
	/*
	 * its period, 0: none; when it ticked last, or was set.  Its domain's
	 * vCPUs set both: atomic; TICK2
	 */
	uint64_t periodic_ns, ticked_ns;
	uint32_t virq_port[24];	/* port of each VIRQ, 0 = none; LOCK_EVENT */

	uint8_t fpu[FPU_STATE_BYTES] aligned_to(16);
};
_Static_assert((offsetof(struct vcpu, regs) + sizeof(struct regs)) % 16 == 0,
	       "entry pushes to the end of regs");

static inline bool vcpu_nmi_deliverable(const struct vcpu *v)
{
	return READ_ONCE(v->nmi_pending) && !v->nmi_masked;
}

/* --- vcpu.c --- */
/*
 * CPUs that have any guest's page tables loaded (atomic): what domain.cpu_mask
 * is for a domain's pages, this is for orphans, which any guest may map.
 */
extern uint64_t vcpu_guest_cpus;
/* NULL: no memory */
struct vcpu *vcpu_create(struct domain *d, uint32_t id);
void vcpu_free(struct vcpu *v);	/* offline, its tables and areas unhooked */
/*
 * Place vcpu_info in a page of the guest; once only, of the current vCPU or one
 * that is not up.  Errors as VCPUOP_register_vcpu_info.
 */
int vcpu_register_info(struct vcpu *v, mfn_t mfn, uint32_t offset) must_check;
/*
 * Save what the CPU holds of `prev` and load `next` (either may be NULL =
 * idle): tables, GDT, segments, FPU, TSS.
 */
void vcpu_switch(struct vcpu *prev, struct vcpu *next);
/*
 * A page of zeroes that hypervisor-only mappings show where a guest has
 * nothing.
 */
mfn_t vcpu_zero_page_mfn(void);
/*
 * Change between guest kernel and user: page table and GS base; the vCPU runs
 * here.
 */
void vcpu_set_mode(struct vcpu *v, bool kernel);
/*
 * VCPUOP_set_periodic_timer; 0: no period.  _start and _stop: v, which has this
 * CPU, begins and ends to run.  No lock below LOCK_EVENT.
 */
void vcpu_ticks_set(struct vcpu *v, uint64_t period_ns);
void vcpu_ticks_start(struct vcpu *v);
void vcpu_ticks_stop(struct vcpu *v);
/*
 * Update the guest's time page (vcpu_info.time) and areas; of the current vCPU.
 */
void vcpu_update_time(struct vcpu *v);
/*
 * The runstate area alone, with this in it; of the current vCPU, which is about
 * to leave its CPU.
 */
void vcpu_show_runstate(struct vcpu *v, struct vcpu_runstate_info *runstate);
/*
 * Write v's areas, just registered by the current vCPU, which is another one of
 * v's domain.
 */
void vcpu_areas_show(struct vcpu *v);

#endif
