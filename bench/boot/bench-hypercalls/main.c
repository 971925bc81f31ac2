/* SPDX-License-Identifier: MIT */
/*
 * What the hypercalls cost that a PV kernel makes most, in instructions of
 * guest and hypervisor: the same image runs on Pasture and as Xen's first
 * domain.
 *
 * Page tables: `same` writes what stands there already, `rights` takes the
 * right to write away and gives it back, `map` removes a mapping and makes it
 * again; the last two do both in one run, and the figure is for one of them.
 */
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/start.h>
#include <gl/vcpu.h>

#include "../bench.h"

#define BATCH	32
#define WAYS	3

static uint64_t page[BATCH], present[BATCH], other[WAYS][BATCH];
static uint64_t flush;		/* UVMF_* */
static struct multicall_entry calls[2][BATCH];
static struct mmu_update requests[2][BATCH];
static uint32_t ipi, near, far;	/* ports */

static void must(long rc)
{
	if (rc)
		gl_panic("a measured call failed: %ld", rc);
}

static void by_va(uint64_t value)
{
	must(gl_hypercall(__HYPERVISOR_update_va_mapping, page[0], value, flush,
			  0, 0));
}

static void by_entry(uint64_t value)
{
	struct mmu_update req = { gl_pte_maddr(page[0]), value };

	must(gl_hypercall(__HYPERVISOR_mmu_update, (uint64_t)&req, 1, 0,
			  DOMID_SELF, 0));
}

static void va_pair(void *arg)
{
	by_va(*(uint64_t *)arg);
	by_va(present[0]);
}

static void entry_pair(void *arg)
{
	by_entry(*(uint64_t *)arg);
	by_entry(present[0]);
}

static void many(struct multicall_entry *list)
{
	must(gl_hypercall(__HYPERVISOR_multicall, (uint64_t)list, BATCH, 0, 0, 0));
}

static void many_pair(void *arg)
{
	many(calls[0]);
	many(calls[1]);
}

/* One call with a request for each page. */
static void entries_pair(void *arg)
{
	for (unsigned int i = 0; i < 2; i++)
		must(gl_hypercall(__HYPERVISOR_mmu_update, (uint64_t)requests[i],
				  BATCH, 0, DOMID_SELF, 0));
}

static void requests_fill(struct mmu_update *list, const uint64_t *values)
{
	for (unsigned int i = 0; i < BATCH; i++)
		list[i] = (struct mmu_update){ gl_pte_maddr(page[i]), values[i] };
}

static void list_fill(struct multicall_entry *list, const uint64_t *values)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		list[i] = (struct multicall_entry){
			.op = __HYPERVISOR_update_va_mapping,
			.args = { page[i], values[i], flush },
		};
	}
}

static void half(const char *what, const char *way, bench_fn fn, void *arg)
{
	gl_printf("BENCH %s.%s %lu\n", what, way,
		  (bench_run(fn, arg) - bench_run(bench_nothing, arg)) / 2);
}

static void tables(void)
{
	static const char *const names[WAYS] = { "same", "rights", "map" };

	for (unsigned int w = 0; w < WAYS; w++) {
		flush = 0;
		half("update_va_mapping", names[w], va_pair, &other[w][0]);
		half("mmu_update", names[w], entry_pair, &other[w][0]);
		requests_fill(requests[0], other[w]);
		requests_fill(requests[1], present);
		half("mmu_update32", names[w], entries_pair, NULL);
		list_fill(calls[0], other[w]);
		list_fill(calls[1], present);
		half("multicall32", names[w], many_pair, NULL);
		for (unsigned int i = 0; i < BATCH; i++)
			must((long)calls[0][i].result);
	}
	flush = UVMF_INVLPG;
	half("update_va_mapping", "map+invlpg", va_pair, &other[2][0]);
}

static void send(void *arg)
{
	struct evtchn_send s = { *(uint32_t *)arg };

	must(gl_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send,
			  (uint64_t)&s, 0, 0, 0));
}

/* As the guest that took the last event leaves it: nothing is pending. */
static void events_clear(uint32_t to)
{
	struct vcpu_info *v = gl_vcpu_info();

	__atomic_store_n(&gl_shared_info.evtchn_pending[to / 64], 0,
			 __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
}

/* `fresh`: the event becomes pending; else it stays so, after the first. */
static void sends(const char *way, uint32_t from, uint32_t to, bool fresh)
{
	uint64_t best = ~0UL, none = bench_run(bench_nothing, NULL);

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		uint64_t start;

		if (fresh)
			events_clear(to);
		start = bench_now();
		send(&from);
		start = bench_now() - start;
		if (start < best)
			best = start;
	}
	gl_printf("BENCH evtchn_send.%s %lu\n", way, best - none);
}

static void channel_make(void)
{
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	long rc = gl_event_alloc_unbound(DOMID_SELF, NULL, NULL);

	near = b.remote_port = (uint32_t)rc;
	must(rc > 0 ? 0 : rc);
	must(hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &b));
	far = b.local_port;
	rc = gl_event_bind_ipi(NULL, NULL);
	must(rc > 0 ? 0 : rc);
	ipi = (uint32_t)rc;
}

/* With events to the vCPU off: what their delivery costs is not the call's. */
static void events(void)
{
	bool on;

	channel_make();
	on = gl_events_save();
	gl_event_mask(far);
	sends("masked", near, far, true);
	gl_event_unmask(far);
	sends("channel", near, far, true);
	sends("ipi", ipi, ipi, true);
	sends("pending", near, far, false);
	events_clear(far);
	gl_events_restore(on);
}

void gl_main(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		page[i] = gl_page_alloc();
		present[i] = gl_virt_to_mfn(page[i]) << GL_PAGE_SHIFT |
			     GL_PTE_KERNEL;
		other[0][i] = present[i];
		other[1][i] = present[i] & ~GL_PTE_WRITE;
	}
	tables();
	events();
	gl_printf("BENCH END\n");
}
