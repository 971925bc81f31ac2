/* SPDX-License-Identifier: MIT */
/* See fake_machine.h. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <port.h>

#include <xen/elfnote.h>
#include <xen/sched.h>

#include "audit/audit.h"
#include "ctl/build.h"
#include "ctl/config.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "fake/fake_machine.h"
#include "mm/framepool.h"
#include "mm/palloc.h"
#include "offer/chunk.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "sharing/sharing.h"
#include "x86/tlb.h"

struct fake_machine fake_machine;
static struct domain *domains[8];
static struct domain_config configs[8];
static struct boot_module kernel;
static uint64_t free_before;
static mfn_t zero_mfn;

mfn_t vcpu_zero_page_mfn(void) { return zero_mfn; }

/* --- a small kernel image, in reserved RAM --- */

struct image {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	struct { uint32_t type, flags; uint64_t offset, va, pa, filesz,
		 memsz, align; } ph[2];
	struct { uint32_t namesz, descsz, type; char name[4];
		 uint64_t desc; } note;
	uint8_t code[64];
};

const struct boot_module *fake_kernel(void)
{
	struct image *i = mfn_to_virt(MFN(FAKE_MODULES));

	if (kernel.bytes)
		return &kernel;
	*i = (struct image){
		.ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
		.type = 2, .machine = 62, .version = 1,
		.entry = FAKE_BASE + 0x1000, .phentsize = 56, .phnum = 2,
		.phoff = offsetof(struct image, ph),
		.ph = { { 1, 7, offsetof(struct image, code), 0, 0x1000,
			  sizeof(i->code), 0x2000, 0x1000 },
			{ 4, 4, offsetof(struct image, note), 0, 0,
			  sizeof(i->note), 0, 4 } },
		.note = { 4, 8, XEN_ELFNOTE_VIRT_BASE, "Xen", FAKE_BASE },
		.code = { 0x90, 0x90 },
	};
	str_copy(kernel.name, sizeof(kernel.name), "fake");
	kernel.start = MADDR(FAKE_MODULES << PAGE_SHIFT);
	kernel.bytes = sizeof(*i);
	return &kernel;
}

/* --- the machine --- */

/* The hypervisor's slots, of which each L4 has a copy (TABLE3). */
static void idle_table_start(void)
{
	pte_t *table = palloc_hv(0);
	unsigned int slot;

	for (slot = HV_FIRST_SLOT; slot <= HV_LAST_SLOT; slot++)
		table[slot] = pte_make(MFN(FAKE_FRAMES + slot), PTE_P | PTE_A);
	cpu_idle_cr3 = virt_to_maddr(table);
}

void fake_machine_start(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	fake_ram_start();
	idle_table_start();
	zero_mfn = virt_to_mfn(palloc_hv(0));
	sharing_init("auto");
	chunk_init();
	free_before = palloc_free_count();
}

/* See unit/suite.h. */
void suite_before(void);
void suite_before(void)
{
	fake_machine_start();
}

struct domain *fake_domain(const char *group, uint64_t budget)
{
	unsigned int i = 0;
	struct domain *d;

	while (domains[i])
		i++;
	configs[i] = (struct domain_config){
		.name = "fake", .count = 1, .repeat = 1,
		.memory_bytes = FAKE_PAGES * PAGE_SIZE,
		.share_budget = budget, .kernel = fake_kernel(),
		.vcpus = fake_machine.vcpus ?: 1, .first = fake_machine.first,
	};
	str_copy(configs[i].group, sizeof(configs[i].group), group);
	d = build_domain(&configs[i], 0, 1);
	if (!d)
		return NULL;
	domains[i] = d;
	fake_run(d);
	return d;
}

struct domain *fake_domain_first(const char *group, uint64_t budget)
{
	struct domain *d;

	fake_machine.first = true;
	d = fake_domain(group, budget);
	fake_machine.first = false;
	return d;
}

void fake_run(struct domain *d)
{
	struct vcpu *old = current_vcpu();

	if (old) {
		old->domain->cpu_mask = 0;
		frame_pool_cpu_leaves(old->domain->sharing.frames, 0);
	}
	this_cpu()->current = d ? d->vcpu[0] : NULL;
	this_cpu()->flushes++;
	if (d) {
		d->cpu_mask = 1;
		frame_pool_cpu_enters(d->sharing.frames, 0);
	}
	reclaim_flush();
}

void fake_run_vcpu(struct domain *d, uint32_t id)
{
	fake_run(d);
	this_cpu()->current = d->vcpu[id];
}

void fake_end(struct domain *d)
{
	unsigned int before = fake_machine.gone, i;

	fake_run(NULL);
	domain_end(d);
	for (i = 0; i < 100000 && fake_machine.gone == before; i++)
		ck_assert(reaper_step());
	ck_assert_uint_eq(fake_machine.gone, before + 1);
	fake_forget(d);
}

void fake_forget(struct domain *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(domains); i++)
		if (domains[i] == d)
			domains[i] = NULL;
}

uint64_t fake_va(uint64_t pfn)
{
	return FAKE_BASE + pfn * PAGE_SIZE;
}

pte_t *fake_pte(struct domain *d, uint64_t pfn)
{
	return ptcheck_walk(d, d->vcpu[0]->kernel_l4, fake_va(pfn));
}

mfn_t fake_mfn(struct domain *d, uint64_t pfn)
{
	return pte_mfn(*fake_pte(d, pfn));
}

uint8_t *fake_page(struct domain *d, uint64_t pfn)
{
	return mfn_to_virt(fake_mfn(d, pfn));
}

uint64_t fake_free_pfn(struct domain *d)
{
	return FAKE_PAGES / 2;	/* behind image, tables and stack */
}

/* The way out of the hypervisor, as far as page tables go. */
static void fake_exit(void)
{
	struct domain *d = current_vcpu()->domain;

	while (pttree_work_left(d))
		(void)pttree_settle(d);
	this_cpu()->pte_steps = 0;
}

long fake_call(hypercall_fn fn, struct hypercall_args args)
{
	long r;

	while ((r = fn(&args)) == -ERESTART) {
		fake_machine.continued++;
		ck_assert_uint_lt(fake_machine.continued, 10000000);
		fake_exit();
	}
	fake_exit();
	return r;
}

/* --- memory runs out --- */

static void *taken;	/* linked by their first words */

void fake_memory_take(unsigned int left)
{
	void *page, *next;

	while ((page = palloc_hv(0))) {
		*(void **)page = taken;
		taken = page;
	}
	for (page = taken; page && left--; page = next) {
		next = *(void **)page;
		taken = next;
		palloc_hv_free(page, 0);
	}
}

void fake_memory_give(void)
{
	void *page;

	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
}

void fake_check(void)
{
	uint64_t cross;

	fake_recount();
	ck_assert_uint_eq(audit_machine(&cross), 0);
	ck_assert_uint_eq(cross, 0);
	if (!domain_count())
		ck_assert_uint_eq(palloc_free_count(), free_before);
}

mfn_t fake_trace(struct domain *d)
{
	spin_lock(&d->mm);
	CHECK(!tracebuf_open(d));
	spin_unlock(&d->mm);
	return virt_to_mfn(d->trace.header);
}
