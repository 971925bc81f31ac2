/* SPDX-License-Identifier: MIT */
/*
 * TR9: two guests on one CPU keep different values in all x87, SSE and debug
 * registers and give up the CPU again and again.  Each starts with clean ones,
 * and never sees the other's.
 */
#include <gl/start.h>
#include <gl/string.h>

#include "../attack.h"

#define ROUNDS	3000

struct state {
	uint8_t bytes[512];
} __attribute__((aligned(16)));

static struct state want, got;

static void save(struct state *s)
{
	memset(s, 0, sizeof(*s));
	__asm__ volatile("fxsave64 %0" : "=m"(*s));
	memset(s->bytes + 8, 0, 16);	/* where the last instruction was */
	memset(s->bytes + 6, 0, 2);
}

static void load(const struct state *s)
{
	__asm__ volatile("fxrstor64 %0" : : "m"(*s));
}

static bool same(const struct state *a, const struct state *b)
{
	for (unsigned int i = 0; i < 416; i++)
		if (a->bytes[i] != b->bytes[i])
			return false;
	return true;
}

static uint64_t debug_register(unsigned int nr)
{
	return raw_call(__HYPERVISOR_get_debugreg, nr, 0, 0, 0, 0);
}

static void test_clean(void)
{
	save(&got);
	gl_test_equal(*(uint16_t *)got.bytes, 0x37f);
	gl_test_equal(*(uint32_t *)(got.bytes + 24), 0x1f80);
	for (unsigned int i = 32; i < 416; i++)
		gl_test_check(got.bytes[i] == 0);
	for (unsigned int nr = 0; nr < 4; nr++)
		gl_test_equal(debug_register(nr), 0);
}

/* Patterns of which each guest has its own; MXCSR: another rounding. */
static void make_own(uint64_t id)
{
	save(&want);
	for (unsigned int i = 32; i < 416; i++)
		if (i >= 160 || i % 16 < 10)
			want.bytes[i] = i * 7 + id * 101;
	want.bytes[4] = 0xff;		/* all x87 registers are in use */
	*(uint32_t *)(want.bytes + 24) = 0x1f80 | (id & 3) << 13;
	load(&want);
	save(&want);
	for (unsigned int nr = 0; nr < 4; nr++)
		gl_test_equal(raw_call(__HYPERVISOR_set_debugreg, nr,
				       0x1000 * (id + 1) + nr, 0, 0, 0), 0);
}

void gl_main(void)
{
	uint64_t id = gl_cmdline_u64("id", 1);
	unsigned int bad = 0;

	test_clean();
	make_own(id);
	for (unsigned int round = 0; round < ROUNDS && !bad; round++) {
		raw_call(__HYPERVISOR_sched_op, 0 /* yield */, 0, 0, 0, 0);
		save(&got);
		bad += !same(&want, &got);
		for (unsigned int nr = 0; nr < 4; nr++)
			bad += debug_register(nr) != 0x1000 * (id + 1) + nr;
	}
	gl_test_equal(bad, 0);
	gl_test_done();
}
