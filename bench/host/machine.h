/* SPDX-License-Identifier: MIT */
/*
 * What share/ needs from where it runs, for benches on the host: frames in huge
 * pages (the hypervisor's direct map has them too), a pool of canonical frames
 * in random order for each thread, and metadata from lists by size.  Nothing
 * here takes a lock or makes a system call once it is warm, so a bench measures
 * share/.
 */
#ifndef BENCH_HOST_MACHINE_H
#define BENCH_HOST_MACHINE_H

#include <stdio.h>

#include <port.h>
#include <hash/choose.h>
#include <share/share.h>

#define BENCH_THREADS	2

struct bench_pool {
	uint32_t *frames;
	uint32_t count;
	uint64_t seed;
} aligned_to(128);

struct bench_machine {
	uint8_t *ram;
	uint32_t own, frames;	/* own: 0 .. own - 1; then the pool */
	struct share_record *records;
	struct bench_pool pool[BENCH_THREADS];
};

extern const struct share_ops bench_ops;
extern _Thread_local unsigned int bench_thread;	/* < BENCH_THREADS */
extern uint8_t bench_secret[SHARE_SECRET_BYTES];
void bench_secret_set(uint64_t seed);	/* the same for the same seed */

void bench_machine_init(struct bench_machine *m, uint32_t own, uint32_t pool);
void bench_machine_fini(struct bench_machine *m);
void *bench_page(const struct bench_machine *m, uint32_t frame);
/* Records and pool without the bytes of the frames. */
void bench_machine_hollow(struct bench_machine *m, uint32_t own, uint32_t pool);

/* zeroed, in huge pages, written once */
void *bench_map(size_t bytes);
/* The metadata allocator of bench_ops. */
void *bench_alloc(void *ctx, size_t bytes);
void bench_free(void *ctx, void *p, size_t bytes);

/*
 * The page functions that this CPU would get; name: if not NULL, the variant's.
 */
const struct page_fns *bench_fns(const char **name);
/* nanoseconds, of all that this CPU has */
void bench_page_costs(struct page_costs *costs);

uint64_t bench_random(uint64_t *seed);
void bench_drop_all(struct share_dom *d);	/* all its holds */
void bench_fill(void *page, uint64_t seed);	/* 4096 random bytes */
void bench_shuffle(uint32_t *numbers, uint32_t count, uint64_t seed);
double bench_cpu(void);			/* seconds of this thread's CPU time */
double bench_clock(void);		/* seconds */
double bench_median(double *values, unsigned int count);

/* build/bench/NAME.json and NAME.dat; a failure ends the program. */
FILE *bench_open(const char *name, const char *suffix);

#endif
