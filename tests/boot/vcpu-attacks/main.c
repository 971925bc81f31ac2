/* SPDX-License-Identifier: MIT */
/*
 * Attacks that take two vCPUs at once.
 *
 * PT5: one pins a page as a table and unpins it; the other maps it writable,
 *      writes, unmaps without a flush and writes on: the page is never both,
 *      and while it is a table no byte of it changes.
 * ME8: both give the same frame back, and both ask for the one frame that the
 *      domain may have: one of them wins.
 * TL8: a page goes while the vCPU that had touched it is asleep, down, or in
 *      its own loop: it reads it no more.
 */
#include <gl/event.h>
#include <gl/sched.h>
#include <gl/timer.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define ROUNDS		300
#define LOOKS		60
#define SECRET		0x5ec2e7UL

static volatile bool stop;
static volatile uint64_t page, alias, frame;
static volatile uint64_t maps;	/* PT5: how often it was writable */

/* --- both at once, round by round --- */

static uint64_t arrived;	/* atomic */

static void meet(uint64_t n)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2 * n)
		gl_yield();
}

/* --- PT5 --- */

static void write_on(void *arg)
{
	uint64_t n = 0, stale = 0;

	while (!stop) {
		if (map_at(alias, frame, GL_PTE_KERNEL))
			continue;
		maps++;
		n++;
		*(volatile uint64_t *)(alias + 8 * (n % PAGE_WORDS)) = n << 12;
		gl_test_equal(hypercall_update_va_mapping(alias, 0, UVMF_NONE), 0);
		for (uint64_t end = n + 20; n < end; n++)
			stale += gl_probe_write(alias + 8 * (n % PAGE_WORDS), n << 12);
	}
	gl_printf("%lu writable mappings, %lu writes behind their ends\n", maps, stale);
}

static bool changes(const volatile uint64_t *p)
{
	uint64_t sum = 0, first = 0;

	for (unsigned int look = 0; look < LOOKS; look++) {
		sum = 0;
		for (unsigned int i = 0; i < PAGE_WORDS; i++)
			sum += p[i] * (2 * i + 1);
		if (!look)
			first = sum;
		if (sum != first)
			return true;
	}
	return false;
}

/* The other CPU may come to it late, on a busy host. */
static void pt5(void)
{
	unsigned int pins = 0;

	page = must_alloc();
	alias = must_alloc();
	frame = gl_virt_to_mfn(page);
	memset((void *)page, 0, GL_PAGE_BYTES);
	gl_test_equal(protect(page), 0);
	gl_test_equal(gl_unmap_page(alias), 0);
	stop = false;
	maps = 0;
	gl_test_equal(gl_vcpu_start(1, write_on, NULL), 0);
	for (unsigned int n = 0; n < 100 * ROUNDS && (pins < ROUNDS || !maps); n++) {
		if (pins >= ROUNDS)
			gl_yield();
		if (ext_op(MMUEXT_PIN_L1_TABLE, frame, 0)) {
			if (n % 16 == 0)
				gl_yield();
			continue;
		}
		pins++;
		if (changes((const volatile uint64_t *)page))
			gl_test_fail("a table changed");
		gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, frame, 0), 0);
	}
	stop = true;
	gl_vcpu_wait(1);
	gl_printf("PT5: pinned %u times\n", pins);
	gl_test_check(pins > 0);
	if (!maps)
		gl_test_fail("the page was never writable");
	(void)hypercall_update_va_mapping(alias, 0, UVMF_INVLPG | UVMF_ALL);
	gl_test_equal(unprotect(page), 0);
	audit("PT5");
}

/* --- ME8 --- */

static volatile long result[2];

static long reservation(unsigned int op, uint64_t first)
{
	xen_pfn_t list = first;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	long rc;

	set_xen_guest_handle(r.extent_start, &list);
	rc = hypercall_memory_op(op, &r);
	if (op == XENMEM_populate_physmap && rc == 1)
		frame = list;
	return rc;
}

static void give_and_take(unsigned int me)
{
	for (uint64_t n = 0; n < ROUNDS; n++) {
		meet(4 * n + 1);
		result[me] = reservation(XENMEM_decrease_reservation, frame);
		meet(4 * n + 2);
		if (!me && result[0] + result[1] != 1)
			gl_test_fail("given back %ld times", result[0] + result[1]);
		meet(4 * n + 3);
		result[me] = reservation(XENMEM_populate_physmap, gl_virt_to_pfn(page));
		meet(4 * n + 4);
		if (!me && result[0] + result[1] != 1)
			gl_test_fail("came %ld times", result[0] + result[1]);
	}
}

static void give_and_take_second(void *arg)
{
	give_and_take(1);
}

static void me8(void)
{
	uint64_t before = info_get().tot_pages;

	frame = gl_virt_to_mfn(page);
	gl_test_equal(info_get().max_pages, before);
	gl_test_equal(gl_unmap_page(page), 0);
	gl_test_equal(gl_vcpu_start(1, give_and_take_second, NULL), 0);
	give_and_take(0);
	gl_vcpu_wait(1);
	gl_test_equal(info_get().tot_pages, before);
	gl_p2m_set(gl_virt_to_pfn(page), frame);
	gl_test_equal(unprotect(page), 0);
	audit("ME8");
}

/* --- TL8 --- */

enum { ASLEEP, DOWN, IN_LOOP, WAYS };

static volatile unsigned int way;
static volatile bool touched, gone, looked;

/* A timer that fires before we sleep wakes us: no event is taken meanwhile. */
static void sleep_a_while(void)
{
	gl_events_save();
	gl_timer_set(gl_now_ns() + 2000000, NULL);
	gl_block();
}

static void touch_and_wait(void *arg)
{
	uint64_t word;

	gl_test_equal(gl_probe_read(page, &word), true);
	touched = true;
	while (!gone) {
		if (way == ASLEEP)
			sleep_a_while();
		else if (way == DOWN)
			hypercall_vcpu_op(VCPUOP_down, 1, NULL);
	}
	if (gl_probe_read(page, &word))
		gl_test_fail("way %u: a page that is gone reads %lx", way, word);
	looked = true;
}

/* The frame, in new hands, or in ours again by another name. */
static void frame_goes(uint64_t other)
{
	uint64_t mfn = gl_virt_to_mfn(page);

	gl_test_equal(hypercall_update_va_mapping(page, 0, UVMF_NONE), 0);
	gl_test_equal(reservation(XENMEM_decrease_reservation, mfn), 1);
	gl_test_equal(reservation(XENMEM_populate_physmap, gl_virt_to_pfn(page)), 1);
	gl_test_equal(map_at(other, frame, GL_PTE_KERNEL), 0);
	*(volatile uint64_t *)other = SECRET;
}

static void tl8(void)
{
	uint64_t other = must_alloc(), kept = gl_virt_to_mfn(other);

	for (unsigned int n = 0; n < 10 * WAYS; n++) {
		way = n % WAYS;
		touched = gone = looked = false;
		gl_test_equal(gl_vcpu_start(1, touch_and_wait, NULL), 0);
		while (!touched || (way == DOWN && gl_vcpu_is_up(1)))
			gl_yield();
		if (way == ASLEEP)
			gl_sleep_ns(1000000);
		frame_goes(other);
		gone = true;
		if (way == DOWN)
			gl_test_equal(hypercall_vcpu_op(VCPUOP_up, 1, NULL), 0);
		while (!looked)
			gl_yield();
		gl_vcpu_wait(1);
		gl_p2m_set(gl_virt_to_pfn(page), frame);
		gl_test_equal(map_at(other, kept, GL_PTE_KERNEL), 0);
		gl_test_equal(unprotect(page), 0);
	}
	audit("TL8");
}

void gl_main(void)
{
	if (gl_vcpu_count() < 2)
		gl_test_error("one vCPU");
	pt5();
	me8();
	tl8();
	gl_test_done();
}
