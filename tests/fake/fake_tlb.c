/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes are noted, and nothing is cached.  The simulator has the real
 * ones.
 */
#include <port.h>

#include "fake/fake_machine.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

static void flushed(uint64_t mask)
{
	fake_machine.flushes++;
	fake_machine.flushed |= mask;
	this_cpu()->flushes += mask != 0;
	if (fake_machine.on_flush)
		fake_machine.on_flush();
}

void tlb_flush_local(void) { flushed(FAKE_FLUSH_LOCAL); }
void tlb_flush_page_local(uint64_t va) { flushed(FAKE_FLUSH_LOCAL); }
void tlb_flush_mask(uint64_t mask) { flushed(mask); }
void tlb_flush_page_mask(uint64_t mask, uint64_t va) { flushed(mask); }
void tlb_load_cr3(maddr_t cr3) { flushed(FAKE_FLUSH_CR3); }
