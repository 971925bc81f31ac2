/* SPDX-License-Identifier: MIT */
/*
 * What a function does with locks, told to the compiler in terms of its
 * parameters:
 *
 *	enum progress pttree_work(struct domain *d) needs_lock(&d->mm);
 *
 * gcc reads none of it, so a release build is as it was.  clang's analysis of
 * threads reads all of it (`make lint T=locks`): no path of a caller comes to
 * pttree_work() without the lock of the domain that it passes, no function
 * returns with a lock that it does not say it takes, and no lock is taken twice
 * or freed unheld.
 *
 * What it does not see:
 *   two names of one lock: taken as &d->mm, it is not known as &v->domain->mm;
 *     spin_known_held() says so, and asserts it in debug builds;
 *   a lock whose owner only the answer of a function tells (sched_queue.h);
 *   what is called through a pointer; the order of locks on such paths is
 *     `make lint T=lockorder`'s;
 *   fields: C cannot name a lock that stands beside one, so comments do.
 */
#ifndef HV_LIB_LOCKHELD_H
#define HV_LIB_LOCKHELD_H

#ifdef __clang__
#define lock_type	__attribute__((capability("spinlock")))
/* held at the call and at the return */
#define needs_lock(...)	__attribute__((requires_capability(__VA_ARGS__)))
/* free at the call, held at the return */
#define takes_lock(...)	__attribute__((acquire_capability(__VA_ARGS__)))
/* held at the call, free at the return */
#define frees_lock(...)	__attribute__((release_capability(__VA_ARGS__)))
/* taken if the answer is true */
#define takes_lock_if_true(...) \
	__attribute__((try_acquire_capability(true, __VA_ARGS__)))
/* held from here on: the function has made sure */
#define lock_is_held(...) __attribute__((assert_capability(__VA_ARGS__)))
/*
 * The function is not analysed: it makes up an operation of a lock, or runs
 * while the machine is stopped (audit/), which is as good as any lock.
 */
#define locks_unchecked	__attribute__((no_thread_safety_analysis))
#else
#define lock_type
#define needs_lock(...)
#define takes_lock(...)
#define frees_lock(...)
#define takes_lock_if_true(...)
#define lock_is_held(...)
#define locks_unchecked
#endif

#endif
