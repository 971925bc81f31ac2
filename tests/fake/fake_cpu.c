/* SPDX-License-Identifier: MIT */
/* A CPU: its clock, its registers, and how it reaches a guest's memory. */
#include <errno.h>
#include <port.h>

#include "fake/fake_machine.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "sharing/holds.h"
#include "pv/xencomm.h"
#include "x86/above.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"
#include "x86/vecregs.h"

#define PF_PRESENT_WRITE 3u

maddr_t cpu_idle_cr3;

void gdt_set_ldt(uint64_t base, unsigned int entries) { }
void lapic_send_ipi(unsigned int cpu, enum vector vector) { }
void wallclock_fill(struct shared_info *s) { s->wc_sec = 1234567890; }
void hypercall_page_fill(void *page) { memset(page, 0xc3, PAGE_SIZE); }

uint64_t now_ns(void)
{
	static uint64_t now;

	now += fake_machine.skip_ns;
	fake_machine.skip_ns = 0;
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

/* Which slots are linked a walk in software sees by itself. */
void guestcopy_slots(uint64_t *const *slots) { }
void guestcopy_look(uint64_t cpus) { fake_machine.looking |= cpus; }

int copy_from_guest(void *dst, uint64_t src, size_t bytes)
{
	if (!guest_range_ok(src, bytes))
		return guestref_copy(dst, src, bytes, false);
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
		return guestref_copy((void *)(uintptr_t)src, dst, bytes, true);
	for (size_t i = 0; i < bytes; i++) {
		uint8_t *at = guest_byte(dst + i, true);

		if (!at)
			return -EFAULT;
		*at = ((const uint8_t *)src)[i];
	}
	return 0;
}

int copy_word_to_guest(uint64_t dst, uint64_t word)
{
	return copy_to_guest(dst, &word, sizeof(word));
}

int clear_guest(uint64_t dst, size_t bytes)
{
	static const uint8_t zeros[PAGE_SIZE];

	return copy_to_guest(dst, zeros, bytes);
}
