// SPDX-License-Identifier: MIT
// links: guest-lib/unpack/decode.c tests/fake/fake_kernel.c
/*
 * What the first domain's kernel is unpacked with: each format; and damaged
 * streams, which do nothing but fail.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../guest-lib/unpack/decode.h"
#include "fake/fake_kernel.h"
#include "unit/suite.h"

#define PAYLOAD_OFFSET	0x248
#define PAYLOAD_LENGTH	0x24c

static const char *const ways[] = { "gzip", "xz", "zstd", "lz4" };

static struct fake_file elf, file;
static uint8_t *payload, *out;
static size_t payload_bytes;

static uint32_t u32_at(size_t at)
{
	uint32_t v;

	memcpy(&v, file.data + at, sizeof(v));
	return v;
}

static void pack(const char *way)
{
	elf = fake_elf(100000, true);
	file = fake_bzimage(&elf, way);
	payload = file.data + (file.data[0x1f1] + 1) * 512 + u32_at(PAYLOAD_OFFSET);
	payload_bytes = u32_at(PAYLOAD_LENGTH);
	out = malloc(elf.bytes);
}

static void done(void)
{
	fake_file_free(&elf);
	fake_file_free(&file);
	free(out);
}

START_TEST(each_way)
{
	pack(ways[_i]);
	ck_assert_ptr_null(decode(payload, payload_bytes, out, elf.bytes));
	ck_assert_mem_eq(out, elf.data, elf.bytes);
	done();
}
END_TEST

/* Nothing is written behind what there is room for: ASan looks. */
START_TEST(of_another_size)
{
	pack(ways[_i]);
	ck_assert_ptr_nonnull(strstr(decode(payload, payload_bytes, out, elf.bytes - 1), ways[_i]));
	out = realloc(out, elf.bytes + 1);
	ck_assert_ptr_nonnull(decode(payload, payload_bytes, out, elf.bytes + 1));
	done();
}
END_TEST

START_TEST(cut)
{
	size_t n;

	pack(ways[_i]);
	for (n = 2 * DECODE_SIZE_BYTES; n < payload_bytes - DECODE_SIZE_BYTES; n += n / 8 + 1) {
		uint8_t *part = malloc(n);

		memcpy(part, payload, n);
		ck_assert_ptr_nonnull(decode(part, n, out, elf.bytes));
		free(part);
	}
	done();
}
END_TEST

/* Not each format has a sum; none does any harm. */
START_TEST(damaged)
{
	size_t n, failed = 0;

	pack(ways[_i]);
	for (n = 4; n < payload_bytes; n += n / 16 + 1) {
		payload[n] ^= 0x55;
		failed += decode(payload, payload_bytes, out, elf.bytes) != NULL;
		payload[n] ^= 0x55;
	}
	ck_assert_uint_gt(failed, 0);
	done();
}
END_TEST

START_TEST(another_way)
{
	pack("bzip2");
	ck_assert_ptr_nonnull(strstr(decode(payload, payload_bytes, out, elf.bytes), "another way"));
	done();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("guest_unpack");

	tcase_add_loop_test(tc, each_way, 0, 4);
	tcase_add_loop_test(tc, of_another_size, 0, 4);
	tcase_add_loop_test(tc, cut, 0, 4);
	tcase_add_loop_test(tc, damaged, 0, 4);
	tcase_add_test(tc, another_way);
	return suite_run();
}
