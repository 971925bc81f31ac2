// SPDX-License-Identifier: MIT
// links: @machine hv/pv/ptwrite.c hv/pv/decode.c tests/fake/fake_grants.c
/*
 * Emulated stores to page tables (WRITE1-WRITE4): each form against the host's
 * own CPU, and what is refused.
 */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake/fake_grants.h"
#include "fake/fake_machine.h"
#include "mm/pagetype.h"
#include "pv/emulate.h"
#include "pv/ptwrite.h"
#include "pv/traps.h"
#include "unit/stores.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define RW (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RO (PTE_P | PTE_US | PTE_A)
#define WRITE_PROTECTED 7u

static struct domain *d;
static struct vcpu *v;
/* pfn of a run of plain pages; the first holds code */
static uint64_t spare;
static mfn_t l1;		/* the table that maps spare */
static uint64_t l1_va;		/* where the guest sees it, read-only */

/* --- the effect of each form, as the CPU has it --- */

struct machine {
	uint64_t rax, rbx, rcx, rdx, flags, mem;
};

/* Run one instruction whose operand is (%rsi). */
static void run_native(const uint8_t *code, size_t bytes, struct machine *m)
{
	static uint8_t *page;

	if (!page)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	memcpy(page, code, bytes);
	page[bytes] = 0xc3;
	__asm__ volatile("sub $128, %%rsp; push %[flags]; popf; call *%[code];"
			 "pushf; pop %[flags]; add $128, %%rsp"
			 : "+a"(m->rax), "+b"(m->rbx), "+c"(m->rcx),
			   "+d"(m->rdx), [flags] "+r"(m->flags)
			 : [code] "r"(page), "S"(&m->mem) : "memory", "cc");
}

static uint64_t flags_compared(enum store_op op)
{
	switch (op) {
	case STORE_AND: case STORE_OR:
		return 0x8c5;	/* not AF */
	case STORE_BTS: case STORE_BTR:
		return 0x41;	/* CF, ZF */
	default:
		return 0x8d5;
	}
}

/*
 * {lock} {66} {48|40} opcode modrm imm: ModRM with rm = (%rsi), registers 0-3
 * and high bytes.
 */
static size_t any_form(uint8_t *code)
{
	static const uint8_t one[] = { 0x08, 0x09, 0x20, 0x21, 0x80, 0x81,
		0x83, 0x86, 0x87, 0x88, 0x89, 0xc6, 0xc7 };
	static const uint8_t two[] = { 0xb0, 0xb1, 0xba };
	size_t n = 0;
	uint8_t digit = rand() & 7;

	if (rand() & 1)
		code[n++] = 0xf0;
	if (rand() & 1)
		code[n++] = 0x66;
	if (rand() & 1)
		code[n++] = rand() & 1 ? 0x48 : 0x40;
	if (rand() % 3) {
		code[n++] = one[rand() % sizeof(one)];
	} else {
		code[n++] = 0x0f;
		code[n++] = two[rand() % sizeof(two)];
	}
	code[n++] = digit << 3 | 6;
	for (unsigned int i = 0; i < 4; i++)
		code[n++] = rand() & 1 ? rand() : 0;
	return n;
}

static uint64_t any_value(void)
{
	uint64_t random = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^
			  (uint64_t)rand();

	switch (rand() & 3) {
	case 0:
		return 0;
	case 1:
		return 0x8080808080808080 & random;
	default:
		return random;
	}
}

START_TEST(as_the_cpu_does)
{
	unsigned int seen[STORE_BTR + 1] = { 0 };

	srand(7);
	for (unsigned int round = 0; round < 100000; round++) {
		uint8_t code[24];
		size_t bytes = any_form(code);
		struct machine m = { any_value(), any_value(), any_value(),
				     any_value(), 0x202 | (any_value() & 0x8d5),
				     any_value() };
		struct regs r = { .rax = m.rax, .rbx = m.rbx, .rcx = m.rcx,
				  .rdx = m.rdx, .rflags = m.flags };
		struct store s;
		uint64_t mask, mem = m.mem;

		if (rand() & 1)
			r.rax = m.rax = mem;	/* cmpxchg that succeeds */
		/* Registers that the native run does not have. */
		if (!decode_store(code, bytes, &s) ||
		    (!s.use_imm && s.gpr >= 4 && (s.width != 1 || s.rex)))
			continue;
		mask = ~0UL >> (64 - 8 * s.width);
		mem = (mem & ~mask) | ptwrite_apply(&s, &r, mem & mask);
		run_native(code, s.length, &m);
		ck_assert_uint_eq(mem, m.mem);
		ck_assert_uint_eq(r.rax, m.rax);
		ck_assert_uint_eq(r.rbx, m.rbx);
		ck_assert_uint_eq(r.rcx, m.rcx);
		ck_assert_uint_eq(r.rdx, m.rdx);
		ck_assert_uint_eq(r.rflags & flags_compared(s.op),
				  m.flags & flags_compared(s.op));
		seen[s.op]++;
	}
	for (unsigned int op = 0; op < ARRAY_COUNT(seen); op++)
		ck_assert_uint_gt(seen[op], 500);
}
END_TEST

/* --- on a guest's tables --- */

static void setup(void)
{
	pte_t *table;

	fake_machine_start();
	d = fake_domain("g", 50);
	v = d->vcpu[0];
	spare = fake_free_pfn(d);
	v->regs.rip = fake_va(spare);
	l1 = virt_to_mfn(fake_pte(d, spare + 1));
	for (uint64_t pfn = 0; pfn < FAKE_PAGES; pfn++)
		if (mfn_eq(fake_mfn(d, pfn), l1))
			l1_va = fake_va(pfn);
	table = mfn_to_virt(l1);
	ck_assert_uint_ne(l1_va, 0);
	l1_va += (fake_pte(d, spare + 1) - table) * sizeof(pte_t);
}

static void teardown(void)
{
	fake_check();
	fake_end(d);
	fake_check();
}

#define STORE(va, s) store(va, WRITE_PROTECTED, s, sizeof(s) - 1)

static bool store(uint64_t va, uint32_t error, const char *code, size_t bytes)
{
	struct regs before;
	bool done = store_by(ptwrite_fault, v, spare, va, error, code, bytes, &before);

	fake_recount();
	return done;	/* WRITE1 */
}

START_TEST(entry_cleared_and_set)
{
	pte_t old = *fake_pte(d, spare + 1);
	mfn_t mfn = pte_mfn(old);

	v->regs.rdx = 0;
	ck_assert(STORE(l1_va, "\x48\x87\x10"));	/* ptep_get_and_clear */
	ck_assert_uint_eq(v->regs.rdx, old);
	ck_assert_uint_eq(*fake_pte(d, spare + 1), 0);
	v->regs.rdx = pte_make(mfn, RW);
	ck_assert(STORE(l1_va, "\x48\x89\x10"));
	ck_assert_uint_eq(*fake_pte(d, spare + 1), pte_make(mfn, RW));
	ck_assert(STORE(l1_va, "\xf0\x80\x20\xfd"));	/* ptep_set_wrprotect */
	ck_assert_uint_eq(*fake_pte(d, spare + 1), pte_make(mfn, RW) & ~2UL);
	ck_assert(STORE(l1_va, "\xf0\x48\x0f\xba\x30\x05"));	/* accessed? */
	ck_assert(v->regs.rflags & RFLAGS_CF);
	ck_assert_uint_eq(*fake_pte(d, spare + 1) & PTE_A, 0);
	v->regs.rax = *fake_pte(d, spare + 1);
	v->regs.rcx = pte_make(mfn, RW);
	ck_assert(STORE(l1_va, "\xf0\x48\x0f\xb1\x0e"));
	ck_assert_uint_eq(*fake_pte(d, spare + 1), pte_make(mfn, RW));
}
END_TEST

/*
 * The lower half alone changes the frame's number: checked like any other
 * entry.
 */
START_TEST(half_entries)
{
	mfn_t mfn = pte_mfn(*fake_pte(d, spare + 1));

	v->regs.rcx = pte_make(mfn, RO);
	ck_assert(STORE(l1_va, "\x89\x0f"));
	ck_assert_uint_eq(*fake_pte(d, spare + 1), pte_make(mfn, RO));
	v->regs.rcx = 0x7ffffff;
	ck_assert(!STORE(l1_va + 4, "\x89\x0f"));	/* no such frame */
	ck_assert_uint_eq(*fake_pte(d, spare + 1), pte_make(mfn, RO));
}
END_TEST

/* What mmu_update would refuse, faults to the guest (TABLE1, TABLE2). */
START_TEST(checked)
{
	pte_t old = *fake_pte(d, spare + 1);

	v->regs.rdx = pte_make(l1, RW);
	ck_assert(!STORE(l1_va, "\x48\x89\x10"));	/* a table, writable */
	ck_assert(!STORE(l1_va, "\x48\x87\x10"));
	v->regs.rdx = old | PTE_PCD;
	ck_assert(!STORE(l1_va, "\x48\x89\x10"));	/* PT17 */
	v->regs.rdx = pte_make(d->vcpu[0]->kernel_l4, RO);
	ck_assert(STORE(l1_va, "\x48\x89\x10"));	/* read-only is legal */
	v->regs.rdx = old;
	ck_assert(STORE(l1_va, "\x48\x89\x10"));
}
END_TEST

START_TEST(not_emulated)
{
	uint64_t upper = 0;

	v->regs.rdx = 0;
	/* straddles two entries */
	ck_assert(!STORE(l1_va + 4, "\x48\x89\x10"));
	ck_assert(!STORE(l1_va, "\x48\x31\x10"));	/* xor */
	ck_assert(!STORE(fake_va(spare + 2), "\x48\x89\x10")); /* no table */
	ck_assert(!STORE(0xffff830000000000, "\x48\x89\x10"));
	ck_assert(!STORE(0x123000, "\x48\x89\x10"));	/* nothing there */
	/* a read, a fetch, a write to nothing, reserved bits */
	ck_assert(!store(l1_va, 5, "\x48\x89\x10", 3));
	ck_assert(!store(l1_va, 0x15, "\x48\x89\x10", 3));
	ck_assert(!store(l1_va, 6, "\x48\x89\x10", 3));
	ck_assert(!store(l1_va, 0xf, "\x48\x89\x10", 3));
	v->kernel_mode = false;
	ck_assert(!STORE(l1_va, "\x48\x89\x10"));
	v->kernel_mode = true;
	in_long_mode = false;
	ck_assert(!STORE(l1_va, "\x48\x89\x10"));
	in_long_mode = true;
	v->regs.rip = 0x123000;				/* code is gone */
	ck_assert(!ptwrite_fault(v, l1_va, WRITE_PROTECTED));
	v->regs.rip = fake_va(spare);
	for (uint64_t pfn = 0; pfn < FAKE_PAGES; pfn++)
		if (mfn_eq(fake_mfn(d, pfn), v->kernel_l4))
			upper = fake_va(pfn);
	ck_assert(!STORE(upper, "\x48\x89\x10"));	/* not an L1 */
	ck_assert(STORE(l1_va, "\x48\x89\x10"));
}
END_TEST

/* WRITE4: a table of another domain's that the guest sees by a grant. */
START_TEST(anothers_table)
{
	struct domain *other = fake_domain("g", 50);
	mfn_t theirs = virt_to_mfn(fake_pte(other, spare + 1));
	pte_t was = *fake_pte(other, spare + 1);
	uint64_t pfn = 0;
	uint32_t handle;

	while (!mfn_eq(fake_mfn(other, pfn), theirs))
		pfn++;
	g_setup(other, 1);
	g_grant(other, 9, pfn, d, true);
	fake_run(d);
	ck_assert_int_eq(g_map(other, 9, spare + 2, GNTMAP_host_map | GNTMAP_readonly,
			       &handle), 0);
	v->regs.rdx = 0;
	ck_assert(!STORE(fake_va(spare + 2) + (l1_va & ~PAGE_MASK), "\x48\x89\x10"));
	ck_assert_uint_eq(*fake_pte(other, spare + 1), was);
	ck_assert_int_eq(g_unmap(spare + 2, handle), 0);
	fake_end(other);
}
END_TEST

int main(void)
{
	TCase *effect = suite_case("effect"), *tables = suite_case("tables");

	tcase_add_test(effect, as_the_cpu_does);
	tcase_add_checked_fixture(tables, setup, teardown);
	tcase_add_test(tables, entry_cleared_and_set);
	tcase_add_test(tables, half_entries);
	tcase_add_test(tables, checked);
	tcase_add_test(tables, not_emulated);
	tcase_add_test(tables, anothers_table);
	return suite_run();
}
