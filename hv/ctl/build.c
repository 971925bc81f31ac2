/* SPDX-License-Identifier: MIT */
/*
 * The domain builder: a 64-bit PV guest as Xen's tools start it.
 *
 * Pseudo-physical layout, pfn 0 at the image's VIRT_BASE:
 *   image | initrd | p2m list | start_info | store | console | tables | stack |
 *   slack
 * all mapped writable (tables read-only), up to a 4 MiB boundary with at least
 * 512 KiB of slack.  An image may ask for the p2m list at an address that it
 * chooses (INIT_P2M) and for the initrd by pfn (MOD_START_PFN).  Their pages
 * then come behind the slack; the initrd's come below the image if there is
 * room (Linux leaves 15 MiB).  The tables are then validated and pinned like
 * any guest's.
 */
#include <port.h>
#include <errno.h>

#include <xen/io/console.h>

#include "ctl/build.h"
#include "ctl/elf.h"
#include "ctl/lives.h"
#include "ctl/ptbuild.h"
#include "debug/log.h"
#include "dom/console.h"
#include "dom/die.h"
#include "dom/evtchn.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "dom/store.h"
#include "dom/wallclock.h"
#include "lib/fmt.h"
#include "mm/firmware.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "offer/mode.h"
#include "pv/hypercall.h"
#include "pv/memory.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "sharing/holds.h"
#include "x86/guestcopy.h"

_Static_assert(CONFIG_VCPUS_MAX == MAX_VCPUS, "what the list may ask for");

#define SLACK_BYTES	(512UL << 10)
#define MAP_ALIGN	(4UL << 20)
/* kernels expect a PC's holes in the first MiB */
#define LOW_FIRST	0x100
#define ACPI_ROOT_AT	0x500		/* behind a BIOS's data */
#define INIT_CHUNK_ORDER MEMORY_ORDER_MAX

struct build {
	struct domain *d;
	const struct domain_config *config;
	struct elf_image image;
	uint64_t pages, begun_ns;
	uint32_t *p2m;			/* ptbuild_mfn(), while building */
	unsigned int p2m_order;
	uint64_t initrd_bytes;

	/* layout, in pfns */
	pfn_t initrd, list, start_info, store, console, tables, stack, end;
	uint64_t list_pages, table_count;
	struct ptbuild_range ranges[2];
	unsigned int range_count;
	/* the build failed for want of frames */
	bool no_memory;
	char why[200];
};

#define FAIL(b, ...) \
	(fmt_snprintf((b)->why, sizeof((b)->why), __VA_ARGS__), false)
#define FAIL_MEMORY(b, ...) \
	((b)->no_memory = true, FAIL(b, __VA_ARGS__))

/* Pages of domains that are planned and not yet built. */
static uint64_t planned_pages;

void build_plan(const struct domain_config *config)
{
	planned_pages += config->count * (config->memory_bytes / PAGE_SIZE);
}

/*
 * The share budget in pages: what the domain list asks for.  If it asks for
 * nothing: with overcommit=on, as many as the domain has; else the domain's
 * part of the memory that stays unpromised once all planned domains are built,
 * and no more than the domain has.
 */
static uint64_t share_budget(const struct domain_config *c, uint64_t pages)
{
	uint64_t others = MAX(planned_pages, pages);
	uint64_t needed = others +
			  domain_metadata(2 * pages, c->vcpus) *
			  (others / pages + 1);
	uint64_t left = domain_promise_left();
	uint64_t spare = left > needed ? left - needed : 0;
	uint64_t part = spare * pages / others;

	planned_pages -= MIN(planned_pages, pages);
	if (c->share_budget != ~0UL)
		return c->share_budget;
	return domain_overcommit() ? pages : MIN(pages, part);
}

/* --- layout --- */

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static uint64_t pfn_va(const struct build *b, pfn_t pfn)
{
	return b->image.virt_base + pfn_n(pfn) * PAGE_SIZE;
}

/*
 * The first pfn behind the mapped part, if there are `tables` page tables
 * before stack and slack.
 */
static pfn_t mapped_end(const struct build *b, uint64_t tables)
{
	uint64_t va = pfn_va(b, pfn_add(b->tables, tables + 1)) + SLACK_BYTES;
	uint64_t end = (ALIGN_UP(va, MAP_ALIGN) - b->image.virt_base) / PAGE_SIZE;

	return PFN(MIN(end, b->pages));
}

static void ranges_set(struct build *b, pfn_t end)
{
	struct ptbuild_range kernel = { b->image.virt_base, PFN(0), pfn_n(end) };
	struct ptbuild_range list = { b->image.init_p2m, b->list,
				      b->list_pages };

	b->range_count = 0;
	if (b->image.init_p2m && list.va < kernel.va)
		b->ranges[b->range_count++] = list;
	b->ranges[b->range_count++] = kernel;
	if (b->image.init_p2m && list.va >= kernel.va)
		b->ranges[b->range_count++] = list;
}

/*
 * The tables lie in the part that they map, so one more table may need yet
 * another: count again until the number stays the same.  It never shrinks.
 */
static void tables_layout(struct build *b)
{
	uint64_t count = 0, next = 1;

	while (next != count) {
		count = next;
		b->end = mapped_end(b, count);
		ranges_set(b, b->end);
		next = MAX(count, ptbuild_count(b->ranges, b->range_count));
	}
	b->table_count = count;
	b->stack = pfn_add(b->tables, count);
}

/*
 * Place what the image finds by pfn, and return the first pfn behind all.  The
 * initrd goes below the image where there is room.  The p2m list must not:
 * Linux takes the list's pfn for the end of what the kernel's mapping holds.
 */
static pfn_t place_by_pfn(struct build *b)
{
	uint64_t image = (b->image.first_va - b->image.virt_base) / PAGE_SIZE;
	uint64_t initrd_pages = pages_of(b->initrd_bytes);
	pfn_t behind = pfn_add(b->stack, 1 + SLACK_BYTES / PAGE_SIZE);

	if (b->image.init_p2m) {
		b->list = behind;
		behind = pfn_add(behind, b->list_pages);
	}
	if (b->image.mod_start_pfn && LOW_FIRST + initrd_pages <= image) {
		b->initrd = PFN(LOW_FIRST);
	} else if (b->image.mod_start_pfn) {
		b->initrd = behind;
		behind = pfn_add(behind, initrd_pages);
	}
	return behind;
}

/* No range wraps around, enters the hypervisor's part or overlaps the other. */
static bool ranges_ok(const struct build *b)
{
	const struct ptbuild_range *r = b->ranges, *last = r;

	for (; r < b->ranges + b->range_count; last = r++) {
		if (!guest_range_ok(r->va, r->pages * PAGE_SIZE))
			return false;
		if (r > last && last->va + last->pages * PAGE_SIZE > r->va)
			return false;
	}
	return true;
}

static bool layout(struct build *b)
{
	const struct elf_image *img = &b->image;
	pfn_t at = PFN(pages_of(img->end_va - img->virt_base)), behind;

	b->list_pages = pages_of(b->pages * sizeof(uint64_t));
	if (!img->mod_start_pfn) {
		b->initrd = at;
		at = pfn_add(at, pages_of(b->initrd_bytes));
	}
	if (!img->init_p2m) {
		b->list = at;
		at = pfn_add(at, b->list_pages);
	}
	b->start_info = at;
	b->store = pfn_add(at, 1);
	b->console = pfn_add(at, 2);
	b->tables = pfn_add(at, 3);
	/* sizes only: ranges_set() below knows the pfn of the list */
	tables_layout(b);
	behind = place_by_pfn(b);
	ranges_set(b, b->end);
	if (pfn_n(behind) > b->pages)
		return FAIL(b, "%lu KiB of memory are too little: kernel, initial RAM disk and tables need %lu KiB",
			    b->pages * 4, pfn_n(behind) * 4);
	if (!ranges_ok(b))
		return FAIL(b, "kernel at %lx and p2m list at %lx do not fit the address space",
			    img->virt_base, img->init_p2m);
	return true;
}

/* --- memory --- */

static bool memory_alloc(struct build *b)
{
	unsigned int order = INIT_CHUNK_ORDER;
	uint64_t pfn = 0, i;

	while (pfn < b->pages) {
		mfn_t mfn;

		while (1UL << order > b->pages - pfn)
			order--;
		mfn = domain_pages_prepare(b->d, order);
		if (mfn_eq(mfn, INVALID_MFN) && order-- == 0)
			return FAIL_MEMORY(b, "out of memory");
		if (mfn_eq(mfn, INVALID_MFN))
			continue;
		if (memory_name_pages(b->d, mfn, PFN(pfn), order)) {
			domain_pages_cancel(b->d, mfn, order);
			return FAIL_MEMORY(b, "no memory for the M2P");
		}
		domain_pages_publish(b->d, mfn, order);
		for (i = 0; i < 1UL << order; i++)
			b->p2m[pfn++] = mfn_n(mfn) + i;
	}
	return true;
}

static mfn_t pfn_mfn(const struct build *b, pfn_t pfn)
{
	return ptbuild_mfn(b->p2m, pfn);
}

static void *pfn_page(const struct build *b, pfn_t pfn)
{
	return mfn_to_virt(pfn_mfn(b, pfn));
}

/* Copy into pseudo-physical memory. */
static void put_bytes(struct build *b, uint64_t paddr, const void *src,
		      uint64_t bytes)
{
	const uint8_t *from = src;

	while (bytes) {
		uint64_t in_page = paddr & ~PAGE_MASK;
		uint64_t n = MIN(bytes, PAGE_SIZE - in_page);
		uint8_t *page = pfn_page(b, PFN(paddr / PAGE_SIZE));

		memcpy(page + in_page, from, n);
		paddr += n;
		from += n;
		bytes -= n;
	}
}

static void image_load(struct build *b)
{
	const uint8_t *file = maddr_to_virt(b->config->kernel->start);
	const struct elf_image *img = &b->image;
	unsigned int i;

	for (i = 0; i < img->segment_count; i++) {
		const struct elf_segment *s = &img->segments[i];

		put_bytes(b, elf_va(img, s->paddr) - img->virt_base,
			  file + s->file_offset, s->file_bytes);
	}
	if (img->hypercall_page)
		hypercall_page_fill(pfn_page(b, PFN((img->hypercall_page -
						 img->virt_base) / PAGE_SIZE)));
}

static void initrd_load(struct build *b)
{
	uint64_t at = pfn_n(b->initrd) * PAGE_SIZE;
	uint32_t i;

	for (i = 0; i < b->config->module_count; i++) {
		const struct boot_module *m = b->config->modules[i];

		put_bytes(b, at, maddr_to_virt(m->start), m->bytes);
		/* cpio archives start aligned */
		at += ALIGN_UP(m->bytes, 4);
	}
}

static void list_write(struct build *b)
{
	uint64_t i;

	for (i = 0; i < b->list_pages * (PAGE_SIZE / 8); i++) {
		mfn_t mfn = i < b->pages ? pfn_mfn(b, PFN(i)) : INVALID_MFN;
		uint64_t *page = pfn_page(b, pfn_add(b->list, i / (PAGE_SIZE / 8)));

		page[i % (PAGE_SIZE / 8)] = mfn_n(mfn);
	}
}

/* --- what the guest is told --- */

/*
 * A kernel without firmware of its own looks for ACPI's root where a BIOS puts
 * it: in the extended data area, which the BIOS's data area names.  What the
 * first domain has there is its own memory; and a machine with UEFI has its
 * root anywhere, and tells none but the loader.
 */
static void acpi_root_put(struct build *b)
{
	const struct domain_config *c = b->config;
	uint16_t segment = ACPI_ROOT_AT >> 4;

	if (!c->acpi_root || b->image.first_va - b->image.virt_base < LOW_FIRST * PAGE_SIZE)
		return;
	put_bytes(b, BIOS_EBDA_SEGMENT, &segment, sizeof(segment));
	put_bytes(b, ACPI_ROOT_AT, c->acpi_root, c->acpi_root_bytes);
}

static void start_info_rings(struct build *b, uint32_t console_port,
			     uint32_t store_port)
{
	struct start_info *si = pfn_page(b, b->start_info);

	si->store_mfn = mfn_n(pfn_mfn(b, b->store));
	si->store_evtchn = store_port;
	si->console.domU.mfn = mfn_n(pfn_mfn(b, b->console));
	si->console.domU.evtchn = console_port;
}

static void start_info_write(struct build *b)
{
	struct start_info *si = pfn_page(b, b->start_info);
	bool by_pfn = b->image.mod_start_pfn;

	str_copy(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
	si->nr_pages = b->pages;
	si->shared_info = maddr_n(virt_to_maddr(b->d->shared_info));
	if (b->config->first)
		si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = pfn_va(b, b->tables);
	si->nr_pt_frames = b->table_count;
	si->mfn_list = b->image.init_p2m ? b->image.init_p2m :
					   pfn_va(b, b->list);
	if (b->image.init_p2m) {
		si->first_p2m_pfn = pfn_n(b->list);
		si->nr_p2m_frames = b->list_pages;
	}
	if (b->initrd_bytes) {
		si->mod_start = by_pfn ? pfn_n(b->initrd) : pfn_va(b, b->initrd);
		si->mod_len = b->initrd_bytes;
		si->flags |= by_pfn ? SIF_MOD_START_PFN : 0;
	}
	str_copy((char *)si->cmd_line, sizeof(si->cmd_line),
		 b->config->cmdline);
}

static void shared_info_init(struct domain *d)
{
	struct shared_info *s = d->shared_info;
	unsigned int i;

	for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		s->vcpu_info[i].evtchn_upcall_mask = 1;
	wallclock_fill(s);
}

static void vcpu_init_regs(struct build *b, struct vcpu *v)
{
	v->regs.rip = b->image.entry;
	v->regs.rsp = pfn_va(b, b->stack) + PAGE_SIZE;
	v->regs.rsi = pfn_va(b, b->start_info);
	v->regs.rflags = RFLAGS_IF | RFLAGS_MBS;
	v->regs.cs = SEL_USER_CS64;
	v->regs.ss = SEL_USER_DS;
	v->kernel_mode = true;
	v->kernel_sp = v->regs.rsp;
	v->kernel_ss = SEL_USER_DS;
}

/* Validate in one go: nobody waits for a domain that is being built. */
static int table_get(struct domain *d, mfn_t mfn, unsigned int level)
	needs_lock(&d->mm)
{
	int r;

	while ((r = pttree_get(d, mfn, level)) == -ERESTART)
		while (pttree_work(d) == MORE)
			;
	return r;
}

/*
 * Validate the tree, and take two references: for the pin and for the vCPU's
 * base pointer.
 */
static bool tables_hand_over(struct build *b, struct vcpu *v)
{
	struct domain *d = b->d;
	mfn_t l4 = pfn_mfn(b, b->tables);
	int r;

	spin_lock(&d->mm);
	r = table_get(d, l4, 4);
	if (!r)
		r = pagetype_set_pinned(mfn_to_frame(l4));
	if (!r)
		r = table_get(d, l4, 4);
	if (!r)
		v->kernel_l4 = l4;
	spin_unlock(&d->mm);
	return r ? FAIL(b, "initial page tables refused (%d)", r) : true;
}

/* The first domain serves the others' rings, and has none of its own. */
static bool first_connect(struct build *b)
{
	if (console_init_first(b->d))
		return FAIL_MEMORY(b, "no memory for its console");
	start_info_write(b);
	return true;
}

/* The two rings whose other end we are: console and xenstore. */
static bool rings_connect(struct build *b)
{
	int console = evtchn_bind_console(b->d);
	int store = evtchn_bind_console(b->d);

	if (console < 0 || store < 0 ||
	    console_init(b->d, mfn_to_frame(pfn_mfn(b, b->console)), console) ||
	    store_init(b->d, mfn_to_frame(pfn_mfn(b, b->store)), store))
		return FAIL_MEMORY(b, "no memory for console and store");
	if (b->config->raw_input)
		console_set_raw(b->d);
	start_info_write(b);
	start_info_rings(b, console, store);
	return true;
}

static bool fill(struct build *b)
{
	struct ptbuild pt = { b->p2m, b->tables, b->table_count };
	struct vcpu *v = b->d->vcpu[0];

	image_load(b);
	initrd_load(b);
	acpi_root_put(b);
	list_write(b);
	shared_info_init(b->d);
	ptbuild_fill(&pt, b->ranges, b->range_count);
	if (!(b->config->first ? first_connect(b) : rings_connect(b)))
		return false;
	vcpu_init_regs(b, v);
	return tables_hand_over(b, v);
}

/* --- the whole --- */

void build_name(const struct domain_config *config, uint32_t instance,
		char *name, size_t bytes)
{
	if (config->count > 1)
		fmt_snprintf(name, bytes, "%s%u", config->name, instance + 1);
	else
		str_copy(name, bytes, config->name);
}

static bool create(struct build *b, const char *name)
{
	uint64_t budget = share_budget(b->config, b->pages);
	struct domain *d;

	if (b->config->first)
		d = domain_create_first(name, b->pages, budget, b->config->vcpus);
	else
		d = domain_create(name, b->pages, budget, b->config->vcpus);
	if (!d)
		return FAIL_MEMORY(b, "%lu MiB, with share budget and tables %lu MiB, do not fit: %lu MiB are promised to nobody (give the machine more memory, or use overcommit=on)",
			    b->pages >> 8,
			    (b->pages + budget +
			     domain_metadata(b->pages + budget,
					     b->config->vcpus)) >> 8,
			    domain_promise_left() >> 8);
	b->d = d;
	d->origin.config = b->config;
	d->account.weight = b->config->weight;
	d->account.cap = b->config->cap;
	if (holds_domain_init(d, b->config->group, budget))
		return FAIL_MEMORY(b, "no memory for its sharing state");
	if (b->config->break_first)
		mode_break_first(d);
	return true;
}

static void initrd_measure(struct build *b)
{
	uint32_t i;

	for (i = 0; i < b->config->module_count; i++) {
		b->initrd_bytes = ALIGN_UP(b->initrd_bytes, 4);
		b->initrd_bytes += b->config->modules[i]->bytes;
	}
}

static bool build(struct build *b, const char *name)
{
	const struct boot_module *k = b->config->kernel;

	if (!elf_parse(maddr_to_virt(k->start), k->bytes, &b->image, b->why,
		       sizeof(b->why)))
		return false;
	b->pages = b->config->memory_bytes / PAGE_SIZE;
	initrd_measure(b);
	if (!layout(b) || !create(b, name))
		return false;
	while ((PAGE_SIZE << b->p2m_order) < b->pages * sizeof(b->p2m[0]))
		b->p2m_order++;
	b->p2m = palloc_hv(b->p2m_order);
	if (!b->p2m)
		return FAIL_MEMORY(b, "out of memory");
	return memory_alloc(b) && fill(b);
}

static void start(struct build *b, uint32_t instance, uint32_t generation)
{
	struct domain *d = b->d;

	d->origin.instance = instance;
	d->origin.generation = generation;
	d->origin.again = generation < b->config->repeat;
	if (b->config->first)
		domain_keep_shut(true);
	log_stat("@dom id=%u name=%s group=%s state=created pages=%lu budget=%lu build_us=%lu%s%s",
		 d->id, d->name, d->sharing.group_name, b->pages, d->sharing.budget,
		 (now_ns() - b->begun_ns) / 1000,
		 b->config->part ? " part=" : "", b->config->part ?: "");
	domain_hold(d);
	domain_start(d);
	/* Whoever ended the others may have passed by before. */
	if (lives_ending())
		domain_end(d);
	domain_put(d);
}

static void give_up(struct build *b)
{
	if (!b->d)
		return;
	b->d->origin.config = NULL;	/* never ran: its end is not reported */
	domain_abandon(b->d);
}

/* Build it and let it run, or give it up; quiet: nothing is logged then. */
static struct domain *build_with(struct build *b, uint32_t instance,
				 uint32_t generation, bool quiet)
{
	struct domain *d = NULL;
	char name[DOMAIN_NAME_MAX];

	b->begun_ns = now_ns();
	build_name(b->config, instance, name, sizeof(name));
	if (build(b, name))
		d = b->d;
	if (b->p2m)
		palloc_hv_free(b->p2m, b->p2m_order);
	if (d)
		start(b, instance, generation);
	else
		give_up(b);
	if (!d && !(quiet && b->no_memory))
		log_error("domain %s (kernel %s): %s", name,
			  b->config->kernel->name, b->why);
	return d;
}

struct domain *build_domain_try(const struct domain_config *config,
				uint32_t instance, uint32_t generation,
				bool *no_memory)
{
	struct build *b = obj_alloc(sizeof(*b));
	struct domain *d;

	*no_memory = !b;
	if (!b)
		return NULL;
	b->config = config;
	d = build_with(b, instance, generation, domain_overcommit());
	*no_memory = b->no_memory;
	obj_free(b, sizeof(*b));
	return d;
}

struct domain *build_domain_told(const struct domain_config *config,
				 uint32_t instance, char *why, size_t bytes)
{
	struct build *b = obj_alloc(sizeof(*b));
	struct domain *d;

	if (!b) {
		str_copy(why, bytes, "out of memory");
		return NULL;
	}
	b->config = config;
	d = build_with(b, instance, config->repeat, false);
	if (!d)
		str_copy(why, bytes, b->why);
	obj_free(b, sizeof(*b));
	return d;
}

struct domain *build_domain(const struct domain_config *config,
			    uint32_t instance, uint32_t generation)
{
	bool no_memory;

	return build_domain_try(config, instance, generation, &no_memory);
}
