/* SPDX-License-Identifier: MIT */
/*
 * xencomm (seed 004): hypercalls whose arguments are named by machine address,
 * the four problems of the mail, and references that must be refused (CP6, CP7,
 * CP8).
 */
#include <gl/timer.h>
#include <gl/xencomm.h>

#include "../attack.h"

#define OWNER_A	0xa11ce
#define OWNER_B	0xb0b

/* va of pages whose frames are not contiguous */
static uint64_t far_apart;

/* The frames of two pages change places. */
static void swap_frames(uint64_t a, uint64_t b)
{
	uint64_t mfn_a = gl_virt_to_mfn(a), mfn_b = gl_virt_to_mfn(b);

	gl_test_equal(map_at(a, mfn_b, GL_PTE_KERNEL), 0);
	gl_test_equal(map_at(b, mfn_a, GL_PTE_KERNEL), 0);
	gl_p2m_set(gl_virt_to_pfn(a), mfn_b);
	gl_p2m_set(gl_virt_to_pfn(b), mfn_a);
	gl_test_equal(pte_set(mfn_b << 12 | MMU_MACHPHYS_UPDATE, gl_virt_to_pfn(a)), 0);
	gl_test_equal(pte_set(mfn_a << 12 | MMU_MACHPHYS_UPDATE, gl_virt_to_pfn(b)), 0);
}

/* --- any call takes a reference --- */

static long version_with(uint64_t at)
{
	return raw_call(__HYPERVISOR_xen_version, XENVER_extraversion, at, 0, 0, 0);
}

static void test_calls(uint64_t ref, uint8_t *va)
{
	xen_extraversion_t want;
	struct shareop_info info;
	struct evtchn_status status = { .dom = DOMID_SELF, .port = 1 };
	struct mmu_update *u = (struct mmu_update *)va;
	uint64_t page = must_alloc();

	gl_test_equal(version_with((uint64_t)&want), version_with(ref));
	gl_test_equal(memcmp(va, &want, sizeof(want)), 0);
	info = info_get();
	gl_test_equal(raw_call(55, SHAREOP_info, ref, sizeof(info), 0, 0), 0);
	gl_test_equal(memcmp(va, &info, sizeof(info)), 0);
	memcpy(va, &status, sizeof(status));
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
	gl_test_equal(raw_call(__HYPERVISOR_event_channel_op, EVTCHNOP_status,
			       ref, 0, 0, 0), 0);
	gl_test_equal(memcmp(va, &status, sizeof(status)), 0);
	u[0].ptr = u[1].ptr = gl_pte_maddr(page);
	u[0].val = gl_virt_to_mfn(page) << 12 | GL_PTE_KERNEL_RO;
	u[1].val = gl_virt_to_mfn(page) << 12 | GL_PTE_KERNEL;
	gl_test_equal(raw_call(__HYPERVISOR_mmu_update, ref, 2, ref + 64,
			       DOMID_SELF, 0), 0);
	gl_test_equal(*(uint32_t *)(va + 64), 2);
	gl_page_free(page);
}

/* A multicall by reference, whose calls have references in them. */
static void test_multicall(uint64_t ref, uint8_t *va)
{
	struct multicall_entry *m = (struct multicall_entry *)va;

	memset(m, 0, 3 * sizeof(*m));
	for (unsigned int i = 0; i < 3; i++) {
		m[i].op = __HYPERVISOR_xen_version;
		m[i].args[0] = XENVER_extraversion;
		m[i].args[1] = ref + 1024 + i * 16;
	}
	m[1].args[1] = XENCOMM_INLINE;	/* machine page 0: never ours */
	gl_test_equal(raw_call(__HYPERVISOR_multicall, ref, 3, 0, 0, 0), 0);
	gl_test_equal(m[0].result, 0);
	gl_test_equal((long)m[1].result, -XEN_EFAULT);
	gl_test_equal(m[2].result, 0);
	gl_test_check(va[1024] == '.' && va[1024 + 32] == '.' &&
		      va[1024 + 16] == 0);
}

/* A batch of offers, the whole of it by reference. */
static void test_batch(uint64_t ref, struct shareop_entry *e)
{
	uint64_t page[64];

	for (unsigned int i = 0; i < 64; i++) {
		page[i] = must_alloc();
		pattern_fill(page[i], i / 2);
		e[i] = entry_of(page[i]);
	}
	gl_test_equal(raw_call(55, SHAREOP_batch, ref, 64, 0, 0), 0);
	for (unsigned int i = 0; i < 64; i++) {
		gl_test_equal(e[i].status, SHARE_DONE);
		gl_p2m_set(gl_virt_to_pfn(page[i]), e[i].mfn);
		gl_test_check(pattern_intact(page[i], i / 2));
	}
	gl_test_equal(raw_call(55, SHAREOP_unshare, ref, 64, 0, 0), 0);
	for (unsigned int i = 0; i < 64; i++) {
		gl_test_equal(e[i].status, SHARE_DONE);
		gl_p2m_set(gl_virt_to_pfn(page[i]), e[i].mfn);
		gl_page_free(page[i]);
	}
}

static void test_all(uint64_t ref, void *va)
{
	gl_test_check(ref != XENCOMM_INVALID);
	memset(va, 0, 2048);
	test_calls(ref, va);
	test_multicall(ref, va);
	test_batch(ref, va);
}

static void test_kinds(void)
{
	uint64_t one = must_alloc(), ref;
	void *area = (void *)(far_apart + 3000);	/* over a page's end */
	struct xencomm_mini mini;
	void *va;
	long buf;

	test_all(xencomm_inline((void *)one, 4096), (void *)one);
	gl_test_equal(xencomm_inline(area, 4096), XENCOMM_INVALID);
	ref = xencomm_map(area, 4096);
	gl_test_equal(ref >> 62, XENCOMM_DESC >> 62);
	test_all(ref, area);
	xencomm_free(ref);
	ref = xencomm_map((void *)one, 100);	/* in one page: inline */
	gl_test_equal(ref & XENCOMM_BUFFER, XENCOMM_INLINE);
	xencomm_free(ref);
	test_all(xencomm_map_no_alloc(area, 4096, &mini), area);
	gl_test_equal(xencomm_map_no_alloc(area, 7 * 4096, &mini), XENCOMM_INVALID);
	buf = xencomm_alloc_buf(3, OWNER_A);
	gl_test_check(buf > 0);
	ref = xencomm_alloc_mem(buf, 3000, &va);
	ref = xencomm_alloc_mem(buf, 5000, &va);
	test_all(ref, va);
	/* CP8: in use */
	gl_test_equal(xencomm_free_buf(buf), -XEN_EBUSY);
	gl_test_equal(xencomm_owner_gone(OWNER_A), 1);
	gl_page_free(one);
	audit("each kind of reference");
}

/* --- the mail's problems --- */

/* 1: two users of one domain register and unregister across each other. */
static void test_problem_concurrency(void)
{
	void *va_a, *va_b;
	long a = xencomm_alloc_buf(1, OWNER_A), b = xencomm_alloc_buf(2, OWNER_B);
	uint64_t ref_a = xencomm_alloc_mem(a, 64, &va_a);
	uint64_t ref_b = xencomm_alloc_mem(b, 64, &va_b);

	gl_test_check(a > 0 && b > 0 && a != b);
	xencomm_free_mem(ref_a, 64);
	gl_test_equal(xencomm_free_buf(a), 0);
	gl_test_equal(version_with(ref_a), -XEN_EFAULT);
	gl_test_equal(version_with(ref_b), 0);
	a = xencomm_alloc_buf(1, OWNER_A);
	/* a stale number */
	gl_test_equal(version_with(ref_a), -XEN_EFAULT);
	xencomm_free_mem(ref_b, 64);
	gl_test_equal(xencomm_free_buf(b), 0);
	gl_test_check(xencomm_alloc_mem(b, 64, &va_b) == XENCOMM_INVALID);
	gl_test_equal(xencomm_free_buf(b), -XEN_ENOENT);
	gl_test_equal(xencomm_free_buf(a), 0);
}

/* 2: arguments over many pages: a descriptor that itself takes two. */
static void test_problem_many_pages(void)
{
	const unsigned int pages = 600;
	uint64_t va = gl_pages_alloc(pages), ref, at;
	struct mmu_update *u;

	gl_test_check(va != 0);
	swap_frames(va + 7 * 4096, va + 411 * 4096);	/* not contiguous */
	ref = xencomm_map((void *)va, pages * 4096UL);
	gl_test_check(ref != XENCOMM_INVALID);
	for (unsigned int i = 0; i < pages; i += 37) {
		at = i * 4096UL + 5;
		gl_test_equal(version_with(ref + at), 0);
		gl_test_equal(*(char *)(va + at), '.');
	}
	at = pages * 4096UL - sizeof(xen_extraversion_t);
	gl_test_equal(version_with(ref + at), 0);
	gl_test_equal(ref >> 62, XENCOMM_DESC >> 62);
	gl_test_equal(version_with(ref + at + 1), -XEN_EFAULT);
	/* A whole list of it: 2,000 requests. */
	u = (struct mmu_update *)va;
	for (unsigned int i = 0; i < 2000; i++)
		u[i] = (struct mmu_update){
			gl_virt_to_mfn(va) << 12 | MMU_MACHPHYS_UPDATE,
			gl_virt_to_pfn(va) };
	gl_test_equal(raw_call(__HYPERVISOR_mmu_update, ref, 2000,
			       ref + 599 * 4096UL, DOMID_SELF, 0), 0);
	gl_test_equal(*(uint32_t *)(va + 599 * 4096UL), 2000);
	xencomm_free(ref);
	gl_pages_free(va, pages);
}

/* 3: nobody knows beforehand how long it gets. */
static void test_problem_length(void)
{
	struct xencomm_growing g = XENCOMM_GROWING;
	size_t before = gl_pages_free_count();
	struct mmu_update u;
	uint64_t page = must_alloc();
	unsigned int count = 0;

	u.ptr = gl_virt_to_mfn(page) << 12 | MMU_MACHPHYS_UPDATE;
	u.val = gl_virt_to_pfn(page);
	while (count < 1000 || gl_now_ns() % 3)
		count += xencomm_append(&g, &u, sizeof(u)) / sizeof(u);
	gl_test_equal(raw_call(__HYPERVISOR_mmu_update, g.ref, count, 0,
			       DOMID_SELF, 0), 0);
	gl_test_equal(g.bytes, count * sizeof(u));
	gl_test_equal(raw_call(__HYPERVISOR_mmu_update,
			       g.ref + ((g.bytes + 4095) & ~4095UL), 1, 0,
			       DOMID_SELF, 0), -XEN_EFAULT);
	xencomm_growing_free(&g);
	gl_page_free(page);
	gl_test_equal(gl_pages_free_count(), before);
}

/* 4: a user dies without unregistering. */
static void test_problem_death(void)
{
	size_t before = gl_pages_free_count();
	long of_b = xencomm_alloc_buf(1, OWNER_B);
	uint64_t ref[3];
	void *va;

	for (unsigned int i = 0; i < 3; i++) {
		long buf = xencomm_alloc_buf(2, OWNER_A);

		ref[i] = xencomm_alloc_mem(buf, 100, &va);
		gl_test_equal(version_with(ref[i]), 0);
	}
	gl_test_equal(xencomm_owner_gone(OWNER_A), 3);
	for (unsigned int i = 0; i < 3; i++)
		gl_test_equal(version_with(ref[i]), -XEN_EFAULT);
	gl_test_equal(xencomm_free_buf(of_b), 0);
	gl_test_equal(gl_pages_free_count(), before);
}

/* --- what must be refused --- */

static void refused(uint64_t ref)
{
	gl_test_equal(version_with(ref), -XEN_EFAULT);
}

/* CP6 */
static void test_bad_descriptors(void)
{
	uint64_t page = must_alloc(), data = must_alloc();
	struct xencomm_desc *x = (struct xencomm_desc *)page;
	uint64_t ref = XENCOMM_DESC | (gl_virt_to_mfn(page) << 12) / 16 <<
		       XENCOMM_DESC_SHIFT;

	memset(x, 0, 4096);
	x->magic = XENCOMM_MAGIC;
	x->nr_addrs = 1;
	x->address[0] = gl_virt_to_mfn(data) << 12;
	gl_test_equal(version_with(ref), 0);
	/* the next 16 bytes: no magic */
	refused(ref + (1UL << XENCOMM_DESC_SHIFT));
	refused(ref + 4096);
	x->nr_addrs = ~0u;
	refused(ref);
	x->nr_addrs = 0;
	refused(ref);
	x->nr_addrs = 1;
	x->magic++;
	refused(ref);
	x->magic--;
	x->address[0] = ~0UL;
	refused(ref);
	x->address[0] = HV_BASE;
	refused(ref);
	x->address[0] = 0x100000;	/* the hypervisor's image */
	refused(ref);
	/* itself: only its own harm */
	x->address[0] = gl_virt_to_mfn(page) << 12;
	gl_test_equal(version_with(ref), 0);
	refused(ref);
	refused(XENCOMM_DESC);
	refused(XENCOMM_DESC | ~0UL >> 2);
	refused(XENCOMM_INLINE | 1UL << 52);
	refused(XENCOMM_INLINE | ~0UL >> 12);
	refused(XENCOMM_BUFFER);
	refused(XENCOMM_BUFFER | ~0UL >> 3);
	gl_page_free(page);
	gl_page_free(data);
	audit("bad descriptors");
}

/* CP7 */
static void test_outputs(void)
{
	uint64_t va = must_alloc(), l1 = gl_pte_maddr(va) & ~4095UL, was;
	uint64_t shared = must_alloc(), mfn;

	was = gl_pte_read(va);
	refused(XENCOMM_INLINE | l1);
	refused(XENCOMM_INLINE | gl_virt_to_mfn(gl_start_info->pt_base) << 12);
	refused(XENCOMM_INLINE |
		(gl_pte_read((uint64_t)&gl_shared_info) & GL_PTE_FRAME));
	gl_test_equal(gl_pte_read(va), was);
	pattern_fill(shared, 1);	/* the bystander shares it too */
	mfn = must_share(shared);
	refused(XENCOMM_INLINE | mfn << 12);
	gl_test_check(pattern_intact(shared, 1));
	gl_test_equal(unshare(shared), SHARE_DONE);
	/* Read-only mappings do not matter: the frame is ours, and plain. */
	gl_test_equal(protect(va), 0);
	gl_test_equal(version_with(XENCOMM_INLINE | gl_virt_to_mfn(va) << 12), 0);
	gl_test_equal(unprotect(va), 0);
	gl_page_free(shared);
	gl_page_free(va);
	audit("outputs");
}

static long buffer_call(uint64_t op, uint64_t arg, uint64_t count)
{
	return hypercall_make_ro_and_share(op, arg, count, 0);
}

/* CP8 */
static void test_buffers(void)
{
	static long numbers[XENCOMM_BUFFERS];
	uint64_t array = must_alloc(), va = must_alloc();
	uint64_t *mfns = (uint64_t *)array;

	mfns[0] = gl_virt_to_mfn(va);
	for (unsigned int i = 0; i < XENCOMM_BUFFERS; i++)
		numbers[i] = buffer_call(XENCOMMOP_register, array, 1);
	gl_test_check(numbers[XENCOMM_BUFFERS - 1] > 0);
	gl_test_equal(buffer_call(XENCOMMOP_register, array, 1), -XEN_ENOSPC);
	for (unsigned int i = 0; i < XENCOMM_BUFFERS - 3; i++)
		gl_test_equal(buffer_call(XENCOMMOP_unregister, numbers[i], 0), 0);
	gl_test_equal(buffer_call(XENCOMMOP_unregister, numbers[0], 0), -XEN_ENOENT);
	gl_test_equal(buffer_call(XENCOMMOP_unregister, 0, 0), -XEN_ENOENT);
	gl_test_equal(buffer_call(XENCOMMOP_unregister, ~0UL, 0), -XEN_ENOENT);
	gl_test_equal(offer(va), -XEN_EBUSY);
	mfns[0] = gl_virt_to_mfn(gl_start_info->pt_base);
	gl_test_equal(buffer_call(XENCOMMOP_register, array, 1), -XEN_EBUSY);
	mfns[0] = 0x100;
	gl_test_equal(buffer_call(XENCOMMOP_register, array, 1), -XEN_EPERM);
	gl_test_equal(buffer_call(XENCOMMOP_register, array, 0), -XEN_EINVAL);
	gl_test_equal(buffer_call(XENCOMMOP_register, array, 513), -XEN_EINVAL);
	gl_page_free(array);
	audit("buffers");
	/* Three stay registered: the domain's end lets them go. */
}

void gl_main(void)
{
	far_apart = gl_pages_alloc(4);
	swap_frames(far_apart + 4096, far_apart + 3 * 4096);
	test_kinds();
	test_problem_concurrency();
	test_problem_many_pages();
	test_problem_length();
	test_problem_death();
	test_bad_descriptors();
	test_outputs();
	test_buffers();
	gl_test_done();
}
