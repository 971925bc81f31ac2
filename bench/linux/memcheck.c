/* SPDX-License-Identifier: MIT */
/*
 * memcheck MIB: does memory do what it must?  Run in a Linux guest; one line,
 * and not zero at the first thing that is wrong.
 *
 *   patterns   every word is what was written, over two passes
 *   fork       children and parent write to their copies of the same pages
 *   shared     a shared mapping shows the other's writes
 *   protect    a write to a read-only page faults, the page keeps its content
 *   unmap      fresh pages are zero
 *   sse        registers survive being scheduled away
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE		4096u
#define PAGE_WORDS	(PAGE / sizeof(uint64_t))
#define CHILDREN	6
#define ROUNDS		3

static size_t pages;
static sigjmp_buf fault;

static void wrong(const char *what, size_t where)
{
	printf("memcheck: %s is wrong at page %zu\n", what, where);
	fflush(stdout);
	_exit(1);
}

static uint64_t *get_pages(size_t count, int sharing)
{
	void *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
		       sharing | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		wrong("mmap", count);
	return p;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	return a ^ a >> 29;
}

static void fill(uint64_t *m, size_t page, uint64_t who)
{
	for (size_t i = 0; i < PAGE_WORDS; i++)
		m[page * PAGE_WORDS + i] = mix(page * PAGE_WORDS + i, who);
}

static void verify(const uint64_t *m, size_t page, uint64_t who,
		   const char *what)
{
	for (size_t i = 0; i < PAGE_WORDS; i++)
		if (m[page * PAGE_WORDS + i] != mix(page * PAGE_WORDS + i, who))
			wrong(what, page);
}

static void patterns(uint64_t *m)
{
	for (uint64_t pass = 1; pass <= 2; pass++) {
		for (size_t p = 0; p < pages; p++)
			fill(m, p, pass);
		for (size_t p = 0; p < pages; p++)
			verify(m, p, pass, "a pattern");
	}
}

/*
 * Child n writes every page p with p % CHILDREN == n, and sees no one else's.
 */
static void child(uint64_t *m, size_t count, uint64_t n, uint64_t base)
{
	for (size_t p = n; p < count; p += CHILDREN)
		fill(m, p, 1000 + n);
	for (size_t p = 0; p < count; p++)
		verify(m, p, p % CHILDREN == n ? 1000 + n : base,
		       "a child's copy");
	_exit(0);
}

static void reap_one(void)
{
	int status;

	if (wait(&status) < 0 || status)
		wrong("a child's end", (size_t)status);
}

static void forks(uint64_t *m)
{
	size_t count = pages / 8 + 1;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		for (size_t p = 0; p < count; p++)
			fill(m, p, 10 + round);
		for (uint64_t n = 0; n < CHILDREN; n++) {
			pid_t pid = fork();

			if (pid < 0)
				wrong("fork", n);
			if (!pid)
				child(m, count, n, 10 + round);
		}
		for (size_t p = 0; p < count; p++)
			verify(m, p, 10 + round, "the parent's copy");
		for (int n = 0; n < CHILDREN; n++)
			reap_one();
	}
}

static void shared(void)
{
	size_t count = 64;
	uint64_t *m = get_pages(count, MAP_SHARED);

	if (!fork()) {
		for (size_t p = 0; p < count; p++)
			fill(m, p, 77);
		_exit(0);
	}
	reap_one();
	for (size_t p = 0; p < count; p++)
		verify(m, p, 77, "a shared mapping");
	munmap(m, count * PAGE);
}

static void on_fault(int sig)
{
	siglongjmp(fault, sig);
}

static void protect(uint64_t *m)
{
	volatile uint64_t *word = m;

	fill(m, 0, 5);
	signal(SIGSEGV, on_fault);
	mprotect(m, PAGE, PROT_READ);
	if (!sigsetjmp(fault, 1)) {
		*word = 1;
		wrong("a read-only page", 0);
	}
	verify(m, 0, 5, "a read-only page");
	mprotect(m, PAGE, PROT_NONE);
	if (!sigsetjmp(fault, 1)) {
		(void)*word;
		wrong("a page without access", 0);
	}
	mprotect(m, PAGE, PROT_READ | PROT_WRITE);
	verify(m, 0, 5, "a page without access");
	fill(m, 0, 6);
	verify(m, 0, 6, "a page that may be written again");
	signal(SIGSEGV, SIG_DFL);
}

static void unmap(void)
{
	for (int round = 0; round < 20; round++) {
		uint64_t *m = get_pages(32, MAP_PRIVATE);

		for (size_t i = 0; i < 32 * PAGE_WORDS; i++)
			if (m[i])
				wrong("a fresh page", i / PAGE_WORDS);
		memset(m, 0xa5, 32 * PAGE);
		munmap(m, 32 * PAGE);
	}
}

/* Four processes keep their own number in xmm registers while they compete. */
static void sse_worker(uint64_t n)
{
	uint64_t want[2] = { n, ~n }, got[2];

	for (int i = 0; i < 300; i++) {
		asm volatile("movdqu %1, %%xmm3\n\tmovdqa %%xmm3, %%xmm11\n\t"
			     "mov $20000, %%ecx\n1:\tdec %%ecx\n\tjnz 1b\n\t"
			     "pxor %%xmm4, %%xmm4\n\tpor %%xmm11, %%xmm4\n\t"
			     "pand %%xmm3, %%xmm4\n\tmovdqu %%xmm4, %0"
			     : "=m"(got) : "m"(want)
			     : "xmm3", "xmm4", "xmm11", "ecx", "cc");
		if (memcmp(got, want, sizeof(got)))
			_exit(2);
	}
	_exit(0);
}

static void sse(void)
{
	for (uint64_t n = 1; n <= 4; n++)
		if (!fork())
			sse_worker(n * 0x0101010101010101u);
	for (int n = 0; n < 4; n++)
		reap_one();
}

int main(int argc, char **argv)
{
	unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	uint64_t *m;

	mib = mib ? mib : 1;
	pages = mib << 8;
	m = get_pages(pages, MAP_PRIVATE);
	patterns(m);
	forks(m);
	shared();
	protect(m);
	unmap();
	sse();
	printf("mib=%lu forks=%d\n", mib, ROUNDS * CHILDREN + 5);
	return 0;
}
