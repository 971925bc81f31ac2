/* SPDX-License-Identifier: MIT */
/*
 * What an argument costs by the way that it is named: the same hypercalls, with
 * a virtual address, inline, by a descriptor, in a registered buffer.
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/xencomm.h>

#include "../bench.h"

#define OFFERS	64
#define UPDATES	32

static uint64_t ref;		/* the argument, as named now */
static uint8_t *area;		/* and where we see it */
static uint64_t page[OFFERS];

static long call(unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
		 uint64_t a4)
{
	return gl_hypercall(nr, a1, a2, a3, a4, 0);
}

static void version(void *arg)
{
	(void)call(__HYPERVISOR_xen_version, XENVER_extraversion, ref, 0, 0);
}

static void status(void *arg)
{
	struct evtchn_status *s = (struct evtchn_status *)area;

	s->dom = DOMID_SELF;
	s->port = 1;
	(void)call(__HYPERVISOR_event_channel_op, EVTCHNOP_status, ref, 0, 0);
}

static void info(void *arg)
{
	(void)call(__HYPERVISOR_make_ro_and_share, SHAREOP_info, ref,
		   sizeof(struct shareop_info), 0);
}

static void updates(void *arg)
{
	(void)call(__HYPERVISOR_mmu_update, ref, UPDATES, 0, DOMID_SELF);
}

static void updates_fill(void)
{
	struct mmu_update *u = (struct mmu_update *)area;

	for (unsigned int i = 0; i < UPDATES; i++)
		u[i] = (struct mmu_update){
			gl_pte_maddr(page[i]),
			gl_virt_to_mfn(page[i]) << GL_PAGE_SHIFT | GL_PTE_KERNEL };
}

static void entries_fill(void)
{
	struct shareop_entry *e = (struct shareop_entry *)area;

	for (unsigned int i = 0; i < OFFERS; i++)
		e[i] = (struct shareop_entry){ .pte = { page[i] }, .nr_ptes = 1 };
}

/* The pages are shared, and made private again. */
static void offers(void *arg)
{
	(void)call(__HYPERVISOR_make_ro_and_share, SHAREOP_batch, ref, OFFERS, 0);
	(void)call(__HYPERVISOR_make_ro_and_share, SHAREOP_unshare, ref, OFFERS, 0);
}

static void p2m_follows(void)
{
	const struct shareop_entry *e = (const struct shareop_entry *)area;

	for (unsigned int i = 0; i < OFFERS; i++)
		gl_p2m_set(gl_virt_to_pfn(page[i]), e[i].mfn);
}

static void measure(const char *way)
{
	static const struct { const char *name; bench_fn fn; } calls[] = {
		{ "xen_version", version }, { "evtchn_status", status },
		{ "share_info", info },
	};
	char name[64];

	for (unsigned int i = 0; i < 3; i++) {
		gl_snprintf(name, sizeof(name), "%s.%s", calls[i].name, way);
		bench(name, calls[i].fn, NULL);
	}
	updates_fill();
	gl_snprintf(name, sizeof(name), "mmu_update_%u.%s", UPDATES, way);
	bench(name, updates, NULL);
	entries_fill();
	gl_snprintf(name, sizeof(name), "share_batch_%u.%s", OFFERS, way);
	bench(name, offers, NULL);
	p2m_follows();
}

static void measure_at(const char *way, uint64_t reference, void *va)
{
	ref = reference;
	area = va;
	measure(way);
}

void gl_main(void)
{
	uint64_t va = gl_page_alloc();
	struct xencomm_mini mini;
	void *mem;
	long buf;

	for (unsigned int i = 0; i < OFFERS; i++) {
		page[i] = gl_page_alloc();
		memset((void *)page[i], (int)i, GL_PAGE_BYTES);
	}
	buf = xencomm_alloc_buf(1, 1);
	measure_at("virtual", va, (void *)va);
	measure_at("inline", xencomm_inline((void *)va, 4096), (void *)va);
	measure_at("descriptor", xencomm_map_no_alloc((void *)va, 4096, &mini),
		   (void *)va);
	ref = xencomm_alloc_mem(buf, 4096, &mem);
	measure_at("registered", ref, mem);
	gl_printf("BENCH END\n");
	gl_shutdown(SHUTDOWN_poweroff);
}
