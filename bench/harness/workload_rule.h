/* SPDX-License-Identifier: MIT */
/*
 * The rule of the workload: which pages a guest writes, how their bytes change,
 * and how a page is summed.  Pure functions; the workload kernel
 * (guest-lib/examples/workload) and the host harness include this file
 * unchanged, so the harness can tell, from the files alone, what every page of
 * every guest must hold and how few frames a perfect deduplicator would need.
 *
 * Words
 *   file   a regular cpio member of at least one byte, except `.sums`, known by
 *          rule_file_hash() of its name exactly as it stands in the archive.
 *          zero=N adds N pages as a file named RULE_ZERO_NAME, after the
 *          others.
 *   page   index of a 4096-byte page in the file; the last one is padded with
 *          zeros.
 *   seed   the guest's seed=N: guests with one seed write the same pages alike.
 *   guest  what tells guests apart: id=N of the command line, else the domain
 *          id.
 *
 * A page changes in the write phase if rule_is_written().  rule_apply() is then
 * the change that all guests of the seed agree on; if also rule_is_unique(),
 * then rule_unique() XORs a mask of this guest alone over it.  That is its own
 * inverse, so a guest proves a unique page against the common sum of `.sums`.
 * The mask is never zero, and differs for guest numbers that differ below 2^32.
 *
 * `.sums` (any number of members of that name; the first one that names a file
 * wins), all numbers little endian and, in the member, not aligned:
 *   struct rule_sums_head
 *   head.files times:
 *     struct rule_sums_file, then its name (name_bytes, no NUL, no padding),
 *     then file.pages times struct rule_sum
 * rule_sum.after is the sum after the write phase without the unique mask; for
 * a page that is not written it equals .before.  The zero pages may be named in
 * it like a file.
 */
#ifndef WORKLOAD_RULE_H
#define WORKLOAD_RULE_H

#include <stdbool.h>
#include <stdint.h>

#define RULE_PAGE_BYTES		4096
#define RULE_PAGE_WORDS		(RULE_PAGE_BYTES / 8)
#define RULE_CHANGED_WORDS	16	/* of a written page */
#define RULE_UNIQUE_WORDS	4	/* of those, under the guest's mask */
#define RULE_SUMS_NAME		".sums"
#define RULE_ZERO_NAME		".zero"
#define RULE_SUMS_MAGIC		0x31304d5553504c47ULL	/* "GLPSUM01" */

struct rule_sums_head {
	uint64_t magic;
	uint64_t seed;		/* for which .after was computed */
	uint32_t percent;	/* writes=, likewise */
	uint32_t files;
};

struct rule_sums_file {
	uint32_t name_bytes;
	uint32_t pages;
};

struct rule_sum {
	uint64_t before;
	uint64_t after;
};

_Static_assert(sizeof(struct rule_sums_head) == 24, "format");
_Static_assert(sizeof(struct rule_sums_file) == 8, "format");
_Static_assert(sizeof(struct rule_sum) == 16, "format");

/* A bijection of 64-bit numbers that spreads every input bit. */
static inline uint64_t rule_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	return x;
}

/* FNV-1a, 32 bits, of a file's name. */
static inline uint32_t rule_file_hash(const char *name, uint64_t bytes)
{
	uint32_t h = 0x811c9dc5u;

	for (uint64_t i = 0; i < bytes; i++)
		h = (h ^ (uint8_t)name[i]) * 0x01000193u;
	return h;
}

static inline uint64_t rule_page_key(uint64_t seed, uint32_t file, uint32_t page)
{
	return rule_mix(rule_mix(seed) ^ ((uint64_t)file << 32 | page));
}

static inline bool rule_is_written(uint64_t seed, uint32_t file, uint32_t page,
				   unsigned int percent)
{
	return rule_page_key(seed, file, page) % 100 < percent;
}

/* Of a written page; percent is unique=. */
static inline bool rule_is_unique(uint64_t seed, uint32_t file, uint32_t page,
				  unsigned int percent)
{
	return rule_mix(rule_page_key(seed, file, page) + 1) % 100 < percent;
}

/*
 * The i-th changed word: RULE_CHANGED_WORDS strips of 32 words, one word in
 * each.
 */
static inline uint32_t rule_word(uint64_t key, uint32_t i)
{
	const uint32_t strip = RULE_PAGE_WORDS / RULE_CHANGED_WORDS;

	return i * strip + (uint32_t)(rule_mix(key + 2 + i) % strip);
}

static inline void rule_xor_word(uint8_t *page_bytes, uint32_t word, uint64_t x)
{
	uint64_t v;

	__builtin_memcpy(&v, page_bytes + word * 8, 8);
	v ^= x;
	__builtin_memcpy(page_bytes + word * 8, &v, 8);
}

/*
 * The common change: 16 words, one in each 256 bytes. Applied twice it is
 * undone.
 */
static inline void rule_apply(uint8_t page_bytes[RULE_PAGE_BYTES],
			      uint64_t seed, uint32_t file, uint32_t page)
{
	uint64_t key = rule_page_key(seed, file, page);

	for (uint32_t i = 0; i < RULE_CHANGED_WORDS; i++)
		rule_xor_word(page_bytes, rule_word(key, i),
			      rule_mix(key + 100 + i) | 1);
}

/*
 * This guest's own change on top: 4 of the 16 words. Applied twice it is
 * undone.
 */
static inline void rule_unique(uint8_t page_bytes[RULE_PAGE_BYTES],
			       uint64_t guest, uint64_t seed, uint32_t file,
			       uint32_t page)
{
	uint64_t key = rule_page_key(seed, file, page);

	for (uint32_t i = 0; i < RULE_UNIQUE_WORDS; i++)
		rule_xor_word(page_bytes, rule_word(key, i),
			      (rule_mix(guest + i * 0x9e3779b97f4a7c15ULL) &
			       ~0xffffffffULL) | (uint32_t)(guest + 1));
}

/*
 * The page sum: FNV-1a taken a 64-bit word at a time, in four lanes that are
 * folded at the end.  Not cryptographic: it finds a wrong page, nobody attacks
 * it.
 */
static inline uint64_t rule_checksum(const uint8_t page_bytes[RULE_PAGE_BYTES])
{
	const uint64_t prime = 0x100000001b3ULL;
	uint64_t lane[4] = {
		0xcbf29ce484222325ULL, 0x9ae16a3b2f90404fULL,
		0xc3a5c85c97cb3127ULL, 0xb492b66fbe98f273ULL,
	};
	uint64_t sum = 0;

	for (uint32_t i = 0; i < RULE_PAGE_WORDS; i += 4) {
		for (uint32_t k = 0; k < 4; k++) {
			uint64_t v;

			__builtin_memcpy(&v, page_bytes + (i + k) * 8, 8);
			lane[k] = (lane[k] ^ v) * prime;
			lane[k] ^= lane[k] >> 29;
		}
	}
	for (uint32_t k = 0; k < 4; k++)
		sum = rule_mix(sum ^ lane[k]);
	return sum;
}

/* `bytes` bytes at `at` of `data`, or false if they are not all there. */
static inline bool rule_take(const uint8_t *data, uint64_t data_bytes,
			     uint64_t *at, void *out, uint64_t bytes)
{
	if (*at > data_bytes || data_bytes - *at < bytes)
		return false;
	__builtin_memcpy(out, data + *at, bytes);
	*at += bytes;
	return true;
}

/*
 * Find a file in a `.sums` member: true, and *sums = where its first struct
 * rule_sum starts in data (not aligned; read it with rule_sum_get()) and
 * *pages, all of it inside data.  False: not named, or the member is not well
 * formed.
 */
static inline bool rule_sums_find(const uint8_t *data, uint64_t data_bytes,
				  const char *name, uint64_t name_bytes,
				  uint64_t *sums, uint32_t *pages)
{
	struct rule_sums_head head;
	struct rule_sums_file file;
	uint64_t at = 0;

	if (!rule_take(data, data_bytes, &at, &head, sizeof(head)) ||
	    head.magic != RULE_SUMS_MAGIC)
		return false;
	for (uint32_t i = 0; i < head.files; i++) {
		uint64_t end;

		if (!rule_take(data, data_bytes, &at, &file, sizeof(file)))
			return false;
		end = at + file.name_bytes +
		      (uint64_t)file.pages * sizeof(struct rule_sum);
		if (end > data_bytes)
			return false;
		if (file.name_bytes == name_bytes &&
		    __builtin_memcmp(data + at, name, name_bytes) == 0) {
			*sums = at + file.name_bytes;
			*pages = file.pages;
			return true;
		}
		at = end;
	}
	return false;
}

static inline struct rule_sum rule_sum_get(const uint8_t *data, uint64_t sums,
					   uint32_t page)
{
	struct rule_sum s;

	__builtin_memcpy(&s, data + sums + (uint64_t)page * sizeof(s), sizeof(s));
	return s;
}

#endif
