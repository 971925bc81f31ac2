/* SPDX-License-Identifier: MIT */
/* What KSM reaches for some processes, by the kernel's page maps; see ksm.h. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/ksm.h"
#include "harness/util.h"

#define PRESENT		(1ull << 63)
#define FRAME		((1ull << 55) - 1)
#define FLAG_ZERO	(1ull << 24)	/* the host's page of zeros */
#define ITEM_BYTES	64		/* KSM's record of one page */
#define BLOCK		512

/*
 * QEMU offers all guest memory to KSM: the mapping with that flag ("mg") that
 * is large enough.
 */
static void find_memory(struct ksm_process *p, uint64_t bytes)
{
	char *path = xasprintf("/proc/%d/smaps", (int)p->pid), line[512];
	uint64_t first = 0, end = 0, from, to;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
			first = from;
			end = to;
		} else if (!strncmp(line, "VmFlags:", 8) && strstr(line, " mg") &&
			   end - first >= bytes) {
			p->first = first / PAGE_BYTES;
			p->pages = (end - first) / PAGE_BYTES;
		}
	}
	if (f)
		fclose(f);
	free(path);
}

/* Frames of the process, from `out` on; returns how many. */
static size_t read_map(const struct ksm_process *p, uint64_t *out)
{
	char *path = xasprintf("/proc/%d/pagemap", (int)p->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t block[BLOCK];
	size_t n = 0;
	ssize_t got;

	for (uint64_t i = 0; i < p->pages; i += (uint64_t)got / 8) {
		size_t wanted = p->pages - i < BLOCK ? p->pages - i : BLOCK;

		got = pread(fd, block, wanted * 8, (off_t)(p->first + i) * 8);
		if (got < 8)
			break;	/* it ended */
		for (ssize_t k = 0; k < got / 8; k++)
			if (block[k] & PRESENT)
				out[n++] = block[k] & FRAME;
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return n;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of sorted numbers, those that differ and are not the page of zeros. */
static uint64_t count_distinct(const uint64_t *v, size_t count)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t flags[BLOCK], base = UINT64_MAX, n = 0;

	for (size_t i = 0; i < count; i++) {
		if (i && v[i] == v[i - 1])
			continue;
		if (v[i] / BLOCK != base) {
			base = v[i] / BLOCK;
			memset(flags, 0, sizeof(flags));
			if (pread(fd, flags, sizeof(flags), (off_t)(base * sizeof(flags))) < 0)
				die("cannot read /proc/kpageflags");
		}
		n += !(flags[v[i] % BLOCK] & FLAG_ZERO);
	}
	close(fd);
	return n;
}

uint64_t ksm_frames(struct ksm_process *p, size_t count, uint64_t bytes)
{
	uint64_t *v, n;
	size_t pages = 0, used = 0;

	for (size_t i = 0; i < count; i++) {
		if (!p[i].pages)
			find_memory(&p[i], bytes);
		pages += p[i].pages;
	}
	v = xcalloc(pages + 1, sizeof(*v));
	for (size_t i = 0; i < count; i++)
		used += read_map(&p[i], v + used);
	qsort(v, used, sizeof(*v), by_number);
	n = count_distinct(v, used);
	free(v);
	return n;
}

uint64_t ksm_records(const struct ksm_process *p, size_t count)
{
	uint64_t items = 0;

	for (size_t i = 0; i < count; i++) {
		char *path = xasprintf("/proc/%d/ksm_stat", (int)p[i].pid), line[128];
		FILE *f = fopen(path, "re");
		uint64_t n = 0;

		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "ksm_rmap_items %" SCNu64, &n) == 1)
				items += n;
		if (f)
			fclose(f);
		free(path);
	}
	return items * ITEM_BYTES;
}
