/* SPDX-License-Identifier: MIT */
// links: bench/harness/bzimage.c bench/harness/decompress.c bench/harness/kernel_elf.c tests/fake/fake_kernel.c
/*
 * Damaged kernel images: a good one of each compression, and one with sections;
 * then bytes changed, the file cut, words of the headers replaced.  Each is
 * refused in one sentence, or gives an image whose segments lie in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/bzimage.h"
#include "fake/fake_kernel.h"
#include "fuzz/fuzz.h"

#define SEEDS	8

static void make_seeds(struct fake_file *seeds)
{
	static const char *const ways[SEEDS - 2] = { "gzip", "xz", "zstd", "lz4",
						     "bzip2", "lzma" };

	seeds[0] = fake_elf(5000, true);
	for (int i = 1; i < SEEDS - 1; i++)
		seeds[i] = fake_bzimage(&seeds[0], ways[i - 1]);
	seeds[SEEDS - 1] = fake_elf_sections(5000, "__xen_guest", false);
}

/*
 * Where a change is likely to matter: the setup header, the start and end of
 * the payload, notes.
 */
static size_t place(const struct fake_file *f)
{
	static const uint16_t starts[] = { 0, 16, 40, 0x1f1, 0x202, 0x248, 1024 };
	size_t at;

	switch (fuzz_below(3)) {
	case 0:
		return fuzz_below(f->bytes);
	case 1:
		at = starts[fuzz_below(7)] + fuzz_below(24);
		return at < f->bytes ? at : 0;
	default:
		return f->bytes - 1 - fuzz_below(f->bytes < 16 ? f->bytes : 16);
	}
}

static void mutate(struct fake_file *f)
{
	static const uint8_t words[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (uint64_t n = fuzz_below(6); n; n--) {
		size_t at = place(f), run = 1 + fuzz_below(8);

		for (size_t i = at; i < at + run && i < f->bytes; i++)
			f->data[i] = fuzz_below(2) ? words[fuzz_below(5)] : (uint8_t)fuzz_below(256);
	}
	if (!fuzz_below(4))
		f->bytes = 1 + fuzz_below(f->bytes);
}

/* True: it was accepted. */
static bool try(const struct fake_file *seed)
{
	/* A buffer of its own size: reading past it is found. */
	struct fake_file f = { malloc(seed->bytes), seed->bytes };
	struct kernel_image k;
	char err[300] = "";
	bool ok;

	memcpy(f.data, seed->data, f.bytes);
	mutate(&f);
	ok = kernel_image_unpack(&k, f.data, f.bytes, err, sizeof(err));
	FUZZ_REQUIRE(ok ? k.bytes >= k.info.needed && k.info.xen_notes : err[0] && !k.elf);
	kernel_image_free(&k);
	free(f.data);
	return ok;
}

const uint64_t fuzz_default_operations = 20000;

void fuzz_target(void)
{
	uint64_t good = 0;
	struct fake_file seeds[SEEDS];

	make_seeds(seeds);
	fuzz_ready();
	while (fuzz_more())
		good += try(&seeds[fuzz_below(SEEDS)]);
	printf("bzimage: %llu accepted\n", (unsigned long long)good);
	for (int i = 0; i < SEEDS; i++)
		fake_file_free(&seeds[i]);
}
