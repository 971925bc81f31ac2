/* SPDX-License-Identifier: MIT */
/* Decoder for privileged instructions; see decode.h. */
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

/* Skip prefixes; *opcode is the byte behind them.  A REX counts only as the last one. */
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

/* mov between a control or debug register and a general one: mod is ignored, always registers. */
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
