/* SPDX-License-Identifier: MIT */
/*
 * TL2: leaves of a view of the M2P come and go while another vCPU reads them.
 * One gives most of the guest's memory back, takes it again, and fills it with
 * what is no name: the frames that were leaves are among it.  The other reads
 * the names of all frames that the guest had at first.  It must find names, or
 * that there is none, or no leaf, and nothing else.
 */
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define ROUNDS	2
#define PAGES	(32UL << 20 >> GL_PAGE_SHIFT)
#define STEP	128	/* of the pages whose names are read; four a leaf */
#define LEAVES	8	/* as many go at least, each time */
#define SECRET	0x5e	/* each byte; no number of a page */

static uint64_t frame[PAGES];
static volatile bool stop;
static unsigned long reads, absent, wrong;

static bool name_read(uint64_t mfn, uint64_t *pfn)
{
	return gl_probe_read(HV_BASE + 8 * mfn, pfn);
}

static void read_names(void *arg)
{
	while (!stop)
		for (uint64_t i = 0; i < PAGES; i += STEP) {
			uint64_t pfn;

			reads++;
			if (!name_read(frame[i], &pfn))
				absent++;
			else if (pfn != NO_MFN && pfn >= gl_pages_total())
				wrong++;
		}
}

static unsigned long leaves_absent(void)
{
	unsigned long n = 0;
	uint64_t pfn;

	for (uint64_t i = 0; i < PAGES; i += 512)
		n += !name_read(frame[i], &pfn);
	return n;
}

static void take_and_fill(uint64_t va)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t page = va + i * GL_PAGE_BYTES, pfn;

		gl_test_equal(gl_frame_regain(page), 0);
		memset((void *)page, SECRET, GL_PAGE_BYTES);
		gl_test_check(name_read(gl_virt_to_mfn(page), &pfn) && pfn == gl_virt_to_pfn(page));
	}
}

void gl_main(void)
{
	uint64_t va = gl_pages_alloc(PAGES);

	if (!va || gl_vcpu_count() != 2)
		gl_test_error("no memory, or not two vCPUs");
	for (uint64_t i = 0; i < PAGES; i++)
		frame[i] = gl_virt_to_mfn(va + i * GL_PAGE_BYTES);
	gl_test_equal(leaves_absent(), 0);
	gl_test_equal(gl_vcpu_start(1, read_names, NULL), 0);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		gl_test_equal(gl_frames_return(va, PAGES), PAGES);
		gl_test_check(leaves_absent() >= LEAVES);
		take_and_fill(va);
	}
	stop = true;
	gl_vcpu_wait(1);
	gl_printf("%lu names read, %lu without a leaf\n", reads, absent);
	gl_test_check(reads > 1000 && absent > 0);
	gl_test_equal(wrong, 0);
	audit("leaves");
	gl_test_done();
}
