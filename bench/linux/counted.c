/* SPDX-License-Identifier: MIT */
/*
 * Work of a Linux guest whose instructions are counted from outside: QEMU stops
 * at the functions point_NAME() (harness/icount.h), whose addresses are this
 * program's alone (linux.mk).
 *
 *   counted point NAME          only pass that point
 *   counted fill FILE PAGES     write a file; the same bytes in each guest
 *   counted offer FILE PAGES    between start and end, and rest after it: who
 *                               sleeps executes nothing
 *   counted write FILE PAGES    a byte of each page, which changes nothing:
 *                               from start to middle, once more until end
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096
#define REST_SECONDS	4	/* a new page is offered within half a second */

/* No two of them are the same code, which would be kept once. */
#define POINT(name) \
	__attribute__((noipa)) static void point_##name(void) { asm volatile("nop # " #name); }
POINT(start)
POINT(middle)
POINT(end)
POINT(told)

static const struct {
	const char *name;
	void (*pass)(void);
} points[] = {
	{ "start", point_start }, { "end", point_end }, { "told", point_told },
};

static int wrong(const char *what)
{
	perror(what);
	exit(1);
}

static int point(const char *name)
{
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (!strcmp(points[i].name, name)) {
			points[i].pass();
			return 0;
		}
	return 1;
}

/* No two pages are equal. */
static void fill(int fd, long pages)
{
	uint64_t page[PAGE / 8], x = 88172645463325252ull;

	for (long p = 0; p < pages; p++) {
		for (int i = 0; i < PAGE / 8; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			page[i] = x;
		}
		if (write(fd, page, PAGE) != PAGE)
			wrong("write");
	}
}

static void touch(int fd, long pages)
{
	char byte;

	for (long p = 0; p < pages; p++)
		if (pread(fd, &byte, 1, p * PAGE) != 1 || pwrite(fd, &byte, 1, p * PAGE) != 1)
			wrong("pwrite");
}

static int on_file(const char *what, const char *path, long pages)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		wrong(path);
	if (!strcmp(what, "fill")) {
		fill(fd, pages);
	} else if (!strcmp(what, "offer")) {
		point_start();
		fill(fd, pages);
		sleep(REST_SECONDS);
		point_end();
	} else if (!strcmp(what, "write")) {
		point_start();
		touch(fd, pages);
		point_middle();
		touch(fd, pages);
		point_end();
	} else {
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int status = 1;

	if (argc == 3 && !strcmp(argv[1], "point"))
		status = point(argv[2]);
	else if (argc == 4)
		status = on_file(argv[1], argv[2], strtol(argv[3], NULL, 10));
	if (status)
		fprintf(stderr, "usage: counted point NAME | fill|offer|write FILE PAGES\n");
	return status;
}
