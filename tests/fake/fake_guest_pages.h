/* SPDX-License-Identifier: MIT */
/*
 * A small fake of the hypervisor, and of a kernel, for the sharing half of the
 * guest library: frames are pages of a memory file, page-table entries are made
 * real with mmap(), so a store to a shared page raises SIGSEGV, whose handler
 * is the kernel's page-fault handler.  The fake checks what the real one would,
 * and can refuse any call.  A test program includes it once.
 */
#ifndef TESTS_FAKE_GUEST_PAGES_H
#define TESTS_FAKE_GUEST_PAGES_H

#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/errno.h>
#include <xen/memory.h>
#include <xen/xen.h>

#include <gl/share.h>

#define PFNS	64
#define FRAMES	256
#define PAGE	4096UL
#define P	1UL
#define RW	2UL
#define ADDR	0x000ffffffffff000UL
#define RESERVE	4

enum owner { FREE, GUEST, CANONICAL };

/* The fake machine. */
static int file;
/* all frames, writable; the guest's space */
static uint8_t *frames, *region;
static enum owner owner[FRAMES];
static unsigned int mappings[FRAMES];
static uint64_t pte[PFNS], m2p[FRAMES], p2m[PFNS];
static unsigned int tot_pages, max_pages;
static long fail_nr, fail_with;		/* hypercall to refuse, and how */
static uint64_t fail_va;		/* its mapping cannot be changed */
static unsigned int next_page;
static uint64_t free_pages[PFNS];	/* that the library gave back */
static unsigned int free_count;
static uint32_t abi = SHARE_ABI_VERSION;	/* what SHAREOP_info says */
static struct shareop_mode mode;	/* what SHAREOP_mode was told */
static unsigned long mode_bytes;
static uint32_t unknown_flags;	/* those that SHAREOP_mode refuses */
static bool no_frames;			/* the machine has none: overcommit */
/* what each entry of a batch gets; 0: what is true */
static int32_t odd_status;
/* What another vCPU does, once, at the end of such a hypercall. */
static void (*meanwhile)(void);
static unsigned int meanwhile_op;
static unsigned int logged;		/* lines of the library's log */

static struct gl_share share;
static uint64_t record[(PFNS + 63) / 64];
static int locked, foreign;
static sigjmp_buf out;

static uint64_t va_of(uint64_t pfn)
{
	return (uint64_t)region + pfn * PAGE;
}

static uint64_t pfn_of(uint64_t va)
{
	return (va - (uint64_t)region) / PAGE;
}

static void map_real(uint64_t pfn)
{
	uint64_t e = pte[pfn];
	int prot = !(e & P) ? PROT_NONE :
		   e & RW ? PROT_READ | PROT_WRITE : PROT_READ;
	void *at = mmap((void *)va_of(pfn), PAGE, prot, MAP_SHARED | MAP_FIXED,
			file, (off_t)(e & ADDR));

	ck_assert(at != MAP_FAILED);
}

static uint64_t frame_alloc(enum owner o)
{
	for (uint64_t f = 1; f < FRAMES; f++)
		if (owner[f] == FREE) {
			owner[f] = o;
			return f;
		}
	ck_abort_msg("fake: out of frames");
	return 0;
}

/* Put an entry in place; what it replaced loses a mapping. */
static void set_entry(uint64_t pfn, uint64_t e)
{
	uint64_t old = pte[pfn];

	if (e & P)
		mappings[(e & ADDR) / PAGE]++;
	pte[pfn] = e;
	map_real(pfn);
	if (old & P) {
		uint64_t f = (old & ADDR) / PAGE;

		if (!--mappings[f] && owner[f] == CANONICAL)
			owner[f] = FREE;
	}
}

static bool in_place;		/* may the last holder have the frame? */
static bool copies;		/* break first: a writable entry gets a copy */
static unsigned int attempts;	/* that were refused */

static int32_t fake_unshare(uint64_t va, uint64_t *mfn);

/* The last entries that were written, and how many: newest first. */
static uint64_t written[2];
static unsigned int writes;

static long fake_update(uint64_t va, uint64_t e)
{
	uint64_t f = (e & ADDR) / PAGE, mfn;

	if (e & P) {
		written[1] = written[0];
		written[0] = e;
		writes++;
	}

	if (va == fail_va)
		return -XEN_EINVAL;
	if ((e & P) && (e & RW) && copies && f < FRAMES &&
	    owner[f] == CANONICAL && (pte[pfn_of(va)] & ADDR) == (e & ADDR)) {
		if (fake_unshare(va, &mfn))
			return -XEN_ENOMEM;
		m2p[mfn] = pfn_of(va);	/* one page of ours has it */
		return 0;
	}
	if ((e & P) && (e & RW) && in_place && f < FRAMES &&
	    owner[f] == CANONICAL && mappings[f] == 1 &&
	    (pte[pfn_of(va)] & ADDR) == (e & ADDR) && tot_pages < max_pages) {
		owner[f] = GUEST;
		tot_pages++;
	}
	attempts += (e & P) && f < FRAMES && owner[f] == CANONICAL && (e & RW);
	if ((e & P) && (f >= FRAMES || owner[f] == FREE ||
			(owner[f] == CANONICAL && (e & RW))))
		return -XEN_EINVAL;
	set_entry(pfn_of(va), e & ~SHARE_PTE_AVL);
	return 0;
}

static uint64_t canonical_of(const void *bytes)
{
	uint64_t f;

	for (f = 1; f < FRAMES; f++)
		if (owner[f] == CANONICAL &&
		    !memcmp(frames + f * PAGE, bytes, PAGE))
			return f;
	f = frame_alloc(CANONICAL);
	memcpy(frames + f * PAGE, bytes, PAGE);
	return f;
}

static int32_t fake_offer(uint64_t va, uint64_t *mfn)
{
	uint64_t pfn = pfn_of(va), f = (pte[pfn] & ADDR) / PAGE, c;

	if (!(pte[pfn] & P))
		return SHARE_NOT_MAPPED;
	if (owner[f] == CANONICAL)
		return SHARE_ALREADY;
	if (mappings[f] != 1)
		return SHARE_OTHER_MAPPING;
	c = canonical_of((void *)va);
	set_entry(pfn, c * PAGE | P | 0x24 |
		  (pte[pfn] & RW ? SHARE_PTE_AVL : 0));
	owner[f] = FREE;
	memset(frames + f * PAGE, 0xdd, PAGE);
	tot_pages--;
	*mfn = c;
	if (pfn < mode.p2m_entries)
		((uint64_t *)mode.p2m)[pfn] = c;
	return SHARE_DONE;
}

static int32_t fake_unshare(uint64_t va, uint64_t *mfn)
{
	uint64_t pfn = pfn_of(va), f = (pte[pfn] & ADDR) / PAGE;

	if (owner[f] != CANONICAL)
		return SHARE_NOT_SHARED;
	if (tot_pages >= max_pages || no_frames)
		return SHARE_NO_MEMORY;
	*mfn = frame_alloc(GUEST);
	memcpy(frames + *mfn * PAGE, frames + f * PAGE, PAGE);
	/* what the hypervisor knows: one of our pages with this frame */
	m2p[*mfn] = mode.flags & SHARE_MODE_ONE_PFN ? pfn : m2p[f];
	set_entry(pfn, *mfn * PAGE | P | RW | 0x24);
	tot_pages++;
	return SHARE_DONE;
}

static unsigned int held_frames(void)
{
	unsigned int n = 0;

	for (uint64_t f = 0; f < FRAMES; f++)
		n += owner[f] == CANONICAL;
	return n;
}

static long fake_share(unsigned long op, unsigned long arg, unsigned long count)
{
	struct shareop_entry *e = (void *)arg;
	uint64_t mfn = 0;
	int32_t st;

	switch (op) {
	case SHAREOP_single:
		st = fake_offer(arg, &mfn);
		return st == SHARE_DONE ? (long)mfn :
		       st == SHARE_ALREADY ? -XEN_EEXIST :
		       st == SHARE_NOT_MAPPED ? -XEN_ENOENT : -XEN_EBUSY;
	case SHAREOP_batch:
		ck_assert(count >= 1 && count <= SHARE_BATCH_MAX);
		for (unsigned long i = 0; i < count; i++)
			e[i].status = odd_status ? odd_status :
				      fake_offer(e[i].pte[0], &e[i].mfn);
		return 0;
	case SHAREOP_unshare:
		for (unsigned long i = 0; i < count; i++)
			e[i].status = fake_unshare(e[i].pte[0], &e[i].mfn);
		return 0;
	case SHAREOP_info:
		*(struct shareop_info *)arg = (struct shareop_info){
			.version = abi,
			.held = held_frames(),
		};
		return 0;
	case SHAREOP_mode:
		if (((struct shareop_mode *)arg)->flags & unknown_flags)
			return -XEN_EINVAL;
		memset(&mode, 0, sizeof(mode));
		memcpy(&mode, (void *)arg, count);
		mode_bytes = count;
		return 0;
	default:
		return -XEN_EINVAL;
	}
}

/*
 * Break first: the hypervisor breaks it, and the library does not hear of it.
 */
static void fake_break(uint64_t pfn)
{
	ck_assert_int_eq(fake_unshare(va_of(pfn), &p2m[pfn]), SHARE_DONE);
	m2p[p2m[pfn]] = pfn;
}

static long fake_populate(struct xen_memory_reservation *r)
{
	xen_pfn_t *list = r->extent_start.p;
	unsigned int i;

	for (i = 0; i < r->nr_extents && tot_pages < max_pages && !no_frames;
	     i++) {
		uint64_t f = frame_alloc(GUEST);

		m2p[f] = list[i];
		list[i] = f;
		tot_pages++;
	}
	return i;
}

static long fake_decrease(const struct xen_memory_reservation *r)
{
	uint64_t f = r->extent_start.p[0];

	ck_assert(r->nr_extents == 1 && owner[f] == GUEST && !mappings[f]);
	owner[f] = FREE;
	memset(frames + f * PAGE, 0xdd, PAGE);
	tot_pages--;
	no_frames = false;
	return 1;
}

static long fake_memory(unsigned long op, void *arg)
{
	ck_assert(op == XENMEM_populate_physmap ||
		  op == XENMEM_decrease_reservation);
	return op == XENMEM_populate_physmap ? fake_populate(arg) :
	       fake_decrease(arg);
}

static void (*meanwhile_of(unsigned long nr, unsigned long op))(void)
{
	void (*fn)(void) = meanwhile;

	if (!fn || nr == __HYPERVISOR_multicall || op != meanwhile_op)
		return NULL;
	meanwhile = NULL;
	return fn;
}

static long fake_mmu_update(const struct mmu_update *u)
{
	ck_assert_uint_eq(u->ptr & 3, MMU_MACHPHYS_UPDATE);
	ck_assert(owner[u->ptr / PAGE] == GUEST);
	m2p[u->ptr / PAGE] = u->val;
	return 0;
}

static long fake_call(unsigned long nr, const unsigned long *a)
{
	struct multicall_entry *m = (void *)a[0];

	if ((long)nr == fail_nr)
		return fail_with;
	switch (nr) {
	case __HYPERVISOR_make_ro_and_share:
		return fake_share(a[0], a[1], a[2]);
	case __HYPERVISOR_update_va_mapping:
		return fake_update(a[0], a[1]);
	case __HYPERVISOR_mmu_update:
		return fake_mmu_update((void *)a[0]);
	case __HYPERVISOR_memory_op:
		return fake_memory(a[0], (void *)a[1]);
	case __HYPERVISOR_multicall:
		for (unsigned long i = 0; i < a[1]; i++)
			m[i].result = (unsigned long)fake_call(m[i].op,
							       m[i].args);
		return 0;
	default:
		return -XEN_ENOSYS;
	}
}

/* The kernel's callbacks. */
static long op_hypercall(void *ctx, unsigned int nr, unsigned long a1,
			 unsigned long a2, unsigned long a3, unsigned long a4)
{
	unsigned long a[6] = { a1, a2, a3, a4 };
	long rc = fake_call(nr, a);
	void (*fn)(void) = meanwhile_of(nr, a1);

	if (fn)
		fn();
	return rc;
}

static bool op_va_to_pfn(void *ctx, uint64_t va, uint64_t *pfn)
{
	if (va < va_of(0) || va >= va_of(PFNS))
		return false;
	*pfn = pfn_of(va);
	return true;
}

static uint64_t op_pte_read(void *ctx, uint64_t va)
{
	uint64_t pfn;

	return op_va_to_pfn(ctx, va, &pfn) ? pte[pfn] : 0;
}

static void op_p2m_set(void *ctx, uint64_t pfn, uint64_t mfn)
{
	ck_assert(locked);
	p2m[pfn] = mfn;
}

static uint64_t op_p2m_get(void *ctx, uint64_t pfn)
{
	return p2m[pfn];
}

static uint64_t op_page_alloc(void *ctx)
{
	if (free_count)
		return free_pages[--free_count];
	return next_page < PFNS ? va_of(next_page++) : 0;
}

static void op_page_free(void *ctx, uint64_t va)
{
	ck_assert(!locked && free_count < PFNS);
	free_pages[free_count++] = va;
}

static bool op_pfn_to_va(void *ctx, uint64_t pfn, uint64_t *va)
{
	*va = va_of(pfn);
	return pfn < PFNS && (pte[pfn] & P);
}

static unsigned long op_lock(void *ctx)
{
	ck_assert(!locked);
	locked = 1;
	return 7;
}

static void op_unlock(void *ctx, unsigned long state)
{
	ck_assert(locked && state == 7);
	locked = 0;
}

static void op_log(void *ctx, const char *text)
{
	logged++;
}

static const struct gl_share_ops ops = {
	.hypercall = op_hypercall, .va_to_pfn = op_va_to_pfn,
	.pte_read = op_pte_read, .p2m_set = op_p2m_set, .p2m_get = op_p2m_get,
	.page_alloc = op_page_alloc, .page_free = op_page_free,
	.lock = op_lock, .unlock = op_unlock, .log = op_log,
	.pfn_to_va = op_pfn_to_va,
};

static void page_fault(int sig, siginfo_t *info, void *context)
{
	if (gl_share_fault(&share, (uint64_t)info->si_addr, 3))
		return;
	foreign++;
	siglongjmp(out, 1);
}

static void setup(void)
{
	struct sigaction sa = { .sa_sigaction = page_fault,
				.sa_flags = SA_SIGINFO | SA_NODEFER };

	file = memfd_create("frames", 0);
	ck_assert(file >= 0 && !ftruncate(file, FRAMES * PAGE));
	frames = mmap(NULL, FRAMES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	region = mmap(NULL, PFNS * PAGE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(owner, 0, sizeof(owner));
	memset(mappings, 0, sizeof(mappings));
	memset(pte, 0, sizeof(pte));
	for (uint64_t pfn = 0; pfn < PFNS; pfn++) {
		p2m[pfn] = frame_alloc(GUEST);
		m2p[p2m[pfn]] = pfn;
		set_entry(pfn, p2m[pfn] * PAGE | P | RW | 0x24);
		memset((void *)va_of(pfn), (int)(pfn / 2), PAGE);
	}
	tot_pages = max_pages = PFNS;
	next_page = PFNS - RESERVE;
	free_count = 0;
	unknown_flags = 0;
	memset(&mode, 0, sizeof(mode));
	abi = SHARE_ABI_VERSION;
	fail_nr = -1;
	locked = foreign = 0;
	no_frames = copies = false;
	fail_va = 0;
	odd_status = 0;
	logged = 0;
	sigaction(SIGSEGV, &sa, NULL);
	ck_assert_int_eq(gl_share_init(&share, &ops, NULL, record, PFNS,
				       RESERVE), RESERVE);
}

static void teardown(void)
{
	munmap(frames, FRAMES * PAGE);
	munmap(region, PFNS * PAGE);
	close(file);
}

/* A store as the kernel makes it; false: the fault was not the library's. */
__attribute__((unused)) static bool store(uint64_t pfn, uint8_t value)
{
	if (sigsetjmp(out, 1))
		return false;
	*(volatile uint8_t *)va_of(pfn) = value;
	return true;
}

/*
 * p2m, entry, M2P and owner of each page agree; frames are all accounted for.
 */
__attribute__((unused)) static void audit(void)
{
	unsigned int owned = 0;

	for (uint64_t pfn = 0; pfn < PFNS; pfn++) {
		uint64_t f = (pte[pfn] & ADDR) / PAGE;
		bool rec = record[pfn / 64] >> (pfn % 64) & 1;

		if (!(pte[pfn] & P)) {
			ck_assert_uint_eq(p2m[pfn], ~0UL);
			continue;
		}
		ck_assert_uint_eq(p2m[pfn], f);
		ck_assert_int_eq(rec, owner[f] == CANONICAL);
		if (owner[f] == GUEST)
			ck_assert_uint_eq(m2p[f], pfn);
	}
	for (uint64_t f = 0; f < FRAMES; f++)
		owned += owner[f] == GUEST;
	ck_assert_uint_eq(owned, tot_pages);
	ck_assert(!locked);
}

#endif
