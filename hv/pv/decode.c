/* SPDX-License-Identifier: MIT */
/* Decoder for privileged instructions and stores; see decode.h. */
#include <port.h>

#include "pv/decode.h"

#define REX_B	1
#define REX_R	4

struct cursor {
	const uint8_t *code;
	size_t bytes;		/* readable, at most DECODE_MAX */
	size_t at;
	bool operand16, lock, repeat, long_mode;
	uint8_t rex;		/* 0 = none */
};

static bool next_byte(struct cursor *c, uint8_t *byte)
{
	if (c->at >= c->bytes)
		return false;
	*byte = c->code[c->at++];
	return true;
}

/* Note a legacy prefix; false: the byte is none. */
static bool take_prefix(struct cursor *c, uint8_t byte)
{
	switch (byte) {
	case 0x66:
		c->operand16 = true;
		return true;
	case 0xf0:
		c->lock = true;
		return true;
	case 0xf2: case 0xf3:
		c->repeat = true;
		return true;
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
	case 0x67:
		return true;
	default:
		return false;
	}
}

/*
 * Skip prefixes; *opcode is the byte behind them.  A REX counts only as the
 * last one.
 */
static bool next_opcode(struct cursor *c, uint8_t *opcode)
{
	while (next_byte(c, opcode)) {
		if (c->long_mode && (*opcode & 0xf0) == 0x40)
			c->rex = *opcode;
		else if (take_prefix(c, *opcode))
			c->rex = 0;
		else
			return true;
	}
	return false;
}

/* Skip what a memory operand has behind its ModRM byte: SIB, displacement. */
static bool skip_memory(struct cursor *c, uint8_t modrm)
{
	uint8_t mod = modrm >> 6, rm = modrm & 7, byte;
	unsigned int disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;

	if (rm == 4) {
		if (!next_byte(c, &byte))
			return false;
		if (mod == 0 && (byte & 7) == 5)
			disp = 4;
	} else if (mod == 0 && rm == 5) {
		disp = 4;
	}
	while (disp--)
		if (!next_byte(c, &byte))
			return false;
	return true;
}

/*
 * mov between a control or debug register and a general one: mod is ignored,
 * always registers.
 */
static bool decode_sys_mov(struct cursor *c, struct insn *out,
			   enum insn_kind kind)
{
	uint8_t modrm;

	if (!next_byte(c, &modrm) || c->lock)
		return false;
	out->kind = kind;
	out->sys_reg = (modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0);
	out->gpr = (modrm & 7) | (c->rex & REX_B ? 8 : 0);
	return true;
}

/* 0F 01: of this group only invlpg (/7 with a memory operand). */
static bool decode_group7(struct cursor *c, struct insn *out)
{
	uint8_t modrm;

	if (!c->long_mode || !next_byte(c, &modrm))
		return false;
	if ((modrm >> 3 & 7) != 7 || modrm >> 6 == 3)
		return false;
	out->kind = INSN_INVLPG;
	return skip_memory(c, modrm);
}

static bool decode_two_byte(struct cursor *c, struct insn *out)
{
	static const struct {
		uint8_t opcode;
		uint8_t kind;
	} plain[] = {
		{ 0x06, INSN_CLTS }, { 0x08, INSN_WBINVD },
		{ 0x09, INSN_WBINVD }, { 0x30, INSN_WRMSR },
		{ 0x32, INSN_RDMSR }, { 0xa2, INSN_CPUID },
	};
	uint8_t opcode;

	if (!next_byte(c, &opcode))
		return false;
	switch (opcode) {
	case 0x01:
		return decode_group7(c, out);
	case 0x20:
		return decode_sys_mov(c, out, INSN_CR_READ);
	case 0x21:
		return decode_sys_mov(c, out, INSN_DR_READ);
	case 0x22:
		return decode_sys_mov(c, out, INSN_CR_WRITE);
	case 0x23:
		return decode_sys_mov(c, out, INSN_DR_WRITE);
	}
	for (size_t i = 0; i < ARRAY_COUNT(plain); i++)
		if (plain[i].opcode == opcode) {
			out->kind = plain[i].kind;
			return true;
		}
	return false;
}

/* E4-E7 and EC-EF: bit 0 wide, bit 1 out, bit 3 port in dx. */
static bool decode_port(struct cursor *c, struct insn *out, uint8_t opcode)
{
	out->kind = opcode & 2 ? INSN_OUT : INSN_IN;
	out->width = !(opcode & 1) ? 1 : c->operand16 && !(c->rex & 8) ? 2 : 4;
	out->imm_port = !(opcode & 8);
	return !out->imm_port || next_byte(c, &out->imm);
}

static bool decode_one_byte(struct cursor *c, struct insn *out, uint8_t opcode)
{
	switch (opcode) {
	case 0xcd:
		out->kind = INSN_INT;
		return next_byte(c, &out->imm);
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
		return decode_port(c, out, opcode);
	case 0xf4:
		out->kind = INSN_HLT;
		return true;
	case 0xfa:
		out->kind = INSN_CLI;
		return true;
	case 0xfb:
		out->kind = INSN_STI;
		return true;
	default:
		return false;
	}
}

bool decode_insn(const uint8_t *code, size_t bytes, bool long_mode,
		 struct insn *out)
{
	struct cursor c = { .code = code, .bytes = MIN(bytes, DECODE_MAX),
			    .long_mode = long_mode };
	uint8_t opcode;
	bool known;

	memset(out, 0, sizeof(*out));
	if (!next_opcode(&c, &opcode) || c.lock)
		return false;
	known = opcode == 0x0f ? decode_two_byte(&c, out) :
				 decode_one_byte(&c, out, opcode);
	out->length = c.at;
	return known;
}

unsigned int decode_forced_prefix(const uint8_t *code, size_t bytes)
{
	static const uint8_t prefix[] = { 0x0f, 0x0b, 'x', 'e', 'n' };

	if (bytes < sizeof(prefix) || memcmp(code, prefix, sizeof(prefix)))
		return 0;
	return sizeof(prefix);
}

/* --- stores --- */

enum source { SRC_REG, SRC_IMM, SRC_IMM8 };

struct form {
	uint8_t opcode;		/* bit 0 clear: 1-byte form, where `sized` */
	uint8_t op;
	uint8_t source;
	int8_t digit;		/* of ModRM, -1 = a register */
	bool sized, lock;
};

static const struct form forms[] = {
	{ 0x08, STORE_OR, SRC_REG, -1, true, true },
	{ 0x20, STORE_AND, SRC_REG, -1, true, true },
	{ 0x80, STORE_OR, SRC_IMM, 1, true, true },
	{ 0x80, STORE_AND, SRC_IMM, 4, true, true },
	{ 0x83, STORE_OR, SRC_IMM8, 1, false, true },
	{ 0x83, STORE_AND, SRC_IMM8, 4, false, true },
	{ 0x86, STORE_XCHG, SRC_REG, -1, true, true },
	{ 0x88, STORE_MOV, SRC_REG, -1, true, false },
	{ 0xc6, STORE_MOV, SRC_IMM, 0, true, false },
};

/* Behind 0F. */
static const struct form forms_0f[] = {
	{ 0xab, STORE_BTS, SRC_REG, -1, false, true },
	{ 0xb0, STORE_CMPXCHG, SRC_REG, -1, true, true },
	{ 0xb3, STORE_BTR, SRC_REG, -1, false, true },
	{ 0xba, STORE_BTS, SRC_IMM8, 5, false, true },
	{ 0xba, STORE_BTR, SRC_IMM8, 6, false, true },
};

static const struct form *find_form(const struct form *table, size_t count,
				    uint8_t opcode, uint8_t digit)
{
	for (const struct form *f = table; f < table + count; f++)
		if ((opcode & ~(f->sized ? 1 : 0)) == f->opcode &&
		    (f->digit < 0 || f->digit == digit))
			return f;
	return NULL;
}

static bool take_imm(struct cursor *c, unsigned int bytes, uint64_t *imm)
{
	uint8_t byte = 0;

	*imm = 0;
	for (unsigned int i = 0; i < bytes; i++) {
		if (!next_byte(c, &byte))
			return false;
		*imm |= (uint64_t)byte << (8 * i);
	}
	if (byte & 0x80 && bytes < 8)
		*imm |= ~0UL << (8 * bytes);
	return true;
}

static uint8_t store_width(const struct cursor *c, const struct form *f,
			   uint8_t opcode)
{
	if (f->sized && !(opcode & 1))
		return 1;
	if (c->rex & 8)
		return 8;
	return c->operand16 ? 2 : 4;
}

static bool decode_form(struct cursor *c, const struct form *f, uint8_t opcode,
			uint8_t modrm, struct store *out)
{
	if (!f || (c->lock && !f->lock) || modrm >> 6 == 3 ||
	    !skip_memory(c, modrm))
		return false;
	out->op = f->op;
	out->width = store_width(c, f, opcode);
	out->rex = c->rex != 0;
	out->use_imm = f->source != SRC_REG;
	if (!out->use_imm)
		out->gpr = (modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0);
	else if (!take_imm(c, f->source == SRC_IMM8 ? 1 : MIN(out->width, 4),
			   &out->imm))
		return false;
	out->length = c->at;
	return true;
}

bool decode_store(const uint8_t *code, size_t bytes, struct store *out)
{
	struct cursor c = { .code = code, .bytes = MIN(bytes, DECODE_MAX),
			    .long_mode = true };
	const struct form *table = forms;
	size_t count = ARRAY_COUNT(forms);
	uint8_t opcode, modrm;

	memset(out, 0, sizeof(*out));
	if (!next_opcode(&c, &opcode))
		return false;
	if (opcode == 0x0f) {
		table = forms_0f;
		count = ARRAY_COUNT(forms_0f);
		if (!next_byte(&c, &opcode))
			return false;
	}
	if (!next_byte(&c, &modrm))
		return false;
	return decode_form(&c, find_form(table, count, opcode,
					 modrm >> 3 & 7), opcode, modrm, out);
}
