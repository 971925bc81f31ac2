/* SPDX-License-Identifier: MIT */
/*
 * SH29, SH30: guests share all they have, then every holder writes at once.
 *
 *   role=keeper    domain 1; k=FRAMES: leaves so many frames to the machine
 *                  (overcommit=on); no k:
 *                  takes back all that it gave, which it must get
 *                  (overcommit=off)
 *   role=writer    of the keeper's group; domains 2 ..
 *   role=neighbour of another group, the last domain; shares, writes and checks
 *   all the time
 *
 * Each writer has each of CONTENTS pages twice and writes one of the two, so
 * that its holds stay, no frame is taken in place and no table shrinks: a break
 * costs one frame, always.  So with k frames in the machine exactly k breaks
 * succeed beside those from the writers' reserves.  The keeper, which holds the
 * same contents, takes every other frame of the machine, and gives k back where
 * the guests' M2P views have pages already: in 2 MiB of a canonical frame.
 * Then the writers list cached pages, and all their writes succeed.  Meanwhile
 * the neighbour goes on; but while frames are counted it offers nothing, since
 * each offer puts a frame of its own into the place of another, where a
 * writer's view may need a page more.
 *
 * Guests meet at boards: a page of each, granted to the keeper.
 */
#include <gl/grant.h>
#include <gl/share_setup.h>
#include <gl/timer.h>
#include <gl/trap.h>

#include "../attack.h"

#define CONTENTS	400
#define GUESTS_MAX	8
#define NUMBERS		8	/* of domains that one more guest may have */
/* frames that wait for a flush while they are counted */
#define LATE		8
#define KEPT_PAGES	64	/* the keeper leaves to its library */
#define NAP_NS		2000000UL
#define NEIGHBOURS	0x500000UL /* contents that nobody else has */
#define CACHED		0x600000UL

struct board {
	/* the keeper writes: the phase that may begin */
	volatile uint64_t go;
	volatile uint64_t done;	/* the guest writes: phases that are over */
	/* a writer's writes that succeeded in phase 1 */
	volatile uint64_t breaks;
	volatile uint64_t rounds; /* of the neighbour */
	/* the neighbour shall not offer; does not */
	volatile uint64_t quiet, is_quiet;
};

enum { SHARED = 1, WRITTEN, REPAID, OVER };

static struct gl_share *share;
static struct board *board;

/* --- meeting --- */

static void board_make(void)
{
	board = (struct board *)must_alloc();
	*board = (struct board){ 0 };
	gl_test_equal(gl_grant_init(1), 0);
	gl_test_check(gl_grant_page(1, (uint64_t)board, false) ==
		      GL_GRANT_FIRST);
}

static void nap_until(const volatile uint64_t *word, uint64_t at_least)
{
	while (*word < at_least)
		gl_sleep_ns(NAP_NS);
}

/* This guest has done `phase` and may go on with the next. */
static void meet(uint64_t phase)
{
	board->done = phase;
	nap_until(&board->go, phase);
}

/* --- pages with known bytes --- */

static uint64_t page[CONTENTS], twin[CONTENTS];

static void share_twice(uint64_t base)
{
	for (unsigned int i = 0; i < CONTENTS; i++) {
		page[i] = must_alloc();
		twin[i] = must_alloc();
		pattern_fill(page[i], base + i);
		pattern_fill(twin[i], base + i);
	}
	gl_test_equal(gl_share_pages(share, page, CONTENTS, NULL), CONTENTS);
	gl_test_equal(gl_share_pages(share, twin, CONTENTS, NULL), CONTENTS);
}

static void twins_check(uint64_t base)
{
	for (unsigned int i = 0; i < CONTENTS; i++)
		if (!pattern_intact(twin[i], base + i))
			gl_test_fail("page %u changed", i);
}

/* --- a writer --- */

static struct gl_repay cached[CONTENTS];
static unsigned int lost;

static void note_lost(void *ctx, struct gl_repay *p)
{
	lost++;
}

/* Write where it was not yet: how many went well. */
static unsigned int write_all(uint64_t value)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CONTENTS; i++) {
		uint64_t now = *(volatile uint64_t *)page[i];

		if (now == pattern_word(i, 0))
			n += gl_probe_write(page[i], value);
	}
	return n;
}

static unsigned int count_written(uint64_t value)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CONTENTS; i++) {
		const volatile uint64_t *p = (const volatile uint64_t *)page[i];

		for (unsigned int k = 1; k < PAGE_WORDS; k++)
			if (p[k] != pattern_word(i, k))
				gl_test_fail("page %u word %u is %lx", i, k,
					     p[k]);
		n += p[0] == value;
		if (p[0] != value && p[0] != pattern_word(i, 0))
			gl_test_fail("page %u is %lx", i, p[0]);
	}
	return n;
}

static void cache_list(void)
{
	for (unsigned int i = 0; i < CONTENTS; i++) {
		cached[i] = (struct gl_repay){ .va = must_alloc(),
					       .lost = note_lost };
		pattern_fill(cached[i].va, CACHED + i);
		gl_test_equal(gl_repay_register(share, &cached[i]), 0);
	}
}

/*
 * What the hypervisor says to a page that was not written: it has no frame, for
 * anybody.
 */
static void refusal_check(void)
{
	xen_pfn_t frame_or_pfn = 0;
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	unsigned int i = 0;

	while (i < CONTENTS && *(volatile uint64_t *)page[i] != pattern_word(i, 0))
		i++;
	gl_test_check(i < CONTENTS);
	gl_test_equal(unshare(page[i]), SHARE_NO_MEMORY);
	gl_test_check(!(gl_pte_read(page[i]) & GL_PTE_WRITE));
	gl_test_check(pattern_intact(page[i], i));
	set_xen_guest_handle(r.extent_start, &frame_or_pfn);
	gl_test_equal(hypercall_memory_op(XENMEM_increase_reservation, &r), 0);
}

/* Not lost: as it was.  Lost: no frame. */
static void cache_check(void)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < CONTENTS; i++) {
		uint64_t pfn = gl_virt_to_pfn(cached[i].va);

		if (gl_repay_unregister(share, &cached[i])) {
			gl_test_equal(gl_pfn_to_mfn(pfn), GL_NO_FRAME);
			continue;
		}
		kept++;
		gl_test_check(pattern_intact(cached[i].va, CACHED + i));
	}
	gl_test_equal(kept + lost, CONTENTS);
}

static void writer(void)
{
	uint64_t value = 0xbad0000 + gl_domid();
	struct gl_share_counters c;
	unsigned int reserve = gl_cmdline_u64("reserve", 0), first, second;

	share = gl_share_setup(reserve);
	share_twice(0);
	meet(SHARED);
	first = write_all(value);
	gl_test_equal(count_written(value), first);
	gl_share_counters_get(share, &c);
	gl_test_equal(c.break_errors, CONTENTS - first);
	board->breaks = first;
	meet(WRITTEN);
	twins_check(0);
	if (reserve) {
		refusal_check();
		cache_list();
	}
	second = write_all(value);
	gl_test_equal(first + second, CONTENTS);
	gl_test_equal(count_written(value), CONTENTS);
	gl_test_equal(lost, second);
	gl_share_counters_get(share, &c);
	gl_test_equal(c.repaid, second);
	gl_test_equal(c.break_errors, CONTENTS - first);
	if (reserve)
		cache_check();
	twins_check(0);
	gl_printf("wrote %u at once, %u with cached pages\n", first, second);
	meet(REPAID);
	meet(OVER);
}

/* --- the neighbour --- */

/*
 * Its one copy, its one mapping: broken in place, offered again; costs nobody a
 * frame.
 */
static void use_own(unsigned int i)
{
	uint64_t va = page[i], value = *(volatile uint64_t *)va;
	long rc;

	if (!pattern_intact(va, NEIGHBOURS + i))
		gl_test_fail("neighbour's page %u changed", i);
	if (gl_share_is_shared(share, gl_virt_to_pfn(va)))
		gl_test_equal(gl_share_unshare(share, va), 0);
	*(volatile uint64_t *)va = value;
	rc = board->is_quiet ? 0 : gl_share_page(share, va);
	if (rc && rc != -XEN_ENOMEM)
		gl_test_fail("neighbour's offer of page %u: %ld", i, rc);
}

static void neighbour(void)
{
	share = gl_share_setup(8);
	for (unsigned int i = 0; i < CONTENTS; i++) {
		page[i] = must_alloc();
		pattern_fill(page[i], NEIGHBOURS + i);
	}
	/*
	 * With overcommit on there may be no frame for some yet: use_own()
	 * offers them again.
	 */
	(void)gl_share_pages(share, page, CONTENTS, NULL);
	while (board->go < OVER) {
		board->is_quiet = board->quiet;
		for (unsigned int i = 0; i < CONTENTS; i += 8)
			use_own((i + board->rounds) % CONTENTS);
		board->rounds++;
		board->done = board->go + 1;
		gl_sleep_ns(NAP_NS);
	}
	gl_test_check(board->rounds > 3);
}

/* --- the keeper --- */

static struct board *boards[GUESTS_MAX];
static unsigned int guests;
static xen_pfn_t frame[16384];	/* those that it gave back, or took */
static unsigned int frames;

static long reservation(unsigned int op, xen_pfn_t *list, unsigned long count)
{
	struct xen_memory_reservation r = {
		.nr_extents = count, .domid = DOMID_SELF,
	};

	set_xen_guest_handle(r.extent_start, list);
	return hypercall_memory_op(op, &r);
}

/* All pages that are nobody's: their frames are the machine's. */
static unsigned int give_back(void)
{
	unsigned int n = 0;

	while (gl_pages_free_count() > KEPT_PAGES) {
		gl_test_equal(gl_frame_return(must_alloc()), 0);
		n++;
	}
	return n;
}

/* All that the machine has, or `most`. */
static void take_frames(unsigned int most)
{
	long got = 1;

	for (frames = 0; frames < most && got > 0; frames += got) {
		unsigned int want = most - frames < 256 ? most - frames : 256;

		got = reservation(XENMEM_increase_reservation, frame + frames,
				  want);
	}
}

/* Does a canonical frame that all writers hold lie in the same 2 MiB? */
static bool views_have(uint64_t mfn)
{
	for (unsigned int i = 0; i < CONTENTS; i++)
		if (gl_virt_to_mfn(page[i]) >> 9 == mfn >> 9)
			return true;
	return false;
}

static void leave_to_machine(unsigned int k)
{
	for (unsigned int i = frames; i-- > 0 && k; ) {
		if (!views_have(frame[i]))
			continue;
		gl_test_equal(reservation(XENMEM_decrease_reservation,
					  &frame[i], 1), 1);
		frame[i] = frame[--frames];
		k--;
	}
	gl_test_equal(k, 0);
}

static void boards_map(void)
{
	gl_test_equal(gl_foreign_init(guests), 0);
	unsigned int last = 1, id;

	for (unsigned int i = 0; i < guests; i++) {
		struct gl_page *p = gl_foreign_alloc();

		/* A start that ran short of memory took a number, too. */
		for (id = last + 1; gl_foreign_map(p, id, GL_GRANT_FIRST, false);
		     id = id < last + NUMBERS ? id + 1 : last + 1)
			gl_sleep_ns(NAP_NS);
		last = id;
		boards[i] = (struct board *)p->va;
	}
}

static void wait_all(uint64_t phase)
{
	for (unsigned int i = 0; i < guests; i++)
		nap_until(&boards[i]->done, phase);
}

static void go_all(uint64_t phase)
{
	for (unsigned int i = 0; i < guests; i++)
		boards[i]->go = phase;
}

static void neighbour_quiet(uint64_t quiet)
{
	struct board *b = boards[guests - 1];

	b->quiet = quiet;
	while (b->is_quiet != quiet)
		gl_sleep_ns(NAP_NS);
}

static uint64_t sum_of_breaks(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < guests; i++)
		sum += boards[i]->breaks;
	return sum;
}

static void keeper(void)
{
	uint64_t k = gl_cmdline_u64("k", ~0UL), rounds;
	uint64_t reserves = gl_cmdline_u64("reserves", 0), predicted;
	unsigned int given;

	guests = gl_cmdline_u64("guests", 0);
	share = gl_share_setup(0);
	share_twice(0);
	given = give_back();	/* lets those start that wait for memory */
	boards_map();
	wait_all(SHARED);
	neighbour_quiet(1);
	take_frames(given);
	if (k == ~0UL) {
		gl_test_equal(frames, given);
		predicted = (guests - 1) * CONTENTS;
	} else {
		if (frames == given)
			gl_test_error("the keeper is too small");
		leave_to_machine(k);
		predicted = k + reserves;
	}
	rounds = boards[guests - 1]->rounds;
	go_all(SHARED);
	wait_all(WRITTEN);
	gl_test_check(sum_of_breaks() >= predicted &&
		      sum_of_breaks() <= predicted + (k == ~0UL ? 0 : LATE));
	gl_printf("%lu of %u writes succeeded, %lu predicted; %u frames kept away\n",
		  sum_of_breaks(), (guests - 1) * CONTENTS, predicted, frames);
	neighbour_quiet(0);
	go_all(WRITTEN);
	wait_all(REPAID);
	gl_test_check(boards[guests - 1]->rounds > rounds);
	gl_test_equal(reservation(XENMEM_decrease_reservation, frame, frames),
		      frames);
	audit("all writes");
	go_all(OVER);
	twins_check(0);
}

void gl_main(void)
{
	char role[16];

	if (!gl_cmdline_text("role", role, sizeof(role)))
		gl_test_error("no role");
	if (role[0] == 'k') {
		keeper();
	} else {
		board_make();
		if (role[0] == 'w')
			writer();
		else
			neighbour();
	}
	gl_test_done();
}
