/* SPDX-License-Identifier: MIT */
/*
 * Does a variant do on this machine what the scalar functions do?  Asked once
 * before it is used: an emulator's vector instructions may be wrong, and a
 * wrong compare would give one guest another's page.  In each 8 bytes of a page
 * there is a difference of one bit that must be seen, and one that must be
 * copied; in each 64 one that must be hashed.
 */
#include <hash/general_regs.h>

#include <port.h>

#include <hash/choose.h>

#define STEP		8
#define HASH_STEP	64

struct pages {
	uint8_t *page, *other;
	uint8_t secret[PAGE_HASH_SECRET_BYTES];
};

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void fill(uint8_t *to, unsigned int bytes, uint64_t *seed)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = (uint8_t)(next(seed) >> 32);
}

/* The bit that differs: another one of each STEP bytes. */
static void flip(uint8_t *page, unsigned int at)
{
	page[at + at / STEP % STEP] ^= (uint8_t)(1 << at / STEP / STEP % 8);
}

static bool compares(const struct page_fns *f, const struct pages *p)
{
	bool good = f->equal(p->page, p->other);

	for (unsigned int at = 0; at < PAGE_HASH_BYTES; at += STEP) {
		flip(p->other, at);
		good &= !f->equal(p->page, p->other);
		flip(p->other, at);
	}
	return good;
}

static bool hashes(const struct page_fns *f, const struct pages *p)
{
	bool good = true;

	for (unsigned int at = 0; at < PAGE_HASH_BYTES; at += HASH_STEP) {
		flip(p->other, at);
		good &= f->hash(p->other, p->secret) ==
			page_hash(p->other, p->secret);
	}
	return good;
}

static bool copies(const struct page_fns *f, const struct pages *p)
{
	bool good = true;

	for (unsigned int at = 0; at < PAGE_HASH_BYTES; at += STEP) {
		flip(p->page, at);
		f->copy(p->other, p->page);
		good &= page_equal(p->other, p->page);
	}
	return good;
}

static bool knows_zero(const struct page_fns *f, const struct pages *p)
{
	bool good;

	f->clear(p->other);
	good = page_is_zero(p->other) && f->is_zero(p->other);
	for (unsigned int at = 0; at < PAGE_HASH_BYTES; at += STEP) {
		flip(p->other, at);
		good &= !f->is_zero(p->other);
		flip(p->other, at);
	}
	return good;
}

bool page_fns_agree(const struct page_fns *f, void *scratch)
{
	struct pages p = {
		.page = scratch, .other = (uint8_t *)scratch + PAGE_HASH_BYTES,
	};
	uint64_t seed = 0x9e3779b97f4a7c15;

	fill(p.secret, sizeof(p.secret), &seed);
	fill(p.page, PAGE_HASH_BYTES, &seed);
	page_copy(p.other, p.page);
	return compares(f, &p) && hashes(f, &p) && copies(f, &p) &&
	       knows_zero(f, &p);
}

#include <hash/general_regs_end.h>
