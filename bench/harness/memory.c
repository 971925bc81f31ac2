/* SPDX-License-Identifier: MIT */
/* See memory.h. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/memory.h"
#include "hv/mm/layout.h"

#define PTE_PRESENT	1ull
#define PTE_LARGE	0x80ull
#define PTE_ADDR	0x000ffffffffff000ull
#define GIB		(1ull << 30)
/* From this much on, QEMU puts what is beyond 3 GiB above 4 GiB. */
#define SPLIT_FROM	0xe0000000ull
#define SPLIT_AT	(3 * GIB)

struct image {
	const uint8_t *bytes;
	uint64_t size, low;	/* low: bytes below the devices */
};

/* One frame that counts, by its content. */
struct page {
	XXH128_hash_t hash;
	bool shared;
};

struct pages {
	struct page *v;
	size_t count;
};

/* `bytes` of physical memory at maddr, of one page; NULL: no RAM. */
static const void *at(const struct image *i, uint64_t maddr, size_t bytes)
{
	uint64_t offset = maddr;

	if (maddr >= i->low) {
		if (maddr < 4 * GIB)
			return NULL;
		offset = maddr - 4 * GIB + i->low;
	}
	return offset + bytes <= i->size ? i->bytes + offset : NULL;
}

static uint64_t word_at(const struct image *i, uint64_t maddr)
{
	const uint64_t *w = at(i, maddr, sizeof(*w));

	return w ? *w : 0;
}

/* Where the hypervisor's tables lead; 0: nowhere. */
static uint64_t walk(const struct image *i, uint64_t cr3, uint64_t va)
{
	uint64_t entry = cr3 & PTE_ADDR;

	for (int shift = 39; shift >= 12; shift -= 9) {
		uint64_t within = (1ull << shift) - 1;

		entry = word_at(i, (entry & PTE_ADDR) +
				(va >> shift & 511) * sizeof(uint64_t));
		if (!(entry & PTE_PRESENT))
			return 0;
		if (shift == 12 || (shift < 39 && entry & PTE_LARGE))
			return (entry & PTE_ADDR & ~within) | (va & within);
	}
	return 0;
}

/* The value of a global variable of the hypervisor's; false: no such symbol. */
static bool variable(const struct image *i, const char *pasture,
		     const char *name, uint64_t *value)
{
	char *path = xasprintf("%s.sym", pasture);
	FILE *f = fopen(path, "r");
	char line[256], symbol[200];
	bool found = false;
	uint64_t va;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%" SCNx64 " %*c %199s", &va, symbol) == 2 &&
			!strcmp(symbol, name);
	if (f)
		fclose(f);
	free(path);
	if (found)
		*value = word_at(i, va - IMAGE_VIRT);
	return found;
}

/* The state of frame mfn; 0: it has no record. */
static uint64_t state_of(const struct image *i, uint64_t cr3, uint64_t mfn)
{
	uint64_t maddr = walk(i, cr3, FRAMETABLE_VIRT + mfn * FRAME_BYTES);

	return maddr ? word_at(i, maddr) : 0;
}

static void take_frame(struct memory *m, struct pages *p, const struct image *i,
		       uint64_t mfn, uint64_t state)
{
	unsigned int kind = state >> KIND_SHIFT & 0xf;
	uint64_t owner = state >> OWNER_SHIFT & 0xffff;
	const void *content = at(i, mfn * PAGE_BYTES, PAGE_BYTES);

	if (!content || (kind != KIND_SHARED &&
			 (kind != KIND_OWNED || owner >= MEMORY_DOMAINS)))
		return;
	if (kind == KIND_OWNED) {
		m->own[owner]++;
		m->owned++;
	} else {
		m->shared++;
	}
	if (!(p->count & (p->count + 1)))	/* room for twice as many */
		p->v = xrealloc(p->v, 2 * (p->count + 1) * sizeof(*p->v));
	p->v[p->count++] = (struct page){
		.hash = XXH3_128bits(content, PAGE_BYTES),
		.shared = kind == KIND_SHARED,
	};
}

static int by_content(const void *a, const void *b)
{
	return XXH128_cmp(&((const struct page *)a)->hash,
			  &((const struct page *)b)->hash);
}

/* n frames of one content. */
static void count_content(struct memory *m, const struct page *p, size_t n,
			  XXH128_hash_t zero)
{
	size_t shared = 0, own;

	for (size_t k = 0; k < n; k++)
		shared += p[k].shared;
	own = n - shared - !shared;	/* that could go */
	m->distinct++;
	m->twice_groups += shared ? shared - 1 : 0;
	if (XXH128_isEqual(p->hash, zero))
		m->twice_zero += own;
	else if (shared)
		m->twice_shared += own;
	else
		m->twice_private += own;
}

static void count(struct memory *m, struct pages *p)
{
	static const uint8_t zeros[PAGE_BYTES];
	XXH128_hash_t zero = XXH3_128bits(zeros, sizeof(zeros));

	if (p->count)
		qsort(p->v, p->count, sizeof(*p->v), by_content);
	for (size_t k = 0, n; k < p->count; k += n) {
		n = 1;
		while (k + n < p->count && !by_content(&p->v[k], &p->v[k + n]))
			n++;
		count_content(m, &p->v[k], n, zero);
	}
}

static void read_image(struct memory *m, const struct image *i,
		       const char *pasture)
{
	struct pages p = { 0 };
	uint64_t cr3, frames;

	if (!variable(i, pasture, "cpu_idle_cr3", &cr3) ||
	    !variable(i, pasture, "frame_max_mfn", &frames))
		return;
	m->own = xcalloc(MEMORY_DOMAINS, sizeof(*m->own));
	for (uint64_t mfn = 0; mfn < frames; mfn++)
		take_frame(m, &p, i, mfn, state_of(i, cr3, mfn));
	count(m, &p);
	m->known = p.count;
	free(p.v);
}

void memory_read_fd(struct memory *m, int fd, const char *pasture)
{
	struct image i = { 0 };
	struct stat st;
	void *map;

	*m = (struct memory){ 0 };
	if (fstat(fd, &st) || !st.st_size)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	i.bytes = map;
	i.size = (uint64_t)st.st_size;
	i.low = i.size >= SPLIT_FROM ? SPLIT_AT : i.size;
	read_image(m, &i, pasture);
	munmap(map, i.size);
}

/* An open file of the process that is a memfd of that size; -1: none. */
static int memory_file(pid_t pid, uint64_t bytes)
{
	char *folder = xasprintf("/proc/%d/fd", (int)pid);
	DIR *d = opendir(folder);
	struct dirent *e;
	int fd = -1;

	while (d && fd < 0 && (e = readdir(d))) {
		char *path = xasprintf("%s/%s", folder, e->d_name);
		char to[64] = "";
		struct stat st;

		if (readlink(path, to, sizeof(to) - 1) > 0 &&
		    !strncmp(to, "/memfd:", 7) && !stat(path, &st) &&
		    (uint64_t)st.st_size == bytes)
			fd = open(path, O_RDONLY | O_CLOEXEC);
		free(path);
	}
	if (d)
		closedir(d);
	free(folder);
	return fd;
}

void memory_read(struct memory *m, pid_t pid, uint64_t mib, const char *pasture)
{
	int fd = memory_file(pid, mib * MIB);

	*m = (struct memory){ 0 };
	if (fd < 0)
		return;
	memory_read_fd(m, fd, pasture);
	close(fd);
}

void memory_free(struct memory *m)
{
	free(m->own);
	*m = (struct memory){ 0 };
}
