/* SPDX-License-Identifier: MIT */
/*
 * The names of hv/port/port.h for host builds: machine memory is an array, each
 * thread is a CPU, locks check their order, panic() aborts.
 *
 * A test sets fake_ram (and fake_frame_table) if what it tests wants them.
 * System headers, <check.h> too, come before this one.
 */
#ifndef TESTS_PORT_PORT_H
#define TESTS_PORT_PORT_H

#include "lib/types.h"
#include "lib/string.h"
#include "mm/layout.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"
#include "debug/assert.h"

extern uint8_t *fake_ram;		/* machine address 0; page aligned */
extern uint64_t fake_ram_bytes;		/* 0: unchecked */
extern struct frame *fake_frame_table;

/*
 * Make fake_ram of so many bytes, zeroed; a test that forgot to free it leaks,
 * and ASan says so.
 */
void fake_ram_init(uint64_t bytes);
void fake_ram_fini(void);

/* The calling thread's CPU; ids are given in the order in which threads ask. */
struct percpu *this_cpu(void);

static inline void *maddr_to_virt(maddr_t maddr)
{
	CHECK(!fake_ram_bytes || maddr_n(maddr) < fake_ram_bytes);
	return fake_ram + maddr_n(maddr);
}

static inline void *mfn_to_virt(mfn_t mfn)
{
	return maddr_to_virt(mfn_to_maddr(mfn));
}

static inline maddr_t virt_to_maddr(const void *virt)
{
	return MADDR((uintptr_t)virt - (uintptr_t)fake_ram);
}

static inline mfn_t virt_to_mfn(const void *virt)
{
	return maddr_to_mfn(virt_to_maddr(virt));
}

#define FRAME_TABLE fake_frame_table

void port_spin(void);
/* atomic: turns of wait loops, of all threads */
extern uint64_t port_spins;
/* If set: what a turn does, in place of giving the host's CPU to another. */
extern void (*port_on_spin)(void);
/*
 * If set: called by who takes a lock and holds none, before; what another CPU
 * may do there.
 */
extern void (*port_on_lock)(void);
/*
 * If set: called by who takes any lock, before; whatever it does must be
 * another thread's (another CPU's).
 */
extern void (*port_on_each_lock)(enum lock_level level);

#endif
