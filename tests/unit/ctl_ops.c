// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/op_*.c hv/ctl/create.c hv/ctl/settings.c hv/ctl/cpu_policy.c hv/pv/cpuid.c hv/pv/vcpu_context.c tests/fake/fake_context.c hv/dom/sched_account.c hv/ctl/sysctl_info.c hv/ctl/domain_info.c hv/ctl/cpu_map.c hv/ctl/debug_keys.c
/*
 * domctl, sysctl and platform_op: a guest gets Xen's errors for every number
 * and learns nothing; the first domain gets answers, into good memory and bad.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

#include "ctl/sessions.h"
#include "debug/log.h"
#include "dom/above.h"
#include "dom/console.h"
#include "dom/die.h"
#include "dom/pause.h"
#include "dom/privilege.h"
#include "dom/sched.h"
#include "fake/fake_machine.h"
#include "abi/share.h"
#include "pv/above.h"
#include "pv/again.h"
#include "unit/suite.h"

bool (*console_operator_line)(const char *line);
uint64_t tsc_khz = 1000000;

static struct domain *first, *guest;
static const char *log_text = "";
static uint64_t page;		/* pfn of the caller's argument, */
static uint64_t buffer;		/* and of what that leads to */

uint32_t log_read(uint32_t *at, char *to, uint32_t most)
{
	size_t left = strlen(log_text) - MIN((size_t)*at, strlen(log_text));
	uint32_t n = MIN(left, (size_t)most);

	memcpy(to, log_text + *at, n);
	*at += n;
	return n;
}

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	*out = (struct vcpu_runstate_info){ .time = { [RUNSTATE_running] = 77 } };
}

static void run(struct domain *d)
{
	fake_run(d);
	page = fake_free_pfn(d);
	buffer = page + 1;
}

static void setup(void)
{
	fake_machine_start();
	first = fake_domain_first("", 0);
	guest = fake_domain("", 0);
	run(first);
}

static void teardown(void)
{
	fake_end(guest);
	fake_end(first);
	fake_check();
}

static long domctl_of(uint32_t cmd, domid_t dom, uint32_t version)
{
	struct xen_domctl *op = (void *)fake_page(current_vcpu()->domain, page);

	op->cmd = cmd;
	op->domain = dom;
	op->interface_version = version;
	return FAKE_CALL(op_domctl, fake_va(page));
}

static long domctl(uint32_t cmd, domid_t dom)
{
	return domctl_of(cmd, dom, XEN_DOMCTL_INTERFACE_VERSION);
}

static struct xen_domctl *domctl_out(void)
{
	return (void *)fake_page(current_vcpu()->domain, page);
}

static struct xen_sysctl *sysctl_out(void)
{
	return (void *)fake_page(current_vcpu()->domain, page);
}

static long sysctl_of(uint32_t cmd, uint32_t version)
{
	sysctl_out()->cmd = cmd;
	sysctl_out()->interface_version = version;
	return FAKE_CALL(op_sysctl, fake_va(page));
}

static long sysctl(uint32_t cmd)
{
	return sysctl_of(cmd, XEN_SYSCTL_INTERFACE_VERSION);
}

static long platform(uint32_t cmd, uint32_t version)
{
	struct xen_platform_op *op = (void *)fake_page(current_vcpu()->domain, page);

	op->cmd = cmd;
	op->interface_version = version;
	return FAKE_CALL(op_platform, fake_va(page));
}

/* The numbers of all there are, and more. */
#define NUMBERS	1100

/* The first domain's control channel has tests of its own (ctl_sessions.c). */
static uint64_t session_seen;

long sessions_call(struct pasture_control *op)
{
	session_seen = op->session;
	op->session = 12;
	return op->flags ? -EBUSY : 0;
}

START_TEST(control_sessions)
{
	struct pasture_control *op = (void *)&sysctl_out()->u;

	memset(op, 0, sizeof(*op));
	op->session = 11;
	ck_assert_int_eq(sysctl(PASTURE_SYSCTL_control), 0);
	ck_assert_uint_eq(session_seen, 11);
	ck_assert_uint_eq(op->session, 12);
	op->flags = 1;
	ck_assert_int_eq(sysctl(PASTURE_SYSCTL_control), -EBUSY);
	session_seen = 0;
	run(guest);
	op = (void *)&sysctl_out()->u;
	op->session = 11;
	ck_assert_int_eq(sysctl(PASTURE_SYSCTL_control), -EPERM);
	ck_assert_int_eq(sysctl_of(PASTURE_SYSCTL_control, 1), -EACCES);
	ck_assert_uint_eq(session_seen, 0);
	ck_assert_uint_eq(op->session, 11);
}
END_TEST

START_TEST(guest_gets_nothing)
{
	uint32_t cmd;

	run(guest);
	for (cmd = 0; cmd < NUMBERS; cmd++) {
		memset(fake_page(guest, page), 0xa5, PAGE_SIZE);
		ck_assert_int_eq(domctl(cmd, guest->id), -EPERM);
		ck_assert_int_eq(domctl(cmd, first->id), -EPERM);
		ck_assert_int_eq(domctl_of(cmd, 0, 1), -EACCES);
		ck_assert_int_eq(sysctl(cmd), -EPERM);
		ck_assert_int_eq(sysctl_of(cmd, 1), -EACCES);
		ck_assert_int_eq(platform(cmd, XENPF_INTERFACE_VERSION), -EPERM);
		ck_assert_int_eq(platform(cmd, 1), -EACCES);
		/* Nothing was written behind what we wrote. */
		for (size_t i = 16; i < PAGE_SIZE; i++)
			if (fake_page(guest, page)[i] != 0xa5)
				ck_abort_msg("number %u wrote byte %zu", cmd, i);
	}
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, 500), -ESRCH);
	/* Xen asks for privilege first where no domain need be there. */
	ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, 500), -EPERM);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, 500), -EPERM);
	ck_assert_int_eq(FAKE_CALL(op_domctl, 8), -EFAULT);
	ck_assert_int_eq(FAKE_CALL(op_sysctl, 8), -EFAULT);
	ck_assert_int_eq(FAKE_CALL(op_platform, 8), -EFAULT);
}
END_TEST

/* PRIV2: of the first domain, what is not there; and how many are. */
START_TEST(first_gets_what_is_there)
{
	static const unsigned int count[] = {
		[PRIV_DOMCTL] = 23, [PRIV_SYSCTL] = 13, [PRIV_PLATFORM] = 2,
		[PRIV_MEMORY] = 10, [PRIV_CONSOLE] = 1, [PRIV_VERSION] = 2,
		[PRIV_EVENT] = 4, [PRIV_MMU] = 4, [PRIV_MMUEXT] = 7, [PRIV_XSM] = 2,
		[PRIV_PHYSDEV] = 15, [PRIV_DEVICE] = 3,
	};
	unsigned int call, n;
	uint32_t sub;

	for (call = 0; call < ARRAY_COUNT(count); call++) {
		for (n = sub = 0; sub < NUMBERS; sub++) {
			int r = privilege_check(first, call, sub);

			ck_assert(r == 0 || r == -ENOSYS);
			ck_assert_int_eq(privilege_check(guest, call, sub), -EPERM);
			n += r == 0;
		}
		ck_assert_uint_eq(n, count[call]);
	}
	ck_assert_int_eq(domctl(999, guest->id), -ENOSYS);
	ck_assert_int_eq(sysctl(999), -ENOSYS);
	ck_assert_int_eq(platform(999, XENPF_INTERFACE_VERSION), -ENOSYS);
}
END_TEST

START_TEST(first_has_id_0)
{
	ck_assert_uint_eq(first->id, DOMID_FIRST);
	ck_assert_uint_gt(guest->id, DOMID_FIRST);
	/* There is one at most. */
	ck_assert_ptr_null(domain_create_first("x", 16, 0, 1));
	ck_assert_ptr_eq(domain_find(0), first);
	domain_put(first);
	fake_check();
}
END_TEST

START_TEST(domain_info)
{
	const struct xen_domctl_getdomaininfo *info = &domctl_out()->u.getdomaininfo;

	guest->account.ran_ns = 1234567;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id), 0);
	ck_assert_uint_eq(domctl_out()->domain, guest->id);
	ck_assert_uint_eq(info->domain, guest->id);
	ck_assert_uint_eq(info->tot_pages, guest->pages.total);
	ck_assert_uint_eq(info->max_pages, FAKE_PAGES);
	ck_assert_uint_eq(info->nr_online_vcpus, 1);
	ck_assert_uint_eq(info->max_vcpu_id, 0);
	ck_assert_uint_eq(info->cpu_time, 1234567);
	ck_assert_uint_eq(info->shared_info_frame, mfn_n(virt_to_mfn(guest->shared_info)));
	ck_assert_uint_eq(info->flags, 0);	/* it waits for a CPU */
	guest->vcpu[0]->run = RUN_BLOCKED;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_blocked);
	guest->vcpu[0]->run = RUN_RUNNING;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_running);
	guest->vcpu[0]->run = RUN_OFFLINE;
	guest->state = DOM_DYING;
	guest->shutdown_reason = SHUTDOWN_crash + 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_dying | XEN_DOMINF_shutdown |
			  SHUTDOWN_crash << XEN_DOMINF_shutdownshift);
	guest->state = DOM_RUNNING;
}
END_TEST

/* Numbers that are nobody's: the next one, or none. */
START_TEST(domain_info_next)
{
	guest->state = DOM_BUILDING;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, 1), -ESRCH);
	guest->state = DOM_RUNNING;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id - 1 ?: 1), 0);
	ck_assert_uint_eq(domctl_out()->domain, guest->id > 1 ? guest->id : 1);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id + 1), -ESRCH);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, DOMID_SELF), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, guest->id + 1), -ESRCH);
}
END_TEST

START_TEST(vcpu_info)
{
	const struct xen_domctl_getvcpuinfo *info = &domctl_out()->u.getvcpuinfo;

	domctl_out()->u.getvcpuinfo.vcpu = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, guest->id), 0);
	ck_assert(info->online && !info->blocked && !info->running);
	ck_assert_uint_eq(info->cpu_time, 77);
	domctl_out()->u.getvcpuinfo.vcpu = 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, guest->id), -ESRCH);
	domctl_out()->u.getvcpuinfo.vcpu = ~0u;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, guest->id), -ESRCH);
}
END_TEST

START_TEST(affinity)
{
	struct xen_domctl_vcpuaffinity *a = &domctl_out()->u.vcpuaffinity;
	uint8_t *bytes = fake_page(first, buffer);

	memset(bytes, 0xff, 16);
	*a = (struct xen_domctl_vcpuaffinity){
		.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT,
		.cpumap_hard.nr_bits = 20, .cpumap_soft.nr_bits = 8,
	};
	a->cpumap_hard.bitmap.p = (void *)fake_va(buffer);
	a->cpumap_soft.bitmap.p = (void *)(fake_va(buffer) + 8);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, guest->id), 0);
	ck_assert_uint_eq(bytes[0], (1u << cpu_count) - 1);
	ck_assert(!bytes[1] && !bytes[2] && bytes[3] == 0xff);
	ck_assert_uint_eq(bytes[8], (1u << cpu_count) - 1);
	ck_assert_uint_eq(bytes[9], 0xff);
	a->cpumap_hard.nr_bits = ~0u;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, guest->id), -EINVAL);
	a->cpumap_hard.bitmap.p = (void *)8;
	a->cpumap_hard.nr_bits = 20;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, guest->id), -EFAULT);
	a->flags = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, guest->id), -EINVAL);
	a->vcpu = 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, guest->id), -ESRCH);
}
END_TEST

START_TEST(domain_list)
{
	struct xen_sysctl_getdomaininfolist *op = &sysctl_out()->u.getdomaininfolist;
	const struct xen_domctl_getdomaininfo *info = (void *)fake_page(first, buffer);

	*op = (struct xen_sysctl_getdomaininfolist){ .max_domains = 10 };
	op->buffer.p = (void *)fake_va(buffer);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(op->num_domains, 2);
	ck_assert_uint_eq(info[0].domain, 0);
	ck_assert_uint_eq(info[1].domain, guest->id);
	ck_assert_uint_eq(info[1].tot_pages, guest->pages.total);
	op->max_domains = 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(op->num_domains, 1);
	op->max_domains = 10;
	op->first_domain = guest->id + 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(op->num_domains, 0);
	op->first_domain = 0;
	op->buffer.p = (void *)8;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), -EFAULT);
}
END_TEST

START_TEST(machine)
{
	const struct xen_sysctl_physinfo *info = &sysctl_out()->u.physinfo;

	memset(fake_page(first, page), 0xa5, PAGE_SIZE);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_physinfo), 0);
	ck_assert_uint_eq(info->nr_cpus, cpu_count);
	ck_assert_uint_eq(info->max_cpu_id, cpu_count - 1);
	ck_assert_uint_eq(info->nr_nodes, 1);
	ck_assert_uint_eq(info->max_node_id, 0);
	ck_assert_uint_eq(info->total_pages, palloc_total_count());
	ck_assert_uint_le(info->free_pages, palloc_free_count());
	ck_assert_uint_eq(info->outstanding_pages, 0);
	ck_assert(info->capabilities & XEN_SYSCTL_PHYSCAP_pv);
	ck_assert(!(info->capabilities & XEN_SYSCTL_PHYSCAP_hvm));
	ck_assert_int_eq(sysctl(XEN_SYSCTL_sched_id), 0);
	ck_assert_uint_eq(sysctl_out()->u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_availheap), 0);
	ck_assert_uint_le(sysctl_out()->u.availheap.avail_bytes,
			  palloc_free_count() << PAGE_SHIFT);
}
END_TEST

START_TEST(topology)
{
	struct xen_sysctl_cputopoinfo *cpus = &sysctl_out()->u.cputopoinfo;
	struct xen_sysctl_numainfo *nodes = &sysctl_out()->u.numainfo;
	uint32_t *out = (void *)fake_page(first, buffer);

	/* No buffer: how many there are. */
	*cpus = (struct xen_sysctl_cputopoinfo){ .num_cpus = 99 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cputopoinfo), 0);
	ck_assert_uint_eq(cpus->num_cpus, cpu_count);
	memset(out, 0xff, PAGE_SIZE);
	cpus->num_cpus = 99;
	cpus->cputopo.p = (void *)fake_va(buffer);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cputopoinfo), 0);
	ck_assert_uint_eq(out[0] + out[1] + out[2], 0);
	ck_assert_uint_eq(out[3 * cpu_count], ~0u);
	*nodes = (struct xen_sysctl_numainfo){ .num_nodes = 0 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), 0);
	ck_assert_uint_eq(nodes->num_nodes, 1);
	nodes->meminfo.p = (void *)fake_va(buffer);
	nodes->distance.p = (void *)(fake_va(buffer) + 64);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), 0);
	ck_assert_uint_eq(*(uint64_t *)out, palloc_total_count() << PAGE_SHIFT);
	ck_assert_uint_eq(out[16], 10);
	ck_assert_uint_eq(out[17], ~0u);
	nodes->num_nodes = 1;
	nodes->distance.p = (void *)8;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), -EFAULT);
}
END_TEST

START_TEST(pools)
{
	struct xen_sysctl_cpupool_op *op = &sysctl_out()->u.cpupool_op;
	uint8_t *bytes = fake_page(first, buffer);

	memset(bytes, 0xff, 8);
	*op = (struct xen_sysctl_cpupool_op){
		.op = XEN_SYSCTL_CPUPOOL_OP_INFO, .cpumap.nr_bits = 32,
	};
	op->cpumap.bitmap.p = (void *)fake_va(buffer);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), 0);
	ck_assert_uint_eq(op->n_dom, 2);
	ck_assert_uint_eq(op->sched_id, XEN_SCHEDULER_CREDIT2);
	ck_assert_uint_eq(*(uint32_t *)bytes, (1u << cpu_count) - 1);
	op->op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), 0);
	ck_assert_uint_eq(*(uint32_t *)bytes, 0);
	op->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	op->cpupool_id = 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -ENOENT);
	op->op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -EOPNOTSUPP);
}
END_TEST

/* In pieces, and on from where the last call ended. */
START_TEST(read_console)
{
	static char text[1001];
	struct xen_sysctl_readconsole *op = &sysctl_out()->u.readconsole;
	char *out = (void *)fake_page(first, buffer);

	for (unsigned int i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'a' + i % 23;
	log_text = text;
	memset(out, 0, PAGE_SIZE);
	*op = (struct xen_sysctl_readconsole){ .count = 700 };
	op->buffer.p = (void *)fake_va(buffer);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op->count, 700);
	ck_assert_uint_eq(op->index, 700);
	op->incremental = 1;
	op->buffer.p = (void *)(fake_va(buffer) + 700);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op->count, 300);
	ck_assert_str_eq(out, text);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op->count, 0);
	/* Cleared up to where this read ends, for who does not say where. */
	*op = (struct xen_sysctl_readconsole){ .count = 600, .clear = 1 };
	op->buffer.p = (void *)fake_va(buffer);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op->count, 600);
	op->count = 700;
	op->clear = 0;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op->count, 400);
	ck_assert_mem_eq(out, text + 600, 400);
	op->incremental = 1;
	op->index = 0;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(op->count, 400);
	op->index = 0;
	op->count = 10;
	op->buffer.p = (void *)8;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), -EFAULT);
}
END_TEST

/* A count, as on Xen; it comes back when no vCPU is on a CPU. */
START_TEST(pause)
{
	const struct xen_domctl_getdomaininfo *info = &domctl_out()->u.getdomaininfo;
	struct hypercall_args args = { .a = { fake_va(page) } };
	struct vcpu *v = guest->vcpu[0];
	unsigned int i;

	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, first->id), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, guest->id), -EINVAL);
	v->run = RUN_RUNNING;
	domctl_out()->cmd = XEN_DOMCTL_pausedomain;
	domctl_out()->domain = guest->id;
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(op_domctl(&args), -ERESTART);
	v->run = RUN_PAUSED;
	ck_assert_int_eq(op_domctl(&args), 0);
	ck_assert_uint_eq(guest->paused, 1);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, guest->id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_paused);
	for (i = 1; i < PAUSES_MAX; i++)
		ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, guest->id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, guest->id), -E2BIG);
	for (i = 0; i < PAUSES_MAX; i++) {
		ck_assert_int_eq(v->run, RUN_PAUSED);
		ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, guest->id), 0);
	}
	ck_assert_int_eq(v->run, RUN_RUNNABLE);
	/* Somebody ended the pause before it was whole. */
	v->run = RUN_RUNNING;
	domctl_out()->cmd = XEN_DOMCTL_pausedomain;
	ck_assert_int_eq(op_domctl(&args), -ERESTART);
	ck_assert_int_eq(pause_end(guest), 0);
	ck_assert_int_eq(op_domctl(&args), 0);
	ck_assert_uint_eq(guest->paused, 0);
	/* AGAIN1: the next one is a pause of its own. */
	ck_assert_int_eq(op_domctl(&args), -ERESTART);
	ck_assert_uint_eq(guest->paused, 1);
}
END_TEST

/* As on Xen: a guest without firmware has no buttons. */
START_TEST(triggers)
{
	struct xen_domctl_sendtrigger *t = &domctl_out()->u.sendtrigger;
	const struct { uint32_t trigger, vcpu; int rc; } cases[] = {
		{ XEN_DOMCTL_SENDTRIGGER_NMI, guest->vcpu_count, -ESRCH },
		{ XEN_DOMCTL_SENDTRIGGER_NMI, ~0u, -ESRCH },
		{ XEN_DOMCTL_SENDTRIGGER_POWER, 0, -EINVAL },
		{ XEN_DOMCTL_SENDTRIGGER_SLEEP, 0, -EINVAL },
		{ XEN_DOMCTL_SENDTRIGGER_RESET, 0, -ENOSYS },
		{ 77, 0, -ENOSYS },
		{ XEN_DOMCTL_SENDTRIGGER_NMI, 0, 0 },
		{ XEN_DOMCTL_SENDTRIGGER_NMI, 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_COUNT(cases); i++) {
		ck_assert(!guest->vcpu[0]->nmi_pending || i == ARRAY_COUNT(cases) - 1);
		*t = (struct xen_domctl_sendtrigger){ cases[i].trigger, cases[i].vcpu };
		ck_assert_int_eq(domctl(XEN_DOMCTL_sendtrigger, guest->id), cases[i].rc);
	}
	ck_assert(guest->vcpu[0]->nmi_pending);
}
END_TEST

/* It is made again until the domain is gone; nobody else may, nor on itself. */
START_TEST(destroy)
{
	struct hypercall_args args = { .a = { fake_va(page) } };
	unsigned int steps = 0;
	domid_hv_t id = guest->id;
	long rc;

	run(guest);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, first->id), -EPERM);
	run(first);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, first->id), -EINVAL);
	ck_assert_int_eq(first->state, DOM_RUNNING);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, id + 1), -ESRCH);
	domctl_out()->domain = id;
	args.a[0] = fake_va(page);
	while ((rc = op_domctl(&args)) == -ERESTART) {
		ck_assert_int_eq(guest->state, DOM_DYING);
		ck_assert(guest->destroyed);
		ck_assert(reaper_step());
		steps++;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(args.a[1] | args.a[2], 0);	/* AGAIN1 */
	ck_assert_int_eq(args.regs, REGS_ARGS);
	ck_assert_uint_gt(steps, 10);
	fake_forget(guest);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, id), -ESRCH);
	guest = fake_domain("", 0);
	/* A guest that claims to go on learns nothing. */
	run(guest);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, 777), -ESRCH);
	args.a[0] = fake_va(page);
	args.a[1] = AGAIN_MARK;
	args.a[2] = 1;
	ck_assert_int_eq(op_domctl(&args), -EPERM);
	run(first);
}
END_TEST

/* The guest is gone; another one for the next test. */
static void guest_anew(void)
{
	fake_forget(guest);
	guest = fake_domain("", 0);
	run(first);
}

static void reap_all(void)
{
	unsigned int i;

	for (i = 0; i < 100000 && reaper_step(); i++)
		;
	ck_assert_uint_lt(i, 100000);
}

/* Where a first domain rules, who shuts down stays until it is destroyed. */
START_TEST(shut_stays)
{
	const struct xen_domctl_getdomaininfo *info = &domctl_out()->u.getdomaininfo;
	domid_hv_t id = guest->id;
	uint64_t pages = guest->pages.total;
	long rc;

	domain_shutdown(guest, SHUTDOWN_reboot);
	domain_shutdown(guest, SHUTDOWN_crash);	/* the first reason counts */
	ck_assert_int_eq(guest->state, DOM_SHUT);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	/* Its vCPUs may still be on their CPUs. */
	ck_assert(!(info->flags & XEN_DOMINF_shutdown));
	reap_all();
	ck_assert_uint_eq(fake_machine.shut, 1);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_shutdown |
			  SHUTDOWN_reboot << XEN_DOMINF_shutdownshift);
	ck_assert_uint_eq(info->tot_pages, pages);
	ck_assert_uint_eq(info->nr_online_vcpus, 1);
	ck_assert(!domain_dying_count());
	fake_check();
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, id), 0);
	domctl_out()->cmd = XEN_DOMCTL_destroydomain;
	rc = op_domctl(&(struct hypercall_args){ .a = { fake_va(page) } });
	ck_assert_int_eq(rc, -ERESTART);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_eq(info->flags, XEN_DOMINF_dying | XEN_DOMINF_shutdown |
			  SHUTDOWN_reboot << XEN_DOMINF_shutdownshift);
	reap_all();
	ck_assert_uint_eq(fake_machine.gone, 1);
	guest_anew();
}
END_TEST

/*
 * The first domain is told, wherever another one's death is just then, and
 * whichever of them the reaper comes to first.
 */
START_TEST(shut_is_told_beside_a_death)
{
	bool there = true;
	unsigned int k, i;

	for (k = 0; there; k++) {
		struct domain *one = fake_domain("", 0), *two = fake_domain("", 0);
		struct domain *dying = _i ? one : two, *shut = _i ? two : one;

		run(first);
		domain_end(dying);
		for (i = 0; i < k; i++)
			(void)reaper_step();
		there = domain_dying_count();
		domain_shutdown(shut, SHUTDOWN_reboot);
		while (domain_dying_count())
			ck_assert(reaper_step());
		ck_assert_msg(shut->end.told, "%u steps into the death", k);
		domain_end(shut);
		reap_all();
		fake_forget(one);
		fake_forget(two);
	}
	ck_assert_uint_gt(k, 10);
}
END_TEST

/* It ends before the first domain was told that it shut down. */
START_TEST(shut_ends_untold)
{
	domain_shutdown(guest, SHUTDOWN_reboot);
	ck_assert(domain_dying_count());
	domain_end(guest);
	reap_all();
	ck_assert(!domain_dying_count());
	ck_assert_uint_eq(fake_machine.gone, 1);
	guest_anew();
}
END_TEST

/* What its quota pays for it may hold, if it has more of it, too. */
START_TEST(own_quota_grows)
{
	struct shareop_info *info;
	uint64_t limit = guest->pages.max + 50;
	struct shareop_mode *mode;

	run(guest);
	mode = (void *)fake_page(guest, page);
	*mode = (struct shareop_mode){
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST | SHARE_MODE_OWN_QUOTA,
	};
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(page), sizeof(*mode)), 0);
	run(first);
	domctl_out()->u.max_mem.max_memkb = limit * 4;
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_mem, guest->id), 0);
	run(guest);
	info = (void *)fake_page(guest, page);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_info, fake_va(page), sizeof(*info)), 0);
	ck_assert_uint_eq(info->max_pages, limit);
	ck_assert_uint_eq(info->budget, limit);
	run(first);
}
END_TEST

/* DIE1; and who is wanted again by its configuration, and the first domain. */
START_TEST(shut_goes)
{
	domain_keep_shut(false);	/* between its look and its end */
	domain_shutdown(guest, SHUTDOWN_crash);
	ck_assert_int_eq(guest->state, DOM_DYING);
	reap_all();
	fake_forget(guest);
	domain_keep_shut(true);
	guest = fake_domain("", 0);
	guest->origin.again = true;
	domain_shutdown(guest, SHUTDOWN_crash);
	ck_assert_int_eq(guest->state, DOM_DYING);
	reap_all();
	fake_forget(guest);
	guest = fake_domain("", 0);
	fake_run(NULL);
	domain_shutdown(first, SHUTDOWN_crash);
	ck_assert_int_eq(first->state, DOM_DYING);
}
END_TEST

/* Who is built while the machine ends does not stay. */
START_TEST(built_at_the_end)
{
	struct domain *late;

	fake_machine.ending = true;
	late = fake_domain("", 0);
	ck_assert_int_eq(late->state, DOM_DYING);
	fake_run(NULL);
	reap_all();
	fake_forget(late);
	fake_machine.ending = false;
	run(first);
}
END_TEST

static unsigned int snapshots;

static bool operator_line(const char *line)
{
	snapshots += !strcmp(line, "snapshot");
	return true;
}

START_TEST(keys)
{
	struct xen_sysctl_debug_keys *op = &sysctl_out()->u.debug_keys;

	console_operator_line = operator_line;
	strcpy((char *)fake_page(first, buffer), "ahmqtz");
	*op = (struct xen_sysctl_debug_keys){ .nr_keys = 6 };
	op->keys.p = (void *)fake_va(buffer);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), 0);
	ck_assert_uint_eq(snapshots, 1);
	memset(fake_page(first, buffer), 'a', 200);
	op->nr_keys = ~0u;	/* no more than 64 are looked at */
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), 0);
	ck_assert_uint_eq(snapshots, 65);
	op->keys.p = (void *)8;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), -EFAULT);
	/* When time is up, at each domain; each key does all that it does. */
	memset(fake_page(first, buffer), 'q', 64);
	memset(fake_page(first, buffer) + 62, 'a', 2);
	op->keys.p = (void *)fake_va(buffer);
	fake_machine.preempt = true;
	fake_machine.continued = 0;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), 0);
	fake_machine.preempt = false;
	ck_assert_uint_eq(fake_machine.continued, 62 * (domain_count() + 1) + 2);
	ck_assert_uint_eq(snapshots, 67);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ctl_ops");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, guest_gets_nothing);
	tcase_add_test(tc, control_sessions);
	tcase_add_test(tc, first_gets_what_is_there);
	tcase_add_test(tc, first_has_id_0);
	tcase_add_test(tc, domain_info);
	tcase_add_test(tc, domain_info_next);
	tcase_add_test(tc, vcpu_info);
	tcase_add_test(tc, affinity);
	tcase_add_test(tc, domain_list);
	tcase_add_test(tc, machine);
	tcase_add_test(tc, topology);
	tcase_add_test(tc, pools);
	tcase_add_test(tc, read_console);
	tcase_add_test(tc, keys);
	tcase_add_test(tc, pause);
	tcase_add_test(tc, triggers);
	tcase_add_test(tc, own_quota_grows);
	tcase_add_test(tc, shut_stays);
	tcase_add_loop_test(tc, shut_is_told_beside_a_death, 0, 2);
	tcase_add_test(tc, shut_ends_untold);
	tcase_add_test(tc, shut_goes);
	tcase_add_test(tc, built_at_the_end);
	tcase_add_test(tc, destroy);
	return suite_run();
}
