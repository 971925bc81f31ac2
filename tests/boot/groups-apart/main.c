/* SPDX-License-Identifier: MIT */
/*
 * SH26, SH28: where new frames appear, and what they cost, whatever another
 * group's offers come to.
 *
 * role=work offers pages, in turn with the observer: with contents=1 all have
 * one content, and are matches; else each has its own, and is a miss.
 * role=observe, of another group, offers, breaks, takes frames and gives some
 * back meanwhile, and prints each frame's number and each call's instructions
 * (under -icount).  tests/cli/other-groups.sh compares what it prints: what
 * work did must not show.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include <xen/memory.h>

#include "../gl_test.h"

#define ROUNDS		12
#define OFFERS		8	/* of the observer, a round; */
/* frames that it takes, and gives back half of */
#define TAKEN		4
#define WORK		60	/* offers of the other, a round: 720 in all */
#define SLOT_NS		50000000UL
#define START_NS	300000000UL

static inline uint64_t instructions(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The two work in turns, by the clock that both have. */
static void wait_for_slot(unsigned int round, unsigned int who)
{
	uint64_t at = START_NS + (2 * round + who) * SLOT_NS, now = gl_now_ns();

	if (now > at)
		gl_test_error("too slow for turns");
	gl_sleep_ns(at - now);
}

static uint64_t page_of(uint64_t content)
{
	uint64_t va = gl_page_alloc();

	for (unsigned int k = 0; k < 512; k++)
		((uint64_t *)va)[k] = content << 16 | k;
	return va;
}

static uint64_t offer(uint64_t va, uint64_t *took)
{
	uint64_t start = instructions();
	long rc = hypercall_make_ro_and_share(SHAREOP_single, va, 0, 0);

	*took = instructions() - start;
	gl_test_check(rc > 0);
	gl_p2m_set(gl_virt_to_pfn(va), (uint64_t)rc);
	return (uint64_t)rc;
}

/*
 * What was seen, printed at the end: the serial line is fed from a timer, whose
 * interrupts would otherwise fall into what is measured.
 */
struct seen {
	const char *what;
	unsigned int round, i;
	uint64_t mfn, took;	/* 0: it is a frame */
};
static struct seen seen[512];
static unsigned int seen_count;

static void see(const char *what, unsigned int round, unsigned int i,
		uint64_t mfn, uint64_t took)
{
	if (seen_count == 512)
		gl_test_error("too much to see");
	seen[seen_count++] = (struct seen){ what, round, i, mfn, took };
}

static void tell_seen(void)
{
	for (struct seen *s = seen; s < seen + seen_count; s++)
		if (s->took)
			gl_printf("APART %s %u.%u mfn=%lx took=%lu\n", s->what,
				  s->round, s->i, s->mfn, s->took);
		else
			gl_printf("APART %s %u.%u mfn=%lx\n", s->what, s->round,
				  s->i, s->mfn);
}

static void observe_offers(unsigned int round, unsigned int break_from)
{
	uint64_t took, mfn;

	for (unsigned int i = 0; i < OFFERS; i++) {
		uint64_t va = page_of(1000 + round * OFFERS + i);
		struct shareop_entry e = { .pte = { va }, .nr_ptes = 1 };

		mfn = offer(va, &took);
		see("offer", round, i, mfn, took);
		if (i < break_from)
			continue;
		took = instructions();
		gl_test_equal(hypercall_make_ro_and_share(SHAREOP_unshare,
			      (uint64_t)&e, 1, 0), 0);
		took = instructions() - took;
		gl_test_equal(e.status, SHARE_DONE);
		gl_p2m_set(gl_virt_to_pfn(va), e.mfn);
		see("break", round, i, e.mfn, took);
	}
}

/* Frames of the heap. */
static void observe_frames(unsigned int round)
{
	static xen_pfn_t frames[TAKEN];
	struct xen_memory_reservation r = { .nr_extents = TAKEN,
					    .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, frames);
	gl_test_equal(hypercall_memory_op(XENMEM_increase_reservation, &r), TAKEN);
	for (unsigned int i = 0; i < TAKEN; i++)
		see("frame", round, i, frames[i], 0);
	r.nr_extents = TAKEN / 2;
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r),
		      TAKEN / 2);
}

static void observe(void)
{
	for (unsigned int round = 0; round < ROUNDS; round++) {
		wait_for_slot(round, 0);
		observe_offers(round, OFFERS - 2);
		observe_frames(round);
	}
	tell_seen();
}

static void work(uint64_t contents)
{
	static uint64_t page[ROUNDS * WORK];
	uint64_t took;

	for (unsigned int i = 0; i < ROUNDS * WORK; i++)
		page[i] = page_of(contents ? i % contents : i);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		wait_for_slot(round, 1);
		for (unsigned int i = 0; i < WORK; i++)
			(void)offer(page[round * WORK + i], &took);
	}
	gl_sleep_ns(2 * SLOT_NS);	/* so that the observer ends first */
}

void gl_main(void)
{
	char role[16];

	if (!gl_cmdline_text("role", role, sizeof(role)))
		gl_test_error("no role");
	if (role[0] == 'o')
		observe();
	else
		work(gl_cmdline_u64("contents", 0));
	gl_test_done();
}
