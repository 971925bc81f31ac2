/* SPDX-License-Identifier: MIT */
/*
 * Break first: a share is broken where somebody wants to write, in a fault or
 * by a new entry.
 *
 * One entry is at hand.  A page may have more, and nobody knows where (design
 * decision 8); but the hold says how many, and as a frame stands for one pfn of
 * the domain's, they are all of this one page.  So they are looked for in the
 * domain's L1 tables, on the way out to the guest.
 *
 * K1  A rename says that entries of L1 tables still name frame
 *     `old`, in place of `new`.  If they differ, old is shared, held by d, and
 *     new is a copy of it; else the frame was taken over, and what is left to
 *     do is to make entries with the AVL bit writable: those without it are as
 *     they should be.  A rename holds nothing: a domain that dies half-way
 *     forgets it.
 * K2  While there is a rename, no L1 entry is taken (ptcheck.c) or moved
 *     (grant_host.c), and no instruction of the guest's runs on any of its
 *     vCPUs: before the first name changes, those that run are called into the
 *     hypervisor (all_held()), and pv_exit_to_guest() keeps them, as for trees,
 *     until the flush behind the last entry.  So no vCPU sees a page under two
 *     names, or its list's new name in front of a table's old one, the number
 *     of entries to find only falls, and one pass over all tables finds them;
 *     it ends when the last is found.
 * K3  A new rename starts the pass anew: all are looked for in one.  So an
 *     entry that was counted may not look the same afterwards: it names `new`,
 *     or is writable.  One of a frame that was taken over that stays read-only
 *     is counted for this pass alone; the one that the caller makes is counted
 *     before, if it will look like those, and the linear map's, which was seen
 *     already, is not counted again.
 * K4  What can fail comes first: room for a rename, quota, frame, M2P.
 *     With overcommit on a domain of SHARE_MODE_OWN_QUOTA waits for the frame:
 *     nothing changed, so its vCPU lets others run and does it again, a fault
 *     or a call that installs an entry; it runs, and dies, as any other
 *     meanwhile. GAP: an output of a hypercall that finds no frame is -EFAULT
 *     all the same.
 * K5  A guest may have read the old name just before, and use it in an entry
 *     just behind: the last RECENT_NAMES names still lead to their page, as
 *     long as its M2P says that it is there.  Likewise one that clears a page's
 *     entry and then gives the page back: the hold went with the entry, which
 *     is remembered as a name that leads nowhere, and told once.
 * K6  The page of the list that a name goes into is the guest's own by then: if
 *     it is shared, or broken and its entry not yet found, it is broken first,
 *     and so on up to LIST_DEPTH.  Else its copy, made later, would have the
 *     old name.  A list whose pages stand in a row gets nowhere near
 *     LIST_DEPTH: each step goes 512 times nearer to the page that has its own
 *     name.  One that leads back to the page that asks may have broken that
 *     page: its hold is looked at again before anything is done.
 * K7  Of a guest that told where its linear map is, the page's entry there is
 *     looked at first, and no further if it was the last: a break costs the
 *     same in a small guest and in a large one.  Nobody believes the guest: it
 *     is that entry, of a table that was checked, that names the frame, or the
 *     search finds all.
 * K8  The search begins with the table where the last entry was found, and
 *     comes to it again in its turn: the pages of one area, broken one after
 *     the other, have their entries in one table.
 * K9  Of a guest that chose SHARE_MODE_SOLE a page is broken before its last
 *     entry goes: it may make it another one later, under the name that its
 *     list has, and the hold would have ended.  (Linux takes the entry of the
 *     linear map away, and gives it back, of what held programs.)  A page for
 *     which there is no frame goes with the entry, as without it.
 */
#include <port.h>
#include <errno.h>

#include "abi/share.h"
#include "debug/log.h"
#include "dom/die.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "dom/sched.h"
#include "dom/tally.h"
#include "mm/framepool.h"
#include "mm/m2p.h"
#include "mm/objpool.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "pv/p2mlist.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "sharing/holds.h"
#include "sharing/ownpage.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

/* --- renames --- */

static struct pt_rename *rename_find(struct pt_renames *b, mfn_t old)
{
	unsigned int i;

	for (i = 0; i < b->count; i++)
		if (b->rename[i].old == mfn_n(old))
			return &b->rename[i];
	return NULL;
}

static void search_restart(struct pt_renames *b)
{
	unsigned int i;

	if (b->page)
		frame_put(b->page);
	b->page = NULL;
	b->slot = 0;
	b->at_likely = false;
	for (i = 0; i < b->count; i++)
		b->rename[i].passed = 0;	/* K3 */
}

static bool renames_full(const struct domain *d) needs_lock(&d->mm)
{
	return d->pending.renames.count == RENAMES_MAX * d->vcpu_count;
}

/* It is asked without the lock, too (ptbreak_left()). */
static void count_set(struct pt_renames *b, uint32_t count)
{
	atomic_store_relaxed(&b->count, count);
}

static void rename_add(struct pt_renames *b, const struct pt_rename *p)
{
	b->rename[b->count] = *p;
	count_set(b, b->count + 1);
	search_restart(b);	/* K3 */
}

/* One of its entries was seen; how many are left, and how many passed, now. */
static void rename_counts_set(struct pt_renames *b, struct pt_rename *p, uint32_t left, uint32_t passed)
{
	p->left = left;
	p->passed = passed;
	if (left > passed)
		return;
	*p = b->rename[b->count - 1];
	count_set(b, b->count - 1);
	if (!b->count)
		search_restart(b);
}

static void rename_entry_done(struct pt_renames *b, struct pt_rename *p)
{
	rename_counts_set(b, p, p->left - 1, p->passed);
}

bool ptbreak_pending(const struct domain *d, mfn_t mfn)
{
	unsigned int i;

	for (i = 0; i < d->pending.renames.count; i++)
		if (d->pending.renames.rename[i].old == mfn_n(mfn))
			return true;
	return false;
}

/* --- the page at hand --- */

bool ptbreak_hold(struct domain *d)
{
	struct vcpu *v = current_vcpu();
	/* or it is the first domain that breaks a share (pv/foreign.h) */
	bool inside = v && v->domain == d;

	ASSERT(spin_is_locked(&d->mm));
	if ((inside && d->vcpu_count == 1) || d->pending.renames.held)
		return false;
	atomic_store(&d->pending.renames.held, true);
	return true;
}

/*
 * K2: from here until LOCK_MM is free again none of d's vCPUs is in its guest.
 * One that runs comes here by the flush's interrupt; one that starts after the
 * mask was read finds `held` (the CPU's bit in cpu_mask comes before its look).
 */
static void all_held(struct domain *d)
{
	struct vcpu *v = current_vcpu();
	uint64_t mask;

	if (!ptbreak_hold(d))
		return;
	mask = domain_cpus(d);
	if (v && v->domain == d)
		mask &= ~(1UL << this_cpu()->id);
	tlb_flush_mask(mask);
}

static struct pt_recent_name *recent_name(const struct pt_renames *b, unsigned int i)
{
	return &b->recent[i / RECENT_NAMES_PAGE][i % RECENT_NAMES_PAGE];
}

/* K5 */
static void recent_name_keep(struct pt_renames *b, mfn_t old, mfn_t new, pfn_t pfn)
{
	if (!b->recent)
		return;
	*recent_name(b, b->recent_next) = (struct pt_recent_name){ mfn_n(old), mfn_n(new), pfn };
	b->recent_next = (b->recent_next + 1) % RECENT_NAMES;
}

int ptbreak_names_init(struct domain *d)
{
	struct pt_renames *b = &d->pending.renames;

	if (b->recent)
		return 0;
	if (!domain_promise_raise(d, RECENT_PAGES))
		return -ENOMEM;
	b->recent = ptpending_recent_make();
	if (b->recent)
		return 0;
	domain_promise_lower(d, RECENT_PAGES);
	return -ENOMEM;
}

/* The newest record of this name; NULL: none, or it is forgotten. */
static struct pt_recent_name *recent_name_find(struct pt_renames *b, mfn_t old)
{
	unsigned int i;

	for (i = 1; b->recent && i <= RECENT_NAMES; i++) {
		struct pt_recent_name *n =
			recent_name(b, (b->recent_next + RECENT_NAMES - i) % RECENT_NAMES);

		if (n->old == mfn_n(old))
			return n;
	}
	return NULL;
}

mfn_t ptbreak_name_now(struct domain *d, mfn_t mfn)
{
	const struct pt_recent_name *n;

	/* A dying domain may have lost the view by which a name is checked. */
	if (!mfn_n(mfn) || !(READ_ONCE(d->breaks.flags) & SHARE_MODE_BREAK_FIRST) ||
	    READ_ONCE(d->state) == DOM_DYING)
		return INVALID_MFN;
	n = recent_name_find(&d->pending.renames, mfn);
	return n && n->new && pfn_eq(m2p_get(&d->m2p, MFN(n->new)), n->pfn) ?
	       MFN(n->new) : INVALID_MFN;
}

void ptbreak_gone_note(struct domain *d, mfn_t mfn)
{
	if ((READ_ONCE(d->breaks.flags) & SHARE_MODE_BREAK_FIRST) &&
	    !holds_find(d, mfn, NULL, NULL))
		recent_name_keep(&d->pending.renames, mfn, MFN(0), INVALID_PFN);
}

bool ptbreak_gone_take(struct domain *d, mfn_t mfn)
{
	struct pt_recent_name *n = recent_name_find(&d->pending.renames, mfn);

	if (!mfn_n(mfn) || !n || n->new)
		return false;
	*n = (struct pt_recent_name){ 0 };
	return true;
}

/* What is broken for whom, and how d holds it. */
struct shared_page {
	mfn_t mfn;		/* the shared frame */
	/* an entry of it that the caller replaces himself; NULL: none */
	const pte_t *pte;
	/*
	 * it goes on as a writable entry of the private page; else the caller
	 * wants a reference beside those of the page's entries
	 */
	bool in_place;
	/* the caller makes a read-only entry of the private page (K3) */
	bool read_only;
	struct share_held held;
};

/*
 * The frame itself, for nobody else has it any more: any of the group may have
 * read it, and did not flush when it let go (TL2).
 *
 * One flush a page: a fault, or a writable entry, is one page, and is not
 * answered before its page is its own; SHAREOP_unshare has one for 64.  Who
 * breaks page after page so (a page must be offered anew for the next time, at
 * the price of a hash and a copy) interrupts only the CPUs that run his own
 * group (attack TL10).
 */
static mfn_t frame_taken(struct domain *d, const struct shared_page *p)
	needs_lock(&d->mm)
{
	tlb_flush_mask(frame_pool_cpus(d->sharing.frames));
	ownpage_publish(d, p->mfn, p->held.mappings + !p->in_place, p->in_place);
	trace_event(d, TRACE_BREAK, 0, p->mfn, p->held.pfn);
	return p->mfn;
}

/* listed: of the list's page (K6); NULL: none. */
static int frame_copied(struct domain *d, const struct shared_page *p,
			pte_t *listed, mfn_t *new) needs_lock(&d->mm)
{
	pfn_t pfn = PFN(p->held.pfn);

	*new = ownpage_copy(d, p->mfn, pfn);
	if (mfn_eq(*new, INVALID_MFN))
		return -ENOMEM;
	all_held(d);
	if (listed)
		p2mlist_write_broken(d, pfn, listed, p->mfn, *new);
	recent_name_keep(&d->pending.renames, p->mfn, *new, pfn);
	ownpage_publish(d, *new, 1, p->in_place);
	return 0;
}

/*
 * A name of f, and a writable use if e is writable.  -errno: the guest gave the
 * page another use meanwhile.
 */
static int entry_refs_get(struct domain *d, struct frame *f, pte_t e, bool named)
	needs_lock(&d->mm)
{
	int r = named ? 0 : frame_get(f, d->id);

	if (r || !(e & PTE_RW))
		return r;
	r = domain_writable_get(d, f);
	if (r && !named)
		frame_put(f);
	return r;
}

/* *pte names p->old. */
static void entry_convert(struct domain *d, pte_t *pte,
			  const struct pt_rename *p) needs_lock(&d->mm)
{
	pte_t old = READ_ONCE(*pte), new = ownpage_pte(old, MFN(p->new));
	bool same = p->old == p->new;

	if (entry_refs_get(d, mfn_to_frame(MFN(p->new)), new, same)) {
		domain_crash(d, "frame %x was given away while a share was broken for it",
			     p->new);
		return;
	}
	atomic_store_release(pte, new);
	tally_entry(d, pte, old, new);
	if (!same)
		holds_unmap(d, MFN(p->old), true);
}

/*
 * The other entries of a page that is private now, `new`: at once, that of the
 * linear map; the rest is looked for (K1).
 */
static void others_follow(struct domain *d, const struct shared_page *p, mfn_t new, uint32_t left,
			  pte_t *linear) needs_lock(&d->mm)
{
	struct pt_rename r = { .old = mfn_n(p->mfn), .new = mfn_n(new), .linear = linear };
	bool same = r.old == r.new;

	all_held(d);
	if (linear) {
		entry_convert(d, linear, &r);
		left--;
	}
	/* They read the old frame no more before one of them writes. */
	if (linear && !same)
		domain_flush_tlb(d);
	r.left = left + (same && p->read_only);
	if (left)
		rename_add(&d->pending.renames, &r);
}

/*
 * K6: the list's pages may lead back to the page that asks; then it was broken
 * for them meanwhile, and is held no more, or by fewer entries.
 */
static bool is_held_still(struct domain *d, const struct shared_page *p)
	needs_lock(&d->mm)
{
	uint32_t mappings;

	return holds_find(d, p->mfn, &mappings, NULL) &&
	       mappings == p->held.mappings;
}

/*
 * Others hold the frame, or entries of d's other than p->pte name it.  Out of
 * the way of breaks that are done in one step.
 */
static __attribute__((noinline)) int break_for_more(struct domain *d, struct shared_page *p, mfn_t *new)
	needs_lock(&d->mm)
{
	uint32_t left = p->held.mappings - (p->pte ? 1 : 0);
	pte_t *listed, *linear = NULL;
	int r;

	if (!(d->breaks.flags & SHARE_MODE_BREAK_FIRST))
		return -EBUSY;
	r = p2mlist_prepare(d, p->mfn, PFN(p->held.pfn), &listed);
	if (r < 0)
		return r;
	if (r && !is_held_still(d, p))
		return -EBUSY;
	r = 0;
	if (left)
		linear = p2mlist_linear(d, PFN(p->held.pfn), p->mfn);
	if (linear == p->pte)
		linear = NULL;
	if (left > (linear ? 1 : 0) && renames_full(d))
		return -EBUSY;
	if (left && !holds_take(d, p->mfn, p->held.mappings, &p->held))
		*new = frame_taken(d, p);
	else
		r = frame_copied(d, p, listed, new);
	if (!r && left)
		others_follow(d, p, *new, left, linear);
	return r;
}

/* Break first was not chosen, and the page is not the entry's alone. */
static bool is_refused(struct domain *d, const struct shared_page *p)
	needs_lock(&d->mm)
{
	uint32_t mappings;

	return !(d->breaks.flags & SHARE_MODE_BREAK_FIRST) &&
	       holds_find(d, p->mfn, &mappings, NULL) &&
	       mappings != (p->pte ? 1 : 0);
}

/*
 * *new is a private frame for the page, with what p->in_place says.  A frame
 * that nobody else holds, and that no other entry names, keeps its name, so
 * there is nothing to prepare but room in the quota: one look-up finds the hold
 * and takes the frame.
 */
static int break_page(struct domain *d, struct shared_page *p, mfn_t *new)
	needs_lock(&d->mm)
{
	int r;

	ASSERT(spin_is_locked(&d->mm));
	if (!domain_quota_move(d))
		return is_refused(d, p) ? -EBUSY : -ENOMEM;
	r = holds_take(d, p->mfn, p->pte ? 1 : 0, &p->held);
	if (!r)
		*new = frame_taken(d, p);
	else if (r == -EBUSY)
		r = break_for_more(d, p, new);
	if (r)
		domain_quota_give(d);
	else
		percpu_took_long(this_cpu());	/* a copy, or a flush */
	return r;
}

int ptbreak_write(struct domain *d, const pte_t *pte, pte_t next, mfn_t mfn,
		  struct frame **f)
{
	struct shared_page page = { .mfn = mfn, .pte = pte, .read_only = next && !(next & PTE_RW) };
	struct pt_rename *p = rename_find(&d->pending.renames, mfn);
	mfn_t new;
	int r;

	if (!p) {
		r = break_page(d, &page, &new);
		if (!r)
			*f = mfn_to_frame(new);
		return r;
	}
	*f = mfn_to_frame(MFN(p->new));
	r = frame_get(*f, d->id);
	if (!r && pte)
		rename_entry_done(&d->pending.renames, p);
	return r;
}

/* The page was broken before, and this is the next of its entries (K1). */
static __attribute__((noinline)) int entry_follows(struct domain *d, struct pt_rename *p,
						   mfn_t *new) needs_lock(&d->mm)
{
	int r;

	*new = MFN(p->new);
	r = entry_refs_get(d, mfn_to_frame(*new), PTE_RW, p->old == p->new);
	if (!r)
		rename_entry_done(&d->pending.renames, p);
	return r;
}

int ptbreak_entry(struct domain *d, const pte_t *pte, mfn_t mfn, mfn_t *new)
{
	struct shared_page page = { .mfn = mfn, .pte = pte, .in_place = true };
	struct pt_rename *p = rename_find(&d->pending.renames, mfn);

	return unlikely(p) ? entry_follows(d, p, new) : break_page(d, &page, new);
}

/* --- no frame --- */

#define TELL_NS 1000000000UL

/* At most once in TELL_NS; any CPU. */
static void tell_operator(const struct domain *d)
{
	static uint64_t next;	/* atomic: when to tell again */
	uint64_t now = now_ns(), due = atomic_load_relaxed(&next);

	if (now < due || !atomic_cas(&next, &due, now + TELL_NS))
		return;
	log_error("d%u (%s) waits for a frame to write a shared page: %lu are free, with overcommit=on",
		  d->id, d->name, palloc_free_count());
}

bool ptbreak_waits(struct domain *d)
{
	struct vcpu *v = current_vcpu();

	if (!domain_overcommit() || !d->pages.own || !v || v->domain != d)
		return false;
	tell_operator(d);
	sched_yield_cpu(v);
	return true;
}

/* --- the others --- */

/* Entries of f that hold what they name (mm/pagetype.h, T5). */
static unsigned int entries_held(const struct frame *f)
{
	uint64_t type = READ_ONCE(f->type);

	if (type_class(type) != CLASS_L1)
		return 0;
	if (type & TYPE_VALIDATED)
		return PT_SLOTS;
	return type & TYPE_PARTIAL ? type_done(type) : 0;
}

/* Up to `steps` entries of the page at b->page; how many there were. */
static unsigned int page_part(struct domain *d, unsigned int steps)
	needs_lock(&d->mm)
{
	struct pt_renames *b = &d->pending.renames;
	pte_t *table = mfn_to_virt(frame_to_mfn(b->page));
	unsigned int end = entries_held(b->page), done;

	for (done = 0; done < steps && b->slot < end && b->count; done++) {
		pte_t *pte = &table[b->slot++];
		struct pt_rename *p;

		/*
		 * A grant's and another domain's frame may have the number of
		 * one that was shared; they are no entries of the page.
		 */
		if (!(*pte & PTE_P) || (*pte & (PTE_AVL_GRANT | PTE_AVL_FOREIGN)))
			continue;
		p = rename_find(b, pte_mfn(*pte));
		if (!p || (p->old == p->new && ((*pte & PTE_RW) || pte == p->linear)))
			continue;	/* K3 */
		b->likely = mfn_n(frame_to_mfn(b->page));
		if (p->old == p->new && !(*pte & PTE_AVL_SHARED)) {
			rename_counts_set(b, p, p->left, p->passed + 1);
			continue;	/* K1 */
		}
		entry_convert(d, pte, p);
		rename_entry_done(b, p);
	}
	return done;
}

/* K8; false: it is no page of the domain's any more, or there was none. */
static bool likely_first(struct domain *d) needs_lock(&d->mm)
{
	struct pt_renames *b = &d->pending.renames;
	mfn_t mfn = MFN(b->likely);

	b->likely = 0;
	if (!mfn_n(mfn) || frame_get(mfn_to_frame(mfn), d->id))
		return false;
	b->page = mfn_to_frame(mfn);
	b->at_likely = true;
	return true;
}

/* The next page; false: all were seen. */
static bool page_next(struct domain *d) needs_lock(&d->mm)
{
	struct pt_renames *b = &d->pending.renames;

	if (b->at_likely)
		search_restart(b);
	else if (!b->page && likely_first(d))
		return true;
	b->page = domain_page_after(d, b->page);
	b->slot = 0;
	return b->page;
}

void ptbreak_part(struct domain *d, unsigned int steps)
{
	struct pt_renames *b = &d->pending.renames;

	ASSERT(spin_is_locked(&d->mm));
	if (READ_ONCE(d->state) == DOM_DYING)
		count_set(b, 0);
	while (b->count && steps) {
		unsigned int done = b->page ? page_part(d, steps) : 0;

		steps -= done;
		/* A page that is no table counts as one entry. */
		if (!b->count || !steps--)
			break;
		if (!page_next(d))
			count_set(b, 0);
	}
	if (b->count)
		return;
	search_restart(b);
	/* Once, before the guest sees any of it. */
	domain_flush_tlb(d);
}
