/* SPDX-License-Identifier: MIT */
/*
 * For tests of stores that fault and are done for a guest's kernel: what stands
 * behind the decoder, and one such store.
 */
#ifndef TESTS_UNIT_STORES_H
#define TESTS_UNIT_STORES_H

#include <check.h>
#include <string.h>

#include "fake/fake_machine.h"
#include "pv/emulate.h"
#include "x86/guestcopy.h"

static bool in_long_mode = true;

bool emulate_code_is_long(uint64_t selector)
{
	return in_long_mode;
}

int guest_read_insn(void *to, uint64_t va, size_t bytes)
{
	return copy_from_guest(to, va, bytes) ? -1 : (int)bytes;
}

void emulate_advance(struct vcpu *who, unsigned int length)
{
	who->regs.rip += length;
}

typedef bool (*store_fn)(struct vcpu *v, uint64_t va, uint32_t error);

/*
 * v's kernel makes the store `code`, which is put on page `pfn`, where its rip
 * is, and faults at va.  True: fn did it, and rip was behind it; else nothing
 * changed.  *before: its registers.
 */
static inline bool store_by(store_fn fn, struct vcpu *v, uint64_t pfn, uint64_t va,
			    uint32_t error, const char *code, size_t bytes,
			    struct regs *before)
{
	uint64_t rip = v->regs.rip;
	bool done;

	memset(fake_page(v->domain, pfn), 0x90, 16);
	memcpy(fake_page(v->domain, pfn), code, bytes);
	*before = v->regs;
	done = fn(v, va, error);
	if (done)
		ck_assert_uint_eq(v->regs.rip, rip + bytes);
	else
		ck_assert(!memcmp(before, &v->regs, sizeof(*before)));
	v->regs.rip = rip;
	return done;
}

#endif
