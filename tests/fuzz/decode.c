// SPDX-License-Identifier: MIT
// links: hv/pv/decode.c tests/port/port.c
/*
 * The decoders on any bytes: DECODE1 (a heap block of exactly that size, under
 * ASan), DECODE2, and fields within bounds.
 */
#include <check.h>	/* before port.h: both define noreturn */

#include <port.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "pv/decode.h"

/* Bytes that occur in what is decoded, more often than others. */
static void fill(uint8_t *code, size_t bytes)
{
	static const uint8_t likely[] = {
		0x0f, 0x66, 0xf0, 0xf3, 0x40, 0x48, 0x4f, 0x87, 0x89, 0xc7, 0x81,
		0x83, 0xba, 0xb1, 0x20, 0x22, 0x01, 0x04, 0x05, 0x25, 0xcd, 0x6e,
		0x78, 0x65, 0x0b, 0xa2,
	};

	for (size_t i = 0; i < bytes; i++) {
		code[i] = fuzz_below(2) ? fuzz_below(256) : likely[fuzz_below(sizeof(likely))];
	}
}

const uint64_t fuzz_default_operations = 3000000;

void fuzz_target(void)
{
	uint64_t known = 0, stores = 0;

	fuzz_ready();
	while (fuzz_more()) {
		size_t bytes = fuzz_below(18);
		uint8_t *code = malloc(bytes ? bytes : 1);
		struct insn in;
		struct store s;

		fill(code, bytes);
		if (decode_insn(code, bytes, fuzz_operations & 1, &in)) {
			known++;
			FUZZ_REQUIRE(in.length > 0 && in.length <= bytes);
			FUZZ_REQUIRE(in.length <= DECODE_MAX && in.gpr < 16 &&
				in.sys_reg < 16);
		}
		if (decode_store(code, bytes, &s)) {
			stores++;
			FUZZ_REQUIRE(s.length > 1 && s.length <= bytes);
			FUZZ_REQUIRE(s.length <= DECODE_MAX && s.gpr < 16);
			FUZZ_REQUIRE(s.width == 1 || s.width == 2 || s.width == 4 ||
				s.width == 8);
		}
		FUZZ_REQUIRE(decode_forced_prefix(code, bytes) <= bytes);
		free(code);
	}
	fuzz_met(known && stores, "instructions and stores");
	printf("decode: %lu instructions, %lu stores\n", known, stores);
}
