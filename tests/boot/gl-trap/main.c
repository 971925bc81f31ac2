/* SPDX-License-Identifier: MIT */
/*
 * Proves that traps reach the guest kernel's handlers with the right vector,
 * error code, address and registers, and that going back loses nothing.
 * Nothing in it depends on time.
 */
#include <gl/event.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include "../gl_test.h"

static struct gl_regs seen;
static unsigned int count;
static bool events_were_on;

/* Remember, and skip an instruction of `skip` bytes. */
static unsigned int skip;
static bool remember(struct gl_regs *regs)
{
	seen = *regs;
	count++;
	events_were_on = !gl_vcpu_info()->evtchn_upcall_mask;
	regs->rip += skip;
	return true;
}

static void arm(unsigned int vector, unsigned int bytes)
{
	gl_trap_handler_set(vector, remember);
	skip = bytes;
	count = 0;
}

static void test_int3(void)
{
	arm(TRAP_int3, 0);
	__asm__ volatile("int3");
	gl_test_equal(count, 1);
	gl_test_equal(seen.vector, TRAP_int3);
	gl_test_equal(seen.ss, FLAT_KERNEL_SS);
	gl_test_check(seen.rflags & 0x200);
}

static void test_ud2(void)
{
	arm(TRAP_invalid_op, 2);
	__asm__ volatile("ud2");
	gl_test_equal(count, 1);
	gl_test_equal(seen.vector, TRAP_invalid_op);
}

static void test_divide(void)
{
	uint32_t lo = 1, hi = 0, zero = 0;

	arm(TRAP_divide_error, 2);
	__asm__ volatile("divl %%ecx" : "+a"(lo), "+d"(hi) : "c"(zero)
			 : "memory");
	gl_test_equal(count, 1);
	gl_test_equal(seen.vector, TRAP_divide_error);
}

/*
 * QEMU 7.2 without hardware help gives `int n` from ring 3 a wrong error code,
 * by which real Xen cannot tell n; it then delivers a general protection fault.
 */
static void test_software(void)
{
	arm(TRAP_gp_fault, 2);
	gl_trap_handler_set(0x20, remember);
	skip = gl_is_dom0() ? 2 : 0;
	__asm__ volatile("int $0x20; nop; nop" : : : "memory");
	gl_test_equal(count, 1);
	if (gl_is_dom0() && seen.vector == TRAP_gp_fault)
		gl_printf("note: int $0x20 came as #GP %lx\n",
			  seen.error_code);
	else
		gl_test_equal(seen.vector, 0x20);
}

/* A non-canonical address: #GP with error code 0 (ss: #SS). */
static void test_gp(void)
{
	uint64_t v;

	gl_trap_handler_set(TRAP_gp_fault, NULL);
	gl_test_check(!gl_probe_read(0x8000000000000000UL, &v));
	gl_test_equal(gl_probe_last().vector, TRAP_gp_fault);
	gl_test_equal(gl_probe_last().error_code, 0);
}

static void test_page_fault(void)
{
	uint64_t v, table = (uint64_t)gl_start_info->pt_base;

	gl_test_check(!gl_probe_read(16, &v));
	gl_test_equal(gl_probe_last().vector, TRAP_page_fault);
	gl_test_equal(gl_probe_last().address, 16);
	gl_test_equal(gl_probe_last().error_code & (PF_PRESENT | PF_WRITE), 0);

	gl_test_check(gl_probe_read(table, &v));
	gl_test_check(!gl_probe_write(0x7f0000000008UL, 1));
	gl_test_equal(gl_probe_last().address, 0x7f0000000008UL);
	gl_test_equal(gl_probe_last().error_code & (PF_PRESENT | PF_WRITE),
		      PF_WRITE);
}

/* A read-only page of ours: the error code says present and write, not user. */
static void test_read_only(void)
{
	uint64_t va = gl_page_alloc(), mfn = gl_virt_to_mfn(va);

	*(uint64_t *)va = 77;
	gl_test_equal(gl_map_page(va, mfn, GL_PTE_KERNEL_RO), 0);
	gl_test_check(!gl_probe_write(va, 1));
	gl_test_equal(gl_probe_last().error_code, PF_PRESENT | PF_WRITE);
	gl_test_equal(gl_probe_last().address, va);
	gl_test_equal(*(volatile uint64_t *)va, 77);
	gl_test_equal(gl_map_page(va, mfn, GL_PTE_KERNEL), 0);
	gl_test_check(gl_probe_write(va, 78));
	gl_page_free(va);
}

/*
 * Page faults mask events while they are handled, others do not; afterwards
 * they are on.
 */
static void test_event_mask(void)
{
	arm(TRAP_page_fault, 0);
	skip = 3;			/* mov %rax,(%rcx) */
	__asm__ volatile("mov %%rax, (%%rcx)" : : "c"(8UL), "a"(1UL)
			 : "memory");
	gl_test_equal(count, 1);
	gl_test_check(!events_were_on);
	gl_test_check(!gl_vcpu_info()->evtchn_upcall_mask);
	gl_trap_handler_set(TRAP_page_fault, NULL);
	arm(TRAP_invalid_op, 2);
	__asm__ volatile("ud2");
	gl_test_check(events_were_on);
}

/* All registers but rip are as they were. */
static void test_registers(void)
{
	uint64_t ok;

	arm(TRAP_invalid_op, 2);
	__asm__ volatile(
		"push %%rbp\n\t"
		"mov $0x11, %%rax; mov $0x12, %%rbx; mov $0x13, %%rcx\n\t"
		"mov $0x14, %%rdx; mov $0x15, %%rsi; mov $0x16, %%rdi\n\t"
		"mov $0x17, %%rbp; mov $0x18, %%r8; mov $0x19, %%r9\n\t"
		"mov $0x1a, %%r10; mov $0x1b, %%r11; mov $0x1c, %%r12\n\t"
		"mov $0x1d, %%r13; mov $0x1e, %%r14; mov $0x1f, %%r15\n\t"
		"ud2\n\t"
		"shl $5, %%rbx; add %%rbx, %%rax\n\t"
		"shl $1, %%rcx; add %%rcx, %%rax; add %%rdx, %%rax\n\t"
		"add %%rsi, %%rax; add %%rdi, %%rax; add %%rbp, %%rax\n\t"
		"add %%r8, %%rax; add %%r9, %%rax; add %%r10, %%rax\n\t"
		"shl $3, %%r11; add %%r11, %%rax; add %%r12, %%rax\n\t"
		"add %%r13, %%rax; add %%r14, %%rax; add %%r15, %%rax\n\t"
		"pop %%rbp\n\t"
		: "=&a"(ok) : : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
		  "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	gl_test_equal(ok, 0x11 + (0x12 << 5) + (0x13 << 1) + 0x14 + 0x15 +
			  0x16 + 0x17 + 0x18 + 0x19 + 0x1a + (0x1b << 3) +
			  0x1c + 0x1d + 0x1e + 0x1f);
	gl_test_equal(seen.rcx, 0x13);
	gl_test_equal(seen.r11, 0x1b);
	gl_test_equal(seen.r15, 0x1f);
}

/* A trap in a trap handler. */
static bool nested(struct gl_regs *regs)
{
	uint64_t v;

	gl_test_check(!gl_probe_read(24, &v));
	regs->rip += 2;
	count++;
	return true;
}

static void test_nested(void)
{
	gl_trap_handler_set(TRAP_invalid_op, nested);
	count = 0;
	__asm__ volatile("ud2");
	gl_test_equal(count, 1);
	gl_test_equal(gl_probe_last().address, 24);
}

void gl_main(void)
{
	test_int3();
	test_ud2();
	test_divide();
	test_software();
	test_gp();
	test_page_fault();
	test_read_only();
	test_event_mask();
	test_registers();
	test_nested();
	gl_test_done();
}
