/* SPDX-License-Identifier: MIT */
/*
 * The host's side of port.h: locks, panic and log.  The locks check the order
 * of lib/lockorder.h always, and that who unlocks is who locked.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <port.h>
#include "debug/log.h"
#include "x86/cpu.h"

uint8_t *fake_ram;
uint64_t fake_ram_bytes;
struct frame *fake_frame_table;

struct cpu_features cpu_features = { .nx = true, .maxphysaddr = 46 };
struct percpu *cpu_areas[MAX_CPUS];
uint32_t cpu_count;
unsigned int log_level = 2;

void (*port_on_lock)(void);
void (*port_on_each_lock)(enum lock_level level);
static uint32_t next_cpu_id;
static _Thread_local struct percpu thread_cpu;

void fake_ram_init(uint64_t bytes)
{
	fake_ram = aligned_alloc(PAGE_SIZE, bytes);
	CHECK(fake_ram);
	memset(fake_ram, 0, bytes);
	fake_ram_bytes = bytes;
}

void fake_ram_fini(void)
{
	free(fake_ram);
	fake_ram = NULL;
	fake_ram_bytes = 0;
}

struct percpu *this_cpu(void)
{
	struct percpu *cpu = &thread_cpu;

	if (!cpu->self) {
		cpu->self = cpu;
		cpu->id = __atomic_fetch_add(&next_cpu_id, 1, __ATOMIC_RELAXED);
		cpu->online = 1;
	}
	return cpu;
}

uint64_t port_spins;
void (*port_on_spin)(void);

void port_spin(void)
{
	__atomic_add_fetch(&port_spins, 1, __ATOMIC_SEQ_CST);
	if (port_on_spin)
		port_on_spin();
	else
		sched_yield();
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("panic: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

/* Weak: a test may want to read it (tests/unit/boot_e820.c). */
__attribute__((weak))
void log_at(unsigned int level, const char *fmt, ...)
{
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void log_stat(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
}

/* Weak: a test may want to read it (tests/fake/fake_dom.c). */
__attribute__((weak))
void log_guest(unsigned int domid, const char *name, const char *text,
	       size_t bytes)
{
	fprintf(stderr, "(d%u %s) %.*s\n", domid, name, (int)bytes, text);
}

enum lock_level spin_level_held(void)
{
	const struct percpu *cpu = this_cpu();

	return cpu->lock_depth ? cpu->lock_levels[cpu->lock_depth - 1] :
				 LOCK_NONE;
}

static void level_push(const struct spinlock *l, bool same_allowed)
{
	struct percpu *cpu = this_cpu();
	enum lock_level held = spin_level_held();

	if (l->level < held || (l->level == held && !same_allowed))
		panic("lock order: level %u taken while %u is held", l->level,
		      held);
	CHECK(l->level != LOCK_NONE);
	CHECK(cpu->lock_depth < MAX_LOCKS_HELD);
	cpu->lock_levels[cpu->lock_depth++] = l->level;
}

/* Locks may be released in any order. */
static void level_pop(const struct spinlock *l)
{
	struct percpu *cpu = this_cpu();
	unsigned int i = cpu->lock_depth;

	while (i && cpu->lock_levels[i - 1] != l->level)
		i--;
	if (!i)
		panic("lock order: level %u is not held here", l->level);
	for (; i < cpu->lock_depth; i++)
		cpu->lock_levels[i - 1] = cpu->lock_levels[i];
	cpu->lock_depth--;
}

void spin_lock_init(struct spinlock *l, enum lock_level level)
{
	*l = (struct spinlock)SPINLOCK_INIT(level);
}

static void ticket_lock(struct spinlock *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		port_spin();
}

void spin_lock(struct spinlock *l)
{
	if (port_on_lock && spin_level_held() == LOCK_NONE)
		port_on_lock();
	if (port_on_each_lock)
		port_on_each_lock(l->level);
	level_push(l, false);
	ticket_lock(l);
}

bool spin_trylock(struct spinlock *l)
{
	uint32_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);

	if (!__atomic_compare_exchange_n(&l->next, &owner, owner + 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	/*
	 * A try cannot deadlock, so it is bound to no order; what follows it
	 * is.
	 */
	level_push(l, true);
	return true;
}

void spin_unlock(struct spinlock *l)
{
	CHECK(spin_is_locked(l));
	level_pop(l);
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

bool spin_is_locked(const struct spinlock *l)
{
	return __atomic_load_n(&l->next, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
	if (a > b) {
		struct spinlock *swap = a;

		a = b;
		b = swap;
	}
	spin_lock(a);
	if (a == b)
		return;
	CHECK(a->level == b->level);
	level_push(b, true);
	ticket_lock(b);
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}
