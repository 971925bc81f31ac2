/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "fake/fake_share_ops.h"

#define POISON 0x5a

uint64_t fake_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void fake_secret(uint8_t secret[SHARE_SECRET_BYTES], uint64_t seed)
{
	for (unsigned int i = 0; i < SHARE_SECRET_BYTES; i++)
		secret[i] = fake_random(&seed);
}

void *fake_page(struct fake_machine *m, uint32_t frame)
{
	CHECK(frame < m->frames);
	return m->ram + (size_t)frame * SHARE_PAGE_BYTES;
}

void fake_content(struct fake_machine *m, uint32_t frame, uint64_t content)
{
	uint64_t *words = fake_page(m, frame), seed = content;

	memset(words, 0, SHARE_PAGE_BYTES);
	if (!content)
		return;
	/* Much alike, as contents are: they differ in 64 bytes somewhere. */
	for (unsigned int i = 0; i < 8; i++)
		words[(content * 8 + i) % 512] = fake_random(&seed) | 1;
}

static void lock(struct fake_machine *m)
{
	pthread_mutex_lock(&m->lock);
}

static void unlock(struct fake_machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

/* m->lock */
static bool should_fail(struct fake_machine *m)
{
	m->calls++;
	if (m->calls != m->fail_at &&
	    (!m->fail_from || m->calls < m->fail_from))
		return false;
	m->failed++;
	return true;
}

static void *op_map(void *ctx, uint32_t frame)
{
	return fake_page(ctx, frame);
}

static bool draw(struct fake_machine *m, uint16_t group, uint32_t *frame)
{
	struct share_record *r;
	uint32_t at;

	if (should_fail(m) || !m->pool_count)
		return false;
	at = fake_random(&m->seed) % m->pool_count;
	*frame = m->pool[at];
	m->pool[at] = m->pool[--m->pool_count];
	CHECK(!m->canonical[*frame]);
	m->canonical[*frame] = true;
	/* Whose successor it was may look at it at any time. */
	r = &m->records[*frame];
	atomic_store_relaxed(&r->hash, 0);
	atomic_store_relaxed(&r->next, 0);
	atomic_store_relaxed(&r->state, (uint64_t)group << 32 |
			     (uint64_t)FAKE_KIND << 48);
	return true;
}

static uint32_t op_canonical_draw(void *ctx, uint16_t group, uint32_t *frames,
				  uint32_t most)
{
	struct fake_machine *m = ctx;
	uint32_t drawn = 0;

	lock(m);
	while (drawn < most && draw(m, group, &frames[drawn]))
		drawn++;
	unlock(m);
	return drawn;
}

static void op_canonical_free(void *ctx, uint32_t frame)
{
	struct fake_machine *m = ctx;
	struct share_record *r = &m->records[frame];

	lock(m);
	CHECK(m->canonical[frame]);
	CHECK(!r->count && !r->holders && !r->hash && !r->next);
	m->canonical[frame] = false;
	atomic_store_relaxed(&r->state, 0);
	memset(fake_page(m, frame), POISON, SHARE_PAGE_BYTES);
	m->pool[m->pool_count++] = frame;
	unlock(m);
}

static void *op_alloc(void *ctx, size_t bytes)
{
	struct fake_machine *m = ctx;
	void *p = NULL;

	CHECK(bytes >= 64 && bytes <= 2u << 20 && !(bytes & (bytes - 1)));
	lock(m);
	if (!should_fail(m)) {
		p = aligned_alloc(64, bytes);
		CHECK(p);
		memset(p, 0, bytes);
		m->blocks++;
		m->block_bytes += bytes;
	}
	unlock(m);
	return p;
}

static void op_free(void *ctx, void *p, size_t bytes)
{
	struct fake_machine *m = ctx;

	CHECK(p);
	lock(m);
	CHECK(m->blocks && m->block_bytes >= bytes);
	m->blocks--;
	m->block_bytes -= bytes;
	unlock(m);
	memset(p, POISON, bytes);
	free(p);
}

const struct share_ops fake_share_ops = {
	.map = op_map,
	.canonical_draw = op_canonical_draw,
	.canonical_free = op_canonical_free,
	.alloc = op_alloc,
	.free = op_free,
	.kind = FAKE_KIND,
};

void fake_machine_init(struct fake_machine *m, uint32_t own, uint32_t pool)
{
	memset(m, 0, sizeof(*m));
	m->frames = own + pool;
	m->first_pool = own;
	m->ram = aligned_alloc(SHARE_PAGE_BYTES,
			       (size_t)m->frames * SHARE_PAGE_BYTES);
	m->records = calloc(m->frames, sizeof(*m->records));
	m->pool = calloc(pool, sizeof(*m->pool));
	m->canonical = calloc(m->frames, sizeof(*m->canonical));
	CHECK(m->ram && m->records && m->pool && m->canonical);
	memset(m->ram + (size_t)own * SHARE_PAGE_BYTES, POISON,
	       (size_t)pool * SHARE_PAGE_BYTES);
	for (uint32_t f = own; f < m->frames; f++)
		m->pool[m->pool_count++] = f;
	pthread_mutex_init(&m->lock, NULL);
}

void fake_machine_fini(struct fake_machine *m)
{
	CHECK(fake_canonical_count(m) == 0);
	CHECK(m->pool_count == m->frames - m->first_pool);
	CHECK(!m->blocks && !m->block_bytes);
	pthread_mutex_destroy(&m->lock);
	free(m->ram);
	free(m->records);
	free(m->pool);
	free(m->canonical);
}

uint32_t fake_canonical_count(const struct fake_machine *m)
{
	uint32_t count = 0;

	for (uint32_t f = 0; f < m->frames; f++)
		count += m->canonical[f];
	return count;
}

static void print_sentence(void *ctx, const char *msg)
{
	fprintf(stderr, "audit: %s\n", msg);
}

void fake_audit(struct share *s)
{
	uint64_t cross_group = 1;

	CHECK(share_audit(s, print_sentence, NULL, &cross_group) == 0);
	CHECK(cross_group == 0);
}
