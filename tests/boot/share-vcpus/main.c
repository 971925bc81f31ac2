/* SPDX-License-Identifier: MIT */
/*
 * SH2: four vCPUs offer, write, break and refill at once, by the library; each
 * counts in a word of its own in every page, and no count is lost.  With
 * "break=1" the hypervisor breaks the shares first; then also a page with three
 * addresses is offered by one vCPU and written by two others, while the fourth
 * takes one of the entries away and puts it back.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define VCPUS		4
#define PAGES		64
#define ROUNDS		1000
#define ALIASES		2
#define ALIAS_ROUNDS	60

static struct gl_share *share;
static uint64_t page[PAGES], alias[ALIASES];
static uint64_t count[VCPUS][PAGES], lost[VCPUS];
static volatile bool stop;

static uint64_t random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
	return *seed >> 33;
}

static volatile uint64_t *word(uint64_t va, unsigned int vcpu)
{
	return (volatile uint64_t *)va + 8 * vcpu;
}

static void offer_some(uint64_t *seed)
{
	uint64_t va[8];
	int32_t status[8];
	unsigned int first = (unsigned int)(random(seed) % (PAGES - 8));

	for (unsigned int i = 0; i < 8; i++)
		va[i] = page[first + i];
	if (random(seed) % 2)
		gl_share_pages(share, va, 8, status);
	else
		gl_share_page(share, va[0]);
}

static void write_one(unsigned int me, uint64_t *seed)
{
	unsigned int i = (unsigned int)(random(seed) % PAGES);

	(*word(page[i], me))++;
	if (*word(page[i], me) != ++count[me][i])
		lost[me]++;
}

static void work(void *arg)
{
	unsigned int me = gl_vcpu_id();
	uint64_t seed = me + 1;

	for (unsigned int n = 0; n < ROUNDS; n++) {
		if (random(&seed) % 8 == 0)
			offer_some(&seed);
		else
			write_one(me, &seed);
		if (n % 64 == me)
			gl_share_refill(share);
		if (n % 128 == 0)
			gl_share_unshare(share, page[random(&seed) % PAGES]);
	}
}

static void check_pages(void)
{
	for (unsigned int i = 0; i < PAGES; i++)
		for (unsigned int v = 0; v < VCPUS; v++)
			if (*word(page[i], v) != count[v][i])
				gl_test_fail("page %u, vCPU %u: %lu counts of %lu", i, v,
					     *word(page[i], v), count[v][i]);
	for (unsigned int v = 0; v < VCPUS; v++)
		gl_test_equal(lost[v], 0);
}

/* --- one page, three addresses --- */

static uint64_t name_of(uint64_t va)
{
	return (gl_pte_read(va) & GL_PTE_FRAME) >> GL_PAGE_SHIFT;
}

static void write_alias(void *arg)
{
	unsigned int me = gl_vcpu_id();
	uint64_t va = (uint64_t)arg, n = 0;

	while (!stop) {
		*word(va, me) = ++n;
		if (*word(va, me) != n || *word(page[0], me) != n)
			lost[me]++;
	}
	count[me][0] = n;
}

static void take_and_put(void *arg)
{
	unsigned int me = gl_vcpu_id();
	uint64_t n = 0, at = alias[1], there;

	while (!stop) {
		lost[me] += map_at(at, 0, 0) != 0;
		if (map_at(at, name_of(page[0]), GL_PTE_KERNEL))
			continue;	/* it was offered meanwhile */
		n++;
		if (!gl_probe_read(at + 8 * 8 * me, &there) || there != 0)
			lost[me]++;
	}
	count[me][0] = n;
}

/* By its three entries, or as many as there are. */
static bool offer_aliases(void)
{
	static uint64_t names[1 + ALIASES];
	struct shareop_entry e = { .pte = { (uint64_t)names } };
	unsigned int n = 0;

	names[n++] = page[0];
	names[n++] = alias[0];
	if (gl_pte_read(alias[1]) & GL_PTE_PRESENT)
		names[n++] = alias[1];
	e.nr_ptes = (uint16_t)n;
	if (n == 2) {
		e.pte[0] = names[0];
		e.pte[1] = names[1];
	}
	return !offer_batch(&e, 1) && e.status == SHARE_DONE;
}

static void aliases(void)
{
	unsigned int done = 0;

	memset((void *)page[0], 0, GL_PAGE_BYTES);
	for (unsigned int i = 0; i < ALIASES; i++) {
		alias[i] = must_alloc();
		gl_test_equal(map_at(alias[i], name_of(page[0]), GL_PTE_KERNEL), 0);
	}
	for (unsigned int v = 0; v < VCPUS; v++)
		count[v][0] = lost[v] = 0;
	gl_test_equal(gl_vcpu_start(1, write_alias, (void *)page[0]), 0);
	gl_test_equal(gl_vcpu_start(2, write_alias, (void *)alias[0]), 0);
	gl_test_equal(gl_vcpu_start(3, take_and_put, NULL), 0);
	for (unsigned int n = 0; n < ALIAS_ROUNDS; n++) {
		done += offer_aliases();
		if (n % 8 == 0)
			gl_yield();
	}
	stop = true;
	for (unsigned int v = 1; v < VCPUS; v++) {
		gl_vcpu_wait(v);
		gl_test_equal(lost[v], 0);
		gl_test_check(count[v][0] > 0);
	}
	gl_test_equal(*word(page[0], 1), count[1][0]);
	gl_test_equal(*word(page[0], 2), count[2][0]);
	gl_printf("three addresses: %u of %u offers done; %lu and %lu counts, put back %lu times\n",
		  done, ALIAS_ROUNDS, count[1][0], count[2][0], count[3][0]);
	gl_test_check(done > 0);
}

void gl_main(void)
{
	bool break_first = gl_cmdline_u64("break", 0);
	struct gl_share_counters c;

	share = gl_share_setup(32);
	if (!share || gl_vcpu_count() != VCPUS)
		gl_test_error("no memory, or not four vCPUs");
	if (break_first)
		gl_test_equal(gl_share_break_first(share, (uint64_t *)gl_start_info->mfn_list,
						   gl_start_info->nr_pages), 0);
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = must_alloc();
		memset((void *)page[i], 0, GL_PAGE_BYTES);
	}
	for (unsigned int v = 1; v < VCPUS; v++)
		gl_test_equal(gl_vcpu_start(v, work, NULL), 0);
	work(NULL);
	for (unsigned int v = 1; v < VCPUS; v++)
		gl_vcpu_wait(v);
	check_pages();
	gl_share_counters_get(share, &c);
	gl_printf("%lu offers done, %lu faults, %lu copies, %lu taken, %lu by the hypervisor\n",
		  c.done, c.faults, c.breaks, c.taken, c.unshares);
	gl_test_check(c.done > 100 && (break_first || c.faults > 100));
	gl_test_equal(c.break_errors, 0);
	for (unsigned int i = 0; i < PAGES; i++)
		gl_test_equal(gl_virt_to_mfn(page[i]), name_of(page[i]));
	audit("four vCPUs");
	if (break_first)
		aliases();
	audit("three addresses");
	gl_test_done();
}
