/* SPDX-License-Identifier: MIT */
/*
 * Guests whose frames a first domain maps (tests/boot/foreign).  With one vCPU:
 * one that breaks shares itself.  With two: one that chose break first, and
 * looks at its page all the time while the first domain has the share broken.
 * With self=ID: one that tries to map others.
 */
#include <gl/grant.h>
#include <gl/share_setup.h>
#include <gl/vcpu.h>

#include <xen/memory.h>

#include "letter.h"

#define HELD	60		/* contents 0 .. 59 are a neighbour's, too */

/* What the first domain shall map: it is found by the first grant. */
static void letter_send(uint64_t plain, uint64_t shared)
{
	letter->plain = gl_virt_to_mfn(plain);
	letter->table = gl_virt_to_mfn((uint64_t)gl_l1_of(plain));
	letter->shared = shared;
	letter->state = LETTER_READY;
	gl_test_equal(gl_grant_init(1), 0);
	gl_test_equal(gl_grant_page(0, (uint64_t)letter, true), GL_GRANT_FIRST);
}

static void guest_letter(void)
{
	uint64_t plain = must_alloc(), shared = must_alloc(), kept = must_alloc(), mfn;

	pattern_fill(plain, 1);
	pattern_fill(kept, 3);
	letter->kept = gl_virt_to_mfn(kept);
	pattern_fill(shared, 2);
	mfn = must_share(shared);
	letter_send(plain, mfn);
	letter_wait(LETTER_WRITTEN);
	gl_test_equal(((uint64_t *)plain)[WORD], WRITTEN);
	gl_test_equal(offer(plain), -XEN_EBUSY);	/* it is mapped */
	letter->state = LETTER_LOOKED;
	letter_wait(LETTER_UNMAPPED);
	gl_test_check(offer(plain) > 0);
	gl_test_check(pattern_intact(shared, 2));
	letter->state = LETTER_OFFERED;
	letter_wait(LETTER_END);
	gl_test_done();
}

static volatile uint64_t *watched;
static volatile bool watched_enough;

/* A vCPU that sees each store, and nothing else. */
static void watch(void *unused)
{
	bool written = false;

	while (!watched_enough) {
		uint64_t word = watched[WORD];

		if (word == WRITTEN)
			written = true;
		else if (written || word != pattern_word(1, WORD))
			gl_test_fail("the page has %lx", word);
		for (unsigned int k = WORD + 1; k < PAGE_WORDS; k++)
			if (watched[k] != pattern_word(1, k))
				gl_test_fail("word %u is %lx", k, watched[k]);
	}
}

/* A page that a neighbour holds, too: a break copies it. */
static uint64_t held_page(struct gl_share *share)
{
	uint64_t va, old;

	for (unsigned int i = 0; i < 200; i++) {
		va = must_alloc();
		pattern_fill(va, HELD - 1);
		gl_test_equal(gl_share_page(share, va), 0);
		old = gl_virt_to_mfn(va);
		*(volatile uint64_t *)va = 1;
		if (gl_virt_to_mfn(va) != old)
			break;
		gl_page_free(va);
		gl_sleep_ns(20000000);
	}
	pattern_fill(va, 1);
	gl_test_equal(gl_share_page(share, va), 0);
	return va;
}

static void guest_breaks(void)
{
	struct gl_share *share = gl_share_setup(8);
	uint64_t va;

	gl_test_equal(gl_share_break_first(share,
			(const uint64_t *)gl_start_info->mfn_list,
			gl_pages_total()), 0);
	va = held_page(share);
	watched = (void *)va;
	gl_test_equal(gl_vcpu_start(1, watch, NULL), 0);
	letter_send((uint64_t)letter, gl_virt_to_mfn(va));
	letter_wait(LETTER_WRITTEN);
	gl_test_equal(watched[WORD], WRITTEN);
	gl_sleep_ns(50000000);
	watched_enough = true;
	gl_vcpu_wait(1);
	gl_test_check(gl_virt_to_mfn(va) != letter->shared);
	audit("a break");
	/* It goes on; the first domain ends with its pages mapped. */
	letter->state = LETTER_LOOKED;
	for (;;)
		gl_sleep_ns(1000000000);
}

static void try(uint64_t ptr, uint64_t val, unsigned int dom, long want)
{
	struct mmu_update req = { ptr, val };
	struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = val >> 12 };
	unsigned int done = 9;

	gl_test_equal(hypercall_mmu_update(&req, 1, &done, dom), want);
	gl_test_equal(done, 0);
	op.cmd = MMUEXT_CLEAR_PAGE;
	gl_test_equal(hypercall_mmuext_op(&op, 1, NULL, dom), want);
}

/* ME9, FOR1: no guest names another's frames. */
static void guest_attacker(unsigned int self, unsigned int other)
{
	uint64_t va = must_alloc(), ptr = gl_pte_maddr(va), old = gl_pte_read(va);
	struct xen_mem_acquire_resource r = {
		.domid = 0, .type = XENMEM_resource_grant_table, .nr_frames = 1,
	};
	uint64_t frame;

	set_xen_guest_handle(r.frame_list, (xen_pfn_t *)&frame);
	for (uint64_t mfn = 0; mfn < 65536; mfn += 97) {
		try(ptr, mfn << 12 | GL_PTE_KERNEL, 0, -XEN_EPERM);
		try(ptr, mfn << 12 | GL_PTE_KERNEL_RO, other, -XEN_EPERM);
		try(ptr | MMU_MACHPHYS_UPDATE, mfn, other, -XEN_EPERM);
		try(ptr, 0, other, -XEN_EPERM);
		try(ptr, mfn << 12 | GL_PTE_KERNEL_RO, self, -XEN_ESRCH);
		try(ptr, mfn << 12 | GL_PTE_KERNEL_RO, 0x7000, -XEN_ESRCH);
		try(ptr, mfn << 12 | GL_PTE_KERNEL_RO, DOMID_IO, -XEN_EPERM);
		try(ptr, mfn << 12 | GL_PTE_KERNEL_RO, DOMID_XEN, -XEN_EPERM);
	}
	gl_test_equal(gl_pte_read(va), old);
	gl_test_equal(hypercall_memory_op(XENMEM_acquire_resource, &r), -XEN_EPERM);
	r.domid = other;
	gl_test_equal(hypercall_memory_op(XENMEM_acquire_resource, &r), -XEN_EPERM);
	r.domid = self;
	gl_test_equal(hypercall_memory_op(XENMEM_acquire_resource, &r), -XEN_EPERM);
	r.domid = 0x7000;
	gl_test_equal(hypercall_memory_op(XENMEM_acquire_resource, &r), -XEN_ESRCH);
	audit("an attack");
	gl_test_done();
}

void gl_main(void)
{
	letter = (struct letter *)must_alloc();
	memset(letter, 0, GL_PAGE_BYTES);
	if (gl_cmdline_u64("self", 0))
		guest_attacker(gl_cmdline_u64("self", 0), gl_cmdline_u64("other", 0));
	if (gl_vcpu_count() > 1)
		guest_breaks();
	guest_letter();
}
