/* SPDX-License-Identifier: MIT */
/*
 * Random numbers.
 *
 * A pool of 256 bits is the key of a ChaCha20 generator (RFC 8439's block
 * function).  Every fill first absorbs new noise (RDSEED, RDRAND, TSC), by
 * encrypting pool xor noise, and replaces the key by generator output before it
 * returns, so that what was given out cannot be computed from a later state.
 *
 * random_u64() is a keyed function of a per-CPU counter (SipHash-2-4 with a key
 * from the generator): fast, no lock, and guests that see outputs cannot
 * predict others.
 *
 * GAP: on a processor without RDSEED and RDRAND all that is drawn at boot comes
 * from the jitter of 1,024 timed port reads and the wall clock.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/init.h"
#include "x86/insn.h"
#include "x86/rtc.h"

#define ROTL32(x, n)	((x) << (n) | (x) >> (32 - (n)))
#define ROTL64(x, n)	((x) << (n) | (x) >> (64 - (n)))
#define KEY_WORDS	8
#define BLOCK_WORDS	16
#define BOOT_SAMPLES	1024
#define HW_TRIES	16

struct pool {
	uint32_t key[KEY_WORDS];
	uint64_t counter;
};

/*
 * The CPU that sets pool_busy owns the pool.  A lock of lockorder.h is not
 * needed: no lock is taken under this one, and it is held briefly.
 */
static struct pool pool;
static uint32_t pool_busy;	/* atomic */
static uint64_t siphash_key[2];	/* constant after boot */

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b; *d ^= *a; *d = ROTL32(*d, 16);
	*c += *d; *b ^= *c; *b = ROTL32(*b, 12);
	*a += *b; *d ^= *a; *d = ROTL32(*d, 8);
	*c += *d; *b ^= *c; *b = ROTL32(*b, 7);
}

static void chacha_block(struct pool *p, uint32_t out[BLOCK_WORDS])
{
	uint32_t in[BLOCK_WORDS] = {
		0x61707865, 0x3320646e, 0x79622d32, 0x6b206574
	};
	unsigned int i;

	memcpy(in + 4, p->key, sizeof(p->key));
	in[12] = p->counter;
	in[13] = p->counter >> 32;
	p->counter++;
	memcpy(out, in, sizeof(in));
	for (i = 0; i < 10; i++) {
		quarter_round(&out[0], &out[4], &out[8], &out[12]);
		quarter_round(&out[1], &out[5], &out[9], &out[13]);
		quarter_round(&out[2], &out[6], &out[10], &out[14]);
		quarter_round(&out[3], &out[7], &out[11], &out[15]);
		quarter_round(&out[0], &out[5], &out[10], &out[15]);
		quarter_round(&out[1], &out[6], &out[11], &out[12]);
		quarter_round(&out[2], &out[7], &out[8], &out[13]);
		quarter_round(&out[3], &out[4], &out[9], &out[14]);
	}
	for (i = 0; i < BLOCK_WORDS; i++)
		out[i] += in[i];
}

static uint64_t rdrand_or_0(void)
{
	uint64_t v;
	bool ok = false;
	int i;

	for (i = 0; cpu_features.rdrand && !ok && i < HW_TRIES; i++)
		__asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(ok));
	return ok ? v : 0;
}

static uint64_t rdseed_or_0(void)
{
	uint64_t v;
	bool ok = false;
	int i;

	for (i = 0; cpu_features.rdseed && !ok && i < HW_TRIES; i++)
		__asm__ volatile("rdseed %0" : "=r"(v), "=@ccc"(ok));
	return ok ? v : 0;
}

static void absorb(struct pool *p, const uint64_t noise[KEY_WORDS / 2])
{
	uint32_t out[BLOCK_WORDS], words[KEY_WORDS];
	unsigned int i;

	memcpy(words, noise, sizeof(words));
	for (i = 0; i < KEY_WORDS; i++)
		p->key[i] ^= words[i];
	chacha_block(p, out);
	memcpy(p->key, out, sizeof(p->key));
}

static void absorb_hardware(struct pool *p)
{
	uint64_t noise[KEY_WORDS / 2] = {
		rdtsc(), rdrand_or_0(), rdseed_or_0(), rdseed_or_0()
	};

	absorb(p, noise);
}

static void pool_take(void)
{
	while (atomic_exchange(&pool_busy, 1))
		port_spin();
}

static void pool_release(void)
{
	atomic_store_release(&pool_busy, 0);
}

void entropy_fill(void *dst, size_t bytes)
{
	uint32_t out[BLOCK_WORDS];
	uint8_t *to = dst;
	size_t n;

	pool_take();
	absorb_hardware(&pool);
	for (; bytes; bytes -= n, to += n) {
		chacha_block(&pool, out);
		n = MIN(bytes, sizeof(out));
		memcpy(to, out, n);
	}
	chacha_block(&pool, out);
	memcpy(pool.key, out, sizeof(pool.key));
	memset(out, 0, sizeof(out));
	__asm__ volatile("" : : "r"(out) : "memory");
	pool_release();
}

/* Inlined: who draws frames waits for it. */
static inline __attribute__((always_inline)) void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = ROTL64(v[1], 13); v[1] ^= v[0];
	v[0] = ROTL64(v[0], 32);
	v[2] += v[3]; v[3] = ROTL64(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = ROTL64(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = ROTL64(v[1], 17); v[1] ^= v[2];
	v[2] = ROTL64(v[2], 32);
}

static inline __attribute__((always_inline)) void sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

/* SipHash-2-4 of one 8-byte message. */
static uint64_t siphash(uint64_t m)
{
	uint64_t v[4] = {
		siphash_key[0] ^ 0x736f6d6570736575,
		siphash_key[1] ^ 0x646f72616e646f6d,
		siphash_key[0] ^ 0x6c7967656e657261,
		siphash_key[1] ^ 0x7465646279746573,
	};

	sip_word(v, m);
	sip_word(v, 8UL << 56);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t random_u64(void)
{
	struct percpu *cpu = this_cpu();

	/* CPUs never draw from the same point: the id is in the high bits. */
	return siphash((uint64_t)cpu->id << 56 ^ cpu->random_counter++);
}

/* Streams set the highest bit; the messages of random_u64() never do. */
uint64_t random_next(uint64_t *stream)
{
	return siphash(1UL << 63 | (*stream)++);
}

/* Times of port reads vary with everything outside the processor. */
void entropy_init(void)
{
	uint64_t noise[KEY_WORDS / 2];
	unsigned int i;

	for (i = 0; i < BOOT_SAMPLES; i++) {
		noise[i % ARRAY_COUNT(noise)] = rdtsc();
		inb(0x61);
		if (i % ARRAY_COUNT(noise) == ARRAY_COUNT(noise) - 1)
			absorb(&pool, noise);
	}
	noise[0] = rtc_seconds();
	noise[1] = tsc_khz;
	absorb(&pool, noise);
	entropy_fill(siphash_key, sizeof(siphash_key));
	if (!cpu_features.rdseed && !cpu_features.rdrand)
		log_warn("no hardware random numbers, timing jitter only");
}
