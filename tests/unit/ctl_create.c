// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/op_domctl.c hv/ctl/create.c hv/ctl/settings.c hv/ctl/cpu_policy.c hv/pv/cpuid.c hv/pv/vcpu_context.c tests/fake/fake_context.c hv/dom/sched_account.c hv/ctl/domain_info.c hv/ctl/cpu_map.c
/*
 * Domains that the first domain makes: what may be asked for and what not, how
 * much memory they are promised, and their end at each point.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "ctl/create.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/grant.h"
#include "dom/pages.h"
#include "dom/pause.h"
#include "dom/promise.h"
#include "fake/fake_machine.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/memory.h"
#include "unit/suite.h"

static struct domain *first;
static uint64_t page;

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	memset(out, 0, sizeof(*out));
}

static struct xen_domctl *out(void)
{
	return (void *)fake_page(first, page);
}

static long domctl(uint32_t cmd, domid_t dom)
{
	out()->cmd = cmd;
	out()->domain = dom;
	out()->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return FAKE_CALL(op_domctl, fake_va(page));
}

static struct xen_domctl_createdomain good(void)
{
	return (struct xen_domctl_createdomain){
		.handle = { 1, 2, 3, 4 }, .max_vcpus = 2,
		.max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = 2,
	};
}

static long create(domid_t id, const struct xen_domctl_createdomain *c)
{
	out()->u.createdomain = *c;
	return domctl(XEN_DOMCTL_createdomain, id);
}

static domid_t made(void)
{
	struct xen_domctl_createdomain c = good();

	ck_assert_int_eq(create(0, &c), 0);
	return out()->domain;
}

static struct domain *found(domid_t id)
{
	struct domain *d = domain_find(id);

	ck_assert_ptr_nonnull(d);
	domain_put(d);
	return d;
}

static void destroy(domid_t id)
{
	struct hypercall_args args = { .a = { fake_va(page) } };
	unsigned int i;
	long rc;

	out()->cmd = XEN_DOMCTL_destroydomain;
	out()->domain = id;
	out()->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	for (i = 0; (rc = op_domctl(&args)) == -ERESTART && i < 1000; i++)
		(void)reaper_step();
	ck_assert_int_eq(rc, 0);
	ck_assert_ptr_null(domain_find(id));
}

static uint64_t promised_before, free_before;

static void setup(void)
{
	fake_machine_start();
	first = fake_domain_first("", 0);
	page = fake_free_pfn(first);
	destroy(made());	/* pools have their first pages */
	promised_before = domain_promise_left();
	free_before = palloc_free_count();
}

static void teardown(void)
{
	ck_assert_uint_eq(domain_promise_left(), promised_before);
	ck_assert_uint_eq(palloc_free_count(), free_before);
	fake_end(first);
	fake_check();
}

START_TEST(is_empty_and_paused)
{
	const struct xen_domctl_getdomaininfo *info = &out()->u.getdomaininfo;
	domid_t id = made();
	struct domain *d = found(id);

	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_paused);
	ck_assert_uint_eq(info->tot_pages, 0);
	ck_assert_uint_eq(info->max_pages, 0);
	ck_assert_uint_eq(info->nr_online_vcpus, 0);
	ck_assert_uint_eq(info->max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
	ck_assert(info->handle[0] == 1 && info->handle[3] == 4);
	out()->u.getvcpuinfo.vcpu = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, id), -ESRCH);
	ck_assert_int_eq(create_vcpus(d, 1), -EINVAL);
	ck_assert_int_eq(create_vcpus(d, 3), -EINVAL);
	ck_assert_int_eq(create_vcpus(first, 1), -EINVAL);
	ck_assert_int_eq(create_vcpus(d, 2), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, id), 0);
	ck_assert(!out()->u.getvcpuinfo.online);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_eq(info->max_vcpu_id, 1);
	memset(out()->u.setdomainhandle.handle, 7, 16);
	ck_assert_int_eq(domctl(XEN_DOMCTL_setdomainhandle, id), 0);
	ck_assert_uint_eq(d->setup.handle[15], 7);
	ck_assert_uint_eq(d->events.last, 1023);
	fake_check();
	destroy(id);
}
END_TEST

/* The number that is asked for, or the next one. */
START_TEST(numbers)
{
	struct xen_domctl_createdomain c = good();
	domid_t a = made(), b = made();

	ck_assert_uint_eq(b, a + 1);
	ck_assert_int_eq(create(a, &c), -EEXIST);
	ck_assert_int_eq(create(a + MAX_DOMAINS, &c), -ENOMEM);	/* the slot */
	ck_assert_int_eq(create(700, &c), 0);
	ck_assert_uint_eq(out()->domain, 700);
	ck_assert_int_eq(create(DOMID_ORPHAN, &c), -ENOMEM);
	ck_assert_int_eq(create(DOMID_SELF, &c), 0);
	ck_assert_uint_eq(out()->domain, b + 1);
	c.max_vcpus = 0;
	ck_assert_int_eq(create(a, &c), -EEXIST);	/* as Xen asks */
	destroy(700);
	destroy(b + 1);
	destroy(a);
	destroy(b);
}
END_TEST

#define WRONG(field, value, error) do { \
	struct xen_domctl_createdomain c = good(); \
	c.field = (value); \
	ck_assert_int_eq(create(0, &c), -(error)); \
} while (0)

#define RIGHT(field, value) do { \
	struct xen_domctl_createdomain c = good(); \
	c.field = (value); \
	ck_assert_int_eq(create(0, &c), 0); \
	destroy(out()->domain); \
} while (0)

START_TEST(each_field)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		if (1u << i != XEN_DOMCTL_CDF_oos_off &&
		    1u << i != XEN_DOMCTL_CDF_s3_integrity &&
		    1u << i != XEN_DOMCTL_CDF_xs_domain)
			WRONG(flags, 1u << i, EINVAL);
	RIGHT(flags, XEN_DOMCTL_CDF_oos_off);
	WRONG(max_vcpus, 0, EINVAL);
	WRONG(max_vcpus, 8193, EINVAL);
	WRONG(max_vcpus, MAX_VCPUS + 1, ENOMEM);
	RIGHT(max_vcpus, MAX_VCPUS);
	WRONG(grant_opts, 0, EINVAL);
	WRONG(grant_opts, 3, EINVAL);
	WRONG(grant_opts, 0x12, EINVAL);
	WRONG(max_grant_frames, 0, EINVAL);
	WRONG(max_grant_frames, 65, EINVAL);
	RIGHT(max_grant_frames, 64);
	WRONG(max_maptrack_frames, 1025, EINVAL);
	RIGHT(max_maptrack_frames, 0);
	WRONG(iommu_opts, 1, EINVAL);
	WRONG(vmtrace_size, 4096, EINVAL);
	WRONG(cpupool_id, 1, ESRCH);
	WRONG(arch.emulation_flags, XEN_X86_EMU_LAPIC, EINVAL);
	RIGHT(arch.emulation_flags, XEN_X86_EMU_PIT);
	WRONG(arch.misc_flags, 2, EINVAL);
	RIGHT(arch.misc_flags, XEN_X86_MSR_RELAXED);
}
END_TEST

START_TEST(grants)
{
	struct xen_domctl_createdomain c = good();
	struct domain *d;

	c.grant_opts = 1;
	c.max_grant_frames = 3;
	c.max_maptrack_frames = 2;
	ck_assert_int_eq(create(0, &c), 0);
	d = found(out()->domain);
	ck_assert_uint_eq(d->grant->handle_pages_most * GRANT_HANDLES_PER_PAGE, 512);
	ck_assert_int_eq(grant_grow(d, 4), GNTST_general_error);
	ck_assert_int_eq(grant_grow(d, 3), GNTST_okay);
	ck_assert_int_eq(grant_set_version(d, 2), -ENOSYS);
	ck_assert_int_eq(grant_set_version(d, 3), -EINVAL);
	ck_assert_int_eq(grant_set_version(d, 1), 0);
	destroy(d->id);
}
END_TEST

/* --- memory --- */

static mfn_t page_of(struct domain *d)
{
	mfn_t mfn = domain_pages_prepare(d, 0);

	if (!mfn_eq(mfn, INVALID_MFN))
		domain_pages_publish(d, mfn, 0);
	return mfn;
}

/* Promised when it is allowed, or not allowed. */
START_TEST(memory)
{
	struct domain *d = found(made());
	uint64_t left = domain_promise_left(), pages = left / 2;

	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	ck_assert_int_eq(create_limit(d, (left + 1) * 4), -ENOMEM);
	ck_assert_int_eq(create_limit(d, ~0UL), -ENOMEM);
	ck_assert_uint_eq(d->pages.max, 0);
	ck_assert_uint_eq(domain_promise_left(), left);
	ck_assert_int_eq(create_limit(d, pages * 4 + 3), 0);
	ck_assert_uint_eq(d->pages.max, pages);
	ck_assert_uint_le(domain_promise_left(), left - pages);
	ck_assert(!mfn_eq(page_of(d), INVALID_MFN));
	fake_check();
	destroy(d->id);
}
END_TEST

/* Less than it has: it keeps what it has, and gets no more. */
START_TEST(ratchet)
{
	struct domain *d = found(made());
	mfn_t mfn[10];
	unsigned int i;

	ck_assert_int_eq(create_limit(d, 40), 0);
	for (i = 0; i < 10; i++)
		mfn[i] = page_of(d);
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	/* Holds are room for their breaks, and not for new pages. */
	d->pages.held = 5;
	ck_assert_int_eq(create_limit(d, 24), 0);
	ck_assert_uint_eq(d->pages.max, 15);
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	d->pages.held = 0;
	ck_assert_int_eq(create_limit(d, 24), 0);
	ck_assert_uint_eq(d->pages.max, 10);
	ck_assert_uint_eq(d->pages.limit, 6);
	fake_check();
	for (i = 0; i < 5; i++) {
		struct frame *f = mfn_to_frame(mfn[i]);

		ck_assert(mfn_eq(page_of(d), INVALID_MFN));
		ck_assert(frame_test_and_clear_allocated(f));
		frame_put(f);
		domain_pages_settle(d);
		ck_assert_uint_eq(d->pages.max, MAX(6u, 9 - i));
		fake_check();
	}
	ck_assert(!mfn_eq(page_of(d), INVALID_MFN));
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	ck_assert_int_eq(create_limit(d, 40), 0);
	for (i = 0; i < 4; i++)
		ck_assert(!mfn_eq(page_of(d), INVALID_MFN));
	ck_assert(mfn_eq(page_of(d), INVALID_MFN));
	destroy(d->id);
}
END_TEST

/* Memory runs out at each step of a birth: nothing is lost. */
START_TEST(no_memory)
{
	struct xen_domctl_createdomain c = good();
	unsigned int left, refused = 0;
	long rc = -ENOMEM;

	for (left = 0; rc && left < 200; left++) {
		fake_memory_take(left);
		rc = create(0, &c);
		fake_memory_give();
		ck_assert(rc == 0 || rc == -ENOMEM);
		refused += rc != 0;
		while (domain_dying_count())
			ck_assert(reaper_step());
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_gt(refused, 5);
	destroy(out()->domain);
}
END_TEST

/* --- memory and tables from outside --- */

static uint64_t *list(void)
{
	return (void *)fake_page(first, page + 1);
}

static long reservation(uint32_t op, domid_t id, uint64_t count, unsigned int order)
{
	struct xen_memory_reservation *r = (void *)fake_page(first, page);

	*r = (struct xen_memory_reservation){
		.nr_extents = count, .extent_order = order, .domid = id,
	};
	if (op != XENMEM_claim_pages)
		r->extent_start.p = (void *)fake_va(page + 1);
	return FAKE_CALL(op_memory, op, fake_va(page));
}

static long size_of(uint32_t op, domid_t id)
{
	*(domid_t *)fake_page(first, page) = id;
	return FAKE_CALL(op_memory, op, fake_va(page));
}

static struct domain *made_with(uint64_t pages)
{
	struct domain *d = found(made());

	ck_assert_int_eq(create_vcpus(d, 2), 0);
	ck_assert_int_eq(create_limit(d, pages * 4), 0);
	return d;
}

/* Frames that the caller names by pfn come back by mfn, in its view. */
START_TEST(populate)
{
	struct domain *d = made_with(600);
	unsigned int i;

	for (i = 0; i < 20; i++)
		list()[i] = 1000 + i;
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 20, 0), 20);
	ck_assert_uint_eq(d->pages.total, 20);
	for (i = 0; i < 20; i++) {
		mfn_t mfn = MFN(list()[i]);

		ck_assert_uint_eq(frame_state_owner(frame_state(mfn_to_frame(mfn))),
				  d->id);
		ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, mfn)), 1000 + i);
	}
	list()[0] = 0;
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 1, 9), 1);
	ck_assert_int_eq(size_of(XENMEM_current_reservation, d->id), 532);
	ck_assert_int_eq(size_of(XENMEM_maximum_reservation, d->id), 600);
	/* No more than it may have; not of nobody; nothing is taken away. */
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 80, 0), 68);
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id + 1, 5, 0), 0);
	ck_assert_int_eq(reservation(XENMEM_decrease_reservation, d->id, 1, 0), -EPERM);
	ck_assert_int_eq(size_of(XENMEM_current_reservation, d->id + 1), -ESRCH);
	fake_check();
	ck_assert_int_eq(create_limit(d, 4000), 0);
	domain_end(d);
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 1, 0), 0);
	destroy(d->id);
}
END_TEST

START_TEST(claims)
{
	const struct xen_domctl_getdomaininfo *info = &out()->u.getdomaininfo;
	struct domain *d = made_with(50);

	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id, 51, 0), -EINVAL);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id, ~0UL, 0), -EINVAL);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id, 50, 1), -EINVAL);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id + 1, 50, 0), -EINVAL);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id, 50, 0), 0);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id, 50, 0), -EINVAL);
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 20, 0), 20);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, d->id), 0);
	ck_assert_uint_eq(info->outstanding_pages, 30);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id, 0, 0), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, d->id), 0);
	ck_assert_uint_eq(info->outstanding_pages, 0);
	domain_set_overcommit(true);
	ck_assert_int_eq(create_limit(d, mfn_n(frame_max_mfn) * 4), 0);
	ck_assert_int_eq(reservation(XENMEM_claim_pages, d->id,
				     palloc_free_count() + 1, 0), -ENOMEM);
	domain_set_overcommit(false);
	destroy(d->id);
}
END_TEST

static long map_set(domid_t id, unsigned int entries)
{
	struct xen_foreign_memory_map *m = (void *)fake_page(first, page);

	*m = (struct xen_foreign_memory_map){ .domid = id };
	m->map.nr_entries = entries;
	m->map.buffer.p = (void *)fake_va(page + 1);
	return FAKE_CALL(op_memory, XENMEM_set_memory_map, fake_va(page));
}

/* What the guest reads: what was set last. */
START_TEST(memory_maps)
{
	struct xen_memory_map *m = (void *)fake_page(first, page);
	struct domain *d = made_with(10);

	ck_assert_int_eq(map_set(d->id, 129), -EINVAL);
	ck_assert_int_eq(map_set(d->id + 1, 1), -ESRCH);
	ck_assert_int_eq(map_set(d->id, 128), 0);
	ck_assert_int_eq(map_set(d->id, 0), 0);
	memset(list(), 7, 60);
	ck_assert_int_eq(map_set(d->id, 3), 0);
	ck_assert_int_eq(map_set(first->id, 3), 0);
	memset(list(), 0, 80);
	*m = (struct xen_memory_map){ .nr_entries = 4 };
	m->buffer.p = (void *)fake_va(page + 1);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_memory_map, fake_va(page)), 0);
	ck_assert_uint_eq(m->nr_entries, 3);
	ck_assert_uint_eq(((uint8_t *)list())[59], 7);
	ck_assert_uint_eq(((uint8_t *)list())[60], 0);
	m->nr_entries = 1;
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_memory_map, fake_va(page)), 0);
	ck_assert_uint_eq(m->nr_entries, 1);
	m->nr_entries = 0;
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_memory_map, fake_va(page)), -EINVAL);
	memory_map_free(first);
	destroy(d->id);
}
END_TEST

/* A context with an empty address space. */
static long context_set(struct domain *d, uint32_t vcpu, mfn_t l4, bool online)
{
	struct vcpu_guest_context *c = (void *)fake_page(first, page + 2);
	struct xen_domctl_vcpucontext *op = &out()->u.vcpucontext;

	/* It ends in the next page. */
	memset(c, 0, PAGE_SIZE);
	memset(fake_page(first, page + 3), 0, PAGE_SIZE);
	c->flags = VGCF_in_kernel | (online ? VGCF_online : 0);
	c->user_regs.rip = 0x1000;
	*(uint64_t *)(fake_page(first, page + 2 +
		      offsetof(struct vcpu_guest_context, ctrlreg[3]) / PAGE_SIZE) +
		      offsetof(struct vcpu_guest_context, ctrlreg[3]) % PAGE_SIZE) =
		mfn_n(l4) << PAGE_SHIFT;
	op->vcpu = vcpu;
	op->ctxt.p = (void *)fake_va(page + 2);
	return domctl(XEN_DOMCTL_setvcpucontext, d->id);
}

static mfn_t table_of(struct domain *d)
{
	list()[0] = 5;
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 1, 0), 1);
	return MFN(list()[0]);
}

static long table_op(struct domain *d, unsigned int cmd, mfn_t table)
{
	*(struct mmuext_op *)fake_page(first, page) = (struct mmuext_op){
		.cmd = cmd, .arg1.mfn = mfn_n(table) };
	return FAKE_CALL(op_mmuext, fake_va(page), 1, 0, d->id);
}

/* Its tables are the reaper's, who empties them entry by entry. */
START_TEST(unpin_of_the_dying)
{
	struct domain *d = made_with(20);
	mfn_t l4 = table_of(d);

	ck_assert_int_eq(table_op(d, MMUEXT_PIN_L4_TABLE, l4), 0);
	domain_end(d);
	ck_assert_int_eq(table_op(d, MMUEXT_UNPIN_TABLE, l4), -EINVAL);
	destroy(d->id);
}
END_TEST

/* CPUPOL2: from the end of the last pause that it was made with. */
START_TEST(starts_once)
{
	domid_t id = made();
	struct domain *d = found(id);

	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, id), 0);
	ck_assert(!d->setup.started);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, id), 0);
	ck_assert(d->setup.started);
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, id), 0);
	ck_assert(d->setup.started);
	destroy(id);
}
END_TEST

START_TEST(contexts)
{
	struct domain *d = made_with(20);
	mfn_t l4 = table_of(d);

	ck_assert_int_eq(context_set(first, 0, l4, true), -EINVAL);
	ck_assert_int_eq(context_set(d, 2, l4, true), -EINVAL);
	ck_assert_int_eq(context_set(d, 0, first->vcpu[0]->kernel_l4, true), -EPERM);
	ck_assert(!d->vcpu[0]->initialised);
	ck_assert_int_eq(context_set(d, 0, l4, false), 0);
	ck_assert(d->vcpu[0]->initialised);
	ck_assert_uint_eq(d->vcpu[0]->regs.rip, 0x1000);
	ck_assert_int_eq(d->vcpu[0]->run, RUN_OFFLINE);
	ck_assert_int_eq(context_set(d, 0, l4, true), -EOPNOTSUPP);
	ck_assert_int_eq(context_set(d, 1, l4, true), 0);
	ck_assert_int_ne(d->vcpu[1]->run, RUN_OFFLINE);
	out()->u.vcpucontext.ctxt.p = NULL;
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext, d->id), -EFAULT);
	fake_check();
	domain_end(d);
	d->vcpu[0]->initialised = false;
	ck_assert_int_eq(context_set(d, 0, l4, true), -EINVAL);
	destroy(d->id);
}
END_TEST

/* The context at page + 2 and page + 3, in and out. */
static void context_copy(struct vcpu_guest_context *c, bool in)
{
	for (size_t at = 0; at < sizeof(*c); at += PAGE_SIZE) {
		uint8_t *there = fake_page(first, page + 2 + at / PAGE_SIZE);
		size_t length = MIN(PAGE_SIZE, sizeof(*c) - at);

		memcpy(in ? there : (uint8_t *)c + at, in ? (uint8_t *)c + at : there, length);
	}
}

static long context_get(struct domain *d, uint32_t vcpu)
{
	out()->u.vcpucontext.vcpu = vcpu;
	out()->u.vcpucontext.ctxt.p = (void *)fake_va(page + 2);
	return domctl(XEN_DOMCTL_getvcpucontext, d->id);
}

/* No field is what another one is, or 0. */
static struct vcpu_guest_context full_context(mfn_t l4, mfn_t user)
{
	struct vcpu_guest_context c = {
		.flags = VGCF_i387_valid | VGCF_in_kernel | VGCF_online |
			 VGCF_failsafe_disables_events | VGCF_syscall_disables_events,
		.user_regs = {
			.r15 = 15, .r14 = 14, .r13 = 13, .r12 = 12, .rbp = 21, .rbx = 22,
			.r11 = 11, .r10 = 10, .r9 = 9, .r8 = 8, .rax = 23, .rcx = 24,
			.rdx = 25, .rsi = 26, .rdi = 27, .rip = 0x1000, .cs = 0xe033,
			.rsp = 0x2000, .ss = 0xe02b, .rflags = 0x1202, .ds = 0xe02b,
			.es = 0xe02b, .fs = 3, .gs = 3,
		},
		.kernel_ss = 0xe02b, .kernel_sp = 0x3000,
		.ctrlreg = { 0x8005003b, mfn_n(user) << PAGE_SHIFT, 0, mfn_n(l4) << PAGE_SHIFT,
			     0x620 },
		.debugreg = { 0x4000, 0x5000, 0x6000, 0x7000, 0, 0, 0xffff0ff0, 0x455 },
		.event_callback_eip = 0x8000, .failsafe_callback_eip = 0x9000,
		.syscall_callback_eip = 0xa000,
		.fs_base = 0xb000, .gs_base_kernel = 0xc000, .gs_base_user = 0xd000,
	};

	for (unsigned int i = 0; i < 256; i++)
		c.trap_ctxt[i] = (struct trap_info){ .vector = (uint8_t)i, .flags = 3,
						     .cs = 0xe033, .address = 0xe000 + i };
	for (unsigned int i = 32; i < 512; i++)
		c.fpu_ctxt.x[i] = (char)i;
	return c;
}

/* CTX5: what was set, and what the hypervisor adds to each. */
static void compare_contexts(const struct vcpu_guest_context *set,
			     const struct vcpu_guest_context *got)
{
	struct vcpu_guest_context want = *set;

	want.ctrlreg[4] = got->ctrlreg[4];	/* the CPU's, too */
	ck_assert_uint_eq(got->ctrlreg[4] & 0x620, 0x620);
	ck_assert_mem_eq(got, &want, sizeof(want));
}

START_TEST(contexts_read)
{
	struct domain *d = made_with(20);
	mfn_t l4 = table_of(d);
	struct vcpu_guest_context set, got;

	list()[0] = 6;
	ck_assert_int_eq(reservation(XENMEM_populate_physmap, d->id, 1, 0), 1);
	set = full_context(l4, MFN(list()[0]));
	ck_assert_int_eq(context_get(d, 0), -ENODATA);
	ck_assert_int_eq(context_get(d, 2), -EINVAL);
	ck_assert_int_eq(context_get(first, 0), -EINVAL);
	context_copy(&set, true);
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext, d->id), 0);
	for (unsigned int kernel = 0; kernel < 2; kernel++) {
		ck_assert_int_eq(context_get(d, 0), 0);
		context_copy(&got, false);
		compare_contexts(&set, &got);
		/* The same in user mode. */
		set.flags &= ~(unsigned long)VGCF_in_kernel;
		d->vcpu[0]->kernel_mode = false;
		d->vcpu[0]->segs.gs_base = set.gs_base_user;
	}
	ck_assert_uint_eq(d->paused, 1);
	out()->u.vcpucontext.ctxt.p = NULL;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext, d->id), -EFAULT);
	ck_assert_uint_eq(d->paused, 1);
	ck_assert_int_eq(context_get(d, 1), -ENODATA);
	destroy(d->id);
}
END_TEST

/* It waits until no CPU has the vCPU, and what it counted it takes back. */
START_TEST(context_of_the_running)
{
	struct hypercall_args args = { .a = { fake_va(page) } }, on;
	struct domain *d = made_with(20);

	ck_assert_int_eq(context_set(d, 0, table_of(d), true), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, d->id), 0);
	d->vcpu[0]->run = RUN_RUNNING;
	out()->cmd = XEN_DOMCTL_getvcpucontext;
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(op_domctl(&args), -ERESTART);
	ck_assert_uint_eq(d->paused, 1);
	on = args;
	/* Another tool ends the pause: this call must not look. */
	ck_assert_int_eq(pause_end(d), 0);
	ck_assert_int_eq(op_domctl(&args), -EAGAIN);
	ck_assert_int_eq(pause_begin(d), 0);
	d->vcpu[0]->run = RUN_PAUSED;
	ck_assert_int_eq(op_domctl(&on), 0);
	ck_assert_uint_eq(d->paused, 0);
	destroy(d->id);
}
END_TEST

/* --- END6: it dies under the hands of the first domain --- */

static struct domain *victim;
static unsigned int locks, kill_at;

static void kill_on_lock(void)
{
	if (spin_level_held() != LOCK_NONE || locks++ != kill_at)
		return;
	port_on_lock = NULL;
	domain_end(victim);
	for (unsigned int i = 0; i < 200; i++)
		(void)reaper_step();
}

/* The call is made with the death at each point where another CPU could be. */
static void die_in(void (*call)(struct domain *d, mfn_t l4))
{
	for (kill_at = 0; kill_at < 40; kill_at++) {
		mfn_t l4;

		victim = made_with(20);
		l4 = table_of(victim);
		locks = 0;
		port_on_lock = kill_on_lock;
		call(victim, l4);
		port_on_lock = NULL;
		domain_end(victim);
		for (unsigned int i = 0; i < 1000 && domain_dying_count(); i++)
			(void)reaper_step();
		ck_assert_msg(!domain_dying_count(), "killed at lock %u", kill_at);
		ck_assert_uint_eq(palloc_free_count(), free_before);
	}
	ck_assert_uint_lt(locks, kill_at);
}

static void call_populate(struct domain *d, mfn_t l4)
{
	ck_assert_int_le(reservation(XENMEM_populate_physmap, d->id, 4, 0), 4);
}

static void call_context(struct domain *d, mfn_t l4)
{
	long r = context_set(d, 0, l4, true);

	ck_assert(r == 0 || r == -EINVAL || r == -ESRCH);
}

START_TEST(dies_in_populate)
{
	die_in(call_populate);
}
END_TEST

static void call_get_context(struct domain *d, mfn_t l4)
{
	long r = context_set(d, 0, l4, true);

	if (!r)
		r = context_get(d, 0);
	ck_assert(r == 0 || r == -EINVAL || r == -ESRCH || r == -ENODATA);
}

START_TEST(dies_in_get_context)
{
	die_in(call_get_context);
}
END_TEST

START_TEST(dies_in_context)
{
	die_in(call_context);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ctl_create");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_empty_and_paused);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, each_field);
	tcase_add_test(tc, grants);
	tcase_add_test(tc, memory);
	tcase_add_test(tc, ratchet);
	tcase_add_test(tc, no_memory);
	tcase_add_test(tc, populate);
	tcase_add_test(tc, claims);
	tcase_add_test(tc, memory_maps);
	tcase_add_test(tc, unpin_of_the_dying);
	tcase_add_test(tc, starts_once);
	tcase_add_test(tc, contexts);
	tcase_add_test(tc, contexts_read);
	tcase_add_test(tc, context_of_the_running);
	tcase_add_test(tc, dies_in_populate);
	tcase_add_test(tc, dies_in_context);
	tcase_add_test(tc, dies_in_get_context);
	return suite_run();
}
