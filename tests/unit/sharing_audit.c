/* SPDX-License-Identifier: MIT */
// links: @machine
/*
 * The audit finds one wrong field, says so with the invariant's number, and
 * finds nothing when it is right again.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/share.h"
#include "audit/audit.h"
#include "dom/evtchn_private.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "fake/fake_machine.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "sharing/sharing.h"
#include "unit/suite.h"

static struct domain *d;
static mfn_t page, l1, l4, shared, unused;
static pte_t *pte, *shared_pte;
static uint64_t spare_pfn;

static void setup(void)
{
	fake_machine_start();
	d = fake_domain("g", 16);
	ck_assert_ptr_nonnull(d);
	spare_pfn = fake_free_pfn(d);
	pte = fake_pte(d, spare_pfn);
	page = pte_mfn(*pte);
	shared_pte = fake_pte(d, spare_pfn + 1);
	l1 = MFN(((uint8_t *)pte - fake_ram) >> PAGE_SHIFT);
	l4 = d->vcpu[0]->kernel_l4;
	memset(fake_page(d, spare_pfn + 1), 7, PAGE_SIZE);
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single,
				   fake_va(spare_pfn + 1)), 0);
	shared = pte_mfn(*shared_pte);
	reclaim_flush_all();
	unused = MFN(FAKE_RESERVED);
	while (fake_kind(unused) != FRAME_FREE)
		unused = mfn_add(unused, 1);
	fake_check();
}

static void teardown(void)
{
	fake_check();
	fake_end(d);
	fake_check();
}

/* The audit's errors and what it says. */
static uint64_t audit_says(char **text)
{
	FILE *kept = stderr;
	uint64_t errors, cross;
	size_t bytes;

	stderr = open_memstream(text, &bytes);
	errors = audit_machine(&cross);
	fclose(stderr);
	stderr = kept;
	return errors;
}

/* Is the number that a line of the audit begins with among `rules`? */
static bool is_among(const char *rules, const char *line)
{
	const char *number = strchr(line, 'I');
	size_t length = strspn(number + 1, "0123456789") + 1;
	const char *at = rules;

	while ((at = strstr(at, " I"))) {
		at++;
		if (!strncmp(at, number, length) &&
		    (at[length] == ' ' || !at[length]))
			return true;
	}
	return false;
}

/*
 * " I3": that is found and nothing else; " I3 I4": the first one, and the other
 * with it, perhaps.
 */
static void expect(const char *rules, const char *what)
{
	bool found = false;
	char *text, *line, first[8];
	uint64_t errors;

	snprintf(first, sizeof(first), " %.*s", (int)strcspn(rules + 1, " "),
		 rules + 1);
	errors = audit_says(&text);
	ck_assert_msg(errors > 0, "%s: nothing was found", what);
	for (line = strstr(text, "audit: I"); line;
	     line = strstr(line + 1, "audit: I")) {
		found |= is_among(first, line);
		ck_assert_msg(is_among(rules, line), "%s: only%s, in: %s", what,
			      rules, text);
	}
	ck_assert_msg(found, "%s: no%s in: %s", what, first, text);
	free(text);
}

/* One word changed: found; changed back: nothing found. */
static void word(uint64_t *at, uint64_t wrong, const char *rule,
		 const char *what)
{
	uint64_t right = *at, cross;

	*at = wrong;
	expect(rule, what);
	*at = right;
	ck_assert_msg(audit_machine(&cross) == 0, "%s: errors stay", what);
}

static uint64_t *state(mfn_t mfn)
{
	return &mfn_to_frame(mfn)->state;
}

static uint64_t *type(mfn_t mfn)
{
	return &mfn_to_frame(mfn)->type;
}

/* PT21: an owner for a frame that is the hypervisor's. */
START_TEST(i1)
{
	void *hv = palloc_hv(0);
	mfn_t mfn = virt_to_mfn(hv);

	word(state(mfn), *state(mfn) | FRAME_KIND_MASK, " I1", "no such kind");
	word(state(mfn), *state(mfn) | (uint64_t)d->id << FRAME_OWNER_SHIFT,
	     " I1", "owner of a hypervisor page");
	palloc_hv_free(hv, 0);
}
END_TEST

START_TEST(i2)
{
	word(state(unused), *state(unused) + 1, " I2", "reference");
	word(type(unused), 1, " I2", "type");
	word(state(unused), *state(unused) & ~FRAME_DIRTY, " I2",
	     "not to be scrubbed");
}
END_TEST

START_TEST(i3)
{
	word(state(page), *state(page) + 1, " I3", "one too many");
	word(state(page), *state(page) - 1, " I3", "one too few");
	word(state(l4), *state(l4) + 1, " I3", "of a table");
	word(state(virt_to_mfn(d->shared_info)),
	     *state(virt_to_mfn(d->shared_info)) + 1, " I3", "of a heap page");
	word(pte, 0, " I3 I4", "entry that went without its reference");
	word(state(page), *state(page) & ~FRAME_ALLOCATED, " I3",
	     "the owner's own");
}
END_TEST

/* LP7: directory and linear uses are counted apart. */
START_TEST(i4)
{
	word(type(page), *type(page) + 1, " I4", "one too many");
	word(type(l1), *type(l1) + 1, " I4", "uses of a table");
	word(type(l4), *type(l4) + (1UL << TYPE_LINEAR_SHIFT), " I4",
	     "linear uses");
	word(type(page), (uint64_t)CLASS_DESC << TYPE_CLASS_SHIFT | 1, " I4",
	     "two classes");
	word(type(page), *type(page) | TYPE_PINNED, " I4", "pin of no table");
	word(pte, *pte & ~PTE_RW, " I4", "writable use without an entry");
}
END_TEST

START_TEST(i5)
{
	pte_t *top = mfn_to_virt(l4);
	mfn_t trace = fake_trace(d);

	word(pte, *pte | PTE_PWT, " I5", "cache bits");
	word(pte, *pte & ~PTE_US, " I5", "supervisor page");
	word(pte, *pte | PTE_AVL_SHARED, " I5", "forged mark");
	word(pte, pte_make(unused, PTE_P | PTE_US), " I5 I3 I4", "free frame");
	word(pte, pte_make(MFN(FAKE_HOLE), PTE_P | PTE_US), " I5 I3 I4", "no RAM");
	word(pte, pte_make(trace, PTE_P | PTE_US | PTE_RW), " I5 I3 I4",
	     "heap page writable");
	word(&top[M2P_SLOT], 0, " I5", "M2P slot");
	word(&top[M2P_SLOT + 1], 0x1027, " I5", "hypervisor's slot");
	word(&top[0], top[511] | PTE_PSE, " I5 I3 I4", "large page");
}
END_TEST

/* LP1: itself, but writable. */
START_TEST(i6)
{
	pte_t *top = mfn_to_virt(l4);

	word(&top[300], pte_make(l4, PTE_P | PTE_US | PTE_RW), " I6 I3",
	     "writable self-map");
}
END_TEST

START_TEST(i7)
{
	word(type(l1), *type(l1) & ~TYPE_VALIDATED, " I7 I3 I4 I12", "half-way");
	word(type(l1), *type(l1) | TYPE_PARTIAL, " I7", "both");
	word(type(l1), (*type(l1) & ~TYPE_VALIDATED) | TYPE_PARTIAL |
	     (uint64_t)PT_SLOTS << TYPE_DONE_SHIFT, " I7", "an orphaned part");
}
END_TEST

START_TEST(i9)
{
	uint64_t cross;

	ck_assert_int_eq(m2p_set(&d->m2p, unused, PFN(5)), 0);
	expect(" I9", "a frame that is not its own");
	m2p_clear(&d->m2p, unused);
	ck_assert_uint_eq(audit_machine(&cross), 0);
	word(&d->m2p.l3[0], d->m2p.l3[0] | PTE_RW, " I9", "writable view");
}
END_TEST

START_TEST(i10)
{
	struct frame *next = mfn_to_frame(MFN(mfn_to_frame(page)->next));

	word(&d->pages.total, d->pages.total + 1, " I10", "length");
	word(&d->pages.max, d->pages.total - 1, " I10", "quota");
	word(state(page), *state(page) ^ 1UL << FRAME_KIND_SHIFT, " I10 I18 I5 I9",
	     "kind on the list");
	word(&d->pages.max, 1UL << 40, " I10", "credits");
	word(&d->promised, d->promised + 1, " I10", "promises that do not add up");
	/*
	 * Its neighbour does not know it: the first word has the next one, too.
	 */
	word(&next->hash, next->next, " I10", "off the list");
}
END_TEST

/*
 * I10: more was promised than there is; and the hypervisor took more than it
 * was.
 */
START_TEST(i10_promises)
{
	uint64_t most = palloc_total_count(), cross;
	unsigned int n = 0;
	void *taken[200];

	domain_set_overcommit(true);
	ck_assert(domain_promise_raise(d, most));
	ck_assert_uint_eq(audit_machine(&cross), 0);
	domain_set_overcommit(false);
	expect(" I10", "promises that cannot be kept");
	domain_promise_lower(d, most);
	ck_assert_uint_eq(audit_machine(&cross), 0);
	while (n < ARRAY_COUNT(taken))
		ck_assert_ptr_nonnull(taken[n++] = palloc_hv(0));
	expect(" I10", "frames that nobody was promised");
	while (n)
		palloc_hv_free(taken[--n], 0);
}
END_TEST

/*
 * SH33, SH24: of the frame's content and group, as share/ sees them (unit
 * share_audit has the rest).
 */
START_TEST(i11_i13)
{
	word(mfn_to_virt(shared), 1, " I11", "content");
	word(&mfn_to_frame(shared)->hash, 1, " I11", "hash");
	word(state(shared), *state(shared) ^ 1UL << FRAME_OWNER_SHIFT, " I13",
	     "group");
}
END_TEST

START_TEST(i12)
{
	pte_t *other = fake_pte(d, spare_pfn + 2);

	word(shared_pte, 0, " I12", "mapping that went");
	/* Its references are its share count. */
	word(state(shared), *state(shared) + 1, " I12", "references");
	word(other, *shared_pte, " I12 I3 I4", "mapping without its hold");
}
END_TEST

START_TEST(i14)
{
	word(shared_pte, *shared_pte | PTE_RW, " I14", "writable");
	word(type(shared), *type(shared) | TYPE_PINNED, " I14", "pinned");
}
END_TEST

START_TEST(i18)
{
	struct evtchn *ports = d->events.port;
	uint64_t cross;

	word(state(page), (*state(page) & ~FRAME_OWNER_MASK) |
	     0x777UL << FRAME_OWNER_SHIFT, " I18 I10 I3 I4 I5 I9", "owner");
	word(state(fake_trace(d)), *state(fake_trace(d)) & ~FRAME_NOHEAP, " I18",
	     "heap page without its flag");
	d->events.count = 2;
	ports[1] = (struct evtchn){ .state = PORT_INTERDOMAIN,
				    .remote_dom = 0x777 };
	expect(" I18", "port");
	ports[1].remote_dom = d->id;
	ck_assert_uint_eq(audit_machine(&cross), 0);
	d->events.count = 0;
}
END_TEST

/* A flood is counted, not printed. */
START_TEST(flood)
{
	pte_t *table = mfn_to_virt(l1), kept[PT_SLOTS];
	unsigned int lines = 0;
	uint64_t errors;
	char *text;

	memcpy(kept, table, sizeof(kept));
	for (unsigned int i = 0; i < PT_SLOTS; i++)
		table[i] |= PTE_PWT;
	errors = audit_says(&text);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	ck_assert_uint_gt(errors, 400);
	ck_assert_uint_lt(lines, 40);
	memcpy(table, kept, sizeof(kept));
	free(text);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("audit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, i1);
	tcase_add_test(tc, i2);
	tcase_add_test(tc, i3);
	tcase_add_test(tc, i4);
	tcase_add_test(tc, i5);
	tcase_add_test(tc, i6);
	tcase_add_test(tc, i7);
	tcase_add_test(tc, i9);
	tcase_add_test(tc, i10);
	tcase_add_test(tc, i11_i13);
	tcase_add_test(tc, i10_promises);
	tcase_add_test(tc, i12);
	tcase_add_test(tc, i14);
	tcase_add_test(tc, i18);
	tcase_add_test(tc, flood);
	return suite_run();
}
