/* SPDX-License-Identifier: MIT */
/*
 * What each CPU may have cached (SIM3), and I8: no cached translation writes a
 * frame that is a table, a descriptor table, shared, free, or another domain's;
 * no CPU walks through a frame that is no table any more; and none of a
 * domain's CPUs can write a page's copy while another one still reads the
 * shared frame.
 *
 * A real CPU may cache any translation that its tables offer at any time,
 * without an access.  So a CPU here holds all that they have offered since its
 * last flush.
 */
#include <string.h>

#include "fake/fake_machine.h"
#include "mm/pagetype.h"
#include "pv/pttree.h"
#include "sim/sim.h"
#include "sim/state.h"
#include "x86/cpu.h"

/* pages of a guest's kernel that are looked at */
#define WINDOW		FAKE_PAGES
/* translations of one page that are kept */
#define OLD		4u

struct translation {
	uint32_t mfn;			/* 0: none */
	bool writable;
	/* another domain's page, by its leave or the first one's privilege */
	bool granted;
};

static struct tlb {
	struct translation page[WINDOW][OLD];	/* oldest first */
	uint16_t readers[FAKE_FRAMES], writers[FAKE_FRAMES];
	uint16_t unasked[FAKE_FRAMES];	/* readers by no grant */
	bool table[FAKE_FRAMES];	/* may be walked */
} tlbs[SIM_CPUS], start[SIM_CPUS];

struct domain *sim_cpu_domain(unsigned int cpu)
{
	const struct percpu *c = cpu_areas[cpu];
	unsigned int i;

	for (i = 0; c && i < ARRAY_COUNT(state_tables); i++)
		if (state_tables[i].d &&
		    maddr_n(c->loaded_cr3) == maddr_n(state_tables[i].cr3))
			return state_tables[i].d;
	return NULL;
}

void sim_tlb_start(void)
{
	memcpy(start, tlbs, sizeof(tlbs));
}

void sim_tlb_undo(void)
{
	memcpy(tlbs, start, sizeof(tlbs));
}

/* Not an access of the code under test. */
void *__real_memset(void *to, int c, size_t n);

static void forget(void *what, size_t bytes)
{
	(void)__real_memset(what, 0, bytes);
}

static void forget_page(struct tlb *t, unsigned int page)
{
	unsigned int i;

	for (i = 0; i < OLD && t->page[page][i].mfn; i++) {
		t->readers[t->page[page][i].mfn]--;
		t->writers[t->page[page][i].mfn] -= t->page[page][i].writable;
		t->unasked[t->page[page][i].mfn] -= !t->page[page][i].granted;
	}
	forget(t->page[page], sizeof(t->page[page]));
}

/*
 * A store there would be seen late by who still reads the old frame; but none
 * is made while the domain's vCPUs are held (pv/ptbreak.c, K2).  P_PLACE is
 * where the guest itself puts something else: that flush is its own affair.
 */
static void check_order_of(const struct tlb *t, unsigned int cpu, unsigned int n, mfn_t mfn)
{
	const struct translation *e = tlbs[cpu].page[n];
	struct domain *d = sim_cpu_domain(cpu);
	unsigned int i;

	if (!d || d != sim_cpu_domain((unsigned int)(t - tlbs)) || pttree_work_left(d) ||
	    n == page + P_PLACE)
		return;
	for (i = 0; i < OLD && e[i].mfn; i++)
		if (e[i].mfn != mfn_n(mfn) &&
		    frame_is_shared(mfn_to_frame(MFN(e[i].mfn))))
			sim_fail("CPU %u reads frame %x, whose copy %lx is written",
				 cpu, e[i].mfn, (long)mfn_n(mfn));
}

static void check_order(const struct tlb *t, unsigned int page, mfn_t mfn)
{
	unsigned int cpu;

	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		if (t != &tlbs[cpu])
			check_order_of(t, cpu, page, mfn);
}

static void cache(struct tlb *t, unsigned int page, mfn_t mfn, pte_t pte)
{
	struct translation *e = t->page[page];
	bool writable = pte & PTE_RW;
	unsigned int i;

	for (i = 0; i < OLD && e[i].mfn; i++)
		if (e[i].mfn == mfn_n(mfn) && e[i].writable == writable)
			return;
	if (i == OLD)
		sim_fail("the simulator keeps %u translations of a page", OLD);
	e[i] = (struct translation){
		mfn_n(mfn), writable, pte & (PTE_AVL_GRANT | PTE_AVL_FOREIGN),
	};
	t->readers[mfn_n(mfn)]++;
	t->writers[mfn_n(mfn)] += writable;
	t->unasked[mfn_n(mfn)] += !e[i].granted;
	if (writable) {
		sim_tlb_check_write(mfn);
		check_order(t, page, mfn);
	}
}

/* The table that entry `slot` of a table leads to; NULL: none. */
static const pte_t *below(struct tlb *t, const pte_t *table, unsigned int slot)
{
	pte_t e = table[slot];

	if (!(e & PTE_P))
		return NULL;
	t->table[mfn_n(pte_mfn(e))] = true;
	return mfn_to_virt(pte_mfn(e));
}

static unsigned int slot_at(uint64_t va, unsigned int level)
{
	return va >> (PAGE_SHIFT + 9 * (level - 1)) & (PT_SLOTS - 1);
}

/* Pages from that one on, as far as one L1 table has them: how many? */
static unsigned int learn_pages(struct tlb *t, const pte_t *l4, unsigned int page)
{
	uint64_t va = fake_va(page);
	unsigned int n = PT_SLOTS - slot_at(va, 1), level, i;
	const pte_t *table = l4;
	pte_t e;

	n = MIN(n, WINDOW - page);
	for (level = 4; level > 1 && table; level--)
		table = below(t, table, slot_at(va, level));
	for (i = 0; i < n && table; i++) {
		e = table[slot_at(va, 1) + i];
		if (e & PTE_P)
			cache(t, page + i, pte_mfn(e), e);
	}
	return n;
}

static void learn(unsigned int cpu)
{
	struct domain *d = sim_cpu_domain(cpu);
	struct tlb *t = &tlbs[cpu];
	unsigned int page;
	mfn_t root;

	if (!d)
		return;
	root = d->vcpu[0]->kernel_l4;
	t->table[mfn_n(root)] = true;
	for (page = 0; page < WINDOW; )
		page += learn_pages(t, mfn_to_virt(root), page);
}

void sim_tlb_learn(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		learn(cpu);
}

void sim_tlb_flush(unsigned int cpu)
{
	reduce_flushes(cpu);
	forget(&tlbs[cpu], sizeof(tlbs[cpu]));
	learn(cpu);
}

void sim_tlb_flush_page(unsigned int cpu, uint64_t va)
{
	struct tlb *t = &tlbs[cpu];

	reduce_flushes(cpu);
	if (va >= fake_va(0) && va < fake_va(WINDOW))
		forget_page(t, (va - fake_va(0)) >> PAGE_SHIFT);
	/* invlpg forgets the walk's intermediate steps, of all addresses. */
	forget(t->table, sizeof(t->table));
	learn(cpu);
}

static bool is_checked(enum page_class class)
{
	return class >= CLASS_L1 && class <= CLASS_DESC;
}

/* Why nobody may write the frame now; NULL: somebody may. */
static const char *why_no_writer(const struct frame *f)
{
	switch (frame_state_kind(f->state)) {
	case FRAME_FREE:
	case FRAME_POOL:
		return "free";
	case FRAME_SHARED:
		return "shared";
	default:
		break;
	}
	if (is_checked(type_class(f->type)) && (f->type & TYPE_VALIDATED))
		return "a table";
	return NULL;
}

/* Why nobody may walk through the frame now. */
static const char *why_no_walk(const struct frame *f)
{
	enum frame_kind kind = frame_state_kind(f->state);

	if (kind == FRAME_FREE || kind == FRAME_POOL)
		return "free";
	if (kind == FRAME_SHARED)
		return "shared";
	/* Not before the flush (T6). */
	if (type_class(f->type) == CLASS_WRITABLE && type_count(f->type) &&
	    !(f->type & TYPE_FLUSHING))
		return "writable";
	return NULL;
}

/* Another domain's page that is written, and was not granted. */
static bool is_anothers(unsigned int cpu, const struct frame *f)
{
	struct domain *d = sim_cpu_domain(cpu);

	return d && frame_state_kind(f->state) == FRAME_OWNED &&
	       type_class(f->type) == CLASS_WRITABLE && type_count(f->type) &&
	       frame_state_owner(f->state) != d->id;
}

void sim_tlb_walked(unsigned int cpu, mfn_t mfn)
{
	tlbs[cpu].table[mfn_n(mfn)] = true;
}

void sim_tlb_check_write(mfn_t mfn)
{
	unsigned int cpu;

	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		if (tlbs[cpu].table[mfn_n(mfn)])
			sim_fail("I8: CPU %u walks through frame %lx, which is written",
				 cpu, (long)mfn_n(mfn));
}

void sim_tlb_check(mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	const char *why;
	unsigned int cpu;

	for (cpu = 0; cpu < SIM_CPUS; cpu++) {
		why = tlbs[cpu].writers[mfn_n(mfn)] ? why_no_writer(f) : NULL;
		if (why)
			sim_fail("I8: CPU %u can write frame %lx, which is %s",
				 cpu, (long)mfn_n(mfn), why);
		if (tlbs[cpu].readers[mfn_n(mfn)] &&
		    frame_state_kind(f->state) == FRAME_FREE)
			sim_fail("I8: CPU %u can read frame %lx, which is free",
				 cpu, (long)mfn_n(mfn));
		if (tlbs[cpu].unasked[mfn_n(mfn)] && is_anothers(cpu, f))
			sim_fail("I8: CPU %u can read frame %lx, which is another domain's",
				 cpu, (long)mfn_n(mfn));
		why = tlbs[cpu].table[mfn_n(mfn)] ? why_no_walk(f) : NULL;
		if (why)
			sim_fail("I8: CPU %u walks through frame %lx, which is %s",
				 cpu, (long)mfn_n(mfn), why);
	}
}

void sim_tlb_check_read(mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	unsigned int cpu;

	if (frame_state_kind(f->state) == FRAME_FREE)
		sim_fail("frame %lx is read, which is free", (long)mfn_n(mfn));
	if (type_class(f->type) != CLASS_SHARED || !type_count(f->type))
		return;
	/* Who reads flushes on its way to the guest. */
	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		if (cpu != sim_cpu && tlbs[cpu].writers[mfn_n(mfn)])
			sim_fail("frame %lx is hashed while CPU %u can write it",
				 (long)mfn_n(mfn), cpu);
}

uint64_t *sim_tlb_access(unsigned int cpu, uint64_t va, bool write)
{
	const struct translation *e =
		tlbs[cpu].page[(va - fake_va(0)) >> PAGE_SHIFT];
	unsigned int i;

	for (i = 0; i < OLD && e[i].mfn; i++)
		if (!write || e[i].writable)
			return (void *)((uint8_t *)mfn_to_virt(MFN(e[i].mfn)) +
					(va & ~PAGE_MASK));
	return NULL;
}
