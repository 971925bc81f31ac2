/* SPDX-License-Identifier: MIT */
/*
 * Trees of page tables: validating one at its first use, devalidating it after
 * its last, in parts of at most pttree_steps_max entries.
 *
 * How far a table has come stands in its type word (mm/pagetype.h, T5), so a
 * part starts at the root and follows the `child` marks down to where the last
 * one stopped.  The depth is constant (XSA-240): that of one tree, plus that of
 * a linear table which goes with its last user.
 *
 * TREE1  At most one tree of a domain is half-way: the one below
 *        d->pending.tree.root.  `child` marks lead from the root to every
 *        partial table, and the root's count belongs to the work.  So a partial
 *        table has one owner, and nobody else can count a use of it (I7;
 *        XSA-299, -309 and -310 came of two owners).
 * TREE2  While a tree is half-way, a vCPU of the domain that comes into the
 *        hypervisor does not leave it: pv_exit_to_guest() does parts of the
 *        work, with looks at the clock between them, until the tree is done.
 *        So all vCPUs that wait for their turn help, whichever of them asked.
 *        Other domains run meanwhile.
 * TREE3  The vCPU that asked for a validation asks again and is given the
 *        result (VALIDATED, REFUSED), which no other vCPU can take: so if many
 *        ask at once, each gets its own.  If a vCPU does not come back for its
 *        result but asks for something else, the result is dropped first.  Who
 *        is no vCPU of the domain's (the builder, the reaper, the first domain)
 *        finds it in pending.outside; two such who ask for different trees at
 *        once drop each other's, and ask again.
 * TREE4  A dying domain's validation is undone, and its results are dropped.
 */
#include <port.h>
#include <errno.h>

#include "dom/pages.h"
#include "dom/tally.h"
#include "pv/pending.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck_private.h"
#include "pv/pttree.h"
#include "pv/resolve.h"

unsigned int pttree_steps_max = PENDING_PTES;

/* One entry more before the next look at the clock? */
static bool step_take(void)
{
	struct percpu *cpu = this_cpu();

	if (cpu->pte_steps >= pttree_steps_max)
		return false;
	cpu->pte_steps++;
	return true;
}

static pte_t *table_of(struct frame *f)
{
	return mfn_to_virt(frame_to_mfn(f));
}

static struct frame *below_of(struct frame *f, unsigned int slot)
{
	return mfn_to_frame(pte_mfn(table_of(f)[slot]));
}

/* --- a table whose entries below nr_done are held --- */

static void table_validated(struct domain *d, struct frame *f)
	needs_lock(&d->mm)
{
	if (table_level(f) == 4)
		ptcheck_fill_hypervisor_slots(d, table_of(f));
	pagetype_whole(f);
	pagetype_validated(f);
}

/*
 * Go on validating f.  0: it is validated; -ERESTART; or what is wrong with an
 * entry: then f must be undone from where its type word says.
 */
static int validate(struct domain *d, struct frame *f) needs_lock(&d->mm)
{
	uint64_t type = READ_ONCE(f->type);
	unsigned int begin = type_done(type), slot, level = table_level(f);
	enum child_state below = type & TYPE_CHILD ? CHILD_UNFINISHED : CHILD_DONE;
	int r = 0;

	for (slot = begin; slot < PT_SLOTS; slot++) {
		if (below == CHILD_DONE) {
			r = step_take() ? ptcheck_entry_take(d, f, level, slot, &below) :
					  -ERESTART;
			if (r)
				break;
		}
		if (below == CHILD_UNFINISHED) {
			r = validate(d, below_of(f, slot));
			if (r)
				break;
			below = CHILD_DONE;
		}
	}
	if (level == 1)
		tally_table(d, frame_to_mfn(f), begin, slot, 1);
	if (r)
		pagetype_partial(f, slot, below == CHILD_UNFINISHED);
	else
		table_validated(d, f);
	return r;
}

/* Go on with letting go of f's entries. */
static enum progress devalidate(struct domain *d, struct frame *f) needs_lock(&d->mm)
{
	uint64_t type = READ_ONCE(f->type);
	unsigned int end = type_done(type), slot = end, level = table_level(f);
	enum child_state below = type & TYPE_CHILD ? CHILD_UNFINISHED : CHILD_DONE;
	bool may = true;

	for (;;) {
		if (below == CHILD_UNFINISHED) {
			struct frame *child = below_of(f, slot);

			if (devalidate(d, child) == MORE) {
				pagetype_partial(f, slot, true);
				return MORE;
			}
			tally_upper(d, frame_to_mfn(f), table_of(f)[slot], 0);
			frame_put(child);
			below = CHILD_DONE;
		}
		if (!slot)
			break;
		may = step_take();
		if (!may)
			break;
		slot--;
		if (!slot_is_hypervisor(level, slot))
			below = ptcheck_entry_drop(d, f, level,
					   &table_of(f)[slot]);
		/* Whoever reads the type word from here on must see that. */
		if (below == CHILD_UNFINISHED)
			pagetype_partial(below_of(f, slot), PT_SLOTS, false);
	}
	if (level == 1)
		tally_table(d, frame_to_mfn(f), slot, end, -1);
	if (!may) {
		pagetype_partial(f, slot, false);
		return MORE;
	}
	pagetype_whole(f);
	pagetype_devalidated(f);
	return DONE;
}

/* --- the work --- */

/* TREE3: where the result belongs of what this CPU asks for. */
static struct pt_result *asker(struct domain *d)
{
	struct vcpu *v = current_vcpu();

	return v && v->domain == d ? &v->pt_result : &d->pending.outside;
}

/* Asked with and without d's LOCK_MM; it changes with it only. */
static bool half_way(const struct pt_tree *w)
{
	return atomic_load_relaxed(&w->state) != PT_IDLE;
}

static void state_set(struct pt_tree *w, enum pt_tree_state state)
{
	atomic_store_relaxed(&w->state, state);
}

/* TREE3: store what became of the tree, for who asked. */
static void work_answer(struct pt_tree *w, int error)
{
	*w->asker = (struct pt_result){
		.state = error ? PT_REFUSED : PT_VALIDATED,
		.error = error, .root = w->root,
	};
	state_set(w, PT_IDLE);
}

/* The root's entries have been dropped, and now the root is. */
static void work_end(struct pt_tree *w)
{
	frame_put(mfn_to_frame(w->root));
	if (w->state == PT_UNDOING)
		work_answer(w, w->error);
	state_set(w, PT_IDLE);
}

static void work_part(struct domain *d) needs_lock(&d->mm)
{
	struct pt_tree *w = &d->pending.tree;
	struct frame *root = mfn_to_frame(w->root);
	int r;

	if (w->state == PT_VALIDATING) {
		/* TREE4 */
		r = READ_ONCE(d->state) == DOM_DYING ? -EINTR : validate(d, root);
		if (!r)
			work_answer(w, 0);
		if (!r || r == -ERESTART)
			return;
		w->error = r;
		state_set(w, PT_UNDOING);
	}
	if (devalidate(d, root) == DONE)
		work_end(w);
}

/* TREE3: nobody comes for it. */
static void result_forget(struct domain *d, struct pt_result *result)
	needs_lock(&d->mm)
{
	int state = result->state;

	result->state = PT_NONE;
	if (state == PT_VALIDATED)
		pttree_put(d, result->root);
}

/* TREE4: of a dying domain nobody comes for any, until a tree is half-way. */
static void results_forget(struct domain *d) needs_lock(&d->mm)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++)
		if (!half_way(&d->pending.tree))
			result_forget(d, &d->vcpu[i]->pt_result);
	if (!half_way(&d->pending.tree))
		result_forget(d, &d->pending.outside);
}

enum progress pttree_work(struct domain *d)
{
	ASSERT(spin_is_locked(&d->mm));
	this_cpu()->pte_steps = 0;
	/* First: a validation takes no entry while names change. */
	if (ptbreak_left(d)) {
		/* Whoever does it: nobody goes on before the flush (K2). */
		atomic_store(&d->pending.renames.held, true);
		ptbreak_part(d, pttree_steps_max);
	} else if (half_way(&d->pending.tree)) {
		work_part(d);
	}
	/* The last entry was found, and the flush behind it made (K2). */
	if (!ptbreak_left(d))
		atomic_store_release(&d->pending.renames.held, false);
	if (READ_ONCE(d->state) == DOM_DYING)
		results_forget(d);
	return pttree_work_left(d) ? MORE : DONE;
}

enum progress pttree_settle(struct domain *d)
{
	enum progress left;

	spin_lock(&d->mm);
	left = pttree_work(d);
	spin_unlock(&d->mm);
	return left;
}

int pttree_begin(struct domain *d, mfn_t wanted)
{
	struct pt_result *result = asker(d);

	ASSERT(spin_is_locked(&d->mm));
	if (half_way(&d->pending.tree))
		return -ERESTART;
	if (likely(result->state == PT_NONE) || mfn_eq(result->root, wanted))
		return 0;
	result_forget(d, result);
	return half_way(&d->pending.tree) ? -ERESTART : 0;
}

/* --- uses --- */

/*
 * The result that waits, if it is for this table and level: 0 or -errno; 1:
 * there is none.
 */
static int result_take(struct pt_result *result, mfn_t mfn, unsigned int level)
{
	int state = result->state;

	if (state == PT_NONE || !mfn_eq(result->root, mfn))
		return 1;
	if (state == PT_VALIDATED &&
	    table_level(mfn_to_frame(mfn)) != level)
		return -EBUSY;	/* who asked may still come for it */
	result->state = PT_NONE;
	return state == PT_REFUSED ? result->error : 0;
}

int pttree_get(struct domain *d, mfn_t mfn, unsigned int level)
{
	struct pt_tree *w = &d->pending.tree;
	struct pt_result *result = asker(d);
	struct frame *f;
	int r = pttree_begin(d, mfn);

	if (r)
		return r;
	r = result_take(result, mfn, level);
	if (r <= 0)
		return r;
	r = resolve(d, mfn, USE_TYPED, &f);
	if (r)
		return r;
	r = domain_type_get(d, f, level_class(level));
	if (r < 0)
		frame_put(f);
	if (r <= 0)
		return r;
	w->root = mfn;
	w->asker = result;
	state_set(w, PT_VALIDATING);
	work_part(d);
	return half_way(w) ? -ERESTART : result_take(result, mfn, level);
}

void pttree_drop(struct domain *d, mfn_t mfn)
{
	CHECK(d->pending.tree.state == PT_IDLE);
	pagetype_partial(mfn_to_frame(mfn), PT_SLOTS, false);
	d->pending.tree.root = mfn;
	state_set(&d->pending.tree, PT_DEVALIDATING);
	work_part(d);
}

void pttree_put(struct domain *d, mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);

	if (pagetype_put(f))
		pttree_drop(d, mfn);
	else
		frame_put(f);
}
