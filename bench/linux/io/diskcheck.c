/* SPDX-License-Identifier: MIT */
/*
 * diskcheck DEVICE MIB WORKERS OPERATIONS: does a disk keep what is written to
 * it?  Run in a Linux guest; one line, and not zero at the first wrong sector.
 *
 * Each worker is a process of its own with a part of the disk, so that as many
 * requests are under way at once.  It writes and reads, past all caches, runs
 * of sectors at places drawn at random, knows which version of each sector was
 * the last, and compares each byte that it reads.  At the end it reads all.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECTOR		512u
#define WORDS		(SECTOR / sizeof(uint64_t))
#define RUN_MOST	256u	/* more than one plain request carries */
#define FLUSH_EACH	32u	/* operations */

/* One worker's part. */
struct part {
	int disk;
	uint64_t first, count;		/* sectors */
	uint64_t *buffer;		/* RUN_MOST sectors */
	uint32_t *version;		/* of each; 0: not written yet */
	uint64_t state;			/* of the random numbers */
};

static void wrong(const char *what, uint64_t where)
{
	printf("diskcheck: %s at sector %llu\n", what, (unsigned long long)where);
	fflush(stdout);
	_exit(1);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	return a ^ a >> 29;
}

static uint64_t draw(struct part *p, uint64_t below)
{
	p->state += 0x9e3779b97f4a7c15u;
	return mix(p->state, p->first) % below;
}

static void move(struct part *p, int writes, uint64_t first, uint64_t count)
{
	off_t at = (p->first + first) * SECTOR;
	ssize_t bytes = count * SECTOR, done;

	done = writes ? pwrite(p->disk, p->buffer, bytes, at) :
			pread(p->disk, p->buffer, bytes, at);
	if (done != bytes)
		wrong(writes ? "no write" : "no read", p->first + first);
}

static void write_run(struct part *p, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint32_t version = ++p->version[first + i];

		for (uint64_t w = 0; w < WORDS; w++)
			p->buffer[i * WORDS + w] = mix((p->first + first + i) * WORDS + w, version);
	}
	move(p, 1, first, count);
}

static void read_run(struct part *p, uint64_t first, uint64_t count)
{
	/* What a read that brings nothing would leave must not be right. */
	memset(p->buffer, 0xa5, count * SECTOR);
	move(p, 0, first, count);
	for (uint64_t i = 0; i < count; i++) {
		uint32_t version = p->version[first + i];

		for (uint64_t w = 0; version && w < WORDS; w++)
			if (p->buffer[i * WORDS + w] != mix((p->first + first + i) * WORDS + w, version))
				wrong("other bytes", p->first + first + i);
	}
}

static void work(struct part *p, unsigned int operations)
{
	for (unsigned int n = 1; n <= operations; n++) {
		uint64_t count = 1 + draw(p, RUN_MOST), first = draw(p, p->count - count);

		if (draw(p, 2))
			write_run(p, first, count);
		else
			read_run(p, first, count);
		if (n % FLUSH_EACH == 0 && fdatasync(p->disk))
			wrong("no flush", p->first);
	}
	for (uint64_t at = 0; at < p->count; at += RUN_MOST)
		read_run(p, at, p->count - at < RUN_MOST ? p->count - at : RUN_MOST);
}

static void worker(const char *disk, uint64_t first, uint64_t count, unsigned int operations)
{
	struct part p = { .first = first, .count = count, .state = first + 1 };

	p.disk = open(disk, O_RDWR | O_DIRECT);
	p.version = calloc(count, sizeof(*p.version));
	if (p.disk < 0 || !p.version || posix_memalign((void **)&p.buffer, 4096, RUN_MOST * SECTOR))
		wrong("no start", first);
	work(&p, operations);
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned int workers, operations, good = 0;
	uint64_t each;
	int status;

	if (argc != 5)
		return 2;
	workers = atoi(argv[3]);
	operations = atoi(argv[4]);
	each = workers ? atol(argv[2]) * (1048576 / SECTOR) / workers : 0;
	if (each <= RUN_MOST)
		return 2;
	for (unsigned int i = 0; i < workers; i++)
		if (fork() == 0)
			worker(argv[1], i * each, each, operations);
	while (wait(&status) > 0)
		good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("diskcheck: %u of %u workers, %u operations each\n", good, workers, operations);
	return good != workers;
}
