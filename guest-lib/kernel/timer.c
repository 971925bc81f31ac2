/* SPDX-License-Identifier: MIT */
/* The paravirtual clock and the singleshot timer. */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/timer.h>
#include <gl/vcpu.h>

static uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static uint64_t scale(const struct vcpu_time_info *t, uint64_t ticks)
{
	if (t->tsc_shift < 0)
		ticks >>= -t->tsc_shift;
	else
		ticks <<= t->tsc_shift;
	return (uint64_t)((unsigned __int128)ticks * t->tsc_to_system_mul >> 32);
}

uint64_t gl_now_ns(void)
{
	const volatile struct vcpu_time_info *shared = &gl_vcpu_info()->time;
	struct vcpu_time_info t;
	uint64_t now;
	uint32_t version;

	do {
		version = shared->version;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		t.tsc_timestamp = shared->tsc_timestamp;
		t.system_time = shared->system_time;
		t.tsc_to_system_mul = shared->tsc_to_system_mul;
		t.tsc_shift = shared->tsc_shift;
		now = t.system_time + scale(&t, rdtsc() - t.tsc_timestamp);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((version & 1) || version != shared->version);
	return now;
}

static void timer_event(evtchn_port_t port, void *data)
{
	void (*fn)(void) = gl_vcpu_self()->timer_fn;

	if (fn)
		fn();
}

long gl_timer_set(uint64_t at_ns, void (*fn)(void))
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = at_ns };
	struct gl_vcpu *v = gl_vcpu_self();

	if (!v->timer_port) {
		long port = gl_event_bind_virq(VIRQ_TIMER, timer_event, NULL);

		if (port < 0)
			return port;
		v->timer_port = port;
		/*
		 * Real Xen starts a vCPU with a 100 Hz tick; absence of the
		 * call is fine.
		 */
		hypercall_vcpu_op(VCPUOP_stop_periodic_timer, v->id, NULL);
	}
	v->timer_fn = fn;
	return hypercall_vcpu_op(VCPUOP_set_singleshot_timer, v->id, &t);
}

void gl_timer_stop(void)
{
	gl_vcpu_self()->timer_fn = NULL;
	hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, gl_vcpu_id(), NULL);
}

void gl_sleep_ns(uint64_t ns)
{
	uint64_t end = gl_now_ns() + ns;
	long rc = gl_timer_set(end, NULL);

	if (rc)
		gl_panic("no timer: %ld", rc);
	for (;;) {
		gl_events_save();
		if (gl_now_ns() >= end)
			break;
		gl_block();
	}
	gl_events_enable();
}
