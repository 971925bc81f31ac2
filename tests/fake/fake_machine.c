/* SPDX-License-Identifier: MIT */
/* See fake_machine.h. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include <xen/elfnote.h>
#include <xen/sched.h>

#include "boot/config.h"
#include "dom/console.h"
#include "dom/store.h"
#include "dom/evtchn.h"
#include "dom/grant.h"
#include "dom/sched.h"
#include "fake/fake_machine.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "mm/ram.h"
#include "pv/ptcheck.h"
#include "pv/sharehooks.h"
#include "pv/xencomm.h"
#include "sharing/sharing.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"
#include "x86/vecregs.h"

#define PF_PRESENT_WRITE 3u

struct fake_machine fake_machine;
static struct domain *domains[8];
static struct domain_config configs[8];
static struct boot_module kernel;
static uint64_t free_before;
static mfn_t zero_mfn;

/* --- what the CPU and the layers beside do --- */

maddr_t cpu_idle_cr3;
struct boot_options boot_options;

static void flushed(uint64_t mask)
{
	fake_machine.flushes++;
	fake_machine.flushed |= mask;
	if (fake_machine.on_flush)
		fake_machine.on_flush();
}

void tlb_flush_local(void) { flushed(FAKE_FLUSH_LOCAL); }
void tlb_flush_page_local(uint64_t va) { flushed(FAKE_FLUSH_LOCAL); }
void tlb_flush_mask(uint64_t mask) { flushed(mask); }
void tlb_flush_page_mask(uint64_t mask, uint64_t va) { flushed(mask); }
void tlb_load_cr3(maddr_t cr3) { flushed(FAKE_FLUSH_CR3); }
void gdt_set_ldt(uint64_t base, unsigned int entries) { }
void lapic_send_ipi(unsigned int cpu, enum vector vector) { }
void wallclock_fill(struct shared_info *s) { s->wc_sec = 1234567890; }
void hypercall_page_fill(void *page) { memset(page, 0xc3, PAGE_SIZE); }
bool sched_preempt_pending(void) { return fake_machine.preempt; }
void sched_yield_cpu(struct vcpu *v) { }
void sched_offline(struct vcpu *v) { v->run = RUN_OFFLINE; }
void sched_online(struct vcpu *v) { v->run = RUN_RUNNABLE; }
void sched_hurry(const struct vcpu *v) { }
bool sched_is_up(const struct vcpu *v) { return v->run != RUN_OFFLINE; }
void timer_cancel(struct timer *t) { }
int evtchn_init(struct domain *d)
{
	d->ports = obj_alloc(PAGE_SIZE);
	return d->ports ? 0 : -ENOMEM;
}
bool evtchn_reap(struct domain *d)
{
	obj_free(d->ports, PAGE_SIZE);
	d->ports = NULL;
	return false;
}
void evtchn_fini(struct domain *d) { (void)!evtchn_reap(d); }
int evtchn_bind_console(struct domain *d) { return 1; }
int console_init(struct domain *d, struct frame *f, uint32_t port)
{
	return 0;
}
void console_fini(struct domain *d) { }
void console_set_raw(struct domain *d) { }
struct frame *console_ring_frame(const struct domain *d) { return NULL; }
struct frame *store_ring_frame(const struct domain *d) { return NULL; }
int store_init(struct domain *d, struct frame *f, uint32_t port) { return 0; }
void store_fini(struct domain *d) { }
mfn_t vcpu_zero_page_mfn(void) { return zero_mfn; }
uint64_t vcpu_guest_cpus = 1;
uint64_t now_ns(void)
{
	static uint64_t now;

	return now += fake_machine.slow ? 1000000 : 1000;
}

/* The registers are free here; but who takes them gives them back. */
static enum vec_width vec_taken;
enum vec_width vec_widest(void) { return VEC_XMM; }
void vec_take(struct vec_saved *s, enum vec_width w)
{
	CHECK(!vec_taken && w);
	vec_taken = w;
}
void vec_give(const struct vec_saved *s, enum vec_width w)
{
	CHECK(vec_taken == w);
	vec_taken = VEC_NONE;
}
uint64_t tsc_read(void)
{
	static uint64_t tsc;

	return __atomic_add_fetch(&tsc, 1, __ATOMIC_RELAXED);
}

struct vcpu *vcpu_create(struct domain *d, uint32_t id)
{
	struct vcpu *v = obj_alloc(sizeof(*v));

	if (!v)
		return NULL;
	v->domain = d;
	v->kernel_l4 = v->user_l4 = INVALID_MFN;
	v->id = id;
	for (unsigned int i = 0; i < PERDOM_VCPU_PAGES; i++)
		*m2p_perdom_pte(&d->m2p, id * PERDOM_VCPU_PAGES + i) =
			pte_make(vcpu_zero_page_mfn(), PTE_P | PTE_A);
	v->info = &d->shared_info->vcpu_info[id];
	return v;
}

void vcpu_free(struct vcpu *v)
{
	obj_free(v, sizeof(*v));
}

bool domain_gone(struct domain *d)
{
	fake_machine.gone++;
	return d->config && d->generation < d->config->repeat;
}

void domain_rebuild(const struct domain_config *config, uint32_t instance,
		    uint32_t generation)
{
	fake_machine.rebuilds++;
}

/* --- guest memory through guest page tables --- */

bool guest_range_ok(uint64_t va, uint64_t bytes)
{
	uint64_t last = va + bytes - (bytes != 0);

	if (last < va || !va_is_canonical(va) || !va_is_canonical(last))
		return false;
	if (va < HV_VIRT_START && last >= HV_VIRT_START)
		return false;
	return last < HV_VIRT_START || va >= HV_VIRT_END;
}

bool guest_arg_ok(uint64_t address, uint64_t bytes)
{
	return guest_range_ok(address, bytes) ||
	       guestref_range_ok(address, bytes);
}

static uint8_t *guest_byte(uint64_t va, bool write)
{
	struct vcpu *v = current_vcpu();
	pte_t *pte;

	if (!guest_range_ok(va, 1))
		return NULL;
	pte = ptcheck_walk(v->domain, v->kernel_l4, va);
	if (!pte || !(*pte & PTE_P))
		return NULL;
	/* As the page fault of a copy: once more if it was cured. */
	if (write && !(*pte & PTE_RW) &&
	    !(guest_access_fault(va, PF_PRESENT_WRITE) && (*pte & PTE_RW)))
		return NULL;
	return (uint8_t *)mfn_to_virt(pte_mfn(*pte)) + (va & ~PAGE_MASK);
}

int copy_from_guest(void *dst, uint64_t src, size_t bytes)
{
	if (!guest_range_ok(src, bytes))
		return guestref_copy(src, dst, bytes, false);
	for (size_t i = 0; i < bytes; i++) {
		uint8_t *at = guest_byte(src + i, false);

		if (!at)
			return -EFAULT;
		((uint8_t *)dst)[i] = *at;
	}
	return 0;
}

int copy_to_guest(uint64_t dst, const void *src, size_t bytes)
{
	if (!guest_range_ok(dst, bytes))
		return guestref_copy(dst, (void *)(uintptr_t)src, bytes, true);
	for (size_t i = 0; i < bytes; i++) {
		uint8_t *at = guest_byte(dst + i, true);

		if (!at)
			return -EFAULT;
		*at = ((const uint8_t *)src)[i];
	}
	return 0;
}

int clear_guest(uint64_t dst, size_t bytes)
{
	static const uint8_t zeros[PAGE_SIZE];

	return copy_to_guest(dst, zeros, bytes);
}

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
	struct image *i = mfn_to_virt(FAKE_MODULES);

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
	kernel.start = FAKE_MODULES << PAGE_SHIFT;
	kernel.bytes = sizeof(*i);
	return &kernel;
}

/* --- the machine --- */

void fake_machine_start(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	fake_ram_start();
	cpu_idle_cr3 = virt_to_maddr(palloc_hv(0));
	zero_mfn = virt_to_mfn(palloc_hv(0));
	sharing_init();
	free_before = palloc_free_count();
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
		.vcpus = fake_machine.vcpus ?: 1,
	};
	str_copy(configs[i].group, sizeof(configs[i].group), group);
	d = build_domain(&configs[i], 0, 1);
	if (!d)
		return NULL;
	domains[i] = d;
	fake_run(d);
	return d;
}

void fake_run(struct domain *d)
{
	struct vcpu *old = current_vcpu();

	if (old)
		old->domain->cpu_mask = 0;
	this_cpu()->current = d ? d->vcpu[0] : NULL;
	if (d)
		d->cpu_mask = 1;
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
	domain_shutdown(d, SHUTDOWN_poweroff);
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

	while (ptcheck_work_left(d))
		(void)pv_domain_settle(d);
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

/* --- recount --- */

static uint32_t refs[FAKE_FRAMES], types[FAKE_FRAMES];
static uint32_t grant_entries;		/* page-table entries of the domain at hand that are grants */
static uint32_t links_in[FAKE_FRAMES], links_out[FAKE_FRAMES];

static void expect_use(mfn_t mfn, bool typed)
{
	refs[mfn]++;
	types[mfn] += typed;
}

/* 1 .. 4 for tables, else 0. */
static unsigned int fake_level(mfn_t mfn)
{
	unsigned int class = type_class(mfn_to_frame(mfn)->type);

	return class >= CLASS_L1 && class <= CLASS_L4 ? class - CLASS_L1 + 1 : 0;
}

/* Entry e of `table`, a table of `level`, names another of its level (seed 003). */
static void count_link(mfn_t table, pte_t e)
{
	mfn_t mfn = pte_mfn(e);

	ck_assert(!(e & PTE_RW));
	refs[mfn]++;
	if (mfn == table)
		return;
	links_in[mfn]++;
	links_out[table]++;
}

static void count_entry(struct domain *d, mfn_t table, unsigned int level,
			pte_t e)
{
	mfn_t mfn = pte_mfn(e);

	if (!(e & PTE_P))
		return;
	ck_assert(frame_valid(mfn));
	ck_assert(e & PTE_US);
	if (fake_kind(mfn) == FRAME_SHARED) {
		ck_assert_uint_eq(level, 1);
		ck_assert(!(e & PTE_RW));
		refs[mfn]++;
		return;
	}
	ck_assert(!(e & PTE_AVL_SHARED));
	if (e & PTE_AVL_GRANT) {	/* V5: its handle holds */
		grant_entries++;
		return;
	}
	ck_assert_uint_eq(frame_state_owner(mfn_to_frame(mfn)->state), d->id);
	if (level > 1 && fake_level(mfn) == level)
		count_link(table, e);
	else
		expect_use(mfn, level > 1 || (e & PTE_RW));
}

static void count_page(struct domain *d, mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);
	unsigned int level = fake_level(mfn), slot;
	const pte_t *table = mfn_to_virt(mfn);

	/* I7: nothing is half-way outside of a call. */
	ck_assert(!(f->type & (TYPE_PARTIAL | TYPE_CHILD | TYPE_DONE_MASK)));

	if (f->state & FRAME_ALLOCATED)
		refs[mfn]++;
	if (f->type & TYPE_PINNED)
		expect_use(mfn, true);
	if (!level || !(f->type & TYPE_VALIDATED))
		return;
	for (slot = 0; slot < PT_SLOTS; slot++)
		if (level < 4 || slot < HV_FIRST_SLOT || slot > HV_LAST_SLOT)
			count_entry(d, mfn, level, table[slot]);
}

static void count_handles(struct domain *d)
{
	uint32_t n, hosts = 0;

	for (n = 0; n < d->grant->handle_count; n++) {
		const struct grant_handle *h = grant_handle_get(d, n);

		if (h && (h->kinds & GRANT_HOST)) {
			expect_use(h->mfn, h->writable);
			hosts++;
		}
		if (h && (h->kinds & GRANT_DEVICE))
			expect_use(h->mfn, h->writable);
	}
	ck_assert_msg(hosts == grant_entries,
		      "I16: d%u has %u host handles, %u entries", d->id, hosts,
		      grant_entries);
}

static void count_list(struct domain *d, uint32_t mfn)
{
	for (; mfn; mfn = mfn_to_frame(mfn)->next)
		count_page(d, mfn);
}

static void count_registered(mfn_t mfn, void *arg)
{
	expect_use(mfn, true);
}

static void count_vcpu(struct vcpu *v)
{
	unsigned int i;

	/* A result that waits for who asked holds a use (W3). */
	if (v->pt_result.state == PT_VALIDATED)
		expect_use(v->pt_result.root, true);
	if (v->kernel_l4 != INVALID_MFN)
		expect_use(v->kernel_l4, true);
	if (v->user_l4 != INVALID_MFN)
		expect_use(v->user_l4, true);
	for (i = 0; i < GDT_FRAMES_MAX; i++)
		if (v->gdt_frames[i])
			expect_use(v->gdt_frames[i], true);
	for (i = 0; i < LDT_FRAMES_MAX; i++)
		if (v->ldt_frames[i])
			expect_use(v->ldt_frames[i], true);
}

static void count_domain(struct domain *d, void *arg)
{
	ck_assert(!ptcheck_work_left(d));
	grant_entries = 0;
	count_list(d, d->page_list);
	count_list(d, d->page_list_left);
	count_handles(d);
	(void)xencomm_frames(d, count_registered, NULL);
	for (uint32_t i = 0; i < d->vcpu_count; i++)
		count_vcpu(d->vcpu[i]);
}

static void compare(mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	enum frame_kind kind = fake_kind(mfn);

	if (kind != FRAME_OWNED && kind != FRAME_SHARED && kind != FRAME_HEAP)
		return;
	ck_assert_msg(fake_ref(mfn) == refs[mfn], "I3: %lx: %u, recount %u",
		      (long)mfn, fake_ref(mfn), refs[mfn]);
	if (kind == FRAME_SHARED)
		return;
	ck_assert_msg(type_linear_in(f->type) == links_in[mfn] &&
		      type_linear_out(f->type) == links_out[mfn],
		      "I6: %lx: linear %u in %u out, recount %u %u", (long)mfn,
		      type_linear_in(f->type), type_linear_out(f->type),
		      links_in[mfn], links_out[mfn]);
	ck_assert_msg(type_count(f->type) == types[mfn],
		      "I4: %lx (%s): %u, recount %u", (long)mfn,
		      page_class_name(type_class(f->type)),
		      type_count(f->type), types[mfn]);
}

void fake_recount(void)
{
	unsigned int i;
	mfn_t mfn;

	reclaim_flush_all();
	memset(refs, 0, sizeof(refs));
	memset(types, 0, sizeof(types));
	memset(links_in, 0, sizeof(links_in));
	memset(links_out, 0, sizeof(links_out));
	domain_for_each(count_domain, NULL);
	for (i = 0; i < ram_range_count; i++)
		for (mfn = ram_ranges[i].first; mfn < ram_ranges[i].end; mfn++)
			compare(mfn);
}

void fake_check(void)
{
	uint64_t cross;

	fake_recount();
	ck_assert_uint_eq(sharing_audit(&cross), 0);
	ck_assert_uint_eq(cross, 0);
	if (!domain_count())
		ck_assert_uint_eq(palloc_free_count(), free_before);
}
