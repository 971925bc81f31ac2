/* SPDX-License-Identifier: MIT */
/* See fake_grants.h. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "audit/audit.h"
#include "fake/fake_grants.h"
#include "pv/hypercall.h"

/*
 * Two ordinary pages of each domain, beyond what the tests play with, also
 * where there are few pages (tests/sim).
 */
#define ARGS_PFN	(FAKE_PAGES / 2 + FAKE_PAGES * 19 / 64)

long g_call(unsigned int cmd, void *ops, size_t bytes, unsigned int count)
{
	struct domain *d = current_vcpu()->domain;
	uint64_t all = bytes * count, i;
	long r;

	ck_assert_uint_le(all, 2 * PAGE_SIZE);
	for (i = 0; i < all; i++)
		fake_page(d, ARGS_PFN + i / PAGE_SIZE)[i % PAGE_SIZE] =
			((uint8_t *)ops)[i];
	r = FAKE_CALL(op_grant_table, cmd, fake_va(ARGS_PFN), count);
	for (i = 0; i < all; i++)
		((uint8_t *)ops)[i] =
			fake_page(d, ARGS_PFN + i / PAGE_SIZE)[i % PAGE_SIZE];
	return r;
}

void g_setup(struct domain *d, uint32_t frames)
{
	struct gnttab_setup_table op = { .dom = DOMID_SELF,
					 .nr_frames = frames };

	fake_run(d);
	set_xen_guest_handle(op.frame_list,
			     (xen_pfn_t *)(fake_va(ARGS_PFN) + 2048));
	ck_assert_int_eq(G_ONE(GNTTABOP_setup_table, &op), 0);
	ck_assert_int_eq(op.status, GNTST_okay);
}

struct grant_entry_v1 *g_v1(struct domain *d, uint32_t ref)
{
	struct grant_entry_v1 *t = d->grant->frames[ref / GRANT_V1_PER_FRAME];

	return &t[ref % GRANT_V1_PER_FRAME];
}

union grant_entry_v2 *g_v2(struct domain *d, uint32_t ref)
{
	union grant_entry_v2 *t = d->grant->frames[ref / GRANT_V2_PER_FRAME];

	return &t[ref % GRANT_V2_PER_FRAME];
}

void g_grant(struct domain *d, uint32_t ref, uint64_t pfn, struct domain *to,
	     bool readonly)
{
	uint16_t flags = GTF_permit_access | (readonly ? GTF_readonly : 0);

	if (d->grant->version == 1)
		*g_v1(d, ref) = (struct grant_entry_v1){
			flags, to->id, mfn_n(fake_mfn(d, pfn)),
		};
	else
		*g_v2(d, ref) = (union grant_entry_v2){ .full_page = {
			.hdr = { flags, to->id }, .frame = mfn_n(fake_mfn(d, pfn)),
		} };
}

int g_map(struct domain *from, uint32_t ref, uint64_t pfn, uint32_t flags,
	  uint32_t *handle)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = flags & GNTMAP_contains_pte ?
			     maddr_n(virt_to_maddr(fake_pte(current_vcpu()->domain,
						    pfn))) : fake_va(pfn),
		.flags = flags, .ref = ref, .dom = from->id, .status = 99,
	};

	ck_assert_int_eq(G_ONE(GNTTABOP_map_grant_ref, &op), 0);
	if (op.status == GNTST_okay && handle)
		*handle = op.handle;
	return op.status;
}

int g_unmap_raw(uint64_t host, uint64_t dev, uint32_t handle)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = host, .dev_bus_addr = dev, .handle = handle,
		.status = 99,
	};

	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_grant_ref, &op), 0);
	return op.status;
}

int g_unmap(uint64_t pfn, uint32_t handle)
{
	return g_unmap_raw(fake_va(pfn), 0, handle);
}

long g_update(uint64_t pfn, pte_t e)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0);
}

static void audit_error(void *ctx, const char *text)
{
	ck_abort_msg("%s", text);
}

void g_check(void)
{
	fake_check();
	(void)audit_grants(audit_error, NULL, true);
}

struct domain *granter, *user;
uint64_t page;

void g_start(void)
{
	fake_machine_start();
	granter = fake_domain("g", 50);
	user = fake_domain("g", 50);
	page = fake_free_pfn(user);
	g_setup(granter, 1);
	fake_run(user);
}

void g_end(void)
{
	fake_machine.on_flush = NULL;
	fake_machine.preempt = false;
	g_check();
	if (user)
		fake_end(user);
	if (granter)
		fake_end(granter);
	fake_check();
}

uint16_t g_status(uint32_t ref)
{
	return g_v1(granter, ref)->flags & (GTF_reading | GTF_writing);
}
