/* SPDX-License-Identifier: MIT */
/*
 * SH2: four vCPUs offer, write, break and refill at once, by the library; each
 * counts in a word of its own in every page, and no count is lost.  With
 * "break=1" the hypervisor breaks the shares first; then also two pages with
 * three addresses each are offered by one vCPU and written by two others, so
 * that the search for the entries of one meets the other's, while the fourth
 * takes an entry of each away and puts it back.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define VCPUS		4
#define PAGES		64
#define ROUNDS		1000
#define ALIASED		2
#define ALIASES		2
#define ALIAS_ROUNDS	60

static struct gl_share *share;
static uint64_t page[PAGES], alias[ALIASED][ALIASES];
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

/* --- two pages of three addresses each --- */

static uint64_t name_of(uint64_t va)
{
	return (gl_pte_read(va) & GL_PTE_FRAME) >> GL_PAGE_SHIFT;
}

static uint64_t address(unsigned int i, unsigned int which)
{
	return which ? alias[i][which - 1] : page[i];
}

/* While the entries of one are looked for the other breaks as well. */
static void write_alias(void *arg)
{
	unsigned int me = gl_vcpu_id(), which = (unsigned int)(uint64_t)arg;
	uint64_t n = 0;

	while (!stop) {
		n++;
		for (unsigned int i = 0; i < ALIASED; i++) {
			*word(address(i, which), me) = n;
			if (*word(address(i, which), me) != n || *word(page[i], me) != n)
				lost[me]++;
		}
	}
	count[me][0] = n;
}

static void take_and_put(void *arg)
{
	unsigned int me = gl_vcpu_id(), i = 0;
	uint64_t n = 0, there;

	while (!stop) {
		uint64_t at = alias[i][1];

		lost[me] += map_at(at, 0, 0) != 0;
		if (map_at(at, name_of(page[i]), GL_PTE_KERNEL))
			continue;	/* it was offered meanwhile */
		n++;
		if (!gl_probe_read(at + 8 * 8 * me, &there) || there != 0)
			lost[me]++;
		i = (i + 1) % ALIASED;
	}
	count[me][0] = n;
}

/* A page by its three entries, or as many as there are. */
static struct shareop_entry aliased(unsigned int i)
{
	static uint64_t names[ALIASED][1 + ALIASES];
	struct shareop_entry e = { .pte = { (uint64_t)names[i] } };
	unsigned int n = 0;

	names[i][n++] = page[i];
	names[i][n++] = alias[i][0];
	if (gl_pte_read(alias[i][1]) & GL_PTE_PRESENT)
		names[i][n++] = alias[i][1];
	e.nr_ptes = (uint16_t)n;
	if (n == 2) {
		e.pte[0] = names[i][0];
		e.pte[1] = names[i][1];
	}
	return e;
}

static unsigned int offer_aliases(void)
{
	struct shareop_entry e[ALIASED];
	unsigned int done = 0;

	for (unsigned int i = 0; i < ALIASED; i++)
		e[i] = aliased(i);
	if (offer_batch(e, ALIASED))
		return 0;
	for (unsigned int i = 0; i < ALIASED; i++)
		done += e[i].status == SHARE_DONE;
	return done;
}

static void make_aliases(void)
{
	for (unsigned int i = 0; i < ALIASED; i++) {
		memset((void *)page[i], 0, GL_PAGE_BYTES);
		*word(page[i], VCPUS) = i;	/* no two are equal */
		for (unsigned int k = 0; k < ALIASES; k++) {
			alias[i][k] = must_alloc();
			gl_test_equal(map_at(alias[i][k], name_of(page[i]), GL_PTE_KERNEL), 0);
		}
	}
}

static void check_aliases(void)
{
	for (unsigned int v = 1; v < VCPUS; v++) {
		gl_vcpu_wait(v);
		gl_test_equal(lost[v], 0);
		gl_test_check(count[v][0] > 0);
	}
	for (unsigned int i = 0; i < ALIASED; i++) {
		gl_test_equal(*word(page[i], 1), count[1][0]);
		gl_test_equal(*word(page[i], 2), count[2][0]);
	}
}

static void aliases(void)
{
	unsigned int done = 0;

	make_aliases();
	for (unsigned int v = 0; v < VCPUS; v++)
		count[v][0] = lost[v] = 0;
	gl_test_equal(gl_vcpu_start(1, write_alias, (void *)0), 0);
	gl_test_equal(gl_vcpu_start(2, write_alias, (void *)1), 0);
	gl_test_equal(gl_vcpu_start(3, take_and_put, NULL), 0);
	for (unsigned int n = 0; n < ALIAS_ROUNDS; n++) {
		done += offer_aliases();
		if (n % 8 == 0)
			gl_yield();
	}
	stop = true;
	check_aliases();
	gl_printf("three addresses: %u of %u offers done; %lu and %lu counts, put back %lu times\n",
		  done, ALIASED * ALIAS_ROUNDS, count[1][0], count[2][0], count[3][0]);
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
