/* SPDX-License-Identifier: MIT */
/*
 * EV5: areas of both vCPUs, of both kinds, where the guest may not write: on a
 * table, on a shared page, across the end of what is mapped.  They are taken as
 * addresses, as on Xen, and written by the guest's own rights at each switch.
 */
#include "pairs.h"

#define KINDS	4
#define YIELDS	20

enum { ON_TABLE, ON_SHARED, ON_HALF, ACROSS };

static uint64_t table, shared, partner, half, across;

static long area_set(unsigned int cmd, unsigned int vcpu, uint64_t va)
{
	return raw_call(__HYPERVISOR_vcpu_op, cmd, vcpu, (uint64_t)&va, 0, 0);
}

void areas_at(uint64_t va)
{
	for (unsigned int v = 0; v < 2; v++) {
		long rc = area_set(VCPUOP_register_runstate_memory_area, v, va);
		long rc2 = area_set(VCPUOP_register_vcpu_time_memory_area, v, va);

		if (rc || rc2)
			wrong("no area at %lx: %ld, %ld", va, rc, rc2);
	}
}

void switches(unsigned int me, unsigned int n)
{
	for (unsigned int i = 0; i < YIELDS; i++)
		gl_yield();
}

static void pages_make(void)
{
	static const uint64_t bad[] = { HV_BASE, HV_END - 8, 0x0000900000000000UL, ~0UL };

	table = must_alloc();
	memset((void *)table, 0, GL_PAGE_BYTES);
	gl_test_equal(protect(table), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, gl_virt_to_mfn(table), 0), 0);
	shared = must_alloc();
	partner = must_alloc();
	pattern_fill(shared, 1);
	pattern_fill(partner, 1);
	(void)must_share(shared);
	(void)must_share(partner);
	half = gl_pages_alloc(2);
	across = gl_pages_alloc(2);
	gl_test_equal(gl_unmap_page(half + GL_PAGE_BYTES), 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned int v = 0; v < 2; v++) {
			gl_test_equal(area_set(VCPUOP_register_runstate_memory_area, v, bad[i]),
				      -XEN_EFAULT);
			gl_test_equal(area_set(VCPUOP_register_vcpu_time_memory_area, v, bad[i]),
				      -XEN_EFAULT);
		}
}

static void areas_move(unsigned int n)
{
	switch (n % KINDS) {
	case ON_TABLE:
		areas_at(table + 8 * n);
		break;
	case ON_SHARED:
		areas_at(shared + 8 * n);
		break;
	case ON_HALF:
		areas_at(half + GL_PAGE_BYTES - 8);
		break;
	default:
		areas_at(across + GL_PAGE_BYTES - 8);
	}
}

static void areas_look(unsigned int n)
{
	const volatile struct vcpu_runstate_info *r = (void *)(across + GL_PAGE_BYTES - 8);
	uint64_t va = (uint64_t)r;

	if (sum_of(table))
		wrong("a table has an area's bytes");
	if (!pattern_intact(shared, 1) || !pattern_intact(partner, 1))
		wrong("a shared page has an area's bytes");
	if (n != REPEATS - 1)
		return;
	/* Now the one alone: by the caller's rights, and at once. */
	gl_test_equal(area_set(VCPUOP_register_vcpu_time_memory_area, 0, table), 0);
	gl_test_equal(area_set(VCPUOP_register_runstate_memory_area, 0, va), 0);
	gl_test_equal(r->state, RUNSTATE_running);
	gl_test_check(r->time[RUNSTATE_running] > 0);
}

const struct pair area_pairs[] = {
	{ "EV5", pages_make, areas_move, switches, areas_look },
	{ NULL, NULL, NULL, NULL, NULL },
};
