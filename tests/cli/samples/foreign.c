/* SPDX-License-Identifier: MIT */
/*
 * A kernel that has nothing of ours but libpasture-share.a and the page's
 * sample "offers": its own entry, notes and hypercall page, at an address of
 * its own (BASE).  It does what the page says that a kernel may do, and counts
 * errors.
 */
#include <stddef.h>
#include <stdint.h>

#include <pasture/offers.h>
#include <pasture/stubs.h>

#define PAGES	48
#define WORDS	512
#define OUTPUT	2		/* words of an answer of XEN_VERSION */

/* Xen's ABI, as far as this goes. */
enum { MEMORY_OP = 12, VA_MAPPING = 14, XEN_VERSION = 17, CONSOLE = 18, SCHED = 29 };
enum { POPULATE = 6, DECREASE = 1, EXTRAVERSION = 1, YIELD = 0, SHUTDOWN = 2 };

struct start_info {
	char magic[32];
	uint64_t nr_pages, shared_info;
	uint32_t flags, pad;
	uint64_t store_mfn, store_evtchn, console_mfn, console_evtchn;
	uint64_t pt_base, nr_pt_frames, mfn_list;
};

struct reservation {
	uint64_t *extents, nr_extents;
	uint32_t order, flags;
	uint16_t domid;
};

#define STRING(x)	#x
#define NUMBER(x)	STRING(x)
#define NOTE(type, bytes, what) \
	".long 4, " #bytes ", " #type "; .asciz \"Xen\"; " what "; .balign 4;"

__asm__(".pushsection .note.Xen, \"a\", @note;"
	NOTE(6, 6, ".asciz \"other\"") NOTE(5, 8, ".asciz \"xen-3.0\"")
	NOTE(8, 8, ".asciz \"generic\"") NOTE(2, 8, ".quad hypercall_page")
	NOTE(3, 8, ".quad " NUMBER(BASE)) NOTE(4, 8, ".quad " NUMBER(BASE))
	".popsection; .text; .globl _start;"
	"_start: leaq stack + 16384(%rip), %rsp; movq %rsi, %rdi; call begin;"
	".balign 4096; .globl hypercall_page; hypercall_page: .skip 4096;"
	".bss; .balign 4096; stack: .skip 16384; .text");

long sharing_begin(uint64_t *mfn_list, uint64_t nr_pages);
long sharing_offer(void *start, size_t bytes);
long sharing_stop(void *start, uint64_t pfn, size_t bytes);
long sharing_end(void *start, uint64_t nr_pages);
void begin(const struct start_info *si);

extern char hypercall_page[];
static uint64_t data[PAGES][WORDS] __attribute__((aligned(4096)));
static const struct start_info *start;
static unsigned int errors;

void *memcpy(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return (char *)to - n;
}

void *memset(void *to, int byte, size_t n)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
	return to;
}

static long call(unsigned int nr, unsigned long a, const volatile void *b, unsigned long c)
{
	return gl_call_page(hypercall_page, nr, a, (unsigned long)b, c, 0);
}

static void say(const char *text, uint64_t n)
{
	char line[80];
	size_t at = 0, digits = 1;

	while (text[at])
		line[at] = text[at], at++;
	for (uint64_t m = n; m > 9; m /= 10)
		digits++;
	line[at + digits] = '\n';
	for (size_t i = at + digits; i-- > at; n /= 10)
		line[i] = (char)('0' + n % 10);
	gl_call_page(hypercall_page, CONSOLE, 0, at + digits + 1, (unsigned long)line, 0);
}

static void expect(const char *what, long got, long want)
{
	if (got != want) {
		say(what, (uint64_t)got);
		errors++;
	}
}

static uint64_t *list(void)
{
	return (uint64_t *)start->mfn_list;
}

static uint64_t pfn_of(const volatile void *va)
{
	return ((uint64_t)va - BASE) / 4096;
}

static uint64_t word(unsigned int page, unsigned int i)
{
	/* half of them are equal */
	return page % 2 ? 7 : page * 4096 + i * 3;
}

static void check(unsigned int first)
{
	for (unsigned int n = first; n < PAGES; n++)
		for (unsigned int i = 0; i < WORDS; i++)
			if (data[n][i] != (i == n ? ~0ull : word(n, i)))
				errors++;
}

static void wait(uint64_t ticks)
{
	uint64_t then = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - then < ticks)
		call(SCHED, YIELD, NULL, 0);
}

/* The hypervisor's answer goes into a shared page. */
static void output(void)
{
	expect("output ", call(XEN_VERSION, EXTRAVERSION, data[0], 0), 0);
	for (unsigned int i = OUTPUT; i < WORDS; i++)
		errors += data[0][i] != word(0, i);
}

/* A shared page is given back, and another page taken: as any page. */
static void give_and_take(void)
{
	uint64_t pfn = pfn_of(data[1]), frame = list()[pfn];
	struct reservation r = { .extents = &frame, .nr_extents = 1, .domid = 0x7ff0 };

	expect("unmap ", call(VA_MAPPING, (unsigned long)data[1], NULL, 2), 0);
	expect("give back ", call(MEMORY_OP, DECREASE, &r, 0), 1);
	frame = pfn;
	expect("take ", call(MEMORY_OP, POPULATE, &r, 0), 1);
	list()[pfn] = frame;
	expect("map ", gl_call_page(hypercall_page, VA_MAPPING, (unsigned long)data[1],
				    frame << 12 | 0x67, 2, 0), 0);
	data[1][0] = 1;
}

void begin(const struct start_info *si)
{
	unsigned long off = 0;

	start = si;
	for (unsigned int n = 0; n < PAGES; n++)
		for (unsigned int i = 0; i < WORDS; i++)
			data[n][i] = word(n, i);
	expect("begin ", sharing_begin(list(), si->nr_pages), 0);
	say("text ", (uint64_t)sharing_offer(hypercall_page, 4096));
	expect("offer ", sharing_offer(data, sizeof(data)), PAGES);
	wait(20000000000);
	output();
	give_and_take();
	for (unsigned int n = 2; n < PAGES; n++)
		data[n][n] = ~0ull;
	check(2);
	expect("offer again ", sharing_offer(data, sizeof(data)), PAGES);
	expect("stop ", sharing_stop(data[2], pfn_of(data[2]), 8 * 4096), 0);
	check(2);
	expect("end ", sharing_end((void *)BASE, si->nr_pages), 0);
	check(2);
	expect("offer after the end ", sharing_offer(data, 4096), 1);
	say("errors ", errors);
	call(SCHED, SHUTDOWN, &off, 0);
}
