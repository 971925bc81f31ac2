/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks with a level (lib/lockorder.h).
 *
 * Interrupts are always off in the hypervisor, so a CPU that spins polls for
 * TLB flush requests (port_spin()).  Else a CPU that waits for a lock and the
 * lock's holder, if it waits for that CPU to flush, would wait for ever.
 */
#ifndef HV_X86_SPINLOCK_H
#define HV_X86_SPINLOCK_H

#include "lib/lockheld.h"
#include "lib/lockorder.h"
#include "debug/assert.h"
#include "lib/types.h"

struct lock_type spinlock {
	uint32_t next;	/* ticket that the next taker draws; atomic */
	uint32_t owner;	/* ticket that is served; written by the holder */
	uint8_t level;	/* enum lock_level; constant */
};

#define SPINLOCK_INIT(lvl) { .next = 0, .owner = 0, .level = (lvl) }

void spin_lock_init(struct spinlock *l, enum lock_level level);
void spin_lock(struct spinlock *l) takes_lock(l);
void spin_unlock(struct spinlock *l) frees_lock(l);
bool spin_trylock(struct spinlock *l) must_check takes_lock_if_true(l);
bool spin_is_locked(const struct spinlock *l);

/*
 * l is held, but clang's analysis cannot see it: it was taken by another name,
 * or by a callee that returns its owner (lib/lockheld.h).
 */
static inline void spin_known_held(const struct spinlock *l) lock_is_held(l)
{
	ASSERT(spin_is_locked(l));
}

/* Two locks of one level, lowest address first; a == b takes it once. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b) takes_lock(a, b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b) frees_lock(a, b);

/*
 * The highest level that this CPU holds, LOCK_NONE if none (always LOCK_NONE in
 * release builds).
 */
enum lock_level spin_level_held(void);

#endif
