/* SPDX-License-Identifier: MIT */
/* See fake_pv.h. */
#include <errno.h>
#include <port.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dom/die.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "fake/fake_pv.h"
#include "pv/mmu.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

#define REGIONS_MAX 8

struct fake_pv fake_pv;

static struct region {
	uint64_t va;
	uint8_t *host;
	size_t bytes;
	bool writable;
} regions[REGIONS_MAX];
static unsigned int region_count;
static uint8_t stack[2 * PAGE_SIZE];

void fake_memory_add(uint64_t va, void *host, size_t bytes, bool writable)
{
	CHECK(region_count < REGIONS_MAX);
	regions[region_count++] = (struct region){ va, host, bytes, writable };
}

static uint8_t *byte_at(uint64_t va, bool write)
{
	for (unsigned int i = 0; i < region_count; i++) {
		struct region *r = &regions[i];

		if (va - r->va < r->bytes)
			return write && !r->writable ? NULL :
						       r->host + (va - r->va);
	}
	return NULL;
}

void *fake_memory_at(uint64_t va)
{
	return byte_at(va, false);
}

uint64_t fake_stack_word(uint64_t va)
{
	uint64_t word;

	memcpy(&word, stack + (va - FAKE_STACK_BASE), sizeof(word));
	return word;
}

struct vcpu *fake_pv_reset(void)
{
	struct vcpu *v = &fake_pv.vcpu;

	memset(&fake_pv, 0, sizeof(fake_pv));
	memset(stack, 0xa5, sizeof(stack));
	region_count = 0;
	fake_memory_add(FAKE_STACK_BASE, stack, sizeof(stack), true);
	fake_pv.preempt_after = -1;
	fake_pv.domain.state = DOM_RUNNING;
	v->domain = &fake_pv.domain;
	v->info = &fake_pv.info;
	v->kernel_mode = true;
	v->kernel_l4 = MFN(0x111);
	v->user_l4 = MFN(0x222);
	v->kernel_sp = FAKE_KERNEL_SP;
	v->event_cb.address = FAKE_EVENT_CB;
	v->failsafe_cb.address = FAKE_FAILSAFE_CB;
	v->syscall_cb.address = FAKE_SYSCALL_CB;
	v->syscall_cb.mask_events = true;
	for (unsigned int i = 0; i < 256; i++)
		v->traps[i] = (struct trap_info){ i, 0, 0xe033, FAKE_HANDLER(i) };
	v->regs.cs = FLAT_KERNEL_CS64;
	v->regs.ss = FLAT_KERNEL_SS64;
	v->regs.rsp = FAKE_KERNEL_SP - 0x108;
	v->regs.rip = 0xffffffff82000000UL;
	v->regs.rflags = RFLAGS_IF | RFLAGS_MBS;
	this_cpu()->current = v;
	return v;
}

/* --- x86/guestcopy.h --- */

bool guest_range_ok(uint64_t va, uint64_t bytes)
{
	uint64_t last = va + bytes - (bytes != 0);

	if (last < va)
		return false;
	if (last < 0x800000000000UL)
		return true;
	return va >= HV_VIRT_END;
}

bool guest_arg_ok(uint64_t address, uint64_t bytes)
{
	return guest_range_ok(address, bytes);
}

int copy_from_guest(void *dst, uint64_t src, size_t bytes)
{
	if (!guest_range_ok(src, bytes))
		return -EFAULT;
	for (size_t i = 0; i < bytes; i++) {
		const uint8_t *from = byte_at(src + i, false);

		if (!from)
			return -EFAULT;
		((uint8_t *)dst)[i] = *from;
	}
	return 0;
}

int copy_to_guest(uint64_t dst, const void *src, size_t bytes)
{
	if (!guest_range_ok(dst, bytes))
		return -EFAULT;
	for (size_t i = 0; i < bytes; i++) {
		uint8_t *to = byte_at(dst + i, true);

		if (!to)
			return -EFAULT;
		*to = ((const uint8_t *)src)[i];
	}
	return 0;
}

int copy_word_to_guest(uint64_t dst, uint64_t word)
{
	return copy_to_guest(dst, &word, sizeof(word));
}

int guest_read_insn(void *dst, uint64_t va, size_t max)
{
	size_t done = 0;

	while (done < max && !copy_from_guest((uint8_t *)dst + done, va + done, 1))
		done++;
	return (int)done;
}

/* --- the layers below --- */

void domain_crash(struct domain *d, const char *fmt, ...)
{
	va_list ap;

	if (fake_pv.crashes++)
		return;
	va_start(ap, fmt);
	vsnprintf(fake_pv.crash, sizeof(fake_pv.crash), fmt, ap);
	va_end(ap);
	d->state = DOM_DYING;
}

void vcpu_set_mode(struct vcpu *v, bool kernel)
{
	CHECK(v->kernel_mode != kernel);
	v->kernel_mode = kernel;
	fake_pv.mode_changes++;
}

bool evtchn_deliverable(const struct vcpu *v)
{
	return v->info->evtchn_upcall_pending && !v->info->evtchn_upcall_mask;
}

bool sched_preempt_pending(void)
{
	if (fake_pv.preempt_after < 0)
		return false;
	return fake_pv.preempt_after-- == 0;
}

void sched_block(struct vcpu *v)
{
	fake_pv.blocks++;
}

int mmu_base_load(struct vcpu *who, mfn_t mfn)
{
	fake_pv.base_asked = mfn;
	return fake_pv.base_answer;
}

void tlb_flush_local(void)
{
	fake_pv.flushes++;
}

uint64_t tsc_read(void)
{
	return 0x123456789abcUL;
}

void segs_save(struct guest_segs *s)
{
	*s = (struct guest_segs){ .fs_base = fake_pv.fs_base,
				  .gs_base = fake_pv.gs_base };
}

uint32_t segs_rights(uint16_t sel)
{
	switch (sel & ~4) {
	case FAKE_CODE64:
		return 0xaffb00;
	case FAKE_CODE32:
		return 0xcffb00;
	default:
		return 0;
	}
}

bool segs_load_gs_user(uint16_t sel)
{
	/* as the CPU: the live base changes */
	fake_pv.gs_base = fake_pv.gs_user_base;
	return true;
}

uint64_t segs_read_gs_base(void)
{
	return fake_pv.gs_base;
}

void segs_write_gs_base(uint64_t base)
{
	fake_pv.gs_base = base;
}

uint64_t segs_read_fs_base(void)
{
	return fake_pv.fs_base;
}

void segs_write_fs_base(uint64_t base)
{
	fake_pv.fs_base = base;
}

uint64_t cpu_cr4_for_guests(void)
{
	return CR4_TSD | CR4_DE;
}

void cpu_cr4_set_guest(uint64_t bits)
{
	fake_pv.hw_cr4 = bits;
}

void fpu_set_ts(bool on)
{
	fake_pv.hw_ts = on;
}

void debugreg_write(unsigned int nr, uint64_t value)
{
	fake_pv.hw_dr[nr] = value;
}

uint64_t debugreg_read(unsigned int nr)
{
	return fake_pv.hw_dr[nr];
}
