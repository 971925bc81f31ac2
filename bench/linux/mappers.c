/* SPDX-License-Identifier: MIT */
/*
 * Processes that map a file, fork and exit, beside one that writes the same
 * bytes to it again: mappers SECONDS FILE.
 *
 * The file's pages are shared by the time that the mappers come (they wait for
 * it), so each mapping and each write meets a share: their entries are in
 * tables that exit takes down, or fork has just made, while the writer breaks
 * it.  No byte of the file ever changes; each process checks what it sees.  A
 * new file each round: pages that broke rest.  Prints rounds, forks and writes;
 * 1: a wrong byte or a failed call.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGES		48
#define PAGE		4096
/* until the module has offered a new file's pages */
#define QUIET_MS	1500
#define ROUND_MS	1500

static uint64_t content[PAGES][PAGE / 8];
static unsigned int *writes;	/* shared with the writer */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* The same in every guest, another for each round. */
static void fill(unsigned int round)
{
	uint64_t x = 88172645463325252ull + round;

	for (int p = 0; p < PAGES; p++)
		for (int i = 0; i < PAGE / 8; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			content[p][i] = x;
		}
}

static void check(const void *map)
{
	if (memcmp(map, content, sizeof(content))) {
		fprintf(stderr, "wrong bytes\n");
		_exit(1);
	}
}

/* Maps in one way or the other, looks, forks once more, and exits mapped. */
static void child(int fd, bool shared)
{
	char *map = mmap(NULL, sizeof(content), PROT_READ | PROT_WRITE,
			 shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	pid_t pid;
	int status;

	if (map == MAP_FAILED)
		fail("mmap");
	check(map);
	if (!shared)
		map[PAGE] = map[PAGE];
	pid = fork();
	if (pid < 0)
		fail("fork");
	check(map);
	if (!pid)
		_exit(0);
	if (waitpid(pid, &status, 0) != pid || status)
		_exit(1);
	_exit(0);
}

static void writer(int fd, uint64_t end)
{
	while (now_ms() < end) {
		unsigned int p = *writes % PAGES;

		if (pwrite(fd, content[p], PAGE, p * PAGE) != PAGE)
			fail("pwrite");
		++*writes;
		if (p == PAGES - 1)
			usleep(1000);
	}
	_exit(0);
}

static pid_t start_writer(int fd, uint64_t end)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (!pid)
		writer(fd, end);
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		exit(1);
}

/* Returns the number of children. */
static unsigned int round_of(const char *file, unsigned int round)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned int children = 0;
	uint64_t end;
	pid_t pid;

	fill(round);
	if (fd < 0 || pwrite(fd, content, sizeof(content), 0) != sizeof(content))
		fail(file);
	usleep(QUIET_MS * 1000);
	end = now_ms() + ROUND_MS;
	pid = start_writer(fd, end);
	while (now_ms() < end) {
		pid_t c = fork();

		if (c < 0)
			fail("fork");
		if (!c)
			child(fd, children % 2);
		wait_for(c);
		children++;
	}
	wait_for(pid);
	if (unlink(file) || close(fd))
		fail(file);
	return children;
}

int main(int argc, char **argv)
{
	uint64_t end = now_ms() + (argc == 3 ? strtoull(argv[1], NULL, 10) : 0) * 1000;
	unsigned int round = 0, children = 0;

	if (argc != 3)
		return 2;
	writes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (writes == MAP_FAILED)
		fail("mmap");
	while (now_ms() < end)
		children += round_of(argv[2], round++);
	printf("rounds=%u children=%u writes=%u\n", round, children, *writes);
	return 0;
}
