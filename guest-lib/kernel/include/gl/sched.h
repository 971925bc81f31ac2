/* SPDX-License-Identifier: MIT */
/* Giving the processor away, for a while or for good; and locks. */
#ifndef GL_SCHED_H
#define GL_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/sched.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

/*
 * Sleep until an event comes.  Call with events masked (gl_events_save()) after
 * the condition was found false: the call unmasks and looks in one step, so no
 * event is lost.  Events are on afterwards.
 */
void gl_block(void);
void gl_yield(void);
void gl_shutdown(unsigned int reason) __attribute__((noreturn));

/* Short critical sections, safe against event handlers and other vCPUs. */
struct gl_lock {
	int taken;
};
bool gl_lock(struct gl_lock *lock);		/* whether events were on */
void gl_unlock(struct gl_lock *lock, bool events_on);

GL_DECLS_END

#endif
