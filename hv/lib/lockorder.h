/* SPDX-License-Identifier: MIT */
/*
 * The one lock order.  A CPU takes locks only downwards in this list; debug
 * builds keep the levels that a CPU holds and panic at a violation
 * (x86/spinlock.c), and `make lint T=lockorder` follows all calls of the
 * program, also those through pointers.  No other file states an order.  Two
 * locks of one level are taken by spin_lock_pair(), lowest address first.
 *
 * Nothing sleeps in the hypervisor; interrupts are off whenever a lock is held.
 */
#ifndef HV_LIB_LOCKORDER_H
#define HV_LIB_LOCKORDER_H

enum lock_level {
	LOCK_NONE = 0,
	LOCK_DOMLIST,	/* table of domains: creation, lookup, removal */
	/* one domain's life: state, registered areas, console ring */
	LOCK_DOMAIN,
	/*
	 * one domain's page tables: every entry, every table type, GDT/LDT
	 * slots
	 */
	LOCK_MM,
	/*
	 * one domain's grant table: entries in use, version; taken under the
	 * LOCK_MM of the domain that maps
	 */
	LOCK_GRANT,
	LOCK_IRQ,	/* interrupts of devices: numbers, vectors, masks */
	LOCK_EVENT,	/* one domain's event ports */
	/* one domain's registered buffers (pv/xencomm_buffer.c) */
	LOCK_XENCOMM,
	LOCK_SHARE_DOM,	/* share/: one domain's hold table, budget, counters */
	LOCK_SHARE_STRIPE, /* share/: one stripe of the content index */
	LOCK_M2P,	/* one domain's view of the M2P */
	LOCK_PAGELIST,	/* one domain's struct domain_pages, and heap */
	LOCK_OBJPOOL,	/* small-object pools */
	LOCK_POOLS,	/* which groups have frames set aside */
	LOCK_POOL,	/* frames set aside for one share group */
	LOCK_HEAP,	/* buddy allocator */
	/*
	 * one CPU's run queue, and the run states of the vCPUs that are on it
	 */
	LOCK_SCHED,
	LOCK_ACCOUNT,	/* one domain's run time */
	LOCK_TIMER,	/* one CPU's timers */
	LOCK_TRACE,	/* one domain's trace buffer */
	/* configuration space, and the table of PCI functions (io/bus.h) */
	LOCK_PCI,
	LOCK_CHIP,	/* the clock chip's ports (x86/rtc.c) */
	LOCK_FOLLOW,	/* lines of a guest that wait for the control channel */
	LOCK_SESSION,	/* bytes of the first domain's control channels */
	LOCK_LOG,	/* the serial line and its buffer */
};

#endif
