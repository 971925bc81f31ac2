/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs.  The kernel starts on vCPU 0; gl_vcpu_start() lets another one
 * run a function, on a stack of its own, in the same page tables, with the same
 * trap handlers.
 *
 * GV1  While a vCPU's kernel runs, its GS base is the address of its struct
 *      gl_vcpu.  Nobody else writes the fields there but where it says so.
 */
#ifndef GL_VCPU_H
#define GL_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include <gl/decls.h>
#include <gl/trap.h>

#include <xen/xen.h>

GL_DECLS_BEGIN

#define GL_VCPUS	XEN_LEGACY_MAX_VCPUS
#define GL_PORT_WORDS	64	/* of 64 bits: what shared_info has */

struct gl_vcpu {
	struct gl_vcpu *self;
	unsigned int id;
	struct vcpu_info *info;	/* its part of the shared page */
	/* ports whose events it handles; by anybody, atomically */
	xen_ulong_t ports[GL_PORT_WORDS];
	/* its alarm (timer.c); port 0: not bound yet */
	long timer_port;
	void (*volatile timer_fn)(void);
	struct gl_probe_fault probe_last;
	/* what it runs; by who starts it, while it is down */
	void (*fn)(void *arg);
	void *arg;
	uint64_t stack;		/* 0: never started */
};

static inline struct gl_vcpu *gl_vcpu_self(void)
{
	struct gl_vcpu *v;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(v));
	return v;
}

static inline unsigned int gl_vcpu_id(void)
{
	return gl_vcpu_self()->id;
}

static inline struct vcpu_info *gl_vcpu_info(void)
{
	return gl_vcpu_self()->info;
}

/* How many the domain has. */
unsigned int gl_vcpu_count(void);
/*
 * Start vCPU `id` at fn(arg), events on; it goes down when fn returns, and may
 * be started again.  Of one that runs it is waited for.  One caller at a time
 * for each id.  0 or -errno.
 */
long gl_vcpu_start(unsigned int id, void (*fn)(void *arg), void *arg);
bool gl_vcpu_is_up(unsigned int id);
/* Give way until it is down. */
void gl_vcpu_wait(unsigned int id);

/* --- inside the library --- */
struct gl_vcpu *gl_vcpu_by_id(unsigned int id);
void gl_vcpu_init(void);	/* the first one; before all else */

GL_DECLS_END

#endif
