/* SPDX-License-Identifier: MIT */
/*
 * Calls that are over in a few steps: what they meet is short, but there.
 * tests/sim/calls.txt says which call is which operation.
 */
#include <port.h>
#include <errno.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/vcpu.h>

#include "abi/share.h"
#include "abi/xencomm.h"
#include "dom/above.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/xencomm.h"
#include "sim/ops.h"
#include "sim/sim.h"

/* --- events --- */

static void event_alloc(struct side *s)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = s->other->d->id };

	call_with(s, EVTCHNOP_alloc_unbound, &a, sizeof(a));
}

static void event_virq(struct side *s)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_DEBUG };

	call_with(s, EVTCHNOP_bind_virq, &b, sizeof(b));
}

static void event_ipi(struct side *s)
{
	struct evtchn_bind_ipi b = { .vcpu = 1 };

	call_with(s, EVTCHNOP_bind_ipi, &b, sizeof(b));
}

static void event_status(struct side *s)
{
	struct evtchn_status e = { .dom = DOMID_SELF, .port = s->port_bound };

	call_with(s, EVTCHNOP_status, &e, sizeof(e));
}

static void event_vcpu(struct side *s)
{
	struct evtchn_bind_vcpu b = { .port = s->port_bound, .vcpu = 1 };

	call_with(s, EVTCHNOP_bind_vcpu, &b, sizeof(b));
}

static void event_unmask(struct side *s)
{
	struct evtchn_unmask u = { .port = s->port_bound };

	call_with(s, EVTCHNOP_unmask, &u, sizeof(u));
}

/* --- tables and TLBs --- */

static void mmuext(struct side *s, struct mmuext_op op)
{
	memcpy(fake_page(s->d, page + s->args_page), &op, sizeof(op));
	s->args = (struct hypercall_args){ .a = { args_va(s), 1, 0, DOMID_SELF } };
}

static long run_mmuext(struct side *s)
{
	return state_call(op_mmuext, &s->args);
}

static void flush_all(struct side *s)
{
	mmuext(s, (struct mmuext_op){ .cmd = MMUEXT_TLB_FLUSH_ALL });
}

static void flush_page_multi(struct side *s)
{
	struct mmuext_op op = { .cmd = MMUEXT_INVLPG_MULTI };

	op.arg1.linear_addr = fake_va(page + P_OFFERED);
	op.arg2.vcpumask.p = (void *)(args_va(s) + 256);
	fake_page(s->d, page + s->args_page)[256] = 3;
	mmuext(s, op);
}

/* The tables that it has: their use is taken, and the old one dropped. */
static void new_base(struct side *s)
{
	struct mmuext_op op = { .cmd = MMUEXT_NEW_BASEPTR };

	op.arg1.mfn = mfn_n(s->v->kernel_l4);
	mmuext(s, op);
}

/* From a page that may go meanwhile. */
static void copy_own(struct side *s)
{
	struct mmuext_op op = { .cmd = MMUEXT_COPY_PAGE };

	op.arg1.mfn = s->mfn[P_OWN];
	op.arg2.src_mfn = s->mfn[P_SPARE];
	mmuext(s, op);
}

/* The blank page as a table of another level than pin-blank's. */
static void pin_as(struct side *s, unsigned int cmd)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = s->mfn[P_BLANK];
	mmuext(s, op);
}

static void pin_l2(struct side *s) { pin_as(s, MMUEXT_PIN_L2_TABLE); }
static void pin_l3(struct side *s) { pin_as(s, MMUEXT_PIN_L3_TABLE); }
static void pin_l4(struct side *s) { pin_as(s, MMUEXT_PIN_L4_TABLE); }

static void set_ldt(struct side *s)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	op.arg1.linear_addr = fake_va(page + P_GDT);
	op.arg2.nr_ents = 512;
	mmuext(s, op);
}

static void write_descriptor(struct side *s)
{
	s->args = (struct hypercall_args){ .a = { s->mfn[P_GDT] << PAGE_SHIFT, 0 } };
}

static long run_write_descriptor(struct side *s)
{
	return state_call(op_update_descriptor, &s->args);
}

/* --- grants, memory, buffers, sharing --- */

static void unmap_and_replace(struct side *s)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = fake_va(page + P_MAPPED), .handle = s->handle,
		.new_addr = fake_va(page + P_OWN),
	};

	call_with(s, GNTTABOP_unmap_and_replace, &op, sizeof(op));
}

static long run_replace(struct side *s)
{
	const struct gnttab_unmap_and_replace *op =
		(void *)fake_page(s->d, page + s->args_page);
	long r = state_call(op_grant_table, &s->args);

	return r ? r : op->status;
}

static void memory_size(struct side *s)
{
	domid_t self = DOMID_SELF;

	call_with(s, XENMEM_maximum_reservation, &self, sizeof(self));
}

#define MAP_ENTRIES	4u

static void memory_map(struct side *s)
{
	struct xen_memory_map m = {
		.nr_entries = MAP_ENTRIES, .buffer.p = (void *)(args_va(s) + OP_MAP_AT),
	};

	call_with(s, XENMEM_memory_map, &m, sizeof(m));
}

/* How many entries, and of what sizes: a map that was there as a whole. */
static long run_memory_map(struct side *s)
{
	const struct xen_memory_map *m = args_of(s);
	long r = op_run_memory(s);
	unsigned int i, n = r ? 0 : m->nr_entries;

	for (i = 0; i < n; i++)
		r += 1 + (long)op_map_entries(s)[i].bytes;
	return r;
}

/* The number is none that was registered, unless the other vCPU does it. */
static void buffer_unregister(struct side *s)
{
	s->args = (struct hypercall_args){ .a = { XENCOMMOP_unregister, 1 } };
}

static long run_xencomm(struct side *s)
{
	return state_call(op_xencomm, &s->args);
}

static void share_mode(struct side *s)
{
	struct shareop_mode m = {
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST,
	};

	memcpy(fake_page(s->d, page + s->args_page), &m, sizeof(m));
	s->args = (struct hypercall_args){ .a = { SHAREOP_mode, args_va(s), sizeof(m), 0 } };
}

static long run_share(struct side *s)
{
	return state_call(op_share, &s->args);
}

static void trace(struct side *s)
{
	s->args = (struct hypercall_args){
		.a = { SHAREOP_trace, args_va(s), sizeof(struct shareop_trace), 0 } };
}

/* What the first record says, where a buffer was told. */
static long run_trace(struct side *s)
{
	const struct shareop_trace *at = args_of(s);
	const struct trace_header *h;
	long r = run_share(s);

	if (r)
		return r;
	h = mfn_to_virt(MFN(at->mfn));
	if (h->magic != TRACE_MAGIC || !atomic_load_acquire(&h->written))
		return -EIO;
	return READ_ONCE(((const struct trace_record *)(h + 1))->event);
}

/* --- vCPUs --- */

/* Of the second vCPU. */
static void vcpu_area(struct side *s, unsigned int cmd, unsigned int at)
{
	*(uint64_t *)fake_page(s->d, page + s->args_page) = fake_va(page + at) + 512;
	s->args = (struct hypercall_args){ .a = { cmd, 1, args_va(s) } };
}

/* In a page that is granted. */
static void runstate_area(struct side *s)
{
	vcpu_area(s, VCPUOP_register_runstate_memory_area, P_OFFERED);
}

/* In one of its own: which of two updates is the last one is no matter. */
static void time_area(struct side *s)
{
	vcpu_area(s, VCPUOP_register_vcpu_time_memory_area, s->args_page + 2);
}

const struct op ops_calls[] = {
	{ "event-alloc", event_alloc, op_run_event },
	{ "event-virq", event_virq, op_run_event },
	{ "event-ipi", event_ipi, op_run_event },
	{ "event-status", event_status, op_run_event },
	{ "event-vcpu", event_vcpu, op_run_event },
	{ "event-unmask", event_unmask, op_run_event },
	{ "flush-all", flush_all, run_mmuext },
	{ "flush-page-multi", flush_page_multi, run_mmuext },
	{ "new-base", new_base, run_mmuext },
	{ "copy-own", copy_own, run_mmuext },
	{ "pin-l2", pin_l2, run_mmuext },
	{ "pin-l3", pin_l3, run_mmuext },
	{ "pin-l4", pin_l4, run_mmuext },
	{ "set-ldt", set_ldt, run_mmuext },
	{ "write-descriptor", write_descriptor, run_write_descriptor },
	{ "grant-replace", unmap_and_replace, run_replace },
	{ "memory-size", memory_size, op_run_memory },
	{ "memory-map", memory_map, run_memory_map },
	{ "buffer-unregister", buffer_unregister, run_xencomm },
	{ "share-mode", share_mode, run_share },
	{ "trace", trace, run_trace },
	{ "vcpu-runstate-area", runstate_area, op_run_vcpu },
	{ "vcpu-time-area", time_area, op_run_vcpu },
};
const unsigned int ops_calls_count = ARRAY_COUNT(ops_calls);
