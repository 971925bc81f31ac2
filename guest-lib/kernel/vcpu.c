/* SPDX-License-Identifier: MIT */
/* See gl/vcpu.h. */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/vcpu.h>

#define STACK_PAGES	4
#define CONTEXT_PAGES	((sizeof(struct vcpu_guest_context) + GL_PAGE_BYTES - 1) / GL_PAGE_BYTES)

static struct gl_vcpu vcpus[GL_VCPUS];

struct gl_vcpu *gl_vcpu_by_id(unsigned int id)
{
	return &vcpus[id];
}

void gl_vcpu_init(void)
{
	struct gl_vcpu *v = &vcpus[0];
	unsigned int i;

	for (i = 0; i < GL_VCPUS; i++) {
		vcpus[i].self = &vcpus[i];
		vcpus[i].id = i;
		vcpus[i].info = &gl_shared_info.vcpu_info[i];
	}
	/* All that nobody asked for elsewhere. */
	for (i = 0; i < GL_PORT_WORDS; i++)
		v->ports[i] = ~0UL;
	/* No console yet to say so. */
	if (gl_hypercall(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL,
			 (unsigned long)v, 0, 0, 0))
		__builtin_trap();
}

unsigned int gl_vcpu_count(void)
{
	unsigned int n = 0;

	while (n < GL_VCPUS && hypercall_vcpu_op(VCPUOP_is_up, n, NULL) >= 0)
		n++;
	return n;
}

bool gl_vcpu_is_up(unsigned int id)
{
	return hypercall_vcpu_op(VCPUOP_is_up, id, NULL) == 1;
}

void gl_vcpu_wait(unsigned int id)
{
	while (gl_vcpu_is_up(id))
		gl_yield();
}

/* Where it begins.  It comes back from its going down when it is up again. */
static void __attribute__((noreturn)) run(struct gl_vcpu *v)
{
	for (;;) {
		gl_events_enable();
		v->fn(v->arg);
		gl_events_save();
		hypercall_vcpu_op(VCPUOP_down, v->id, NULL);
	}
}

static void context_fill(struct vcpu_guest_context *c, struct gl_vcpu *v)
{
	memset(c, 0, sizeof(*c));
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = (uint64_t)run;
	c->user_regs.rdi = (uint64_t)v;
	/* as after a call */
	c->user_regs.rsp = v->stack + STACK_PAGES * GL_PAGE_BYTES - 8;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->kernel_sp = c->user_regs.rsp;
	c->kernel_ss = FLAT_KERNEL_SS;
	c->gs_base_kernel = (uint64_t)v;
	c->ctrlreg[3] = xen_pfn_to_cr3(gl_virt_to_mfn(gl_start_info->pt_base));
	gl_trap_context(c);
}

/* Once in its life. */
static long initialise(struct gl_vcpu *v)
{
	uint64_t context = gl_pages_alloc(CONTEXT_PAGES);
	long rc = -XEN_ENOMEM;

	v->stack = gl_pages_alloc(STACK_PAGES);
	if (context && v->stack) {
		context_fill((struct vcpu_guest_context *)context, v);
		rc = hypercall_vcpu_op(VCPUOP_initialise, v->id, (void *)context);
	}
	if (rc && v->stack) {
		gl_pages_free(v->stack, STACK_PAGES);
		v->stack = 0;
	}
	if (context)
		gl_pages_free(context, CONTEXT_PAGES);
	return rc;
}

long gl_vcpu_start(unsigned int id, void (*fn)(void *arg), void *arg)
{
	struct gl_vcpu *v = &vcpus[id];
	long rc;

	if (id >= GL_VCPUS || id == gl_vcpu_id())
		return -XEN_EINVAL;
	gl_vcpu_wait(id);
	v->fn = fn;
	v->arg = arg;
	rc = v->stack ? 0 : initialise(v);
	return rc ? rc : hypercall_vcpu_op(VCPUOP_up, id, NULL);
}
