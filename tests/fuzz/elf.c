// SPDX-License-Identifier: MIT
// links: hv/ctl/elf*.c hv/lib/str.c hv/lib/fmt.c tests/fake/fake_elf.c tests/port/port.c
/*
 * The ELF reader on damaged images; what it accepts must be what the builder
 * relies on.
 */
#include <check.h>	/* before port.h: both define noreturn */

#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_elf.h"
#include "ctl/elf.h"
#include "fuzz/fuzz.h"

static uint64_t odd_value(void)
{
	static const uint64_t values[] = {
		0, 1, ~0UL, 1UL << 63, 1UL << 47, 0xffff800000000000, 4096,
		sizeof(struct fake_elf), 1UL << 40, 0xffffffff80000000, 56,
	};

	return values[fuzz_below(ARRAY_COUNT(values))] +
	       (fuzz_below(2) ? 0 : fuzz_below(16) - 8);
}

static void damage(uint8_t *copy, size_t bytes)
{
	unsigned int changes = 1 + fuzz_below(4);

	while (changes--) {
		uint64_t value = odd_value();
		size_t width = 1 << fuzz_below(4);
		size_t at = fuzz_below(bytes) & ~(width - 1);

		if (at + width <= bytes)
			memcpy(copy + at, &value, width);
	}
}

const uint64_t fuzz_default_operations = 1000000;

void fuzz_target(void)
{
	static const uint64_t notes[][2] = {
		{ XEN_ELFNOTE_INIT_P2M, 0x8000000000 },
		{ XEN_ELFNOTE_MOD_START_PFN, 1 },
		{ XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff81000000 }, { 0 },
	};
	uint64_t good = 0, bad = 0;
	struct fake_elf f;

	fake_elf_make(&f, 0xffffffff80000000, 0x1000000, 0x200000, notes);
	fuzz_ready();
	while (fuzz_more()) {
		size_t bytes = fuzz_below(8) ? sizeof(f) :
			       1 + fuzz_below(sizeof(f));
		uint8_t *copy = malloc(bytes);
		struct elf_image out;
		char why[160] = "";

		memcpy(copy, &f, bytes);
		damage(copy, bytes);
		if (!elf_parse(copy, bytes, &out, why, sizeof(why))) {
			FUZZ_REQUIRE(why[0] && strlen(why) < sizeof(why));
			bad++;
			free(copy);
			continue;
		}
		good++;
		FUZZ_REQUIRE(out.segment_count > 0 &&
			out.segment_count <= ELF_SEGMENTS_MAX);
		FUZZ_REQUIRE(out.virt_base <= out.first_va &&
			out.first_va < out.end_va);
		FUZZ_REQUIRE(out.entry >= out.first_va && out.entry < out.end_va);
		for (unsigned int s = 0; s < out.segment_count; s++) {
			const struct elf_segment *e = &out.segments[s];

			FUZZ_REQUIRE(e->file_offset <= bytes &&
				e->file_bytes <= bytes - e->file_offset);
			FUZZ_REQUIRE(e->file_bytes <= e->mem_bytes);
			FUZZ_REQUIRE(elf_va(&out, e->paddr) >= out.first_va &&
				elf_va(&out, e->paddr) + e->mem_bytes <=
					out.end_va);
		}
		free(copy);
	}
	fuzz_met(good && bad, "images of both kinds");
	printf("elf: %lu accepted, %lu refused\n", good, bad);
}
