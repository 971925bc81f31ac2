/* SPDX-License-Identifier: MIT */
/*
 * Short lives of guests with four vCPUs in which everything happens at once:
 * vCPUs 1 to 3 offer, write, break, grant, map what others grant, and give
 * pages back; vCPU 0 takes them down in the middle of it, and up again.  Each
 * has a word of its own in every page and counts there: no count may be lost.
 * Half of the lives end in order, after a look at every page; the others end
 * wherever the vCPUs are, in one of several ways (soak vcpus kills more, from
 * outside).  So domains die while each kind of call runs (DD3), and while
 * others share the same bytes (SH18).
 *
 * TUM1  vCPU 0 never goes down and takes no lock that another one may hold
 *       then, but in the end, when it has called all of them up: all at once,
 *       since one that went down may hold the lock that another waits for.
 * TUM2  Of a page another domain writes the words from THEIRS on only.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include <xen/event_channel.h>
#include <xen/memory.h>

#include "../attack.h"

#define VCPUS		4
#define PAGES		64
#define THEIRS		256	/* first word for others */
#define REFS		8	/* grants of each vCPU */
/* numbers of domains to try, below and above ours */
#define NEAR		24
#define PEERS		4

static struct grant_entry_v1 *const table = (struct grant_entry_v1 *)GL_GRANT_VA;
static struct gl_share *share;
static uint64_t page[PAGES];
static uint64_t count[VCPUS][PAGES], lost[VCPUS], seeds[VCPUS];
static uint64_t window[VCPUS], balloon[VCPUS];
static domid_t self, peer[PEERS];	/* any of them may be gone */
static uint64_t works[VCPUS], seen[VCPUS];	/* done; pages of others */
static volatile bool stop, done[VCPUS];

static uint64_t below(unsigned int me, uint64_t n)
{
	seeds[me] = seeds[me] * 6364136223846793005UL + 1442695040888963407UL;
	return (seeds[me] >> 33) % n;
}

static volatile uint64_t *word(unsigned int p, unsigned int i)
{
	return (volatile uint64_t *)page[p] + i;
}

/* --- sharing --- */

static void write_one(unsigned int me)
{
	unsigned int p = (unsigned int)below(me, PAGES);

	(*word(p, 8 * me))++;
	if (*word(p, 8 * me) != ++count[me][p])
		lost[me]++;
}

static void offer_some(unsigned int me)
{
	uint64_t va[8], first = below(me, PAGES - 8);
	int32_t status[8];

	for (unsigned int i = 0; i < 8; i++)
		va[i] = page[first + i];
	gl_share_pages(share, va, 1 + below(me, 8), status);
}

static void break_one(unsigned int me)
{
	gl_share_unshare(share, page[below(me, PAGES)]);
	gl_share_refill(share);
}

/* --- grants --- */

/* Of a page that may be offered or broken meanwhile, so by an old name, too. */
static void grant_one(unsigned int me)
{
	struct grant_entry_v1 *e = &table[GL_GRANT_FIRST + me * REFS + below(me, REFS)];
	uint16_t flags = __atomic_load_n(&e->flags, __ATOMIC_SEQ_CST);

	if (flags & (GTF_reading | GTF_writing) ||
	    !__atomic_compare_exchange_n(&e->flags, &flags, 0, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	e->domid = peer[below(me, PEERS)];
	e->frame = (uint32_t)gl_virt_to_mfn(page[below(me, PAGES)]);
	__atomic_store_n(&e->flags, (uint16_t)(GTF_permit_access |
			 (below(me, 2) ? GTF_readonly : 0)), __ATOMIC_SEQ_CST);
}

static domid_t near(unsigned int me)
{
	uint64_t id = (uint64_t)self + below(me, 2 * NEAR);

	return (domid_t)(id > NEAR ? id - NEAR : 1);
}

static void copy_some(unsigned int me, domid_t dom, grant_ref_t ref)
{
	struct gnttab_copy op = {
		.source.u.ref = ref, .source.domid = dom,
		.dest.u.gmfn = gl_virt_to_mfn(page[below(me, PAGES)]), .dest.domid = DOMID_SELF,
		.dest.offset = 8 * THEIRS, .len = 64, .flags = GNTCOPY_source_gref,
	};

	(void)hypercall_grant_table_op(GNTTABOP_copy, &op, 1);
}

/* Is it there?  Then it is one of those that we have to do with. */
static void look_for(unsigned int me, domid_t dom)
{
	struct gnttab_map_grant_ref map = {
		.host_addr = window[me], .dom = dom, .flags = GNTMAP_host_map,
	};

	(void)hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
	if (map.status != GNTST_bad_domain && dom != self)
		peer[below(me, PEERS)] = dom;
}

/* What somebody grants us, if he does: looked at, written, unmapped. */
static void use_one(unsigned int me)
{
	domid_t dom = peer[below(me, PEERS)];
	struct gnttab_map_grant_ref map = {
		.host_addr = window[me], .dom = dom,
		.ref = (grant_ref_t)(GL_GRANT_FIRST + below(me, VCPUS * REFS)),
		.flags = GNTMAP_host_map | (below(me, 2) ? GNTMAP_readonly : 0),
	};
	struct gnttab_unmap_grant_ref unmap = { .host_addr = window[me] };
	uint64_t value;

	(void)hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
	if (map.status == GNTST_bad_domain)
		look_for(me, near(me));
	if (map.status)
		return;
	copy_some(me, dom, map.ref);
	if (!gl_probe_read(window[me], &value))
		gl_test_fail("what domain %u granted cannot be read", dom);
	if (!(map.flags & GNTMAP_readonly) &&
	    !gl_probe_write(window[me] + 8 * (THEIRS + self % 256UL), value))
		gl_test_fail("what domain %u granted cannot be written", dom);
	seen[me]++;
	unmap.handle = map.handle;
	(void)hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
	if (unmap.status)
		gl_test_fail("a grant of domain %u is not unmapped: %d", dom, unmap.status);
}

/* --- memory: a page goes back, and another comes --- */

static void give_and_take(unsigned int me)
{
	xen_pfn_t frame = gl_virt_to_mfn(balloon[me]);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, &frame);
	gl_test_equal(gl_unmap_page(balloon[me]), 0);
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r), 1);
	frame = gl_virt_to_pfn(balloon[me]);
	while (hypercall_memory_op(XENMEM_populate_physmap, &r) != 1)
		gl_yield();	/* the frame that an offer gave the right to */
	gl_p2m_set(gl_virt_to_pfn(balloon[me]), frame);
	gl_test_equal(unprotect(balloon[me]), 0);
}

/* --- vCPUs --- */

static void work(void *arg)
{
	static void (*const ops[])(unsigned int me) = {
		write_one, write_one, write_one, offer_some, break_one, grant_one, use_one,
		use_one, give_and_take,
	};
	unsigned int me = gl_vcpu_id();

	while (!stop) {
		ops[below(me, sizeof(ops) / sizeof(ops[0]))](me);
		works[me]++;
		if (!below(me, 64))
			hypercall_vcpu_op(VCPUOP_down, me, NULL);
	}
	done[me] = true;
}

/* Those that are up already stay so. */
static void call_up(void)
{
	for (unsigned int v = 1; v < VCPUS; v++)
		hypercall_vcpu_op(VCPUOP_up, v, NULL);
}

static bool all_done(void)
{
	for (unsigned int v = 1; v < VCPUS; v++)
		if (!done[v])
			return false;
	return true;
}

/* All come up, and sometimes one goes down wherever it is. */
static void plug(void)
{
	call_up();
	if (!below(0, 3))
		hypercall_vcpu_op(VCPUOP_down, 1 + below(0, VCPUS - 1), NULL);
	else if (below(0, 2))
		use_one(0);
	else
		grant_one(0);
	gl_yield();
}

static uint64_t works_done(void)
{
	uint64_t sum = 0;

	for (unsigned int v = 1; v < VCPUS; v++)
		sum += __atomic_load_n(&works[v], __ATOMIC_RELAXED);
	return sum;
}

static void in_order(void)
{
	stop = true;
	while (!all_done()) {
		call_up();
		gl_yield();
	}
	for (unsigned int v = 1; v < VCPUS; v++) {
		gl_test_equal(lost[v], 0);
		for (unsigned int p = 0; p < PAGES; p++)
			if (*word(p, 8 * v) != count[v][p])
				gl_test_fail("page %u, vCPU %u: %lu counts of %lu", p, v,
					     *word(p, 8 * v), count[v][p]);
	}
	gl_printf("tumult: %lu works, %lu pages of others\n", works_done(),
		  seen[0] + seen[1] + seen[2] + seen[3]);
	audit("a life");
	gl_test_done();
}

/* Where they are: one says so, or all go down, or one does what it must not. */
static void end_somehow(void)
{
	if (gl_test_failures)
		gl_test_done();
	switch (below(0, 3)) {
	case 0:
		gl_shutdown(SHUTDOWN_crash);
	case 1:
		gl_shutdown(SHUTDOWN_poweroff);
	default:
		for (;;)
			for (unsigned int v = VCPUS; v--;)
				hypercall_vcpu_op(VCPUOP_down, v, NULL);
	}
}

static domid_t own_number(void)
{
	struct evtchn_alloc_unbound port = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_status status = { .dom = DOMID_SELF };

	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &port), 0);
	status.port = port.port;
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
	return status.u.unbound.dom;
}

static void prepare(void)
{
	share = gl_share_setup(32);
	if (!share || gl_vcpu_count() != VCPUS || gl_grant_init(1))
		gl_test_error("no memory, no grants, or not four vCPUs");
	self = own_number();
	if (self % 2)
		gl_test_equal(gl_share_break_first(share, (uint64_t *)gl_start_info->mfn_list,
						   gl_start_info->nr_pages), 0);
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = must_alloc();
		memset((void *)page[i], 0, GL_PAGE_BYTES);
	}
	for (unsigned int v = 0; v < VCPUS; v++) {
		seeds[v] = gl_now_ns() * VCPUS + v;
		window[v] = must_alloc();
		balloon[v] = must_alloc();
	}
	for (domid_t d = 1; d < NEAR; d++) {
		look_for(0, self + d);
		if (self > d)
			look_for(0, self - d);
	}
}

void gl_main(void)
{
	uint64_t end;

	prepare();
	for (unsigned int v = 1; v < VCPUS; v++)
		gl_test_equal(gl_vcpu_start(v, work, NULL), 0);
	end = below(0, gl_cmdline_u64("works", 1000));
	while (works_done() < end && !gl_test_failures)
		plug();
	if (below(0, 2))
		in_order();
	end_somehow();
}
