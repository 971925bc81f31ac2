// SPDX-License-Identifier: MIT
// links: @machine hv/pv/vcpu_context.c tests/fake/fake_context.c
/*
 * VCPUOP_initialise: each field of the context wrong (VC1), what a good one
 * becomes, twice, half-way, and a domain that ends with one half-way.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stddef.h>
#include <string.h>

#include "fake/fake_machine.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/vcpu_context.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"
#include "unit/suite.h"

#define RO (PTE_P | PTE_US | PTE_A)
#define HOLE 0x0000900000000000UL	/* not canonical */

static struct domain *d;
static struct vcpu *v;
static uint64_t spare;
static struct vcpu_guest_context good;

/* A page that may become a table or descriptor page. */
static mfn_t retire(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(d, pfn);

	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(pfn),
				   pte_make(mfn, RO), 0), 0);
	return mfn;
}

static void setup(void)
{
	fake_machine_start();
	fake_machine.vcpus = 2;
	d = fake_domain("g", 50);
	fake_machine.vcpus = 0;
	v = d->vcpu[1];
	spare = fake_free_pfn(d);
	memset(&good, 0, sizeof(good));
	good.flags = VGCF_in_kernel;
	good.user_regs.rip = 0x1000;
	good.user_regs.cs = 0x10;
	good.user_regs.ss = 0x18;
	good.user_regs.rflags = 0x3202;
	good.gdt_frames[0] = mfn_n(retire(spare + 1));
	good.gdt_ents = 16;
	good.ctrlreg[3] = mfn_n(d->vcpu[0]->kernel_l4) << PAGE_SHIFT;
}

static void teardown(void)
{
	pttree_steps_max = 512;
	fake_check();
	fake_end(d);
	fake_check();
}

/* In two pages of the guest. */
static int initialise(const struct vcpu_guest_context *c)
{
	uint64_t bytes = sizeof(*c), at = 0;

	while (at < bytes) {
		uint64_t n = MIN(bytes - at, PAGE_SIZE);

		memcpy(fake_page(d, spare + 10 + at / PAGE_SIZE),
		       (const uint8_t *)c + at, n);
		at += n;
	}
	return vcpu_context_set(v, fake_va(spare + 10));
}

START_TEST(good_one)
{
	good.kernel_sp = 0x5000;
	good.kernel_ss = 0x20;
	good.fs_base = 0x6000;
	good.gs_base_kernel = 0x7000;
	good.gs_base_user = 0x8000;
	good.event_callback_eip = 0x9000;
	good.failsafe_callback_eip = 0xa000;
	good.syscall_callback_eip = 0xb000;
	good.flags |= VGCF_syscall_disables_events;
	good.trap_ctxt[14].address = 0xc000;
	good.ctrlreg[0] = 8;
	ck_assert_int_eq(initialise(&good), 0);
	ck_assert(v->initialised);
	ck_assert_uint_eq(v->regs.rip, 0x1000);
	ck_assert_uint_eq(v->regs.cs, 0x13);
	ck_assert_uint_eq(v->regs.ss, 0x1b);
	ck_assert_uint_eq(v->regs.rflags, 0x202);	/* IOPL is virtual */
	ck_assert_uint_eq(v->iopl, 0x3000);
	ck_assert_uint_eq(v->kernel_sp, 0x5000);
	ck_assert_uint_eq(v->kernel_ss, 0x23);
	ck_assert_uint_eq(v->segs.fs_base, 0x6000);
	ck_assert_uint_eq(v->segs.gs_base, 0x7000);
	ck_assert_uint_eq(v->gs_base_user, 0x8000);
	ck_assert_uint_eq(v->event_cb.address, 0x9000);
	ck_assert(v->event_cb.mask_events && v->syscall_cb.mask_events);
	ck_assert(!v->failsafe_cb.mask_events);
	ck_assert_uint_eq(v->traps[14].address, 0xc000);
	ck_assert(v->kernel_mode && v->cr0_ts);
	ck_assert_uint_eq(mfn_n(v->kernel_l4), mfn_n(d->vcpu[0]->kernel_l4));
	ck_assert_uint_eq(mfn_n(v->user_l4), mfn_n(INVALID_MFN));
	ck_assert_uint_eq(mfn_n(v->gdt_frames[0]), good.gdt_frames[0]);
	fake_recount();
	ck_assert_int_eq(initialise(&good), -EEXIST);
	fake_recount();
}
END_TEST

/* Each field, at its offset, with a value that it must not have. */
#define FIELD(f, value) { offsetof(struct vcpu_guest_context, f), value, -EINVAL }

static const struct wrong {
	size_t at;
	uint64_t value;
	int error;
} wrong[] = {
	FIELD(user_regs.rip, HOLE), FIELD(user_regs.rsp, HOLE),
	FIELD(kernel_sp, HOLE), FIELD(fs_base, HOLE),
	FIELD(gs_base_kernel, HOLE), FIELD(gs_base_user, HOLE),
	FIELD(event_callback_eip, HOLE), FIELD(failsafe_callback_eip, HOLE),
	FIELD(syscall_callback_eip, HOLE),
	FIELD(event_callback_eip, HV_VIRT_START),
	FIELD(failsafe_callback_eip, HV_VIRT_START),
	FIELD(syscall_callback_eip, HV_VIRT_START),
	FIELD(trap_ctxt[0].address, HOLE), FIELD(trap_ctxt[255].address, HOLE),
	FIELD(trap_ctxt[255].address, HV_VIRT_START),
	FIELD(flags, 0),	/* user mode, and no tables for it */
	FIELD(gdt_ents, 14 * 512 + 1), FIELD(gdt_ents, ~0UL),
	FIELD(gdt_frames[0], ~0UL), FIELD(gdt_frames[0], 1UL << 40),
	FIELD(ldt_ents, 8193), FIELD(ldt_ents, ~0UL),
	FIELD(ctrlreg[3], 0), FIELD(ctrlreg[3], ~0UL),
	FIELD(ctrlreg[1], ~0UL), FIELD(ctrlreg[1], 1UL << 52),
};

START_TEST(field_wrong)
{
	const struct wrong *w = &wrong[_i];
	struct vcpu_guest_context bad = good;

	memcpy((uint8_t *)&bad + w->at, &w->value, sizeof(w->value));
	ck_assert_int_eq(initialise(&bad), w->error);
	ck_assert(!v->initialised);
	ck_assert_uint_eq(mfn_n(v->kernel_l4), mfn_n(INVALID_MFN));
	ck_assert_uint_eq(mfn_n(v->gdt_frames[0]), 0);
	fake_recount();
	ck_assert_int_eq(initialise(&good), 0);
}
END_TEST

/* An LDT may be anywhere that is the guest's, on a page's boundary. */
START_TEST(ldt_wrong)
{
	static const uint64_t bases[] = { 8, HOLE, HV_VIRT_START };
	struct vcpu_guest_context bad = good;

	bad.ldt_ents = 1;
	bad.ldt_base = bases[_i];
	ck_assert_int_eq(initialise(&bad), -EINVAL);
	bad.ldt_ents = 0;	/* then it is not looked at */
	ck_assert_int_eq(initialise(&bad), 0);
}
END_TEST

/* What is no table, nor may become one. */
START_TEST(tables_refused)
{
	struct vcpu_guest_context bad = good;

	/* mapped writable */
	bad.ctrlreg[3] = mfn_n(fake_mfn(d, spare + 3)) << PAGE_SHIFT;
	ck_assert_int_eq(initialise(&bad), -EBUSY);
	bad = good;
	bad.ctrlreg[1] = mfn_n(fake_mfn(d, spare + 3)) << PAGE_SHIFT;
	ck_assert_int_eq(initialise(&bad), -EBUSY);
	bad = good;
	bad.gdt_frames[0] = mfn_n(fake_mfn(d, spare + 3));
	ck_assert_int_eq(initialise(&bad), -EBUSY);
	ck_assert_uint_eq(mfn_n(v->kernel_l4), mfn_n(INVALID_MFN));
	fake_recount();
	ck_assert_int_eq(vcpu_context_set(v, HV_VIRT_START), -EFAULT);
	ck_assert_int_eq(vcpu_context_set(v, fake_va(FAKE_PAGES - 1)), -EFAULT);
	fake_recount();
}
END_TEST

/*
 * CTX4: a tree of its own, in parts; then with other tables, or the domain
 * ends.
 */
START_TEST(half_way)
{
	mfn_t l4 = retire(spare + 4), l3 = retire(spare + 5);
	struct vcpu_guest_context c = good;
	unsigned int parts = 0;
	int r;

	((pte_t *)mfn_to_virt(l4))[3] = pte_make(l3, RO | PTE_RW);
	c.ctrlreg[3] = mfn_n(l4) << PAGE_SHIFT;
	c.ctrlreg[1] = mfn_n(l4) << PAGE_SHIFT;
	pttree_steps_max = 100;
	for (r = -ERESTART; r == -ERESTART && parts < (_i ? 4 : 100); parts++) {
		r = initialise(&c);
		(void)pttree_settle(d);
	}
	ck_assert_uint_ge(parts, 4);
	ck_assert_int_eq(r, _i ? -ERESTART : 0);
	if (_i == 1) {	/* another tree, after all */
		while (pttree_settle(d))
			;
		while ((r = initialise(&good)) == -ERESTART)
			(void)pttree_settle(d);
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(mfn_n(v->kernel_l4), mfn_n(d->vcpu[0]->kernel_l4));
		ck_assert_uint_eq(mfn_n(v->user_l4), mfn_n(INVALID_MFN));
	}
	while (pttree_settle(d))
		;
	fake_recount();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("context");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, good_one);
	tcase_add_loop_test(tc, field_wrong, 0, ARRAY_COUNT(wrong));
	tcase_add_loop_test(tc, ldt_wrong, 0, 3);
	tcase_add_test(tc, tables_refused);
	tcase_add_loop_test(tc, half_way, 0, 3);
	return suite_run();
}
