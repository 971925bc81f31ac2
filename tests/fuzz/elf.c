// SPDX-License-Identifier: MIT
// links: hv/ctl/elf*.c hv/lib/str.c hv/lib/fmt.c tests/fake/fake_elf.c tests/port/port.c
/*
 * The ELF reader on damaged images; what it accepts must be what the builder
 * relies on.
 */
#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_elf.h"
#include "ctl/elf.h"

#define DEFAULT_OPERATIONS 1000000UL
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

static uint64_t odd_value(void)
{
	static const uint64_t values[] = {
		0, 1, ~0UL, 1UL << 63, 1UL << 47, 0xffff800000000000, 4096,
		sizeof(struct fake_elf), 1UL << 40, 0xffffffff80000000, 56,
	};

	return values[next_random() % ARRAY_COUNT(values)] +
	       (next_random() & 1 ? 0 : next_random() % 16 - 8);
}

static void damage(uint8_t *copy, size_t bytes)
{
	unsigned int changes = 1 + next_random() % 4;

	while (changes--) {
		uint64_t value = odd_value();
		size_t width = 1 << next_random() % 4;
		size_t at = next_random() % bytes & ~(width - 1);

		if (at + width <= bytes)
			memcpy(copy + at, &value, width);
	}
}

int main(int argc, char **argv)
{
	static const uint64_t notes[][2] = {
		{ XEN_ELFNOTE_INIT_P2M, 0x8000000000 },
		{ XEN_ELFNOTE_MOD_START_PFN, 1 },
		{ XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff81000000 }, { 0 },
	};
	uint64_t seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	uint64_t count = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	uint64_t good = 0, bad = 0;
	struct fake_elf f;

	state = seed * 2654435761UL + 1;
	count = count ? count : DEFAULT_OPERATIONS;
	fake_elf_make(&f, 0xffffffff80000000, 0x1000000, 0x200000, notes);
	for (uint64_t i = 0; i < count; i++) {
		size_t bytes = next_random() % 8 ? sizeof(f) :
			       1 + next_random() % sizeof(f);
		uint8_t *copy = malloc(bytes);
		struct elf_image out;
		char why[160] = "";

		memcpy(copy, &f, bytes);
		damage(copy, bytes);
		if (!elf_parse(copy, bytes, &out, why, sizeof(why))) {
			REQUIRE(why[0] && strlen(why) < sizeof(why));
			bad++;
			free(copy);
			continue;
		}
		good++;
		REQUIRE(out.segment_count > 0 &&
			out.segment_count <= ELF_SEGMENTS_MAX);
		REQUIRE(out.virt_base <= out.first_va &&
			out.first_va < out.end_va);
		REQUIRE(out.entry >= out.first_va && out.entry < out.end_va);
		for (unsigned int s = 0; s < out.segment_count; s++) {
			const struct elf_segment *e = &out.segments[s];

			REQUIRE(e->file_offset <= bytes &&
				e->file_bytes <= bytes - e->file_offset);
			REQUIRE(e->file_bytes <= e->mem_bytes);
			REQUIRE(elf_va(&out, e->paddr) >= out.first_va &&
				elf_va(&out, e->paddr) + e->mem_bytes <=
					out.end_va);
		}
		free(copy);
	}
	printf("elf: %lu operations, %lu accepted, %lu refused\n", count, good,
	       bad);
	return good && bad ? 0 : 1;
}
