/* SPDX-License-Identifier: MIT */
/*
 * The host's side of port.h as in a release build: spinlocks without checks of
 * their order (tests/port/port.c checks it), a panic that aborts.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <port.h>

void port_spin(void)
{
	static _Thread_local unsigned int turns;

	__builtin_ia32_pause();
	if (++turns % 16 == 0)	/* whose lock it is may not be running */
		sched_yield();
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

void spin_lock_init(struct spinlock *l, enum lock_level level)
{
	*l = (struct spinlock)SPINLOCK_INIT(level);
}

void spin_lock(struct spinlock *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		port_spin();
}

void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}
