/* links: hv/pv/decode.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * The decoder of privileged instructions: what it knows, what it refuses, and
 * DECODE1, DECODE2 for any bytes.
 */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "pv/decode.h"
#include "unit/suite.h"

struct example {
	const char *bytes;
	uint8_t count;
	struct insn want;	/* length 0: not decoded */
};

#define X(s, ...) { s, sizeof(s) - 1, { __VA_ARGS__ } }

static const struct example examples[] = {
	X("\xec", .kind = INSN_IN, .length = 1, .width = 1),
	X("\xed", .kind = INSN_IN, .length = 1, .width = 4),
	X("\x66\xed", .kind = INSN_IN, .length = 2, .width = 2),
	X("\x48\xed", .kind = INSN_IN, .length = 2, .width = 4),
	X("\xe4\x61", .kind = INSN_IN, .length = 2, .width = 1,
	  .imm_port = true, .imm = 0x61),
	X("\x66\xe5\x70", .kind = INSN_IN, .length = 3, .width = 2,
	  .imm_port = true, .imm = 0x70),
	X("\xe6\x80", .kind = INSN_OUT, .length = 2, .width = 1,
	  .imm_port = true, .imm = 0x80),
	X("\xef", .kind = INSN_OUT, .length = 1, .width = 4),
	X("\x0f\x30", .kind = INSN_WRMSR, .length = 2),
	X("\x0f\x32", .kind = INSN_RDMSR, .length = 2),
	X("\x0f\xa2", .kind = INSN_CPUID, .length = 2),
	X("\x0f\x20\xc0", .kind = INSN_CR_READ, .length = 3),
	X("\x0f\x20\xe1", .kind = INSN_CR_READ, .length = 3, .sys_reg = 4,
	  .gpr = 1),
	X("\x41\x0f\x22\xdf", .kind = INSN_CR_WRITE, .length = 4, .sys_reg = 3,
	  .gpr = 15),
	X("\x44\x0f\x20\xc0", .kind = INSN_CR_READ, .length = 4, .sys_reg = 8),
	X("\x0f\x23\xf8", .kind = INSN_DR_WRITE, .length = 3, .sys_reg = 7),
	/* mod ignored */
	X("\x0f\x21\x00", .kind = INSN_DR_READ, .length = 3),
	X("\x0f\x06", .kind = INSN_CLTS, .length = 2),
	X("\x0f\x09", .kind = INSN_WBINVD, .length = 2),
	X("\xf4", .kind = INSN_HLT, .length = 1),
	X("\xfa", .kind = INSN_CLI, .length = 1),
	X("\xfb", .kind = INSN_STI, .length = 1),
	X("\x0f\x01\x38", .kind = INSN_INVLPG, .length = 3),
	X("\x0f\x01\x3c\x25\x00\x10\x00\x00", .kind = INSN_INVLPG, .length = 8),
	X("\x0f\x01\x7c\x24\x08", .kind = INSN_INVLPG, .length = 5),
	X("\x41\x0f\x01\xbf\x01\x02\x03\x04", .kind = INSN_INVLPG, .length = 8),
	X("\x0f\x01\x3d\x01\x02\x03\x04", .kind = INSN_INVLPG, .length = 7),
	X("\xcd\x80", .kind = INSN_INT, .length = 2, .imm = 0x80),
	X("\x66\xcd\x21", .kind = INSN_INT, .length = 3, .imm = 0x21),
	/* REX lost */
	X("\x48\x66\xed", .kind = INSN_IN, .length = 3, .width = 2),
	X("\xf0\xfa", .length = 0),		/* lock */
	X("\xf0\x0f\x20\xc0", .length = 0),
	X("\x0f\x01\xf8", .length = 0),		/* swapgs */
	X("\x0f\x01\x30", .length = 0),		/* lmsw */
	X("\x0f\x33", .length = 0),		/* rdpmc */
	X("\x6c", .length = 0),			/* insb: refused */
	X("\x90", .length = 0),
	X("\x0f", .length = 0),
	X("\x0f\x20", .length = 0),
	X("\xe4", .length = 0),
	X("\x0f\x01\x3c", .length = 0),
	X("", .length = 0),
};

START_TEST(known)
{
	const struct example *x = &examples[_i];
	struct insn got;
	bool ok = decode_insn((const uint8_t *)x->bytes, x->count, true, &got);

	ck_assert_int_eq(ok, x->want.length != 0);
	if (!ok)
		return;
	ck_assert_int_eq(got.kind, x->want.kind);
	ck_assert_uint_eq(got.length, x->want.length);
	ck_assert_uint_eq(got.width, x->want.width);
	ck_assert_uint_eq(got.imm_port, x->want.imm_port);
	ck_assert_uint_eq(got.imm, x->want.imm);
	ck_assert_uint_eq(got.sys_reg, x->want.sys_reg);
	ck_assert_uint_eq(got.gpr, x->want.gpr);
}
END_TEST

struct store_example {
	const char *bytes;
	uint8_t count;
	struct store want;	/* length 0: not decoded */
};

/*
 * Stores as compilers and kernels write them; REX.B and the SIB are the
 * address's.
 */
static const struct store_example stores[] = {
	X("\x48\x87\x10", STORE_XCHG, 3, 8, false, true, 2, 0),
	X("\x4c\x87\x3c\xc7", STORE_XCHG, 4, 8, false, true, 15, 0),
	X("\x86\x27", STORE_XCHG, 2, 1, false, false, 4, 0),	/* ah */
	X("\x40\x86\x27", STORE_XCHG, 3, 1, false, true, 4, 0),	/* spl */
	X("\xf0\x80\x23\xfd", STORE_AND, 4, 1, true, false, 0, ~2UL),
	X("\xf0\x80\x63\x06\xfd", STORE_AND, 5, 1, true, false, 0, ~2UL),
	X("\xf0\x48\x83\x0f\x40", STORE_OR, 5, 8, true, true, 0, 0x40),
	X("\x48\x81\x27\xff\xff\xff\x7f", STORE_AND, 7, 8, true, true, 0,
	  0x7fffffff),
	X("\x66\x81\x0f\x00\x80", STORE_OR, 5, 2, true, false, 0,
	  0xffffffffffff8000),
	X("\x20\x07", STORE_AND, 2, 1, false, false, 0, 0),
	X("\x09\x0f", STORE_OR, 2, 4, false, false, 1, 0),
	X("\x48\x89\x07", STORE_MOV, 3, 8, false, true, 0, 0),
	X("\x66\x89\x07", STORE_MOV, 3, 2, false, false, 0, 0),
	X("\x88\x07", STORE_MOV, 2, 1, false, false, 0, 0),
	X("\x48\xc7\x05\x01\x02\x03\x04\x00\x00\x00\x80", STORE_MOV, 11, 8,
	  true, true, 0, 0xffffffff80000000),
	X("\xc6\x07\x80", STORE_MOV, 3, 1, true, false, 0,
	  0xffffffffffffff80),
	X("\xf0\x48\x0f\xb1\x0e", STORE_CMPXCHG, 5, 8, false, true, 1, 0),
	X("\x0f\xb0\x0e", STORE_CMPXCHG, 3, 1, false, false, 1, 0),
	X("\xf0\x48\x0f\xba\x33\x05", STORE_BTR, 6, 8, true, true, 0, 5),
	X("\xf0\x48\x0f\xba\x2b\x06", STORE_BTS, 6, 8, true, true, 0, 6),
	X("\x48\x0f\xb3\x03", STORE_BTR, 4, 8, false, true, 0, 0),
	X("\x0f\xab\x03", STORE_BTS, 3, 4, false, false, 0, 0),
	X("\x48\x87\xd0", .length = 0),	/* registers only */
	X("\xf0\x48\x89\x07", .length = 0),	/* no lock with mov */
	X("\x48\x31\x07", .length = 0),	/* xor */
	X("\x48\x01\x07", .length = 0),	/* add */
	X("\x48\xc7\x0f\x00\x00\x00\x00", .length = 0),
	X("\x48\x83\x2f\x01", .length = 0),	/* sub */
	X("\x48\x0f\xba\x23\x05", .length = 0),	/* bt */
	X("\x48\x0f\xba\x3b\x05", .length = 0),	/* btc */
	X("\x48\x0f\xc7\x0f", .length = 0),	/* cmpxchg16b */
	X("\x0f\xba", .length = 0),
	X("\xaa", .length = 0),			/* stosb */
	X("\x8f\x07", .length = 0),		/* pop */
	X("", .length = 0),
};

START_TEST(known_stores)
{
	const struct store_example *x = &stores[_i];
	struct store got;
	bool ok = decode_store((const uint8_t *)x->bytes, x->count, &got);

	ck_assert_int_eq(ok, x->want.length != 0);
	if (!ok)
		return;
	ck_assert_int_eq(got.op, x->want.op);
	ck_assert_uint_eq(got.length, x->want.length);
	ck_assert_uint_eq(got.length, x->count);
	ck_assert_uint_eq(got.width, x->want.width);
	ck_assert_int_eq(got.use_imm, x->want.use_imm);
	ck_assert_int_eq(got.rex, x->want.rex);
	ck_assert_uint_eq(got.gpr, x->want.gpr);
	ck_assert_uint_eq(got.imm, x->want.imm);
	for (size_t n = 0; n < x->want.length; n++)
		ck_assert(!decode_store((const uint8_t *)x->bytes, n, &got));
}
END_TEST

/* Cut short at any byte, an instruction is not decoded. */
START_TEST(truncated)
{
	const struct example *x = &examples[_i];
	struct insn got;

	for (size_t n = 0; x->want.length && n < x->want.length; n++)
		ck_assert(!decode_insn((const uint8_t *)x->bytes, n, true, &got));
}
END_TEST

START_TEST(prefixes_have_a_limit)
{
	uint8_t code[32];
	struct insn got;

	memset(code, 0x66, sizeof(code));
	code[14] = 0xfa;
	ck_assert(decode_insn(code, sizeof(code), true, &got));
	ck_assert_uint_eq(got.length, 15);
	code[14] = 0x66;
	code[15] = 0xfa;
	ck_assert(!decode_insn(code, sizeof(code), true, &got));
}
END_TEST

START_TEST(no_rex_outside_long_mode)
{
	struct insn got;

	ck_assert(!decode_insn((const uint8_t *)"\x41\xcd\x80", 3, false, &got));
	ck_assert(decode_insn((const uint8_t *)"\xcd\x80", 2, false, &got));
}
END_TEST

START_TEST(forced_prefix)
{
	const uint8_t *code = (const uint8_t *)"\x0f\x0bxen\x0f\xa2";

	ck_assert_uint_eq(decode_forced_prefix(code, 7), 5);
	ck_assert_uint_eq(decode_forced_prefix(code, 5), 5);
	ck_assert_uint_eq(decode_forced_prefix(code, 4), 0);
	ck_assert_uint_eq(decode_forced_prefix(code + 1, 6), 0);
}
END_TEST

/*
 * DECODE1 (the sanitizer watches a heap block of exactly that size), DECODE2.
 */
START_TEST(any_bytes)
{
	srand(1);
	for (unsigned int round = 0; round < 200000; round++) {
		size_t n = rand() % 18;
		uint8_t *code = malloc(n ? n : 1);
		struct insn got;

		for (size_t i = 0; i < n; i++)
			code[i] = rand() & 1 ? rand() :
				  "\x0f\x66\x48\xcd\xe4\x01\x20\xf0"[rand() & 7];
		if (decode_insn(code, n, round & 1, &got)) {
			ck_assert_uint_le(got.length, n);
			ck_assert_uint_le(got.length, DECODE_MAX);
			ck_assert_uint_gt(got.length, 0);
			ck_assert_uint_lt(got.gpr, 16);
			ck_assert_uint_lt(got.sys_reg, 16);
		}
		free(code);
	}
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("decode");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, known, 0, ARRAY_COUNT(examples));
	tcase_add_loop_test(tc, known_stores, 0, ARRAY_COUNT(stores));
	tcase_add_loop_test(tc, truncated, 0, ARRAY_COUNT(examples));
	tcase_add_test(tc, prefixes_have_a_limit);
	tcase_add_test(tc, no_rex_outside_long_mode);
	tcase_add_test(tc, forced_prefix);
	tcase_add_test(tc, any_bytes);
	return suite_run();
}
