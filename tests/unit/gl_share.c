/* links: guest-lib/share.c guest-lib/record.c guest-lib/cow.c guest-lib/reserve.c guest-lib/repay.c */
/* SPDX-License-Identifier: MIT */
/*
 * The sharing half of the guest library against a small fake of the
 * hypervisor: frames are pages of a memory file, page-table entries are made real with
 * mmap(), so a store to a shared page raises SIGSEGV, whose handler is the kernel's
 * page-fault handler.  The fake checks what the real one would, and can refuse any call.
 */
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
static uint8_t *frames, *region;	/* all frames, writable; the guest's space */
static enum owner owner[FRAMES];
static unsigned int mappings[FRAMES];
static uint64_t pte[PFNS], m2p[FRAMES], p2m[PFNS];
static unsigned int tot_pages, max_pages;
static long fail_nr, fail_with;		/* hypercall to refuse, and how */
static uint64_t fail_va;		/* its mapping cannot be changed */
static unsigned int next_page;
static bool no_frames;			/* the machine has none: overcommit */

static struct gl_share share;
static uint64_t record[(PFNS + 63) / 64];
static int locked, foreign;
static sigjmp_buf out;

/* Pages on the repayment list, and those that were lost, in order. */
static struct gl_repay repay[PFNS];
static uint64_t lost_pfn[PFNS];
static unsigned int lost_count;

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

static long fake_update(uint64_t va, uint64_t e)
{
	uint64_t f = (e & ADDR) / PAGE;

	if (va == fail_va)
		return -XEN_EINVAL;
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
	m2p[*mfn] = m2p[f];	/* what the hypervisor knows */
	set_entry(pfn, *mfn * PAGE | P | RW | 0x24);
	tot_pages++;
	return SHARE_DONE;
}

static long fake_share(unsigned long op, unsigned long arg, unsigned long count)
{
	struct share_entry *e = (void *)arg;
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
			e[i].status = fake_offer(e[i].pte[0], &e[i].mfn);
		return 0;
	case SHAREOP_unshare:
		for (unsigned long i = 0; i < count; i++)
			e[i].status = fake_unshare(e[i].pte[0], &e[i].mfn);
		return 0;
	default:
		return -XEN_EINVAL;
	}
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
		ck_assert_uint_eq(a[0], XENMEM_populate_physmap);
		return fake_populate((void *)a[1]);
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

	return fake_call(nr, a);
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
	return next_page < PFNS ? va_of(next_page++) : 0;
}

static void op_page_free(void *ctx, uint64_t va)
{
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
}

static const struct gl_share_ops ops = {
	.hypercall = op_hypercall, .va_to_pfn = op_va_to_pfn,
	.pte_read = op_pte_read, .p2m_set = op_p2m_set, .p2m_get = op_p2m_get,
	.page_alloc = op_page_alloc, .page_free = op_page_free,
	.lock = op_lock, .unlock = op_unlock, .log = op_log,
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
	fail_nr = -1;
	locked = foreign = 0;
	no_frames = false;
	fail_va = 0;
	lost_count = 0;
	memset(repay, 0, sizeof(repay));
	sigaction(SIGSEGV, &sa, NULL);
	ck_assert_uint_eq(gl_share_init(&share, &ops, NULL, record, PFNS,
					RESERVE), RESERVE);
}

static void teardown(void)
{
	munmap(frames, FRAMES * PAGE);
	munmap(region, PFNS * PAGE);
	close(file);
}

/* A store as the kernel makes it; false: the fault was not the library's. */
static bool store(uint64_t pfn, uint8_t value)
{
	if (sigsetjmp(out, 1))
		return false;
	*(volatile uint8_t *)va_of(pfn) = value;
	return true;
}

/* p2m, entry, M2P and owner of each page agree; frames are all accounted for. */
static void audit(void)
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

START_TEST(offer_and_break)
{
	int32_t status[8];

	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, status), 8);
	ck_assert_uint_eq(tot_pages, PFNS - 8);
	ck_assert_uint_eq(p2m[0], p2m[1]);
	ck_assert_uint_ne(p2m[1], p2m[2]);
	audit();
	ck_assert(store(1, 99));
	ck_assert_uint_eq(*(uint8_t *)va_of(1), 99);
	ck_assert_uint_eq(((uint8_t *)va_of(1))[1], 0);
	ck_assert_uint_eq(*(uint8_t *)va_of(0), 0);
	audit();
	ck_assert_uint_eq(share.counters.breaks, 1);
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	ck_assert_uint_eq(tot_pages, PFNS - 7);
	audit();
	ck_assert_int_eq(gl_share_page(&share, va_of(1)), 0);
	audit();
}
END_TEST

START_TEST(empty_reserve)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	for (uint64_t pfn = 0; pfn < 10; pfn++) {
		ck_assert(store(pfn, 200));
		audit();
	}
	ck_assert_uint_eq(share.counters.breaks, RESERVE);
	ck_assert_uint_eq(share.counters.unshares, 10 - RESERVE);
	ck_assert_uint_eq(share.counters.reserve_low, 10 - RESERVE);
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	ck_assert_uint_eq(tot_pages, PFNS - 10);
	audit();
}
END_TEST

/* Refill gets less than it asks for; slots in order all the same. */
START_TEST(short_refill)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, NULL), 8);
	for (uint64_t pfn = 0; pfn < RESERVE; pfn++)
		ck_assert(store(pfn, 1));
	max_pages = tot_pages + 1;
	ck_assert_uint_eq(gl_share_refill(&share), RESERVE - 1);
	audit();
	ck_assert(store(4, 1));
	ck_assert_uint_eq(share.counters.breaks, RESERVE + 1);
	audit();
	fail_nr = __HYPERVISOR_memory_op;
	fail_with = -XEN_ENOMEM;
	ck_assert_uint_eq(gl_share_refill(&share), RESERVE);
	fail_nr = -1;
	max_pages = PFNS;
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	audit();
}
END_TEST

/*
 * SH20: a process of the guest writes to a page that is read-only to it.  That it is
 * shared too changes nothing: the fault is the kernel's, which sends SIGSEGV; no copy is made.
 */
START_TEST(user_fault)
{
	int32_t st;

	ck_assert_int_eq(gl_share_pages(&share, (uint64_t[]){ va_of(5) }, 1, &st),
			 1);
	ck_assert(pte[5] & SHARE_PTE_AVL);
	for (unsigned int n = 0; n < 2; n++) {
		/* A user's write; the same where the page was never writable: no bit. */
		ck_assert(!gl_share_fault(&share, va_of(5), 7));
		ck_assert(!gl_share_fault(&share, va_of(5) + 0xff8, 7));
		if (n)
			ck_assert(!gl_share_fault(&share, va_of(5), 3));
		ck_assert_uint_eq(share.counters.faults, 0);
		ck_assert_uint_eq(share.slots_full, RESERVE);
		ck_assert(gl_share_is_shared(&share, 5));
		ck_assert_uint_eq(tot_pages, PFNS - 1);
		pte[5] &= ~SHARE_PTE_AVL;
	}
	pte[5] |= SHARE_PTE_AVL;
	ck_assert(store(5, 1));		/* the kernel's own write */
	ck_assert_uint_eq(share.counters.breaks, 1);
	audit();
}
END_TEST

/* G2: bits alone, a record alone, user faults, reads: not ours. */
START_TEST(forged)
{
	uint64_t e = pte[3];

	pte[3] = (e & ~RW) | SHARE_PTE_AVL;	/* inherited from somewhere */
	map_real(3);
	ck_assert(!store(3, 5));
	ck_assert_int_eq(foreign, 1);
	pte[3] = e & ~RW;			/* our record, but no bit */
	record[0] |= 1 << 3;
	ck_assert(!gl_share_fault(&share, va_of(3), 3));
	ck_assert_uint_eq(share.counters.foreign_faults, 2);
	record[0] &= ~(1ULL << 3);
	pte[3] = e;
	map_real(3);
	ck_assert_int_eq(gl_share_page(&share, va_of(3)), 0);
	ck_assert(!gl_share_fault(&share, va_of(3), 7));	/* user */
	ck_assert(!gl_share_fault(&share, va_of(3), 1));	/* read */
	ck_assert(!gl_share_fault(&share, va_of(3), 2));	/* absent */
	ck_assert(!gl_share_fault(&share, va_of(3), 0x13));	/* fetch */
	ck_assert(!gl_share_fault(&share, va_of(PFNS), 3));
	ck_assert(gl_share_is_shared(&share, 3));
	ck_assert(store(3, 5));
	ck_assert(gl_share_fault(&share, va_of(3), 3)); /* writable by now */
	audit();
}
END_TEST

/* Statuses reach the caller, bad entries do not disturb others, the record stays exact. */
START_TEST(statuses)
{
	uint64_t vas[5] = { va_of(0), va_of(1), va_of(2), va_of(PFNS + 9),
			    va_of(3) };
	int32_t st[5];

	pte[1] = 0;
	mappings[p2m[1]] = 2;
	ck_assert_int_eq(gl_share_page(&share, va_of(2)), 0);
	ck_assert_int_eq(gl_share_pages(&share, vas, 5, st), 2);
	ck_assert_int_eq(st[0], SHARE_DONE);
	ck_assert_int_eq(st[1], SHARE_NOT_MAPPED);
	ck_assert_int_eq(st[2], SHARE_ALREADY);
	ck_assert_int_eq(st[3], SHARE_NOT_MAPPED);
	ck_assert_int_eq(st[4], SHARE_DONE);
	ck_assert(!gl_share_is_shared(&share, 1));
	ck_assert(gl_share_is_shared(&share, 2));
	ck_assert_int_eq(gl_share_page(&share, va_of(2)), -XEN_EEXIST);
	ck_assert(gl_share_is_shared(&share, 2));
	ck_assert_int_eq(gl_share_page(&share, va_of(PFNS)), -XEN_EINVAL);
	ck_assert(store(2, 1));
}
END_TEST

START_TEST(no_such_call)
{
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_ENOSYS;
	ck_assert_int_eq(gl_share_page(&share, va_of(0)), -XEN_ENOSYS);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 9, NULL), -XEN_ENOSYS);
	ck_assert_uint_eq(share.counters.done, 0);
	ck_assert(!gl_share_is_shared(&share, 0));
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.faults, 0);
	audit();
}
END_TEST

/* The multicall, or one call in it, is refused: the other way is used, or the fault is not served. */
START_TEST(refused_commit)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, NULL), 8);
	fail_nr = __HYPERVISOR_multicall;
	fail_with = -XEN_ENOSYS;
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.unshares, 1);
	ck_assert_uint_eq(share.slots_full, RESERVE);
	fail_nr = __HYPERVISOR_update_va_mapping;
	fail_with = -XEN_EINVAL;
	ck_assert(store(1, 1));
	ck_assert_uint_eq(share.counters.unshares, 2);
	audit();
	fail_nr = __HYPERVISOR_update_va_mapping;
	max_pages = tot_pages;
	ck_assert(!store(2, 1));
	ck_assert_uint_eq(share.counters.break_errors, 1);
	ck_assert(gl_share_is_shared(&share, 2));
	fail_nr = -1;
	ck_assert(store(2, 1));
	audit();
}
END_TEST

START_TEST(unshare)
{
	ck_assert_int_eq(gl_share_page(&share, va_of(0)), 0);
	ck_assert_int_eq(gl_share_unshare(&share, va_of(0)), 0);
	ck_assert_int_lt(gl_share_unshare(&share, va_of(0)), 0);
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.faults, 0);
	audit();
}
END_TEST

/* --- the repayment list --- */

static void note_lost(void *ctx, struct gl_repay *page)
{
	uint64_t pfn = pfn_of(page->va);

	ck_assert(locked && ctx == &repay[pfn] && page == ctx);
	ck_assert(!(pte[pfn] & P) && p2m[pfn] == ~0UL && !page->listed);
	lost_pfn[lost_count++] = pfn;
}

static long list_page(uint64_t pfn)
{
	repay[pfn].va = va_of(pfn);
	repay[pfn].lost = note_lost;
	repay[pfn].ctx = &repay[pfn];
	return gl_repay_register(&share, &repay[pfn]);
}

/* 20 shared pages, no reserve left, no frame in the machine. */
static void need_repayment(void)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	for (uint64_t pfn = 0; pfn < RESERVE; pfn++)
		ck_assert(store(pfn, 1));
	no_frames = true;
	ck_assert_uint_eq(gl_share_refill(&share), RESERVE);
}

START_TEST(repay_refusals)
{
	struct gl_repay r = { .va = va_of(1) }, far = { .va = va_of(PFNS),
							.lost = note_lost };

	ck_assert_int_eq(gl_repay_register(&share, &r), -XEN_EINVAL);
	ck_assert_int_eq(gl_repay_register(&share, &far), -XEN_EINVAL);
	ck_assert_int_eq(gl_repay_unregister(&share, &r), -XEN_ENOENT);
	ck_assert_int_eq(list_page(1), 0);
	ck_assert_int_eq(list_page(1), -XEN_EEXIST);
	ck_assert_uint_eq(share.repay.count, 1);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[1]), 0);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[1]), -XEN_ENOENT);
	pte[2] = 0;
	ck_assert_int_eq(list_page(2), -XEN_EINVAL);
	gl_share_init(&share, &ops, NULL, record, PFNS, 0);
	ck_assert_int_eq(list_page(1), -XEN_ENOSPC);
	ck_assert_uint_eq(share.repay.count, 0);
	ck_assert_uint_eq(lost_count, 0);
}
END_TEST

/* The reserve first, the hypervisor second, the list last, the oldest of it first. */
START_TEST(repay_order)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	for (uint64_t pfn = 30; pfn < 33; pfn++)
		ck_assert_int_eq(list_page(pfn), 0);
	for (uint64_t pfn = 0; pfn < RESERVE + 2; pfn++)
		ck_assert(store(pfn, 7));
	ck_assert_uint_eq(share.counters.breaks, RESERVE);
	ck_assert_uint_eq(share.counters.unshares, 2);
	ck_assert_uint_eq(lost_count, 0);
	no_frames = true;
	for (unsigned int n = 0; n < 3; n++) {
		ck_assert(store(10 + n, 7));
		ck_assert_uint_eq(((uint8_t *)va_of(10 + n))[1], 5 + n / 2);
		ck_assert_uint_eq(lost_count, n + 1);
		ck_assert_uint_eq(lost_pfn[n], 30 + n);
		audit();
	}
	ck_assert_uint_eq(share.counters.repaid, 3);
	ck_assert_uint_eq(share.repay.count, 0);
	/* Now there is nothing: the kernel's matter, and the page stays shared. */
	ck_assert(!store(13, 7));
	ck_assert_uint_eq(share.counters.break_errors, 1);
	ck_assert(gl_share_is_shared(&share, 13));
	/* A frame of the machine's is taken before a page of the list. */
	ck_assert_int_eq(list_page(40), 0);
	no_frames = false;
	ck_assert(store(13, 7));
	ck_assert_uint_eq(lost_count, 3);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[40]), 0);
	audit();
}
END_TEST

/* Y1, Y2: lost once, or given back, never both; the kernel may list its page again. */
START_TEST(repay_once)
{
	need_repayment();
	ck_assert_int_eq(list_page(30), 0);
	ck_assert_int_eq(list_page(31), 0);
	ck_assert_int_eq(list_page(32), 0);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[31]), 0);
	ck_assert(store(10, 7));
	ck_assert(store(11, 7));
	ck_assert_uint_eq(lost_count, 2);
	ck_assert_uint_eq(lost_pfn[1], 32);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[30]), -XEN_ENOENT);
	ck_assert_int_eq(list_page(30), -XEN_EINVAL);	/* has no frame */
	ck_assert(!store(12, 7));
	ck_assert_uint_eq(((uint8_t *)va_of(31))[9], 15);
	audit();
}
END_TEST

/* Y4: shared pages and read-only ones repay nothing, and wait at the end of the list. */
START_TEST(repay_shared)
{
	need_repayment();
	ck_assert_int_eq(list_page(15), 0);
	ck_assert_int_eq(list_page(16), 0);
	pte[33] &= ~RW;
	map_real(33);
	ck_assert_int_eq(list_page(33), 0);
	ck_assert(!store(10, 7));
	ck_assert_uint_eq(share.counters.repay_passed, 3);
	ck_assert_int_eq(list_page(34), 0);
	ck_assert(store(10, 7));
	ck_assert_uint_eq(lost_pfn[0], 34);
	ck_assert_uint_eq(share.repay.count, 3);
	ck_assert(gl_share_is_shared(&share, 15));
	/* The page that is written may be listed itself: it does not pay for its own copy. */
	ck_assert(!store(15, 7));
	ck_assert_uint_eq(lost_count, 1);
	no_frames = false;
	ck_assert(store(15, 7));	/* private now, so it can repay */
	no_frames = true;
	ck_assert(store(11, 7));
	ck_assert_uint_eq(lost_count, 2);
	ck_assert_uint_eq(lost_pfn[1], 15);
	audit();
}
END_TEST

/* Y3: each refusal of the exchange leaves the page with its bytes, and listed. */
START_TEST(repay_refused)
{
	uint64_t vas[2];

	need_repayment();
	ck_assert_int_eq(list_page(30), 0);
	vas[0] = share.slots[0].va;
	vas[1] = va_of(30);
	for (unsigned int n = 0; n < 2; n++) {
		fail_va = vas[n];
		ck_assert(!store(10, 7));
		fail_va = 0;
		ck_assert_uint_eq(share.counters.repay_refused, n + 1);
		ck_assert_uint_eq(share.repay.count, 1);
		ck_assert_uint_eq(*(uint8_t *)va_of(30), 15);
		ck_assert_uint_eq(lost_count, 0);
		audit();
	}
	/* Refused after that, in the break: the frame stays in the reserve. */
	fail_va = va_of(10);
	ck_assert(!store(10, 7));
	fail_va = 0;
	ck_assert_uint_eq(lost_count, 1);
	ck_assert_uint_eq(share.slots_full, 1);
	audit();
	ck_assert(store(10, 7));
	ck_assert_uint_eq(share.counters.repaid, 1);
	audit();
}
END_TEST

START_TEST(many_rounds)
{
	srand(5);
	for (unsigned int n = 0; n < 3000; n++) {
		uint64_t pfn = (uint64_t)rand() % (PFNS - RESERVE);

		switch (rand() % 4) {
		case 0:
			gl_share_page(&share, va_of(pfn));
			break;
		case 1:
			gl_share_refill(&share);
			break;
		default:
			ck_assert(store(pfn, (uint8_t)(rand() % 2)));
		}
	}
	gl_share_refill(&share);
	audit();
	ck_assert_uint_eq(share.counters.break_errors, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gl_share");
	TCase *tc = tcase_create("share");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, offer_and_break);
	tcase_add_test(tc, empty_reserve);
	tcase_add_test(tc, short_refill);
	tcase_add_test(tc, forged);
	tcase_add_test(tc, statuses);
	tcase_add_test(tc, no_such_call);
	tcase_add_test(tc, refused_commit);
	tcase_add_test(tc, unshare);
	tcase_add_test(tc, user_fault);
	tcase_add_test(tc, repay_refusals);
	tcase_add_test(tc, repay_order);
	tcase_add_test(tc, repay_once);
	tcase_add_test(tc, repay_shared);
	tcase_add_test(tc, repay_refused);
	tcase_add_test(tc, many_rounds);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
