/* SPDX-License-Identifier: MIT */
/* Grants: one maps, copies, or is given a frame; the other one takes it. */
#include <port.h>
#include <string.h>

#include "pv/hypercall.h"
#include "sim/ops.h"
#include "sim/sim.h"

static long run_grant(struct side *s)
{
	return state_call(op_grant_table, &s->args);
}

/* Its error, or the status at that offset of its structure. */
static long run_for(struct side *s, size_t at)
{
	const int16_t *status = args_of(s) + at;
	long r = run_grant(s);

	return r ? r : *status;
}

static void grant_map(struct side *s, uint32_t ref, uint32_t flags)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = fake_va(page + P_PLACE), .ref = ref,
		.flags = GNTMAP_host_map | flags, .dom = s->other->d->id,
	};

	call_with(s, GNTTABOP_map_grant_ref, &op, sizeof(op));
}

static void map_rw(struct side *s) { grant_map(s, REF_OFFERED, 0); }
static void map_ro(struct side *s) { grant_map(s, REF_OFFERED, GNTMAP_readonly); }
static void map_lent(struct side *s) { grant_map(s, REF_LENT, 0); }

/* Both share it, and the granter by two entries. */
static void map_shared(struct side *s)
{
	struct side *o = s->other;

	op_break_first(o);
	*g_v1(o->d, REF_SHARED) = (struct grant_entry_v1){
		GTF_permit_access, s->d->id, o->mfn[P_TWICE],
	};
	grant_map(s, REF_SHARED, 0);
}

static long run_map(struct side *s)
{
	return run_for(s, offsetof(struct gnttab_map_grant_ref, status));
}

static void unmap_lent(struct side *s)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = fake_va(page + P_MAPPED), .handle = s->handle,
	};

	call_with(s, GNTTABOP_unmap_grant_ref, &op, sizeof(op));
}

static long run_unmap(struct side *s)
{
	return run_for(s, offsetof(struct gnttab_unmap_grant_ref, status));
}

static void copy_in(struct side *s)
{
	struct gnttab_copy op = {
		.source.u.ref = REF_OFFERED, .source.domid = s->other->d->id,
		.dest.u.gmfn = s->mfn[P_OWN], .dest.domid = DOMID_SELF,
		.len = 4096, .flags = GNTCOPY_source_gref,
	};

	call_with(s, GNTTABOP_copy, &op, sizeof(op));
}

static void copy_out(struct side *s)
{
	struct gnttab_copy op = {
		.source.u.gmfn = s->mfn[P_OWN], .source.domid = DOMID_SELF,
		.dest.u.ref = REF_OFFERED, .dest.domid = s->other->d->id,
		.len = 4096, .flags = GNTCOPY_dest_gref,
	};

	call_with(s, GNTTABOP_copy, &op, sizeof(op));
}

static long run_copy(struct side *s)
{
	return run_for(s, offsetof(struct gnttab_copy, status));
}

static void transfer(struct side *s)
{
	struct gnttab_transfer op = {
		.mfn = s->mfn[P_SPARE], .domid = s->other->d->id,
		.ref = REF_ACCEPT,
	};

	call_with(s, GNTTABOP_transfer, &op, sizeof(op));
}

static long run_transfer(struct side *s)
{
	return run_for(s, offsetof(struct gnttab_transfer, status));
}

static void version_2(struct side *s)
{
	struct gnttab_set_version op = { .version = 2 };

	call_with(s, GNTTABOP_set_version, &op, sizeof(op));
}

/*
 * Nothing of the domain's is mapped by the other one, whose own operation may
 * stand ready.
 */
static void version_2_free(struct side *s)
{
	struct side *o = s->other;
	struct hypercall_args ready = o->args;
	unsigned int me = sim_cpu;
	uint8_t page_ready[PAGE_SIZE], *args;

	/* The other side may have done it, or be gone. */
	if (o->v->run == RUN_RUNNING) {
		args = (uint8_t *)fake_page(o->d, page + o->args_page);
		memcpy(page_ready, args, PAGE_SIZE);
		sim_cpu = o->cpu;
		unmap_lent(o);
		(void)run_grant(o);
		sim_cpu = me;
		memcpy(args, page_ready, PAGE_SIZE);
		o->args = ready;
	}
	version_2(s);
}

static void more_frames(struct side *s)
{
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 2 };

	set_xen_guest_handle(op.frame_list, (xen_pfn_t *)fake_va(page + s->args_page + 1));
	call_with(s, GNTTABOP_setup_table, &op, sizeof(op));
}

/* There are some once the table is of version 2. */
static void status_frames(struct side *s)
{
	struct gnttab_get_status_frames op = { .dom = DOMID_SELF, .nr_frames = 1 };

	set_xen_guest_handle(op.frame_list, (uint64_t *)fake_va(page + s->args_page + 1));
	call_with(s, GNTTABOP_get_status_frames, &op, sizeof(op));
}

static long run_status(struct side *s)
{
	return run_for(s, offsetof(struct gnttab_get_status_frames, status));
}

static void swap_refs(struct side *s)
{
	struct gnttab_swap_grant_ref op = { .ref_a = REF_OFFERED,
					    .ref_b = REF_UNUSED };

	call_with(s, GNTTABOP_swap_grant_ref, &op, sizeof(op));
}

static long run_swap(struct side *s)
{
	return run_for(s, offsetof(struct gnttab_swap_grant_ref, status));
}

/* The guest itself takes an entry back. */
static long run_end_access(struct side *s)
{
	struct grant_entry_v1 *e = g_v1(s->d, REF_OFFERED);

	sim_access(e, sizeof(*e), true);
	WRITE_ONCE(e->flags, 0);
	return 0;
}

const struct op ops_grant[] = {
	{ "grant-map", map_rw, run_map },
	{ "grant-map-ro", map_ro, run_map },
	{ "grant-map-shared", map_shared, run_map },
	{ "grant-map-twice", map_lent, run_map },
	{ "grant-unmap", unmap_lent, run_unmap },
	{ "grant-copy-in", copy_in, run_copy },
	{ "grant-copy-out", copy_out, run_copy },
	{ "grant-transfer", transfer, run_transfer },
	{ "grant-version", version_2, run_grant },
	{ "grant-version-free", version_2_free, run_grant, NULL, OP_TWO_DOMAINS },
	{ "grant-grow", more_frames, run_grant },
	{ "grant-status-frames", status_frames, run_status },
	{ "grant-swap", swap_refs, run_swap },
	{ "grant-end-access", op_nothing, run_end_access },
};
const unsigned int ops_grant_count = ARRAY_COUNT(ops_grant);
