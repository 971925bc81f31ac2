// SPDX-License-Identifier: MIT
// links: hv/pv/decode.c tests/port/port.c
/*
 * The decoders on any bytes: DECODE1 (a heap block of exactly that size, under
 * ASan), DECODE2, and fields within bounds.
 */
#include <port.h>
#include <stdio.h>
#include <stdlib.h>

#include "pv/decode.h"

#define DEFAULT_OPERATIONS 3000000UL
#define REQUIRE(x) do { if (!(x)) { fprintf(stderr, "seed %lu operation %lu: %s\n", \
	seed, i, #x); abort(); } } while (0)

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Bytes that occur in what is decoded, more often than others. */
static void fill(uint8_t *code, size_t bytes)
{
	static const uint8_t likely[] = {
		0x0f, 0x66, 0xf0, 0xf3, 0x40, 0x48, 0x4f, 0x87, 0x89, 0xc7, 0x81,
		0x83, 0xba, 0xb1, 0x20, 0x22, 0x01, 0x04, 0x05, 0x25, 0xcd, 0x6e,
		0x78, 0x65, 0x0b, 0xa2,
	};

	for (size_t i = 0; i < bytes; i++) {
		uint64_t r = next_random();

		code[i] = r & 0x100 ? (uint8_t)r : likely[(r >> 9) % sizeof(likely)];
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	uint64_t count = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	uint64_t known = 0, stores = 0;

	state = seed * 2654435761UL + 1;
	count = count ? count : DEFAULT_OPERATIONS;
	for (uint64_t i = 0; i < count; i++) {
		size_t bytes = next_random() % 18;
		uint8_t *code = malloc(bytes ? bytes : 1);
		struct insn in;
		struct store s;

		fill(code, bytes);
		if (decode_insn(code, bytes, i & 1, &in)) {
			known++;
			REQUIRE(in.length > 0 && in.length <= bytes);
			REQUIRE(in.length <= DECODE_MAX && in.gpr < 16 &&
				in.sys_reg < 16);
		}
		if (decode_store(code, bytes, &s)) {
			stores++;
			REQUIRE(s.length > 1 && s.length <= bytes);
			REQUIRE(s.length <= DECODE_MAX && s.gpr < 16);
			REQUIRE(s.width == 1 || s.width == 2 || s.width == 4 ||
				s.width == 8);
		}
		REQUIRE(decode_forced_prefix(code, bytes) <= bytes);
		free(code);
	}
	printf("decode: %lu operations, %lu instructions, %lu stores\n",
	       count, known, stores);
	return known && stores ? 0 : 1;
}
