/* SPDX-License-Identifier: MIT */
/*
 * Locks (linked with --wrap).  What a lock's functions do to its word is two
 * steps of the schedule: the ticket is drawn, and the lock is freed.
 */
#include "sim/sim.h"
#include "x86/spinlock.h"

enum sim_in_lock sim_in_lock[SIM_CPUS];

void __real_spin_lock(struct spinlock *l);
void __wrap_spin_lock(struct spinlock *l);
void __real_spin_unlock(struct spinlock *l);
void __wrap_spin_unlock(struct spinlock *l);
void __real_spin_lock_pair(struct spinlock *a, struct spinlock *b);
void __wrap_spin_lock_pair(struct spinlock *a, struct spinlock *b);
void __real_spin_unlock_pair(struct spinlock *a, struct spinlock *b);
void __wrap_spin_unlock_pair(struct spinlock *a, struct spinlock *b);
bool __real_spin_is_locked(const struct spinlock *l);
bool __wrap_spin_is_locked(const struct spinlock *l);
bool __wrap_spin_trylock(struct spinlock *l);

/* CPUs change in between: the one that began is the one that ends. */
#define IN_LOCK(how, call) \
	do { \
		unsigned int me = sim_cpu; \
		sim_in_lock[me] = (how); \
		call; \
		sim_in_lock[me] = SIM_NOT_IN_LOCK; \
	} while (0)

void __wrap_spin_lock(struct spinlock *l)
{
	IN_LOCK(SIM_TAKES_LOCK, __real_spin_lock(l));
	reduce_holds(l, true);
}

void __wrap_spin_unlock(struct spinlock *l)
{
	reduce_holds(l, false);
	IN_LOCK(SIM_FREES_LOCK, __real_spin_unlock(l));
}

void __wrap_spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
	IN_LOCK(SIM_TAKES_LOCK, __real_spin_lock_pair(a, b));
	reduce_holds(a, true);
	reduce_holds(b, true);
}

void __wrap_spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
	reduce_holds(a, false);
	reduce_holds(b, false);
	IN_LOCK(SIM_FREES_LOCK, __real_spin_unlock_pair(a, b));
}

/* Its holder asks, to be sure: what others do to the lock is nothing to it. */
bool __wrap_spin_is_locked(const struct spinlock *l)
{
	bool is;

	IN_LOCK(SIM_LOOKS_AT_LOCK, is = __real_spin_is_locked(l));
	return is;
}

/* One that fails tells what RED5 takes for unknown. */
bool __wrap_spin_trylock(struct spinlock *l)
{
	sim_fail("a lock is tried, which the simulator cannot do");
}
