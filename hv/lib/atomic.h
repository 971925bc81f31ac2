/* SPDX-License-Identifier: MIT */
/*
 * Words that several CPUs use at once.  A pointer to the word comes first; all
 * accesses without a suffix, by all CPUs, have one order (sequentially
 * consistent).
 *
 *   _relaxed   the word is whole, and no more is promised: for a statistic, or
 *              for a hint that is looked at again
 *   _acquire   what the writer wrote before its _release is seen after this
 *              load
 *   _release   what was written before this store is seen by a CPU that loads
 *              the new value with _acquire
 *
 * On x86 only a store without suffix, the changes and the fence cost more than
 * a plain access.
 */
#ifndef HV_LIB_ATOMIC_H
#define HV_LIB_ATOMIC_H

#define atomic_load(p)			__atomic_load_n(p, __ATOMIC_SEQ_CST)
#define atomic_load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_store(p, v)		__atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_store_relaxed(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)

/* Change the word; return its new value. */
#define atomic_add(p, n)		__atomic_add_fetch(p, n, __ATOMIC_SEQ_CST)
#define atomic_sub(p, n)		__atomic_sub_fetch(p, n, __ATOMIC_SEQ_CST)
#define atomic_or(p, bits)		__atomic_or_fetch(p, bits, __ATOMIC_SEQ_CST)
#define atomic_and(p, bits)		__atomic_and_fetch(p, bits, __ATOMIC_SEQ_CST)
/* Change the word; return its old value. */
#define atomic_fetch_add(p, n)		__atomic_fetch_add(p, n, __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, n)		__atomic_fetch_sub(p, n, __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, bits)	__atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, bits)	__atomic_fetch_and(p, bits, __ATOMIC_SEQ_CST)
#define atomic_exchange(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)

/*
 * One compare-and-swap.  True: *p was *old and is `new` now.  False: *p stays,
 * and *old becomes its value.
 */
#define atomic_cas(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, \
				    __ATOMIC_SEQ_CST)

#define atomic_fence()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
/*
 * Writes before the fence are not moved behind writes after it; on x86 only the
 * compiler needs to know.
 */
#define atomic_fence_release()		__atomic_thread_fence(__ATOMIC_RELEASE)
/*
 * The same for stores past the caches, which x86 keeps in no order.  It waits
 * until they have left the CPU.
 */
#define atomic_fence_stream()		__asm__ volatile("sfence" : : : "memory")

#endif
