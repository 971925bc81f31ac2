/* SPDX-License-Identifier: MIT */
/*
 * The pages of the domain: which are free, and the linear map of them all.
 *
 * A bitmap has one bit a pfn, set = in use.  It starts all set; a page becomes
 * free when it is mapped and nobody's: not the image's, nor in one of the
 * builder's areas (start info, page tables, p2m, initial RAM disk, rings).
 * Free pages hold no data of ours, so freeing a shared page does not write to
 * it.
 *
 * The linear map grows 2 MiB at a time: one free page is filled with 512
 * entries and hooked in as an L1 table, which makes 512 more pages available.
 */
#include <gl/console.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/string.h>

#define L1_PAGES	512
#define RANGES_MAX	16
#define FILL_BATCH	64

struct range {
	uint64_t first, end;	/* pfns */
};

extern char gl_image_start[], gl_image_end[];	/* guest.lds */

static struct range builder_ranges[RANGES_MAX];
static unsigned int builder_range_count;
static uint64_t *p2m;
static uint64_t total_pages;	/* constant */

static struct gl_lock lock;	/* for the three below */
static uint64_t *used;		/* the bitmap */
static uint64_t next_pfn;	/* where the next search starts */
static size_t free_pages;

uint64_t gl_pages_total(void)
{
	return total_pages;
}

uint64_t gl_pfn_to_mfn(uint64_t pfn)
{
	return pfn < gl_start_info->nr_pages ?
	       ((uint64_t *)gl_start_info->mfn_list)[pfn] : GL_NO_FRAME;
}

void gl_p2m_set(uint64_t pfn, uint64_t mfn)
{
	if (pfn >= total_pages)
		gl_panic("p2m_set: pfn %lx", pfn);
	__atomic_store_n(&p2m[pfn], mfn, __ATOMIC_RELAXED);
}

uint64_t gl_mfn_to_pfn(uint64_t mfn)
{
	return machine_to_phys_mapping[mfn];
}

/* ---- the bitmap; lock held, or single-threaded at start ---- */

static bool is_used(uint64_t pfn)
{
	return used[pfn / 64] >> (pfn % 64) & 1;
}

static void mark_used(uint64_t pfn)
{
	used[pfn / 64] |= 1UL << (pfn % 64);
	free_pages--;
}

static void mark_free(uint64_t pfn)
{
	if (pfn >= total_pages || !is_used(pfn))
		gl_panic("pfn %lx freed twice", pfn);
	used[pfn / 64] &= ~(1UL << (pfn % 64));
	free_pages++;
}

/* First of `count` free pages in [from, end), or end. */
static uint64_t find_free(uint64_t from, uint64_t end, size_t count)
{
	size_t run = 0;

	for (uint64_t pfn = from; pfn < end; pfn++) {
		if (pfn % 64 == 0 && used[pfn / 64] == ~0UL) {
			pfn += 63;
			run = 0;
		} else if (is_used(pfn)) {
			run = 0;
		} else if (++run == count) {
			return pfn + 1 - count;
		}
	}
	return end;
}

static uint64_t take_pages(size_t count)
{
	uint64_t pfn = find_free(next_pfn, total_pages, count);

	if (pfn == total_pages)
		pfn = find_free(0, total_pages, count);
	if (pfn == total_pages)
		return 0;
	for (size_t i = 0; i < count; i++)
		mark_used(pfn + i);
	next_pfn = pfn + count;
	return gl_pfn_to_virt(pfn);
}

uint64_t gl_pages_alloc(size_t count)
{
	bool on = gl_lock(&lock);
	uint64_t va = count ? take_pages(count) : 0;

	gl_unlock(&lock, on);
	return va;
}

uint64_t gl_page_alloc(void)
{
	return gl_pages_alloc(1);
}

void gl_pages_free(uint64_t va, size_t count)
{
	bool on = gl_lock(&lock);

	for (size_t i = 0; i < count; i++)
		mark_free(gl_virt_to_pfn(va) + i);
	gl_unlock(&lock, on);
}

void gl_page_free(uint64_t va)
{
	gl_pages_free(va, 1);
}

size_t gl_pages_free_count(void)
{
	return __atomic_load_n(&free_pages, __ATOMIC_RELAXED);
}

/* ---- at start ---- */

static void add_range(uint64_t first, uint64_t end)
{
	if (builder_range_count == RANGES_MAX)
		gl_panic("memory: too many ranges");
	builder_ranges[builder_range_count++] = (struct range){ first, end };
}

static void add_bytes(uint64_t va, uint64_t bytes)
{
	add_range(gl_virt_to_pfn(va),
		  gl_virt_to_pfn(va + bytes + GL_PAGE_BYTES - 1));
}

static void add_frame(uint64_t mfn)
{
	uint64_t pfn = gl_mfn_to_pfn(mfn);

	if (pfn < total_pages)
		add_range(pfn, pfn + 1);
}

static void find_builder_ranges(const struct start_info *si)
{
	uint64_t module = si->flags & SIF_MOD_START_PFN ?
			  gl_pfn_to_virt(si->mod_start) : si->mod_start;

	add_range(0, 1);	/* NULL */
	add_bytes((uint64_t)gl_image_start,
		  (uint64_t)(gl_image_end - gl_image_start));
	add_bytes((uint64_t)si, sizeof(*si));
	add_bytes(si->pt_base, si->nr_pt_frames * GL_PAGE_BYTES);
	add_bytes(si->mfn_list, si->nr_pages * sizeof(uint64_t));
	if (si->mod_len)
		add_bytes(module, si->mod_len);
	if (!gl_is_dom0() && si->console.domU.mfn)
		add_frame(si->console.domU.mfn);
	if (!gl_is_dom0() && si->store_mfn)
		add_frame(si->store_mfn);
}

/* The range that holds pfn, or NULL. */
static const struct range *range_of(uint64_t pfn)
{
	for (unsigned int i = 0; i < builder_range_count; i++)
		if (pfn >= builder_ranges[i].first && pfn < builder_ranges[i].end)
			return &builder_ranges[i];
	return NULL;
}

static bool is_mapped(uint64_t pfn)
{
	return gl_pte_read(gl_pfn_to_virt(pfn)) & GL_PTE_PRESENT;
}

/* Space for the bitmap itself, before there is one. */
static uint64_t find_hole(uint64_t count)
{
	uint64_t run = 0;

	for (uint64_t pfn = 1; pfn < total_pages && is_mapped(pfn); pfn++) {
		run = range_of(pfn) ? 0 : run + 1;
		if (run == count)
			return pfn + 1 - count;
	}
	gl_panic("memory: no room for the page bitmap");
}

static void make_bitmap(void)
{
	uint64_t bytes = (total_pages + 63) / 64 * 8;
	uint64_t pages = (bytes + GL_PAGE_BYTES - 1) / GL_PAGE_BYTES;
	uint64_t pfn = find_hole(pages);

	add_range(pfn, pfn + pages);
	used = (uint64_t *)gl_pfn_to_virt(pfn);
	memset(used, 0xff, pages * GL_PAGE_BYTES);
}

static uint64_t linear_pte(uint64_t pfn)
{
	uint64_t mfn = pfn < total_pages ? p2m[pfn] : GL_NO_FRAME;

	return mfn == GL_NO_FRAME ? 0 : mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL;
}

static void map_missing(struct mmu_update *batch, unsigned int count)
{
	long rc = count ? hypercall_mmu_update(batch, count, NULL, DOMID_SELF) :
		  0;

	if (rc)
		gl_panic("memory: linear map refused: %ld", rc);
}

/* Add the entries that the builder left out of its own L1 table. */
static void complete_l1(uint64_t first, const uint64_t *l1)
{
	struct mmu_update batch[FILL_BATCH];
	unsigned int n = 0;

	for (uint64_t i = 0; i < L1_PAGES && first + i < total_pages; i++) {
		uint64_t pte = linear_pte(first + i);

		if ((l1[i] & GL_PTE_PRESENT) || !pte)
			continue;
		batch[n++] = (struct mmu_update){
			gl_pte_maddr(gl_pfn_to_virt(first + i)), pte,
		};
		if (n == FILL_BATCH) {
			map_missing(batch, n);
			n = 0;
		}
	}
	map_missing(batch, n);
}

static void new_l1(uint64_t first)
{
	uint64_t va = gl_page_alloc(), *l1 = (uint64_t *)va;
	long rc;

	if (!va)
		gl_panic("memory: no page for a page table");
	for (uint64_t i = 0; i < L1_PAGES; i++)
		l1[i] = linear_pte(first + i);
	rc = gl_l1_install(gl_pfn_to_virt(first), va);
	if (rc)
		gl_panic("memory: page table refused: %ld", rc);
}

/* Free the pages in [first, first + 512) that are mapped and nobody's. */
static void free_span(uint64_t first)
{
	for (uint64_t pfn = first;
	     pfn < first + L1_PAGES && pfn < total_pages; pfn++) {
		const struct range *r = range_of(pfn);

		if (r)
			pfn = r->end - 1;
		else if (is_mapped(pfn) && p2m[pfn] != GL_NO_FRAME)
			mark_free(pfn);
	}
}

void gl_memory_init(void)
{
	uint64_t first;

	p2m = (uint64_t *)gl_start_info->mfn_list;
	total_pages = gl_start_info->nr_pages;
	find_builder_ranges(gl_start_info);
	make_bitmap();
	/* First what the builder mapped, so that there are pages for tables. */
	for (first = 0; first < total_pages && is_mapped(first);
	     first += L1_PAGES) {
		complete_l1(first, gl_l1_of(gl_pfn_to_virt(first)));
		free_span(first);
	}
	for (; first < total_pages; first += L1_PAGES) {
		const uint64_t *l1 = gl_l1_of(gl_pfn_to_virt(first));

		if (l1)
			complete_l1(first, l1);
		else
			new_l1(first);
		free_span(first);
	}
	gl_unmap_page(0);
}
