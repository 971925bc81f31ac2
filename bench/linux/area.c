/* SPDX-License-Identifier: MIT */
/*
 * An area of the kernel's vmalloc that a process may map: area PAGES.
 *
 * Makes an array for BPF programs of so many pages, all zero, and says "made".
 * At a first line it maps the array and looks at all of it, and says "mapped";
 * at a second one it looks again and ends; 1: a byte that is not zero, or a
 * failed call.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE	4096u

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make(unsigned int pages)
{
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = PAGE,
		.max_entries = pages,
		.map_flags = BPF_F_MMAPABLE,
	};
	long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));

	if (fd < 0)
		fail("bpf");
	return (int)fd;
}

static void check(const char *map, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (map[i])
			fail("wrong bytes");
}

static void await(const char *what)
{
	char line[8];

	puts(what);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		fail("nothing more is said");
}

int main(int argc, char **argv)
{
	unsigned int pages = argc == 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;
	size_t bytes = (size_t)pages * PAGE;
	char *map;
	int fd;

	if (!pages)
		return 2;
	fd = make(pages);
	await("made");
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap");
	check(map, bytes);
	await("mapped");
	check(map, bytes);
	return 0;
}
