/* SPDX-License-Identifier: MIT */
/*
 * TR9: guests fill their SSE and x87 registers with patterns of their own and
 * offer pages, one and in batches, whose contents the hypervisor hashes,
 * compares and copies with vector registers.  Nobody's registers change,
 * whether its CR0.TS was set or not, nobody gets AVX by it, and equal contents
 * get one frame each, with whatever registers (pages=).
 */
#include <gl/start.h>
#include <gl/string.h>
#include <gl/trap.h>

#include "../attack.h"

#define ROUNDS		40
#define PAGES		64	/* one chunk */
#define CONTENTS	7	/* of them, number 0 is the zero page */
#define TRAP_no_fpu	7
#define OSXSAVE		(1u << 27)

struct state {
	uint8_t bytes[512];
} __attribute__((aligned(16)));

static struct state want, got;
static uint64_t page[PAGES], frame_of[CONTENTS];
static struct shareop_entry entries[PAGES];
static unsigned int undefined, no_fpu;

static void save(struct state *s)
{
	__asm__ volatile("fxsave64 %0" : "=m"(*s));
	memset(s->bytes + 8, 0, 16);	/* where the last instruction was */
	memset(s->bytes + 6, 0, 2);
}

/*
 * Patterns of which each guest and round has its own; MXCSR: another rounding.
 */
static void fill_registers(uint64_t id)
{
	save(&want);
	for (unsigned int i = 32; i < 416; i++)
		if (i >= 160 || i % 16 < 10)
			want.bytes[i] = i * 7 + id * 101;
	want.bytes[4] = 0xff;		/* all x87 registers are in use */
	*(uint32_t *)(want.bytes + 24) = 0x1f80 | (id & 3) << 13;
	__asm__ volatile("fxrstor64 %0" : : "m"(want));
	save(&want);
}

static bool registers_intact(void)
{
	save(&got);
	for (unsigned int i = 0; i < 416; i++)
		if (want.bytes[i] != got.bytes[i])
			return false;
	return true;
}

/*
 * What of AVX and XSAVE there is: an undefined instruction, and CPUID itself.
 */
static bool skip_undefined(struct gl_regs *regs)
{
	undefined++;
	regs->rip = regs->rbx;
	return true;
}

#define TRY(instruction) \
	__asm__ volatile("lea 1f(%%rip), %%rbx\n\t" instruction "\n1:" \
			 : : "c"(0) : "rax", "rbx", "rdx", "memory")

static void no_avx(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	gl_test_check(!(c & OSXSAVE));
	undefined = 0;
	TRY("vmovdqu (%%rsp), %%ymm3");
	TRY("vzeroupper");
	TRY("xgetbv");
	gl_test_equal(undefined, 3);
}

/* --- sharing --- */

static uint64_t content_of(unsigned int i)
{
	return i * 5 % CONTENTS;
}

static void fill_pages(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		pattern_fill(page[i], content_of(i));
		if (!content_of(i))
			memset((void *)page[i], 0, GL_PAGE_BYTES);
	}
}

/* Equal contents have one frame, others another. */
static void check_frames(void)
{
	memset(frame_of, 0, sizeof(frame_of));
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t *frame = &frame_of[content_of(i)];
		uint64_t mfn = gl_virt_to_mfn(page[i]);

		if (!*frame)
			*frame = mfn;
		gl_test_equal(mfn, *frame);
	}
	for (unsigned int i = 0; i < CONTENTS; i++)
		for (unsigned int k = 0; k < i; k++)
			gl_test_check(frame_of[i] != frame_of[k]);
	for (unsigned int i = 0; i < PAGES; i++)
		gl_test_check(!content_of(i) ||
			      pattern_intact(page[i], content_of(i)));
}

static void entries_make(void)
{
	for (unsigned int i = 0; i < PAGES; i++)
		entries[i] = entry_of(page[i]);
}

static void entries_done(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		gl_test_equal(entries[i].status, SHARE_DONE);
		gl_p2m_set(gl_virt_to_pfn(page[i]), entries[i].mfn);
	}
}

static void batch(uint64_t id)
{
	entries_make();
	fill_registers(id);
	gl_test_equal(offer_batch(entries, PAGES), 0);
	gl_test_check(registers_intact());
	entries_done();
}

static void singles(uint64_t id)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		long mfn;

		fill_registers(id + i);
		mfn = offer(page[i]);
		gl_test_check(registers_intact());
		gl_test_check(mfn > 0);
		gl_p2m_set(gl_virt_to_pfn(page[i]), mfn);
	}
}

static void private_again(uint64_t id)
{
	entries_make();
	fill_registers(id);
	gl_test_equal(unshare_batch(entries, PAGES), 0);
	gl_test_check(registers_intact());
	entries_done();
}

static bool note_no_fpu(struct gl_regs *regs)
{
	no_fpu++;	/* the hypervisor has cleared TS */
	return true;
}

/*
 * With TS set: the registers are there all the same, and the next use still
 * traps.
 */
static void with_ts(uint64_t id)
{
	entries_make();
	fill_registers(id);
	no_fpu = 0;
	gl_test_equal(raw_call(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0, 0), 0);
	gl_test_equal(offer_batch(entries, PAGES), 0);
	gl_test_equal(no_fpu, 0);
	gl_test_check(registers_intact());
	gl_test_equal(no_fpu, 1);
	entries_done();
}

void gl_main(void)
{
	uint64_t id = gl_cmdline_u64("id", 1);

	gl_trap_handler_set(TRAP_invalid_op, skip_undefined);
	gl_trap_handler_set(TRAP_no_fpu, note_no_fpu);
	for (unsigned int i = 0; i < PAGES; i++)
		page[i] = must_alloc();
	no_avx();
	for (unsigned int r = 0; r < ROUNDS && !gl_test_failures; r++) {
		fill_pages();
		if (r % 4 == 3)
			with_ts(id * 1000 + r);
		else if (r % 4)
			batch(id * 1000 + r);
		else
			singles(id * 1000 + r);
		check_frames();
		no_avx();
		private_again(id * 1000 + r);
	}
	audit("vector work");
	gl_test_done();
}
