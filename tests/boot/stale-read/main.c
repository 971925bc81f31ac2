/* SPDX-License-Identifier: MIT */
/*
 * Two guests of one group, two processors (TL2).  Both hold a shared frame.
 * The reader lets it go without a flush of its TLB and goes on reading through
 * what its CPU remembers.  The writer is the last holder now, takes the frame
 * for itself and writes a secret there, which the reader must not see.
 *
 * They act at times of the machine's clock, ROUND_MS for each round:
 *        0 both offer    39 the reader lets go   40 the writer writes    60
 *                        look no more
 */
#include <gl/timer.h>
#include <gl/trap.h>

#include "../attack.h"

#define MS		1000000UL
#define ROUND_MS	100
#define ROUNDS		8
#define SECRET		0x5ec2e7UL

static uint64_t first_ms;

static void wait_until(unsigned int round, unsigned int ms)
{
	while (gl_now_ns() < (first_ms + round * ROUND_MS + ms) * MS)
		__asm__ volatile("pause");
}

static bool write_round(uint64_t va, unsigned int round)
{
	uint64_t before, after;

	pattern_fill(va, round);
	wait_until(round, 0);
	before = must_share(va);
	wait_until(round, 40);
	gl_test_equal(unshare(va), SHARE_DONE);
	after = gl_virt_to_mfn(va);
	*(volatile uint64_t *)va = SECRET;
	wait_until(round, 60);
	return before == after;
}

static void read_round(uint64_t va, unsigned int round)
{
	uint64_t word, want = pattern_word(round, 0);
	unsigned long reads = 0;

	pattern_fill(va, round);
	wait_until(round, 10);
	must_share(va);
	wait_until(round, 39);
	gl_test_check(pattern_intact(va, round));
	/* No UVMF flush: the entry is gone, not the translation. */
	gl_test_equal(hypercall_update_va_mapping(va, 0, UVMF_NONE), 0);
	while (gl_now_ns() < (first_ms + round * ROUND_MS + 60) * MS &&
	       gl_probe_read(va, &word)) {
		reads++;
		if (word != want) {
			gl_test_fail("round %u, read %lu: %lx", round, reads,
				     word);
			break;
		}
	}
	gl_printf("round %u: %lu stale reads until %lu us\n", round, reads,
		  gl_now_ns() / 1000 - (first_ms + round * ROUND_MS) * 1000);
}

void gl_main(void)
{
	bool writer = gl_cmdline_u64("writer", 0);
	unsigned int taken = 0;

	first_ms = gl_cmdline_u64("first", 500);
	if (gl_now_ns() > first_ms * MS)
		gl_test_error("the machine is too slow for this test");
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t va = must_alloc();

		if (writer)
			taken += write_round(va, round);
		else
			read_round(va, round);
	}
	if (writer)
		gl_printf("%u of %u frames were taken over\n", taken, ROUNDS);
	audit("stale reads");
	gl_test_done();
}
