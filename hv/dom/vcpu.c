/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs: creation, and what a CPU loads and saves when it changes
 * between them.
 *
 * VCPU1  a CPU's bit is in a domain's cpu_mask, and in its group's pool's, from
 *        before the CPU loads one of the domain's page tables until after it
 *        has loaded a table that is not the domain's (which flushes).  The bit
 *        is set by a locked instruction.  So if a CPU changes an entry and then
 *        reads the mask (also after a locked instruction), either it sees our
 *        bit, or we see its change.
 * VCPU2  the CPU uses the GDT at GDT_VIRT(v) only while v's tables are loaded,
 *        and its own else.  Page GDT_HV_PAGE of v's GDT is the CPU's, set
 *        before the tables are loaded.
 * VCPU3  v->info points into shared_info or into a page of the guest on which a
 *        WRITABLE reference is held.  The guest writes there at any time:
 *        nothing read from it is trusted, and the version of the time page is
 *        counted here.
 * TICK1  v's periodic timer is armed by the CPU that runs v alone, and is off
 *        before that CPU leaves v.  So its ticks cost v's own time and nobody
 *        else's: a CPU has a thousand a second at most, however many vCPUs have
 *        a period.  As on Xen, it wakes nobody who sleeps; a tick that was
 *        missed comes when v runs again.
 * TICK2  who sets v's period writes it, and then asks v's CPU to pass through
 *        the scheduler if v is RUNNING.  The scheduler makes v RUNNING, and
 *        then reads the period.  Both have a full barrier in between.
 */
#include <port.h>
#include <errno.h>

#include "dom/above.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "mm/framepool.h"
#include "mm/palloc.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

#define DR6_DEFAULT	0xffff0ff0UL
#define DR7_DEFAULT	0x400UL
#define DR7_ENABLED	0xffUL
#define CR4_DEFAULT	0x620UL		/* PAE, OSFXSR, OSXMMEXCPT */

_Static_assert(MAX_VCPUS <= XEN_LEGACY_MAX_VCPUS,
	       "each has its vcpu_info in shared_info");

static const uint8_t zero_page[PAGE_SIZE] aligned_to(4096);

mfn_t vcpu_zero_page_mfn(void)
{
	return MFN(((uintptr_t)zero_page - IMAGE_VIRT) >> PAGE_SHIFT);
}

/* --- creation --- */

static unsigned int vcpu_order(void)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < sizeof(struct vcpu))
		order++;
	return order;
}

/*
 * Every page of GDT and LDT is mapped, so that no selector of a guest faults in
 * a strange way.
 */
static int desc_area_init(struct vcpu *v)
{
	for (unsigned int i = 0; i < PERDOM_VCPU_PAGES; i++) {
		pte_t *pte = m2p_perdom_pte(&v->domain->m2p,
					    v->id * PERDOM_VCPU_PAGES + i);

		if (!pte)
			return -ENOMEM;
		WRITE_ONCE(*pte, pte_make(vcpu_zero_page_mfn(), PTE_P | PTE_A));
		if (i == GDT_HV_PAGE)
			v->gdt_hv_pte = pte;
	}
	return 0;
}

static void timer_expired(void *arg)
{
	evtchn_virq(arg, VIRQ_TIMER);
}

static void poll_expired(void *arg)
{
	sched_poll_wake(arg, 0);
}

/* TICK1 */
void vcpu_ticks_start(struct vcpu *v)
{
	uint64_t period = READ_ONCE(v->periodic_ns), now;

	if (likely(!period))
		return;
	now = now_ns();
	if (now >= READ_ONCE(v->ticked_ns) + period) {
		WRITE_ONCE(v->ticked_ns, now);
		evtchn_virq(v, VIRQ_TIMER);
	}
	timer_set(&v->periodic_timer, READ_ONCE(v->ticked_ns) + period);
}

void vcpu_ticks_stop(struct vcpu *v)
{
	/* Nobody else arms it. */
	if (unlikely(atomic_load_acquire(&v->periodic_timer.cpu) >= 0))
		timer_cancel(&v->periodic_timer);
}

/* TICK2 */
void vcpu_ticks_set(struct vcpu *v, uint64_t period_ns)
{
	WRITE_ONCE(v->ticked_ns, now_ns());
	WRITE_ONCE(v->periodic_ns, period_ns);
	if (!period_ns) {
		timer_cancel(&v->periodic_timer);
	} else if (v == current_vcpu()) {
		vcpu_ticks_start(v);
	} else {
		atomic_fence();
		sched_hurry(v);
	}
}

static void period_expired(void *arg)
{
	vcpu_ticks_start(arg);
}

/*
 * What Xen's ABI says a PV vCPU starts with; the builder adds rip, rsp, rsi and
 * the page table.
 */
static void vcpu_reset(struct vcpu *v)
{
	v->regs.cs = SEL_USER_CS64;
	v->regs.ss = SEL_USER_DS;
	v->regs.rflags = RFLAGS_IF | RFLAGS_MBS;
	v->kernel_ss = SEL_USER_DS;
	v->kernel_mode = true;
	v->kernel_l4 = v->user_l4 = INVALID_MFN;
	v->cr4 = CR4_DEFAULT;
	v->dr[6] = DR6_DEFAULT;
	v->dr[7] = DR7_DEFAULT;
	fpu_init_state(v->fpu);
	v->info->evtchn_upcall_mask = 1;
}

struct vcpu *vcpu_create(struct domain *d, uint32_t id)
{
	struct vcpu *v = palloc_hv(vcpu_order());

	if (!v)
		return NULL;
	v->domain = d;
	v->id = id;
	v->info = &d->shared_info->vcpu_info[id];
	v->run = RUN_OFFLINE;
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = now_ns();
	list_init(&v->parked);
	timer_init(&v->single_timer, timer_expired, v);
	timer_init(&v->poll_timer, poll_expired, v);
	timer_init(&v->periodic_timer, period_expired, v);
	if (desc_area_init(v)) {
		palloc_hv_free(v, vcpu_order());
		return NULL;
	}
	vcpu_reset(v);
	return v;
}

void vcpu_free(struct vcpu *v)
{
	ASSERT(v->run != RUN_RUNNING && !v->queued.link && list_empty(&v->parked));
	timer_cancel(&v->single_timer);
	timer_cancel(&v->poll_timer);
	timer_cancel(&v->periodic_timer);
	palloc_hv_free(v, vcpu_order());
}

/* --- switching --- */

static mfn_t current_l4(const struct vcpu *v)
{
	return v->kernel_mode ? v->kernel_l4 : v->user_l4;
}

static bool debug_in_use(const struct vcpu *v)
{
	return v->dr[7] & DR7_ENABLED;
}

/* The guest kernel may read the TSC even if its user mode must not. */
static void cr4_load(const struct vcpu *v)
{
	cpu_cr4_set_guest(v->kernel_mode ? v->cr4 & ~CR4_TSD : v->cr4);
}

static void debug_save(struct vcpu *v)
{
	if (!debug_in_use(v))
		return;
	v->dr[6] = debugreg_read(6);
	debugreg_write(7, DR7_DEFAULT);
}

static void debug_load(const struct vcpu *v)
{
	if (!debug_in_use(v))
		return;
	for (unsigned int i = 0; i < 4; i++)
		debugreg_write(i, v->dr[i]);
	debugreg_write(6, v->dr[6]);
	debugreg_write(7, v->dr[7]);
}

/* Everything but page tables; CR0.TS would make the save fault. */
static void state_save(struct vcpu *v)
{
	segs_save(&v->segs);
	fpu_set_ts(false);
	fpu_save(v->fpu);
	debug_save(v);
	cpu_cr4_set_guest(0);
}

static void state_load(struct vcpu *v)
{
	gdt_load(GDT_VIRT(v->id));
	gdt_set_ldt(LDT_VIRT(v->id), v->ldt_entries);
	if (!segs_load(&v->segs))
		v->segs_refused = true;
	fpu_set_ts(false);
	fpu_load(v->fpu);
	fpu_set_ts(v->cr0_ts != 0);
	debug_load(v);
	cr4_load(v);
}

uint64_t vcpu_guest_cpus;

static void vcpu_leave(struct vcpu *v)
{
	struct percpu *cpu = this_cpu();

	state_save(v);
	gdt_load_idle();
	gdt_set_ldt(0, 0);
	tlb_load_cr3(cpu_idle_cr3);
	/*
	 * TL5: by a link of an L4 a guest address leads to global entries of
	 * ours, of which the CPU may keep one that it was refused, at that
	 * address.
	 */
	if (unlikely(atomic_load(&v->domain->l4_linked)))
		cpu_forget_all();
	atomic_and(&v->domain->cpu_mask, ~(1UL << cpu->id)); /* VCPU1 */
	frame_pool_cpu_leaves(v->domain->sharing.frames, cpu->id);
	atomic_and(&vcpu_guest_cpus, ~(1UL << cpu->id));
	guestcopy_slots(NULL);
	cpu->current = NULL;
}

static void vcpu_enter(struct vcpu *v)
{
	struct percpu *cpu = this_cpu();

	CHECK(!mfn_eq(current_l4(v), INVALID_MFN));
	atomic_or(&vcpu_guest_cpus, 1UL << cpu->id);
	frame_pool_cpu_enters(v->domain->sharing.frames, cpu->id);
	guestcopy_slots(&v->domain->l4_linked);
	atomic_or(&v->domain->cpu_mask, 1UL << cpu->id); /* VCPU1 */
	/* Who makes the first link from here on sees our bit. */
	if (unlikely(atomic_load(&v->domain->l4_linked)))
		guestcopy_look(1UL << cpu->id);
	WRITE_ONCE(*v->gdt_hv_pte, pte_make(cpu->gdt_page_mfn,
		   PTE_P | PTE_RW | PTE_A | PTE_D)); /* VCPU2 */
	tlb_load_cr3(mfn_to_maddr(current_l4(v)));
	cpu->current = v;
	state_load(v);
	gdt_set_rsp0(&v->regs + 1);
	vcpu_update_time(v);
}

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	if (prev)
		vcpu_leave(prev);
	if (next)
		vcpu_enter(next);
}

void vcpu_set_mode(struct vcpu *v, bool kernel)
{
	mfn_t l4 = current_l4(v);

	if (v->kernel_mode == kernel)
		return;
	if (kernel) {
		v->gs_base_user = segs_read_gs_base();
		segs_write_gs_base(v->gs_base_kernel);
	} else {
		v->gs_base_kernel = segs_read_gs_base();
		segs_write_gs_base(v->gs_base_user);
	}
	v->kernel_mode = kernel;
	if (v->cr4 & CR4_TSD)
		cr4_load(v);
	if (!mfn_eq(current_l4(v), l4))
		tlb_load_cr3(mfn_to_maddr(current_l4(v)));
	if (kernel && v->areas_stale)
		vcpu_update_time(v);
}

/* --- what the guest reads --- */

static void time_fill(struct vcpu_time_info *t, uint32_t version)
{
	uint64_t tsc = tsc_read();

	memset(t, 0, sizeof(*t));
	t->version = version;
	t->tsc_timestamp = tsc;
	t->system_time = tsc_to_ns(tsc);
	t->tsc_to_system_mul = tsc_pv_mul;
	t->tsc_shift = tsc_pv_shift;
}

static void barrier(void)
{
	atomic_fence_release();
}

/* Odd while it changes. */
static void time_publish(struct vcpu_time_info *to, const struct vcpu_time_info *from)
{
	WRITE_ONCE(to->version, from->version - 1);
	barrier();
	to->tsc_timestamp = from->tsc_timestamp;
	to->system_time = from->system_time;
	to->tsc_to_system_mul = from->tsc_to_system_mul;
	to->tsc_shift = from->tsc_shift;
	to->flags = 0;
	barrier();
	WRITE_ONCE(to->version, from->version);
}

/*
 * A guest that asked for it (VMASST_TYPE_runstate_update_flag) sees
 * XEN_RUNSTATE_UPDATE in the entry time while the other fields change.
 */
static int runstate_write(const struct vcpu *v, uint64_t va,
			  struct vcpu_runstate_info *runstate)
{
	uint64_t *time = &runstate->state_entry_time;
	uint64_t time_va = va + offsetof(struct vcpu_runstate_info, state_entry_time);

	if (!(READ_ONCE(v->domain->vm_assist) &
	      1u << VMASST_TYPE_runstate_update_flag))
		return copy_to_guest(va, runstate, sizeof(*runstate));
	*time |= XEN_RUNSTATE_UPDATE;
	if (copy_to_guest(time_va, time, sizeof(*time)))
		return -EFAULT;
	barrier();
	if (copy_to_guest(va, runstate, sizeof(*runstate)))
		return -EFAULT;
	barrier();
	*time &= ~XEN_RUNSTATE_UPDATE;
	return copy_to_guest(time_va, time, sizeof(*time));
}

/* Best effort, as on Xen: the guest may have unmapped them. */
static void areas_write(struct vcpu *v, const struct vcpu_time_info *t)
{
	uint64_t runstate_va = READ_ONCE(v->runstate_va);
	uint64_t time_va = READ_ONCE(v->time_va);
	struct vcpu_runstate_info runstate;

	if (runstate_va) {
		sched_runstate(v, &runstate);
		if (runstate_write(v, runstate_va, &runstate))
			return;
	}
	if (time_va && copy_to_guest(time_va, t, sizeof(*t)))
		return;
}

/*
 * The registered areas are addresses of the guest kernel, which the tables of
 * guest user mode do not map: then they wait for the next entry to the kernel.
 */
void vcpu_update_time(struct vcpu *v)
{
	struct vcpu_time_info t;

	WRITE_ONCE(v->time_version, v->time_version + 2);
	time_fill(&t, v->time_version);
	time_publish(&v->info->time, &t);
	v->areas_stale = !v->kernel_mode;
	if (v->kernel_mode)
		areas_write(v, &t);
}

void vcpu_areas_show(struct vcpu *v)
{
	struct vcpu_time_info t;

	time_fill(&t, READ_ONCE(v->time_version));
	areas_write(v, &t);
}

void vcpu_show_runstate(struct vcpu *v, struct vcpu_runstate_info *runstate)
{
	if (v->kernel_mode)
		/* as in areas_write() */
		(void)runstate_write(v, READ_ONCE(v->runstate_va), runstate);
	else
		v->areas_stale = true;
}

/* --- vcpu_info elsewhere --- */

/*
 * A sender that still used the old place had set its bits in shared_info
 * before; so tell the guest to look at all of them.
 */
static void info_move(struct vcpu *v, struct vcpu_info *to)
{
	*to = *v->info;
	WRITE_ONCE(to->evtchn_pending_sel, ~(xen_ulong_t)0);
	WRITE_ONCE(to->evtchn_upcall_pending, 1);
	atomic_store_release(&v->info, to);
}

int vcpu_register_info(struct vcpu *v, mfn_t mfn, uint32_t offset)
{
	struct domain *d = v->domain;
	struct frame *f;
	bool taken;
	int rc;

	if (offset > PAGE_SIZE - sizeof(struct vcpu_info) || offset % 8)
		return -EINVAL;
	rc = resolve_area(d, mfn, &f);
	if (rc)
		return rc;
	spin_lock(&d->lock);
	/*
	 * Nobody else writes v->info meanwhile: no CPU runs v, and LOCK_DOMAIN
	 * keeps that so.
	 */
	taken = v->info_frame ||
		(v != current_vcpu() && (v->run == RUN_RUNNING ||
					 sched_is_up(v)));
	if (!taken) {
		spin_lock(&d->events.lock);
		v->info_frame = f;
		info_move(v, (void *)((char *)mfn_to_virt(frame_to_mfn(f)) +
				      offset));
		spin_unlock(&d->events.lock);
	}
	spin_unlock(&d->lock);
	if (taken)
		resolve_area_put(d, f);
	return taken ? -EINVAL : 0;
}
