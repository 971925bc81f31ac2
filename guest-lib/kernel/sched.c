/* SPDX-License-Identifier: MIT */
/* Block, yield, shutdown; locks. */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/sched.h>

void gl_block(void)
{
	hypercall_sched_op(SCHEDOP_block, NULL);
}

void gl_yield(void)
{
	hypercall_sched_op(SCHEDOP_yield, NULL);
}

void gl_shutdown(unsigned int reason)
{
	struct sched_shutdown how = { .reason = reason };

	gl_console_flush();
	for (;;)
		hypercall_sched_op(SCHEDOP_shutdown, &how);
}

bool gl_lock(struct gl_lock *lock)
{
	bool on = gl_events_save();

	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		gl_yield();
	return on;
}

void gl_unlock(struct gl_lock *lock, bool events_on)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	gl_events_restore(events_on);
}
