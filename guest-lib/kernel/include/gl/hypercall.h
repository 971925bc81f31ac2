/* SPDX-License-Identifier: MIT */
/* Hypercalls: one generic call and a typed wrapper for each that we use. */
#ifndef GL_HYPERCALL_H
#define GL_HYPERCALL_H

#include <stdint.h>

#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <share.h>
#include <trace.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

extern char hypercall_page[4096];

long gl_hypercall(unsigned int nr, unsigned long a1, unsigned long a2,
		  unsigned long a3, unsigned long a4, unsigned long a5);

static inline long hypercall_set_trap_table(const struct trap_info *table)
{
	return gl_hypercall(__HYPERVISOR_set_trap_table, (unsigned long)table,
			    0, 0, 0, 0);
}

static inline long hypercall_mmu_update(struct mmu_update *req,
					unsigned int count, unsigned int *done,
					domid_t dom)
{
	return gl_hypercall(__HYPERVISOR_mmu_update, (unsigned long)req, count,
			    (unsigned long)done, dom, 0);
}

static inline long hypercall_mmuext_op(struct mmuext_op *op, unsigned int count,
				       unsigned int *done, domid_t dom)
{
	return gl_hypercall(__HYPERVISOR_mmuext_op, (unsigned long)op, count,
			    (unsigned long)done, dom, 0);
}

static inline long hypercall_update_va_mapping(uint64_t va, uint64_t pte,
					       unsigned long flags)
{
	return gl_hypercall(__HYPERVISOR_update_va_mapping, va, pte, flags, 0,
			    0);
}

static inline long hypercall_multicall(struct multicall_entry *calls,
				       unsigned int count)
{
	return gl_hypercall(__HYPERVISOR_multicall, (unsigned long)calls, count,
			    0, 0, 0);
}

static inline long hypercall_memory_op(unsigned int op, void *arg)
{
	return gl_hypercall(__HYPERVISOR_memory_op, op, (unsigned long)arg, 0,
			    0, 0);
}

static inline long hypercall_xen_version(unsigned int op, void *arg)
{
	return gl_hypercall(__HYPERVISOR_xen_version, op, (unsigned long)arg, 0,
			    0, 0);
}

static inline long hypercall_console_io(unsigned int op, unsigned long bytes,
					char *text)
{
	return gl_hypercall(__HYPERVISOR_console_io, op, bytes,
			    (unsigned long)text, 0, 0);
}

static inline long hypercall_vcpu_op(unsigned int op, unsigned int vcpu,
				     void *arg)
{
	return gl_hypercall(__HYPERVISOR_vcpu_op, op, vcpu, (unsigned long)arg,
			    0, 0);
}

static inline long hypercall_sched_op(unsigned int op, void *arg)
{
	return gl_hypercall(__HYPERVISOR_sched_op, op, (unsigned long)arg, 0, 0,
			    0);
}

static inline long hypercall_callback_op(unsigned int op, void *arg)
{
	return gl_hypercall(__HYPERVISOR_callback_op, op, (unsigned long)arg, 0,
			    0, 0);
}

static inline long hypercall_event_channel_op(unsigned int op, void *arg)
{
	return gl_hypercall(__HYPERVISOR_event_channel_op, op,
			    (unsigned long)arg, 0, 0, 0);
}

/* Pasture's own: share.h.  -XEN_ENOSYS on a hypervisor without it. */
static inline long hypercall_make_ro_and_share(unsigned int op,
					       unsigned long arg,
					       unsigned long count,
					       unsigned long flags)
{
	return gl_hypercall(__HYPERVISOR_make_ro_and_share, op, arg, count,
			    flags, 0);
}

GL_DECLS_END

#endif
