/* SPDX-License-Identifier: MIT */
/*
 * The trap table, dispatch to handlers, and what happens without one.
 *
 * A page fault is taken with events masked until its address (in the vCPU's
 * shared area, where a nested fault would overwrite it) is safe and its handler
 * done; then the mask is put back in memory and plain iretq resumes, so a
 * fault costs no hypercall of its own.
 */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#define TRAP_MASKS_EVENTS 4	/* trap_info.flags */
#define RFLAGS_IF 0x200

extern const char gl_vector_stubs[], gl_event_stub[], gl_failsafe_stub[];
extern const char gl_probe_read_at[], gl_probe_write_at[], gl_probe_fixup[];
bool gl_probe_load(uint64_t va, uint64_t *out);
bool gl_probe_store(uint64_t va, uint64_t value);
int gl_trap_dispatch(struct gl_regs *regs);

static gl_trap_fn handlers[GL_VECTORS];	/* of all vCPUs */

gl_trap_fn gl_trap_handler_set(unsigned int vector, gl_trap_fn fn)
{
	gl_trap_fn old;

	if (vector >= GL_VECTORS)
		gl_panic("no vector %u", vector);
	old = handlers[vector];
	handlers[vector] = fn;
	return old;
}

uint64_t gl_fault_address(void)
{
	return gl_vcpu_info()->arch.cr2;
}

bool gl_probe_read(uint64_t va, uint64_t *out)
{
	return gl_probe_load(va, out);
}

bool gl_probe_write(uint64_t va, uint64_t value)
{
	return gl_probe_store(va, value);
}

struct gl_probe_fault gl_probe_last(void)
{
	return gl_vcpu_self()->probe_last;
}

static bool probe_failed(struct gl_regs *regs)
{
	if (regs->rip != (uint64_t)gl_probe_read_at &&
	    regs->rip != (uint64_t)gl_probe_write_at)
		return false;
	gl_vcpu_self()->probe_last = (struct gl_probe_fault){
		.vector = regs->vector, .error_code = regs->error_code,
		.address = regs->vector == TRAP_page_fault ?
			   gl_fault_address() : 0,
	};
	regs->rip = (uint64_t)gl_probe_fixup;
	return true;
}

static void __attribute__((noreturn)) die(const struct gl_regs *r)
{
	gl_console_panic_mode();
	gl_printf("unexpected trap %lu error %lx at rip %lx cr2 %lx\n",
		  r->vector, r->error_code, r->rip, gl_fault_address());
	gl_printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n",
		  r->rax, r->rbx, r->rcx, r->rdx);
	gl_printf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n",
		  r->rsi, r->rdi, r->rbp, r->rsp);
	gl_printf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n",
		  r->r8, r->r9, r->r10, r->r11);
	gl_printf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n",
		  r->r12, r->r13, r->r14, r->r15);
	gl_printf("cs %lx ss %lx rflags %lx\n", r->cs & 0xffff, r->ss,
		  r->rflags);
	gl_shutdown(SHUTDOWN_crash);
}

static void handle_exception(struct gl_regs *regs)
{
	gl_trap_fn fn = regs->vector < GL_VECTORS ? handlers[regs->vector] :
			NULL;

	if (fn && fn(regs))
		return;
	if (!probe_failed(regs))
		die(regs);
}

/* From vectors.asm: 0 = leave by the iret hypercall, 1 = by iretq. */
int gl_trap_dispatch(struct gl_regs *regs)
{
	if (regs->vector == GL_VECTOR_EVENT) {
		gl_event_upcall();
		return 0;
	}
	handle_exception(regs);
	/* from guest user mode; or what only that call unmasks */
	if ((regs->cs & 3) != 0 || regs->vector == TRAP_nmi)
		return 0;
	if (regs->rflags & RFLAGS_IF)
		gl_events_restore(true);
	regs->cs = FLAT_KERNEL_CS;	/* the bounce frame says ring 0 */
	return 1;
}

static void register_callback(uint16_t type, uint16_t flags, const char *entry)
{
	struct callback_register reg = {
		.type = type, .flags = flags, .address = (unsigned long)entry,
	};
	long rc = hypercall_callback_op(CALLBACKOP_register, &reg);

	if (rc)
		gl_panic("callback %u refused: %ld", type, rc);
}

static uint8_t flags_of(unsigned int vector)
{
	if (vector == TRAP_page_fault || vector == TRAP_nmi)
		return TRAP_MASKS_EVENTS;
	return vector == TRAP_int3 || vector == 4 || vector >= 32 ? 3 : 0;
}

static void fill_table(struct trap_info *table)
{
	for (unsigned int i = 0; i < GL_VECTORS; i++)
		table[i] = (struct trap_info){
			.vector = (uint8_t)i, .flags = flags_of(i),
			.cs = FLAT_KERNEL_CS,
			.address = (unsigned long)gl_vector_stubs + i * 16,
		};
}

static void set_table(void)
{
	static struct trap_info table[GL_VECTORS + 1];
	long rc;

	fill_table(table);
	rc = hypercall_set_trap_table(table);
	if (rc)
		gl_panic("trap table refused: %ld", rc);
}

/* The event callback always masks events. */
void gl_trap_context(struct vcpu_guest_context *c)
{
	fill_table(c->trap_ctxt);
	c->event_callback_eip = (unsigned long)gl_event_stub;
	c->failsafe_callback_eip = (unsigned long)gl_failsafe_stub;
	c->flags |= VGCF_failsafe_disables_events;
}

void gl_trap_init(void)
{
	set_table();
	register_callback(CALLBACKTYPE_event, CALLBACKF_mask_events,
			  gl_event_stub);
	register_callback(CALLBACKTYPE_failsafe, CALLBACKF_mask_events,
			  gl_failsafe_stub);
}
