/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks.  Debug builds keep the levels that this CPU holds in its
 * per-CPU area, lowest first, and check lib/lockorder.h at every taking.
 */
#include <port.h>

#include "x86/spinlock.h"

/* `same_ok`: the second lock of a pair may have the level of the first. */
static void note_taken(const struct spinlock *l, bool same_ok)
{
	struct percpu *cpu = this_cpu();
	enum lock_level held = spin_level_held();

	if (!DEBUG)
		return;
	if (l->level < held || (l->level == held && !same_ok))
		panic("lock order: level %d is wanted and %d is held",
		      l->level, held);
	CHECK(cpu->lock_depth < MAX_LOCKS_HELD);
	cpu->lock_levels[cpu->lock_depth++] = l->level;
}

/* Locks may be released in any order: take out the newest of this level. */
static void note_released(const struct spinlock *l)
{
	struct percpu *cpu = this_cpu();
	int i;

	if (!DEBUG)
		return;
	for (i = cpu->lock_depth - 1; i >= 0; i--)
		if (cpu->lock_levels[i] == l->level)
			break;
	CHECK(i >= 0);
	cpu->lock_depth--;
	for (; i < cpu->lock_depth; i++)
		cpu->lock_levels[i] = cpu->lock_levels[i + 1];
}

static void take(struct spinlock *l)
{
	uint32_t ticket = atomic_fetch_add(&l->next, 1);

	while (unlikely(atomic_load_acquire(&l->owner) != ticket))
		port_spin();
}

void spin_lock_init(struct spinlock *l, enum lock_level level)
{
	*l = (struct spinlock)SPINLOCK_INIT(level);
}

locks_unchecked void spin_lock(struct spinlock *l)
{
	note_taken(l, false);
	take(l);
}

locks_unchecked void spin_unlock(struct spinlock *l)
{
	note_released(l);
	atomic_store_release(&l->owner, l->owner + 1);
}

locks_unchecked bool spin_trylock(struct spinlock *l)
{
	uint32_t owner = atomic_load_relaxed(&l->owner);
	uint32_t ticket = owner;

	if (!atomic_cas(&l->next, &ticket, owner + 1))
		return false;
	note_taken(l, false);
	return true;
}

bool spin_is_locked(const struct spinlock *l)
{
	return READ_ONCE(l->next) != READ_ONCE(l->owner);
}

locks_unchecked void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
	struct spinlock *first = a < b ? a : b;
	struct spinlock *second = a < b ? b : a;

	spin_lock(first);
	if (first == second)
		return;
	note_taken(second, true);
	take(second);
}

locks_unchecked void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}

enum lock_level spin_level_held(void)
{
	const struct percpu *cpu = this_cpu();

	if (!DEBUG || !cpu->lock_depth)
		return LOCK_NONE;
	return cpu->lock_levels[cpu->lock_depth - 1];
}
