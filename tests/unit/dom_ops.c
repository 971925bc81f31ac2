/* links: hv/dom/op_sched.c hv/pv/op_vcpu.c hv/dom/sched*.c hv/lib/pheap.c hv/dom/stop.c hv/dom/timer.c hv/dom/evtchn*.c tests/fake/fake_pirq.c hv/dom/vcpu.c tests/port/port.c tests/fake/fake_dom.c tests/fake/fake_x86.c */
/* SPDX-License-Identifier: MIT */
/*
 * sched_op, set_timer_op and vcpu_op, on the real scheduler, timers, event
 * channels and vCPU code: sleeping and waking end to end, every error number,
 * and what a CPU loads and saves for a vCPU.
 */
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <port.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "unit/one_vcpu.h"
#include "unit/suite.h"

/* --- sched_op --- */

START_TEST(block_until_the_timer)
{
	ck_assert_int_eq(op_set_timer(fake.now + 30 * MS), 0);
	v->info->evtchn_upcall_mask = 1;
	ck_assert_int_eq(op_sched(SCHEDOP_block, 0), 0);
	ck_assert_uint_eq(v->info->evtchn_upcall_mask, 0);
	ck_assert_ptr_null(pass(0));
	ck_assert_uint_eq(fake.lapic[0], fake.now + 30 * MS);
	ck_assert_ptr_null(pass(29 * MS));
	ck_assert_ptr_eq(pass(1 * MS), v);
	ck_assert(timer_pending());
	ck_assert(evtchn_deliverable(v));
	/* deliverable: no sleep */
	ck_assert_int_eq(op_sched(SCHEDOP_block, 0), 0);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_uint_ge(fake.drains, 1);	/* on the way to sleep */
}
END_TEST

START_TEST(yield_returns)
{
	ck_assert_int_eq(op_sched(SCHEDOP_yield, 0), 0);
	ck_assert(sched_preempt_pending());
	ck_assert_ptr_eq(pass(0), v);
}
END_TEST

START_TEST(shutdown)
{
	struct sched_shutdown s = { .reason = SHUTDOWN_reboot };

	ck_assert_int_eq(op_sched(SCHEDOP_shutdown, FAKE_BAD_VA), -EFAULT);
	ck_assert_int_eq(op_sched(SCHEDOP_shutdown, fake_va(&(struct
		sched_shutdown){ SHUTDOWN_suspend })), -ENOSYS);
	ck_assert_int_eq(op_sched_shutdown(SHUTDOWN_suspend), -ENOSYS);
	ck_assert_uint_eq(fake.shutdowns, 0);
	/* no reason leaves the field of flags that tells it */
	ck_assert_int_eq(op_sched_shutdown(~0UL), 0);
	ck_assert_uint_eq(fake.shutdown_code, SHUTDOWN_MAX);
	ck_assert_int_eq(op_sched(SCHEDOP_shutdown, fake_va(&s)), 0);
	ck_assert_uint_eq(fake.shutdown_code, SHUTDOWN_reboot);
	ck_assert_ptr_null(pass(0));
	ck_assert_int_eq(v->run, RUN_OFFLINE);
}
END_TEST

START_TEST(sched_op_refusals)
{
	ck_assert_int_eq(op_sched(SCHEDOP_remote_shutdown, 0), -EPERM);
	ck_assert_int_eq(op_sched(SCHEDOP_pin_override, 0), -EPERM);
	ck_assert_int_eq(op_sched(SCHEDOP_shutdown_code, 0), -ENOSYS);
	ck_assert_int_eq(op_sched(SCHEDOP_watchdog, 0), -ENOSYS);
	ck_assert_int_eq(op_sched(99, 0), -ENOSYS);
}
END_TEST

static long poll(evtchn_port_t *ports, unsigned int count, uint64_t timeout)
{
	struct sched_poll p = { .nr_ports = count, .timeout = timeout };

	p.ports.p = ports;
	return op_sched(SCHEDOP_poll, fake_va(&p));
}

START_TEST(poll_wakes_on_a_masked_port)
{
	evtchn_port_t port = (evtchn_port_t)evtchn_bind_console(d);

	d->shared_info->evtchn_mask[0] = ~0UL;
	ck_assert_int_eq(poll(&port, 1, 0), 0);
	ck_assert_ptr_null(pass(0));
	evtchn_virq(v, VIRQ_TIMER);	/* another one, masked: sleeps on */
	ck_assert_ptr_null(pass(0));
	evtchn_set_pending(d, port);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_int_eq(poll(&port, 1, 0), 0);	/* pending already */
	ck_assert_ptr_eq(pass(0), v);
}
END_TEST

START_TEST(poll_of_many_wakes_on_any)
{
	evtchn_port_t ports[128];

	for (unsigned int i = 0; i < 128; i++)
		ports[i] = (evtchn_port_t)evtchn_bind_console(d);
	d->shared_info->evtchn_mask[0] = d->shared_info->evtchn_mask[1] =
		d->shared_info->evtchn_mask[2] = ~0UL;
	ck_assert_int_eq(poll(ports, 128, 0), 0);
	ck_assert_ptr_null(pass(0));
	evtchn_set_pending(d, ports[127]);
	ck_assert_ptr_eq(pass(0), v);
}
END_TEST

START_TEST(poll_times_out)
{
	evtchn_port_t port = (evtchn_port_t)evtchn_bind_console(d);

	ck_assert_int_eq(poll(&port, 1, fake.now + 10 * MS), 0);
	ck_assert_ptr_null(pass(9 * MS));
	ck_assert_ptr_eq(pass(1 * MS), v);
	ck_assert_int_eq(poll(&port, 1, fake.now - 1), 0);	/* past */
	ck_assert_ptr_eq(pass(0), v);
	/* a plain sleep */
	ck_assert_int_eq(poll(NULL, 0, fake.now + MS), 0);
	ck_assert_ptr_null(pass(0));
	ck_assert_ptr_eq(pass(MS), v);
}
END_TEST

START_TEST(poll_ends_with_an_event)
{
	evtchn_port_t port = (evtchn_port_t)evtchn_bind_console(d);

	ck_assert_int_eq(poll(&port, 1, fake.now + 10 * MS), 0);
	ck_assert_ptr_null(pass(0));
	evtchn_virq(v, VIRQ_TIMER);
	ck_assert_ptr_eq(pass(0), v);
	handled();
	/* The first poll's timeout does not end the second one. */
	ck_assert_int_eq(poll(&port, 1, 0), 0);
	ck_assert_ptr_null(pass(20 * MS));
	evtchn_set_pending(d, port);
	ck_assert_ptr_eq(pass(0), v);
}
END_TEST

START_TEST(poll_errors)
{
	evtchn_port_t ports[129] = { 0 };

	ck_assert_int_eq(op_sched(SCHEDOP_poll, FAKE_BAD_VA), -EFAULT);
	ck_assert_int_eq(poll(ports, 129, 0), -EINVAL);
	ck_assert_int_eq(poll(ports, ~0u, 0), -EINVAL);
	ck_assert_int_eq(poll(ports, 1, 0), -EINVAL);	/* port 0 */
	ports[0] = EVTCHN_PORTS;
	ck_assert_int_eq(poll(ports, 1, 0), -EINVAL);
	ports[0] = ~0u;
	ck_assert_int_eq(poll(ports, 1, 0), -EINVAL);
	ck_assert_int_eq(poll(NULL, 1, 0), -EFAULT);
	ck_assert(!sched_preempt_pending());	/* none of them went to sleep */
	ck_assert(!v->poll_wait && !v->want_block);
}
END_TEST

/* --- timers --- */

START_TEST(set_timer_op)
{
	ck_assert_int_eq(op_set_timer(fake.now + 5 * MS), 0);
	ck_assert_int_eq(op_set_timer(0), 0);		/* stop */
	pass(10 * MS);
	ck_assert(!timer_pending());
	ck_assert_int_eq(op_set_timer(fake.now), 0);	/* past: at once */
	ck_assert(timer_pending());
	handled();
	ck_assert_int_eq(op_set_timer(~0UL), 0);
	pass(1000 * MS);
	ck_assert(!timer_pending());
}
END_TEST

START_TEST(singleshot)
{
	struct vcpu_set_singleshot_timer s = { .timeout_abs_ns = fake.now + MS };

	ck_assert_int_eq(vcpu_op(VCPUOP_set_singleshot_timer, &s), 0);
	pass(MS);
	ck_assert(timer_pending());
	handled();
	s.timeout_abs_ns = fake.now - 1;
	ck_assert_int_eq(vcpu_op(VCPUOP_set_singleshot_timer, &s), 0);
	ck_assert(timer_pending());
	handled();
	s.flags = VCPU_SSHOTTMR_future;
	ck_assert_int_eq(vcpu_op(VCPUOP_set_singleshot_timer, &s), 0);
	ck_assert(timer_pending());	/* Xen takes no notice of the flag */
	handled();
	s.timeout_abs_ns = fake.now + MS;
	ck_assert_int_eq(vcpu_op(VCPUOP_set_singleshot_timer, &s), 0);
	ck_assert_int_eq(vcpu_op(VCPUOP_stop_singleshot_timer, NULL), 0);
	pass(2 * MS);
	ck_assert(!timer_pending());
}
END_TEST

/* --- vcpu_op --- */

START_TEST(which_vcpus_there_are)
{
	for (unsigned long cmd = 0; cmd < 20; cmd++) {
		ck_assert_int_eq(op_vcpu(cmd, 1, FAKE_BAD_VA), -ENOENT);
		ck_assert_int_eq(op_vcpu(cmd, 1UL << 32, FAKE_BAD_VA), -ENOENT);
	}
	ck_assert_int_eq(vcpu_op(VCPUOP_is_up, NULL), 1);
	ck_assert_int_eq(vcpu_op(VCPUOP_up, NULL), 0);
	ck_assert_int_eq(vcpu_op(VCPUOP_initialise, NULL), -EEXIST);
	ck_assert_int_eq(vcpu_op(VCPUOP_get_physid, NULL), -EINVAL);
	ck_assert_int_eq(vcpu_op(99, NULL), -ENOSYS);
	/* the last one */
	ck_assert_int_eq(vcpu_op(VCPUOP_down, NULL), 0);
	ck_assert_uint_eq(fake.shutdown_code, SHUTDOWN_poweroff);
	ck_assert_uint_eq(fake.shutdowns, 1);
}
END_TEST

/* A second vCPU that has a context. */
static struct vcpu *second(void)
{
	struct vcpu *w = vcpu_create(d, 1);

	ck_assert_ptr_nonnull(w);
	d->vcpu[1] = w;
	d->vcpu_count = 2;
	w->kernel_l4 = MFN(3);
	w->initialised = true;
	return w;
}

static void second_gone(void)
{
	sched_stop(d->vcpu[1]);
	vcpu_free(d->vcpu[1]);
	d->vcpu[1] = NULL;
	d->vcpu_count = 1;
}

/*
 * VC2: up needs a context; down comes back from its call; the last that goes
 * down ends the domain.
 */
START_TEST(up_and_down)
{
	struct vcpu *w = second();

	w->initialised = false;
	ck_assert_int_eq(op_vcpu(VCPUOP_is_up, 1, 0), 0);
	ck_assert_int_eq(op_vcpu(VCPUOP_up, 1, 0), -EINVAL);
	ck_assert_int_eq(op_vcpu(VCPUOP_is_up, 1, 0), 0);
	w->initialised = true;
	ck_assert_int_eq(op_vcpu(VCPUOP_up, 1, 0), 0);
	ck_assert_int_eq(op_vcpu(VCPUOP_is_up, 1, 0), 1);
	ck_assert_int_eq(vcpu_op(VCPUOP_down, NULL), 0); /* itself */
	/* at once, though it is still here */
	ck_assert_int_eq(vcpu_op(VCPUOP_is_up, NULL), 0);
	ck_assert_ptr_eq(pass(0), w);
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	ck_assert_uint_eq(fake.shutdowns, 0);
	ck_assert_int_eq(vcpu_op(VCPUOP_up, NULL), 0);
	ck_assert_int_eq(op_vcpu(VCPUOP_down, 1, 0), 0);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_int_eq(vcpu_op(VCPUOP_down, NULL), 0);
	ck_assert_uint_eq(fake.shutdown_code, SHUTDOWN_poweroff);
	ck_assert_uint_eq(fake.shutdowns, 1);
	second_gone();
}
END_TEST

/*
 * VC3: of any vCPU, and it ends a sleep of its; with no argument.  One that is
 * masked waits, and ends none.
 */
START_TEST(nmi)
{
	struct vcpu *w = second();

	ck_assert_int_eq(op_vcpu(VCPUOP_send_nmi, 1, 8), -EINVAL);
	ck_assert(!w->nmi_pending);
	ck_assert_int_eq(op_vcpu(VCPUOP_send_nmi, 1, 0), 0);
	ck_assert(w->nmi_pending && !v->nmi_pending);
	sched_online(w);
	sched_block(v);
	ck_assert_ptr_eq(pass(0), w);
	ck_assert_int_eq(v->run, RUN_BLOCKED);
	ck_assert_int_eq(op_vcpu(VCPUOP_send_nmi, 0, 0), 0);
	ck_assert_int_eq(v->run, RUN_RUNNABLE);
	sched_block(w);		/* has one: stays */
	ck_assert(!w->want_block);
	w->nmi_masked = true;
	sched_block(w);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_int_eq(w->run, RUN_BLOCKED);
	second_gone();
}
END_TEST

/* Areas of any vCPU; vcpu_info only of one that is not up. */
START_TEST(areas_of_another)
{
	struct vcpu_runstate_info area = { .state = 77 };
	struct vcpu_register_vcpu_info info = { .mfn = 1 };
	uint64_t va = fake_va(&area);
	struct vcpu *w = second();

	ck_assert_int_eq(op_vcpu(VCPUOP_register_runstate_memory_area, 1,
				 fake_va(&va)), 0);
	ck_assert_int_eq(area.state, RUNSTATE_offline);
	ck_assert_uint_eq(w->runstate_va, va);
	sched_online(w);
	ck_assert_int_eq(op_vcpu(VCPUOP_register_vcpu_info, 1, fake_va(&info)),
			 -EINVAL);
	ck_assert_int_eq(vcpu_op(VCPUOP_down, NULL), 0);
	ck_assert_ptr_eq(pass(0), w);
	ck_assert_int_eq(area.state, RUNSTATE_running);
	sched_online(v);
	sched_yield_cpu(w);
	ck_assert_ptr_eq(pass(0), v);
	/* the others see that it waits */
	ck_assert_int_eq(area.state, RUNSTATE_runnable);
	second_gone();
}
END_TEST

START_TEST(bad_pointers)
{
	static const unsigned long with_arg[] = {
		VCPUOP_get_runstate_info, VCPUOP_register_runstate_memory_area,
		VCPUOP_set_periodic_timer, VCPUOP_set_singleshot_timer,
		VCPUOP_register_vcpu_info, VCPUOP_register_vcpu_time_memory_area,
	};

	for (size_t i = 0; i < ARRAY_COUNT(with_arg); i++)
		ck_assert_int_eq(op_vcpu(with_arg[i], 0, FAKE_BAD_VA), -EFAULT);
}
END_TEST

START_TEST(runstate)
{
	struct vcpu_runstate_info r, area = { .state = 77 };
	uint64_t va = fake_va(&area), bad = HV_VIRT_START;

	pass(3 * MS);
	ck_assert_int_eq(vcpu_op(VCPUOP_get_runstate_info, &r), 0);
	ck_assert_int_eq(r.state, RUNSTATE_running);
	ck_assert_uint_eq(r.time[RUNSTATE_running], 3 * MS);
	ck_assert_int_eq(vcpu_op(VCPUOP_register_runstate_memory_area, &bad),
			 -EFAULT);
	ck_assert_int_eq(vcpu_op(VCPUOP_register_runstate_memory_area, &va), 0);
	ck_assert_int_eq(area.state, RUNSTATE_running);	/* at once */
	op_set_timer(fake.now + 10 * MS);
	op_sched(SCHEDOP_block, 0);
	pass(0);
	ck_assert_ptr_eq(pass(10 * MS), v);
	ck_assert_uint_eq(area.time[RUNSTATE_blocked], 10 * MS);
	fake.no_copy_out = true;	/* unmapped: nothing happens */
	op_sched(SCHEDOP_yield, 0);
	ck_assert_ptr_eq(pass(0), v);
	fake.no_copy_out = false;
}
END_TEST

static struct vcpu_runstate_info flagged;
static uint64_t seen_times[8];
static uint32_t seen_states[8];
static unsigned int seen;

static void see(void)
{
	ck_assert_uint_lt(seen, ARRAY_COUNT(seen_times));
	seen_times[seen] = flagged.state_entry_time;
	seen_states[seen++] = (uint32_t)flagged.state;
}

/* The flag is there before anything else changes, and gone last. */
START_TEST(runstate_flag)
{
	uint64_t va = fake_va(&flagged);

	d->vm_assist = 1u << VMASST_TYPE_runstate_update_flag;
	flagged.state = 77;
	seen = 0;
	fake.on_copy_out = see;
	ck_assert_int_eq(vcpu_op(VCPUOP_register_runstate_memory_area, &va), 0);
	fake.on_copy_out = NULL;
	ck_assert_uint_ge(seen, 3);
	ck_assert(seen_times[0] & XEN_RUNSTATE_UPDATE);
	ck_assert_uint_eq(seen_states[0], 77);
	ck_assert(seen_times[1] & XEN_RUNSTATE_UPDATE);
	ck_assert_uint_eq(seen_states[1], RUNSTATE_running);
	ck_assert(!(seen_times[2] & XEN_RUNSTATE_UPDATE));
}
END_TEST

START_TEST(areas_wait_for_kernel_mode)
{
	struct vcpu_runstate_info area;
	struct vcpu_time_info time;
	uint64_t va = fake_va(&area), time_va = fake_va(&time);

	ck_assert_int_eq(vcpu_op(VCPUOP_register_runstate_memory_area, &va), 0);
	ck_assert_int_eq(vcpu_op(VCPUOP_register_vcpu_time_memory_area,
				 &time_va), 0);
	vcpu_set_mode(v, false);
	memset(&area, 0xaa, sizeof(area));
	memset(&time, 0xaa, sizeof(time));
	ck_assert_ptr_eq(pass(10 * MS), v);	/* slice over, and again */
	/* user tables: not touched */
	ck_assert_int_eq((uint8_t)area.state, 0xaa);
	vcpu_set_mode(v, true);
	ck_assert_int_eq(area.state, RUNSTATE_running);
	ck_assert_uint_eq(time.version, v->info->time.version);
}
END_TEST

/* --- vcpu_info --- */

static long register_info(uint64_t mfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info r = { .mfn = mfn, .offset = offset };

	return vcpu_op(VCPUOP_register_vcpu_info, &r);
}

START_TEST(info_moves_once)
{
	struct vcpu_info *old = v->info, *new;

	old->arch.cr2 = 0x1234;
	ck_assert_int_eq(register_info(5, PAGE_SIZE - sizeof(*old) + 8), -EINVAL);
	ck_assert_int_eq(register_info(5, ~0u), -EINVAL);
	ck_assert_int_eq(register_info(5, 4), -EINVAL);
	ck_assert_int_eq(register_info(5, 0), -EPERM);	/* not its page */
	fake.area = mfn_to_frame(MFN(5));
	ck_assert_int_eq(register_info(5, PAGE_SIZE - sizeof(*old)), 0);
	new = v->info;
	ck_assert_ptr_eq(new, (char *)mfn_to_virt(MFN(5)) + PAGE_SIZE - sizeof(*new));
	ck_assert_uint_eq(new->arch.cr2, 0x1234);
	ck_assert_uint_eq(new->evtchn_pending_sel, ~0UL);
	ck_assert_uint_eq(new->evtchn_upcall_pending, 1);
	ck_assert_int_eq(register_info(5, 0), -EINVAL);	/* once */
	/* the second reference */
	ck_assert_uint_eq(fake.area_puts, 1);
	ck_assert_ptr_eq(v->info, new);
	memset(new, 0, sizeof(*new));
	old->evtchn_pending_sel = 0;
	evtchn_virq(v, VIRQ_TIMER);
	ck_assert_uint_eq(new->evtchn_upcall_pending, 1);
	ck_assert_uint_eq(old->evtchn_pending_sel, 0);
}
END_TEST

/* --- what the CPU holds --- */

START_TEST(new_vcpu)
{
	ck_assert_uint_eq(v->regs.cs, 0xe033);
	ck_assert_uint_eq(v->regs.ss, 0xe02b);
	ck_assert_uint_eq(v->regs.rflags, RFLAGS_IF | RFLAGS_MBS);
	ck_assert(v->kernel_mode);
	ck_assert_uint_eq(v->dr[7], 0x400);
	ck_assert_uint_eq((uintptr_t)&v->regs % 16, offsetof(struct vcpu, regs) % 16);
}
END_TEST

START_TEST(no_memory_for_a_vcpu)
{
	struct domain *other = fake_domain(1);

	fake.alloc_fail_at = 1;
	ck_assert_ptr_null(vcpu_create(other, 0));
	fake_x86.no_perdom = true;
	ck_assert_ptr_null(vcpu_create(other, 0));
	fake_x86.no_perdom = false;
}
END_TEST

START_TEST(switch_loads_and_leaves)
{
	uint64_t linked;

	ck_assert_uint_eq(fake_x86.cr3, 3 * PAGE_SIZE);
	ck_assert_uint_eq(d->cpu_mask, 1);
	ck_assert_uint_eq(fake.group_cpus, 1);
	ck_assert_uint_eq(fake_x86.gdt, GDT_VIRT(0));
	ck_assert_ptr_eq(fake_x86.rsp0, &v->regs + 1);
	ck_assert_ptr_eq(this_cpu()->current, v);
	/* LP10 */
	ck_assert(fake_x86.slots == &d->l4_linked && !fake_x86.looking);
	v->cr0_ts = 1;
	fake_x86.ts = true;
	fake_x86.segs.ds = 0x2b;
	op_set_timer(fake.now + MS);
	d->l4_linked = &linked;
	op_sched(SCHEDOP_block, 0);
	ck_assert_ptr_null(pass(0));
	/* TL5: when its tables are not loaded any more. */
	ck_assert_uint_eq(fake_x86.forgot, maddr_n(cpu_idle_cr3));
	/* DD10: an idle CPU holds no tables of a domain that may go. */
	ck_assert_uint_eq(fake_x86.cr3, maddr_n(cpu_idle_cr3));
	ck_assert_uint_eq(fake_x86.gdt, 0);
	ck_assert_uint_eq(d->cpu_mask, 0);
	ck_assert_uint_eq(fake.group_cpus, 0);
	ck_assert_ptr_null(this_cpu()->current);
	ck_assert_ptr_null(fake_x86.slots);
	ck_assert_uint_eq(v->segs.ds, 0x2b);
	ck_assert(!fake_x86.saved_with_ts);
	fake_x86.segs.ds = 0;
	ck_assert_ptr_eq(pass(MS), v);
	ck_assert_uint_eq(fake_x86.segs.ds, 0x2b);
	ck_assert(fake_x86.slots == &d->l4_linked && fake_x86.looking);
	d->l4_linked = NULL;
	ck_assert(fake_x86.ts);
	ck_assert_uint_eq(*v->gdt_hv_pte >> PAGE_SHIFT,
			  mfn_n(this_cpu()->gdt_page_mfn));
}
END_TEST

START_TEST(refused_selectors_are_noted)
{
	fake_x86.refuse_segs = true;
	op_sched(SCHEDOP_yield, 0);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert(v->segs_refused);
}
END_TEST

/*
 * CR4.TSD is in the CPU in user mode alone, FSGSBASE in both, neither for
 * others.
 */
START_TEST(cr4_follows_the_mode)
{
	v->cr4 = CR4_TSD | CR4_FSGSBASE;
	vcpu_set_mode(v, false);
	ck_assert_uint_eq(fake_x86.cr4, CR4_TSD | CR4_FSGSBASE);
	vcpu_set_mode(v, true);
	ck_assert_uint_eq(fake_x86.cr4, CR4_FSGSBASE);
	vcpu_switch(v, NULL);
	ck_assert_uint_eq(fake_x86.cr4, 0);
	vcpu_switch(NULL, v);
	ck_assert_uint_eq(fake_x86.cr4, CR4_FSGSBASE);
	vcpu_set_mode(v, false);
	vcpu_switch(v, NULL);
	vcpu_switch(NULL, v);
	ck_assert_uint_eq(fake_x86.cr4, CR4_TSD | CR4_FSGSBASE);
	vcpu_set_mode(v, true);
}
END_TEST

START_TEST(debug_registers_follow)
{
	v->dr[0] = 0x1000;
	v->dr[7] = 0x401;
	fake_x86.dr[6] = 0xffff0ff1;
	op_sched(SCHEDOP_block, 0);
	pass(0);
	ck_assert_uint_eq(v->dr[6], 0xffff0ff1);
	ck_assert_uint_eq(fake_x86.dr[7], 0x400);	/* off for others */
	sched_wake(v);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_uint_eq(fake_x86.dr[0], 0x1000);
	ck_assert_uint_eq(fake_x86.dr[7], 0x401);
}
END_TEST

START_TEST(mode_changes_tables_and_gs)
{
	v->gs_base_user = 0x111;
	fake_x86.gs = 0x222;
	vcpu_set_mode(v, true);			/* no change */
	ck_assert_uint_eq(fake_x86.gs, 0x222);
	vcpu_set_mode(v, false);
	ck_assert_uint_eq(fake_x86.gs, 0x111);
	ck_assert_uint_eq(v->gs_base_kernel, 0x222);
	ck_assert_uint_eq(fake_x86.cr3, 4 * PAGE_SIZE);
	fake_x86.gs = 0x333;
	vcpu_set_mode(v, true);
	ck_assert_uint_eq(fake_x86.gs, 0x222);
	ck_assert_uint_eq(v->gs_base_user, 0x333);
	ck_assert_uint_eq(fake_x86.cr3, 3 * PAGE_SIZE);
}
END_TEST

START_TEST(time_page)
{
	const struct vcpu_time_info *t = &v->info->time;
	uint32_t version = t->version;

	ck_assert_uint_eq(version % 2, 0);
	/* the guest's scribbling is not taken over */
	v->info->time.version = 12345;
	fake.now += 7;
	vcpu_update_time(v);
	ck_assert_uint_eq(t->version, version + 2);
	ck_assert_uint_eq(t->system_time, fake.now);
	ck_assert_uint_eq(t->tsc_timestamp, fake.now);
	ck_assert_uint_eq(t->tsc_to_system_mul, tsc_pv_mul);
	ck_assert_int_eq(t->tsc_shift, tsc_pv_shift);
	ck_assert_uint_eq(t->flags, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ops");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, block_until_the_timer);
	tcase_add_test(tc, yield_returns);
	tcase_add_test(tc, shutdown);
	tcase_add_test(tc, sched_op_refusals);
	tcase_add_test(tc, poll_wakes_on_a_masked_port);
	tcase_add_test(tc, poll_of_many_wakes_on_any);
	tcase_add_test(tc, poll_times_out);
	tcase_add_test(tc, poll_ends_with_an_event);
	tcase_add_test(tc, poll_errors);
	tcase_add_test(tc, set_timer_op);
	tcase_add_test(tc, singleshot);
	tcase_add_test(tc, which_vcpus_there_are);
	tcase_add_test(tc, bad_pointers);
	tcase_add_test(tc, up_and_down);
	tcase_add_test(tc, nmi);
	tcase_add_test(tc, areas_of_another);
	tcase_add_test(tc, runstate);
	tcase_add_test(tc, runstate_flag);
	tcase_add_test(tc, areas_wait_for_kernel_mode);
	tcase_add_test(tc, info_moves_once);
	tcase_add_test(tc, new_vcpu);
	tcase_add_test(tc, no_memory_for_a_vcpu);
	tcase_add_test(tc, switch_loads_and_leaves);
	tcase_add_test(tc, refused_selectors_are_noted);
	tcase_add_test(tc, debug_registers_follow);
	tcase_add_test(tc, cr4_follows_the_mode);
	tcase_add_test(tc, mode_changes_tables_and_gs);
	tcase_add_test(tc, time_page);
	return suite_run();
}
