/* SPDX-License-Identifier: MIT */
/*
 * A decoder for the instructions that fault in ring 3 although a PV kernel may
 * use them, for `int n`, and for the stores with which kernels change
 * page-table entries.  A pure function of a few bytes: it reads no guest memory
 * and touches no register, so that the host tests and the fuzzer run it as it
 * is.
 *
 * DECODE1  never reads past `bytes`.
 * DECODE2  length <= DECODE_MAX, and <= bytes, whenever it returns true.
 */
#ifndef HV_PV_DECODE_H
#define HV_PV_DECODE_H

#include "lib/types.h"

#define DECODE_MAX	15	/* longest instruction of the architecture */

enum insn_kind {
	INSN_IN, INSN_OUT,	/* port in imm (imm_port) or dx */
	INSN_RDMSR, INSN_WRMSR, INSN_CPUID,
	INSN_CR_READ, INSN_CR_WRITE, INSN_DR_READ, INSN_DR_WRITE,
	INSN_CLTS, INSN_HLT, INSN_CLI, INSN_STI, INSN_INVLPG, INSN_WBINVD,
	INSN_INT,		/* imm = vector */
};

struct insn {
	enum insn_kind kind;
	uint8_t length;		/* bytes, prefixes included */
	uint8_t width;		/* IN, OUT: 1, 2 or 4 bytes */
	bool imm_port;
	uint8_t imm;
	uint8_t sys_reg;	/* CR_*, DR_*: which */
	/* CR_*, DR_*: general register, 0 = rax .. 15 = r15 */
	uint8_t gpr;
};

/*
 * False: not one of these, or cut short. `long_mode`: 64-bit code, where
 * 0x40-0x4f are REX.
 */
bool decode_insn(const uint8_t *code, size_t bytes, bool long_mode,
		 struct insn *out);

enum store_op {
	STORE_MOV, STORE_XCHG, STORE_CMPXCHG, STORE_AND, STORE_OR,
	STORE_BTS, STORE_BTR,
};

/*
 * A store to memory.  The address is not decoded: the caller has it from the
 * fault.
 */
struct store {
	enum store_op op;
	uint8_t length;		/* bytes, prefixes included */
	uint8_t width;		/* 1, 2, 4 or 8 bytes */
	/* the source is imm (bit number modulo the width), else gpr */
	bool use_imm;
	/* has a REX prefix: 1-byte registers 4-7 are the low ones */
	bool rex;
	uint8_t gpr;
	uint64_t imm;		/* extended with its sign */
};

/*
 * Of 64-bit code.  False: another instruction, no memory operand, or cut short.
 */
bool decode_store(const uint8_t *code, size_t bytes, struct store *out);

/*
 * Length of the forced-emulation prefix ud2a; "xen" if code starts with it,
 * else 0.
 */
unsigned int decode_forced_prefix(const uint8_t *code, size_t bytes);

#endif
