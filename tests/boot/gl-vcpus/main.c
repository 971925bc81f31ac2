/* SPDX-License-Identifier: MIT */
/*
 * The library on several vCPUs: each has its own number, alarm, event mask and
 * probes; IPIs go from each to each, and nobody eats another's; locks exclude;
 * pages and page tables are taken by all at once.
 */
#include <gl/event.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/timer.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include "../gl_test.h"

#define ROUNDS		200
#define TICKS		10
#define COUNTS		20000
#define PAGES		40
#define NOWHERE		0x0000123400000000UL	/* no table leads there */

static unsigned int vcpus;
static long ports[GL_VCPUS];
/* counted by each, for itself */
static uint64_t ipis[GL_VCPUS], ticks[GL_VCPUS], wrong[GL_VCPUS], runs[GL_VCPUS];
static uint64_t waiting, counted, mapped;	/* waiting: atomic */
static struct gl_lock lock;

static void ipi(evtchn_port_t port, void *data)
{
	unsigned int me = gl_vcpu_id();

	if (data != &ports[me] || (long)port != ports[me])
		wrong[me]++;
	ipis[me]++;
}

static void tick(void)
{
	unsigned int me = gl_vcpu_id();

	if (++ticks[me] < TICKS)
		gl_timer_set(gl_now_ns() + 1000000 * (1 + me), tick);
}

/* Until all are here, for the n-th time. */
static void meet(unsigned int n)
{
	__atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < n * vcpus)
		gl_yield();
}

static void bind(unsigned int me)
{
	ports[me] = gl_event_bind_ipi(ipi, &ports[me]);
	if (ports[me] < 0)
		wrong[me]++;
}

static void send_to_all(unsigned int me)
{
	uint64_t before = ipis[me];

	for (unsigned int n = 0; n < ROUNDS; n++)
		for (unsigned int to = 0; to < vcpus; to++)
			if (gl_event_send((evtchn_port_t)ports[to]))
				wrong[me]++;
	/* Masked, it waits. */
	meet(3);
	gl_events_save();
	before = ipis[me];
	gl_event_send((evtchn_port_t)ports[me]);
	if (ipis[me] != before || !gl_vcpu_info()->evtchn_upcall_mask)
		wrong[me]++;
	gl_events_enable();
	if (ipis[me] == before)
		wrong[me]++;
}

static void count(void)
{
	for (unsigned int n = 0; n < COUNTS; n++) {
		bool on = gl_lock(&lock);

		counted = *(volatile uint64_t *)&counted + 1;
		gl_unlock(&lock, on);
	}
}

/* All of them below one new top-level entry; each page is one of ours. */
static void take_pages(unsigned int me)
{
	for (unsigned int n = 0; n < PAGES; n++) {
		uint64_t va = gl_page_alloc(), at = NOWHERE, word;

		at += ((uint64_t)n * vcpus + me) * GL_PAGE_BYTES;
		at += (n % 4) * (1UL << 30);
		if (!va || gl_map_page(at, gl_virt_to_mfn(va), GL_PTE_KERNEL)) {
			wrong[me]++;
			continue;
		}
		*(volatile uint64_t *)va = at;
		if (!gl_probe_read(at, &word) || word != at)
			wrong[me]++;
		__atomic_fetch_add(&mapped, 1, __ATOMIC_SEQ_CST);
	}
}

static void probe(unsigned int me)
{
	uint64_t word, va = 0x0000456000000000UL + me * 8;

	for (unsigned int n = 0; n < ROUNDS; n++)
		if (gl_probe_read(va, &word) || gl_probe_last().address != va)
			wrong[me]++;
}

static void work(void *arg)
{
	unsigned int me = gl_vcpu_id();

	if (arg != &ports[me])
		wrong[me]++;
	bind(me);
	meet(1);
	gl_timer_set(gl_now_ns() + 1000000, tick);
	meet(2);
	send_to_all(me);
	count();
	take_pages(me);
	probe(me);
	while (*(volatile uint64_t *)&ticks[me] < TICKS)
		gl_yield();
	gl_sleep_ns(1000000);
	runs[me]++;
}

static void again(void *arg)
{
	runs[gl_vcpu_id()] += (uint64_t)arg;
}

static void start_refused(void)
{
	gl_test_equal(gl_vcpu_start(0, again, NULL), -XEN_EINVAL);
	gl_test_equal(gl_vcpu_start(GL_VCPUS, again, NULL), -XEN_EINVAL);
	if (vcpus < GL_VCPUS)
		gl_test_equal(gl_vcpu_start(vcpus, again, NULL), -XEN_ENOENT);
}

/* Events of a port of ours go where we say. */
static volatile unsigned int by = GL_VCPUS;

static void moved_port(evtchn_port_t port, void *data)
{
	by = gl_vcpu_id();
}

static void moved(void)
{
	long port = gl_event_alloc_unbound(gl_domid(), moved_port, NULL);
	struct evtchn_bind_interdomain b = {
		.remote_dom = gl_domid(), .remote_port = (evtchn_port_t)port,
	};
	unsigned int to = vcpus - 1;

	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &b), 0);
	gl_test_equal(gl_event_bind_vcpu((evtchn_port_t)port, to), 0);
	gl_test_equal(gl_event_bind_vcpu((evtchn_port_t)port, vcpus),
		      vcpus < GL_VCPUS ? -XEN_ENOENT : -XEN_EINVAL);
	gl_event_send(b.local_port);
	if (to)
		gl_test_equal(gl_vcpu_start(to, again, (void *)1), 0);
	for (unsigned int n = 0; n < 1000000 && by == GL_VCPUS; n++)
		gl_yield();
	gl_test_equal(by, to);
}

void gl_main(void)
{
	vcpus = gl_vcpu_count();
	start_refused();
	for (unsigned int id = 1; id < vcpus; id++)
		gl_test_equal(gl_vcpu_start(id, work, &ports[id]), 0);
	work(&ports[0]);
	for (unsigned int id = 1; id < vcpus; id++) {
		gl_test_equal(gl_vcpu_start(id, again, (void *)10), 0);
		gl_vcpu_wait(id);
		gl_test_equal(gl_vcpu_is_up(id), 0);
	}
	moved();
	for (unsigned int id = 0; id < vcpus; id++) {
		if (wrong[id])
			gl_test_fail("vCPU %u: %lu things wrong", id, wrong[id]);
		gl_test_equal(ticks[id], TICKS);
		gl_test_check(runs[id] == 1 + 10 * (id > 0) || id == vcpus - 1);
		gl_test_check(ipis[id] > 0);
	}
	gl_test_equal(counted, (uint64_t)vcpus * COUNTS);
	gl_test_equal(mapped, (uint64_t)vcpus * PAGES);
	gl_printf("%u vCPUs, %lu IPIs came to the first\n", vcpus, ipis[0]);
	gl_test_done();
}
