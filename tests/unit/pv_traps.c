/* links: hv/pv/traps*.c hv/pv/debugreg.c hv/pv/emul*.c hv/pv/msr.c hv/pv/dec*.c hv/pv/cpuid.c hv/dom/privilege.c hv/pv/iret.c tests/port/port.c tests/fake/fake_pv.c */
/* SPDX-License-Identifier: MIT */
/*
 * Faults of a guest: what is emulated, what is delivered, and with which rip
 * (N1-N3, X1-X3).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_pv.h"
#include "pv/bounce.h"
#include "pv/debugreg.h"
#include "pv/hypercall.h"
#include "pv/traps.h"
#include "unit/suite.h"

#define CODE_VA		0x400000UL
#define NO_TRAP		0x1ff

static struct vcpu *v;
static uint8_t code[32];

/* What bounce.c notes (tests/unit/pv_bounce.c has the rest of it). */
void bounce_exception(struct vcpu *to, unsigned int vector, bool has_error,
		      uint32_t error_code)
{
	ck_assert(!to->trap.pending);	/* N1 */
	to->trap.pending = true;
	to->trap.vector = vector;
	to->trap.has_error = has_error;
	to->trap.error_code = error_code;
}

void bounce_page_fault(struct vcpu *to, uint64_t cr2, uint32_t error_code)
{
	bounce_exception(to, VEC_PF, true, error_code);
	to->trap.cr2 = cr2;
}

/* tests/unit/sharing_break.c, pv_ptwrite.c, pv_configwrite.c */
bool sharefault(struct vcpu *to, uint64_t va, uint32_t error)
{
	return false;
}
bool ptwrite_fault(struct vcpu *to, uint64_t cr2, uint32_t error)
{
	return false;
}
bool configwrite_fault(struct vcpu *to, uint64_t cr2, uint32_t error)
{
	return false;
}

static void setup(void)
{
	v = fake_pv_reset();
	memset(code, 0x90, sizeof(code));
	fake_memory_add(CODE_VA, code, sizeof(code), false);
	v->regs.cs = FAKE_CODE64;
	v->regs.rip = CODE_VA;
}

static void fault(unsigned int vector, uint32_t error, const char *bytes,
		  size_t count)
{
	memcpy(code, bytes, count);
	v->regs.vector = vector;
	v->regs.error_code = error;
	trap_handle(v, 0);
}

#define GP(s)	fault(VEC_GP, 0, s, sizeof(s) - 1)

static void expect(unsigned int vector, uint64_t rip)
{
	if (vector == NO_TRAP) {
		ck_assert(!v->trap.pending);
	} else {
		ck_assert(v->trap.pending);
		ck_assert_uint_eq(v->trap.vector, vector);
	}
	ck_assert_uint_eq(v->regs.rip, rip);
	ck_assert_uint_eq(fake_pv.crashes, 0);
	v->trap.pending = false;
	v->regs.rip = CODE_VA;
}

/* The #PF that only QEMU's TCG gives a ring 3 iretq under SMAP. */
static void iretq_fault(uint64_t cs, uint64_t rip, uint64_t cr2_off)
{
	static uint64_t frame[5];

	frame[0] = rip;
	frame[1] = cs;
	frame[2] = RFLAGS_CF | RFLAGS_IOPL | RFLAGS_VM;	/* no IF */
	frame[3] = 0x7000;
	frame[4] = 0xe02b;
	fake_memory_add(0x600000, frame, sizeof(frame), false);
	v->regs.rsp = 0x600000;
	memcpy(code, "\x48\xcf", 2);
	v->regs.vector = VEC_PF;
	v->regs.error_code = 1;
	trap_handle(v, 0x600000 + cr2_off);
}

START_TEST(tcg_iretq)
{
	iretq_fault(0xe033, 0x401234, 0);
	ck_assert(!v->trap.pending);
	ck_assert_uint_eq(v->regs.rip, 0x401234);
	ck_assert_uint_eq(v->regs.rsp, 0x7000);
	ck_assert_uint_eq(v->regs.rflags, RFLAGS_CF | RFLAGS_IF | RFLAGS_MBS);
	ck_assert_uint_eq(v->regs.cs, 0xe033);
	ck_assert_uint_ne(v->regs.vector, VEC_SYSCALL);
}
END_TEST

START_TEST(tcg_iretq_bad_frame)
{
	iretq_fault(0xe030, 0x401234, 8);	/* would raise its privilege */
	expect(VEC_GP, CODE_VA);
	iretq_fault(0xe033, 1UL << 47, 8);
	expect(VEC_GP, CODE_VA);
	/* not its stack: a real fault */
	iretq_fault(0xe033, 0x401234, 40);
	expect(VEC_PF, CODE_VA);
}
END_TEST

/* The domain's are 0xc000 and 0xc001. */
static uint32_t port_value_out;
static unsigned int port_width;

bool ioport_in(struct domain *d, uint16_t port, unsigned int width,
	       uint32_t *value)
{
	port_width = width;
	*value = 0xa1b2c3d4;
	return d == v->domain && (port & 0xfffe) == 0xc000;
}

bool ioport_out(struct domain *d, uint16_t port, unsigned int width,
		uint32_t value)
{
	port_width = width;
	port_value_out = value;
	return d == v->domain && (port & 0xfffe) == 0xc000;
}

START_TEST(ports_of_devices)
{
	v->iopl = 1UL << 12;
	v->regs.rax = 0x1122334455667788;
	v->regs.rdx = 0xc000;
	GP("\xec");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(v->regs.rax, 0x11223344556677d4);
	GP("\x66\xed");
	expect(NO_TRAP, CODE_VA + 2);
	ck_assert_uint_eq(v->regs.rax, 0x112233445566c3d4);
	ck_assert_uint_eq(port_width, 2);
	GP("\xed");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(v->regs.rax, 0xa1b2c3d4);
	v->regs.rax = 0x99999999aabbccdd;
	GP("\xef");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(port_width, 4);
	ck_assert_uint_eq(port_value_out, 0xaabbccdd);
	v->iopl = 0;
	port_value_out = 0;
	GP("\xef");
	expect(VEC_GP, CODE_VA);
	ck_assert_uint_eq(port_value_out, 0);
}
END_TEST

START_TEST(ports)
{
	GP("\xec");			/* iopl 0 */
	expect(VEC_GP, CODE_VA);
	v->iopl = 1UL << 12;
	v->regs.rax = 0x1122334455667788;
	v->regs.rdx = 0xffff0060;
	GP("\xec");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(v->regs.rax, 0x11223344556677ff);
	GP("\x66\xed");
	expect(NO_TRAP, CODE_VA + 2);
	ck_assert_uint_eq(v->regs.rax, 0x112233445566ffff);
	GP("\xe5\x42");
	expect(NO_TRAP, CODE_VA + 2);
	ck_assert_uint_eq(v->regs.rax, 0);
	GP("\xed");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(v->regs.rax, 0xffffffff);
	GP("\xe6\x80");
	expect(NO_TRAP, CODE_VA + 2);
	v->kernel_mode = false;		/* user mode */
	GP("\xec");
	expect(VEC_GP, CODE_VA);
}
END_TEST

START_TEST(ports_of_32_bit_code)
{
	v->regs.cs = FAKE_CODE32;
	v->kernel_mode = false;
	v->regs.rdx = 0x80;
	GP("\xed");
	expect(VEC_GP, CODE_VA);
	v->iopl = 3UL << 12;
	GP("\xed");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(v->regs.rax, 0xffffffff);
	GP("\x48\xed");			/* dec %eax there, no prefix */
	expect(VEC_GP, CODE_VA);
	GP("\xfa");
	expect(NO_TRAP, CODE_VA + 1);
	v->regs.cs = FAKE_CODE32 | 4;	/* in an LDT */
	GP("\xed");
	expect(VEC_GP, CODE_VA);
	v->regs.cs = FAKE_CODE32;
	v->kernel_mode = true;
	GP("\x0f\x20\xc0");		/* mov %cr0, %eax */
	expect(VEC_GP, CODE_VA);
}
END_TEST

START_TEST(interrupt_flag)
{
	GP("\xfa");
	expect(VEC_GP, CODE_VA);
	v->iopl = 1UL << 12;
	GP("\xfa");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 1);
	GP("\xfb");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 0);
	fake_pv.info.evtchn_upcall_mask = 1;
	GP("\xf4");
	expect(NO_TRAP, CODE_VA + 1);
	ck_assert_uint_eq(fake_pv.blocks, 1);
	ck_assert_uint_eq(fake_pv.info.evtchn_upcall_mask, 0);
}
END_TEST

START_TEST(control_registers)
{
	GP("\x0f\x20\xc0");		/* mov %cr0, %rax */
	expect(NO_TRAP, CODE_VA + 3);
	ck_assert_uint_eq(v->regs.rax & 0x80000009, 0x80000001);
	v->regs.rax |= 8;
	GP("\x0f\x22\xc0");
	expect(NO_TRAP, CODE_VA + 3);
	ck_assert(fake_pv.hw_ts);
	v->regs.rax &= ~1UL;		/* PE off */
	GP("\x0f\x22\xc0");
	expect(VEC_GP, CODE_VA);
	GP("\x0f\x06");
	expect(NO_TRAP, CODE_VA + 2);
	ck_assert(!fake_pv.hw_ts);
	GP("\x0f\x20\xdb");		/* mov %cr3, %rbx */
	expect(NO_TRAP, CODE_VA + 3);
	ck_assert_uint_eq(v->regs.rbx, 0x111000);
	GP("\x0f\x22\xdb");
	expect(NO_TRAP, CODE_VA + 3);
	ck_assert_uint_eq(fake_pv.flushes, 1);
	v->regs.rbx = 0x222000;		/* another base */
	fake_pv.base_answer = -ERESTART;
	GP("\x0f\x22\xdb");
	expect(NO_TRAP, CODE_VA);	/* X2: not done yet */
	ck_assert_uint_eq(mfn_n(fake_pv.base_asked), 0x222);
	fake_pv.base_answer = -EBUSY;
	GP("\x0f\x22\xdb");
	expect(VEC_GP, CODE_VA);
	fake_pv.base_answer = 0;
	GP("\x0f\x22\xdb");
	expect(NO_TRAP, CODE_VA + 3);
	v->regs.rcx = ~0UL;
	GP("\x0f\x22\xe1");		/* mov %rcx, %cr4 */
	expect(NO_TRAP, CODE_VA + 3);
	GP("\x41\x0f\x20\xe0");		/* mov %cr4, %r8 */
	expect(NO_TRAP, CODE_VA + 4);
	ck_assert_uint_eq(v->regs.r8, 0x62c);
	GP("\x44\x0f\x20\xc0");		/* cr8 */
	expect(VEC_GP, CODE_VA);
	v->kernel_mode = false;
	GP("\x0f\x20\xc0");
	expect(VEC_GP, CODE_VA);
}
END_TEST

static void rdmsr_of(uint32_t msr, unsigned int vector)
{
	v->regs.rcx = msr;
	GP("\x0f\x32");
	expect(vector, vector == NO_TRAP ? CODE_VA + 2 : CODE_VA);
}

static void wrmsr_to(uint32_t msr, uint64_t value, unsigned int vector)
{
	v->regs.rcx = msr;
	v->regs.rax = (uint32_t)value;
	v->regs.rdx = value >> 32;
	GP("\x0f\x30");
	expect(vector, vector == NO_TRAP ? CODE_VA + 2 : CODE_VA);
}

START_TEST(msrs)
{
	wrmsr_to(0xc0000101, 0xffffffff8301a000, NO_TRAP);
	ck_assert_uint_eq(fake_pv.gs_base, 0xffffffff8301a000);
	rdmsr_of(0xc0000101, NO_TRAP);
	ck_assert_uint_eq(v->regs.rax, 0x8301a000);
	ck_assert_uint_eq(v->regs.rdx, 0xffffffff);
	wrmsr_to(0xc0000101, 0x800000000000, VEC_GP);	/* TR5 */
	wrmsr_to(0xc0000100, 0xdead000000000000, VEC_GP);
	wrmsr_to(0xc0000102, 0x7000, NO_TRAP);
	ck_assert_uint_eq(v->gs_base_user, 0x7000);
	rdmsr_of(0x277, NO_TRAP);
	ck_assert_uint_eq(v->regs.rax, 0x00070406);
	ck_assert_uint_eq(v->regs.rdx, 0x00070406);
	rdmsr_of(0x1b, NO_TRAP);
	ck_assert_uint_eq(v->regs.rax, 0xfee00900);
	rdmsr_of(0x10, NO_TRAP);
	rdmsr_of(0x4b564d00, VEC_GP);
	wrmsr_to(0x4b564d00, 1, VEC_GP);
	wrmsr_to(0x8b, 0, NO_TRAP);
	rdmsr_of(0xc0000082, NO_TRAP);
	ck_assert_uint_eq(v->regs.rax, 0);	/* no address of ours */
	v->traps[VEC_GP].address = 0;		/* too early for #GP */
	rdmsr_of(0x4b564d00, NO_TRAP);
	v->kernel_mode = false;
	rdmsr_of(0x10, VEC_GP);
}
END_TEST

START_TEST(forced_cpuid)
{
	v->regs.rax = 0x40000000;
	fault(VEC_UD, 0, "\x0f\x0bxen\x0f\xa2", 7);
	expect(NO_TRAP, CODE_VA + 7);
	ck_assert_uint_eq(v->regs.rbx, 0x566e6558);
	v->kernel_mode = false;
	v->regs.rax = 0x40000000;
	fault(VEC_UD, 0, "\x0f\x0bxen\x0f\xa2", 7);
	expect(NO_TRAP, CODE_VA + 7);
	fault(VEC_UD, 0, "\x0f\x0bxen\xfa", 6);
	expect(VEC_UD, CODE_VA);
	fault(VEC_UD, 0, "\x0f\x0bxex\x0f\xa2", 7);
	expect(VEC_UD, CODE_VA);
	/* the page ends behind "xen" */
	v->regs.rip = CODE_VA + sizeof(code) - 5;
	memcpy(code + sizeof(code) - 5, "\x0f\x0bxen", 5);
	v->regs.vector = VEC_UD;
	trap_handle(v, 0);
	expect(VEC_UD, CODE_VA + sizeof(code) - 5);
}
END_TEST

START_TEST(single_step)
{
	v->regs.rflags |= RFLAGS_TF;
	GP("\x0f\x09");
	ck_assert(v->dr[6] & 1 << 14);
	expect(VEC_DB, CODE_VA + 2);
}
END_TEST

START_TEST(software_interrupts)
{
	/* ec of the CPU, and the wrong one of TCG */
	for (unsigned int factor = 8; factor <= 16; factor += 8) {
		v->traps[0x21].flags = 0;
		fault(VEC_GP, 0x21 * factor + 2, "\xcd\x21", 2);
		ck_assert_uint_eq(v->trap.error_code, 0x21 * 8 + 2);
		expect(VEC_GP, CODE_VA);
		v->traps[0x21].flags = 1;
		fault(VEC_GP, 0x21 * factor + 2, "\xcd\x21", 2);
		expect(0x21, CODE_VA + 2);
		v->kernel_mode = false;
		fault(VEC_GP, 0x21 * factor + 2, "\xcd\x21", 2);
		expect(VEC_GP, CODE_VA);
		v->traps[0x21].flags = 3;
		fault(VEC_GP, 0x21 * factor + 2, "\xcd\x21", 2);
		expect(0x21, CODE_VA + 2);
		v->kernel_mode = true;
	}
	fault(VEC_GP, 0x102, "\x90", 1);	/* not an int at all */
	expect(VEC_GP, CODE_VA);
}
END_TEST

/* TR4 */
START_TEST(open_gates)
{
	static const uint32_t vectors[] = { VEC_INT80, VEC_HYPERCALL_INT };
	uint32_t n = vectors[_i];

	v->traps[n].flags = 3;
	v->regs.rip = CODE_VA + 2;
	fault(n, 0, "\xcd", 1);
	expect(n, CODE_VA + 2);
	v->traps[n].flags = 1;
	v->kernel_mode = false;
	v->regs.rip = CODE_VA + 2;
	fault(n, 0, "\xcd", 1);
	ck_assert_uint_eq(v->trap.error_code, n * 8 + 2);
	expect(VEC_GP, CODE_VA);
	v->traps[n] = (struct trap_info){ .flags = 3 };
	v->regs.rip = CODE_VA + 2;
	fault(n, 0, "\xcd", 1);
	expect(VEC_GP, CODE_VA);
}
END_TEST

START_TEST(breakpoints)
{
	v->regs.rip = CODE_VA + 1;
	fault(VEC_BP, 0, "\xcc", 1);
	expect(VEC_BP, CODE_VA + 1);
	v->kernel_mode = false;
	v->regs.rip = CODE_VA + 1;
	fault(VEC_BP, 0, "\xcc", 1);
	expect(VEC_GP, CODE_VA);
	v->regs.rip = CODE_VA + 2;
	fault(VEC_BP, 0, "\xcd\x03", 2);
	expect(VEC_GP, CODE_VA);
	v->traps[VEC_BP].flags = 3;
	v->regs.rip = CODE_VA + 1;
	fault(VEC_BP, 0, "\xcc", 1);
	expect(VEC_BP, CODE_VA + 1);
}
END_TEST

START_TEST(debug)
{
	v->dr[6] = 0xffff0ff0;
	fake_pv.hw_dr[6] = 0xffff4ff1;	/* B0 is another domain's: TR9 */
	fault(VEC_DB, 0, "", 0);
	expect(VEC_DB, CODE_VA);
	ck_assert_uint_eq(v->dr[6], 0xffff4ff0);
	ck_assert_uint_eq(fake_pv.hw_dr[6], 0xffff0ff0);
	ck_assert_int_eq(debugreg_set(v, 1, 0x1234), 0);
	ck_assert_uint_eq(fake_pv.hw_dr[1], 0);
	ck_assert_int_eq(debugreg_set(v, 7, 4), 0);	/* now all are loaded */
	ck_assert_uint_eq(fake_pv.hw_dr[1], 0x1234);
	ck_assert_uint_eq(fake_pv.hw_dr[6], 0xffff4ff0);
	fake_pv.hw_dr[6] = 0xffff0ff2;
	fault(VEC_DB, 0, "", 0);
	expect(VEC_DB, CODE_VA);
	ck_assert_uint_eq(v->dr[6], 0xffff4ff2);	/* sticky */
	ck_assert_uint_eq(fake_pv.hw_dr[6], 0xffff4ff2);
}
END_TEST

START_TEST(no_fpu)
{
	v->cr0_ts = 1;
	fault(VEC_NM, 0, "", 0);
	expect(VEC_NM, CODE_VA);
	ck_assert_uint_eq(v->cr0_ts, 0);
	fault(VEC_NM, 0, "", 0);
	expect(NO_TRAP, CODE_VA);
}
END_TEST

static void page_fault(uint64_t cr2, uint32_t error)
{
	v->regs.vector = VEC_PF;
	v->regs.error_code = error;
	trap_handle(v, cr2);
}

START_TEST(page_faults)
{
	static const uint32_t errors[] = { 4, 5, 6, 7, 0x15 };
	unsigned int i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		page_fault(0x5000, errors[i]);
		expect(VEC_PF, CODE_VA);
		page_fault(M2P_VIRT, errors[i]);
		expect(VEC_PF, CODE_VA);
	}
	v->kernel_mode = false;
	page_fault(0x5000, 7);
	expect(VEC_PF, CODE_VA);
}
END_TEST

START_TEST(others)
{
	fault(VEC_SS, 8, "", 0);
	ck_assert(v->trap.has_error);
	expect(VEC_SS, CODE_VA);
	fault(VEC_MF, 0, "", 0);
	ck_assert(!v->trap.has_error);
	expect(VEC_MF, CODE_VA);
	fault(0x90, 0, "", 0);
	expect(NO_TRAP, CODE_VA);
}
END_TEST

/* Not 64-bit code: nothing is emulated. */
START_TEST(other_code_segments)
{
	v->regs.cs = 0x2b;
	GP("\x0f\x09");
	expect(VEC_GP, CODE_VA);
	v->regs.cs = 0xfff8;
	GP("\x0f\x09");
	expect(VEC_GP, CODE_VA);
}
END_TEST

/* N2: any bytes at any fault: one exception or progress, never a crash. */
START_TEST(any_bytes)
{
	static const uint8_t vectors[] = {
		0, 1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 13, 13, 14, 16, 17, 19,
		0x80, 0x82,
	};

	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		char bytes[15];

		setup();
		for (unsigned int b = 0; b < sizeof(bytes); b++)
			bytes[b] = rand() & 1 ? rand() : "\x0f\x66\x48\xcd"[rand() & 3];
		v->iopl = (uint64_t)(rand() & 3) << 12;
		v->kernel_mode = rand() & 1;
		v->regs.rcx = rand() & 1 ? 0xc0000100 + rand() % 4 : 0x10;
		v->regs.rdx = rand() & 1 ? 0 : rand();
		v->regs.rip = CODE_VA + (rand() & 1 ? 0 : rand() % 40);
		fault(vectors[rand() % sizeof(vectors)], rand() & 0x7ff, bytes,
		      sizeof(bytes));
		ck_assert_uint_eq(fake_pv.crashes, 0);
		ck_assert_uint_lt(v->regs.rip - CODE_VA + 2, 60);
	}
}
END_TEST

START_TEST(debug_registers)
{
	static const uint64_t refused[] = {	/* TR6 */
		HV_VIRT_START, HV_VIRT_START - 4, HV_VIRT_END - 1,
		DIRECTMAP_VIRT, 0x800000000000, ~0UL,
	};
	uint64_t value;

	for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
		ck_assert_int_eq(debugreg_set(v, i & 3, refused[i]), -EPERM);
	ck_assert_int_eq(debugreg_set(v, 0, 0xffffffff81000000), 0);
	ck_assert_int_eq(debugreg_set(v, 1, 0), 0);
	ck_assert_int_eq(debugreg_set(v, 7, 1 << 13), -EPERM);
	ck_assert_int_eq(debugreg_set(v, 7, ~0UL & ~(1UL << 13)), 0);
	ck_assert_uint_eq(fake_pv.hw_dr[7], 0xffff07ff);
	ck_assert_int_eq(debugreg_set(v, 6, 0), 0);
	ck_assert_int_eq(debugreg_get(v, 4, &value), 0);
	ck_assert_uint_eq(value, 0xffff0ff0);
	ck_assert_int_eq(debugreg_set(v, 8, 0), -ENODEV);
	ck_assert_int_eq(debugreg_get(v, 8, &value), -ENODEV);
	ck_assert_int_eq(debugreg_get(v, ~0UL, &value), -ENODEV);
}
END_TEST

/* Breakpoint 0 on port 0x60 (and 1 on writes to memory): only with CR4.DE. */
#define DR7_IO	0x120602UL

START_TEST(io_breakpoints_need_de)
{
	uint64_t value;

	ck_assert_int_eq(debugreg_set(v, 7, DR7_IO), -EPERM);
	ck_assert_uint_eq(v->dr[7], 0);
	v->regs.rax = DR7_IO;
	GP("\x0f\x23\xf8");		/* mov %rax, %dr7 */
	expect(VEC_GP, CODE_VA);
	v->cr4 = CR4_DE;
	GP("\x0f\x23\xf8");
	expect(NO_TRAP, CODE_VA + 3);
	ck_assert_uint_eq(fake_pv.hw_dr[7] & 0xff, 0);
	GP("\x0f\x21\xf9");		/* mov %dr7, %rcx */
	expect(NO_TRAP, CODE_VA + 3);
	ck_assert_uint_eq(v->regs.rcx, DR7_IO);
	for (unsigned int nr = 4; nr < 6; nr++) {
		ck_assert_int_eq(debugreg_set(v, nr, 0), -ENODEV);
		ck_assert_int_eq(debugreg_get(v, nr, &value), -ENODEV);
	}
	GP("\x0f\x21\xe1");		/* mov %dr4, %rcx */
	expect(VEC_UD, CODE_VA);
	ck_assert_int_eq(debugreg_set(v, 7, 4), 0);
	ck_assert_uint_eq(v->dr7_io, 0);
	v->kernel_mode = false;
	GP("\x0f\x21\xe1");
	expect(VEC_GP, CODE_VA);
}
END_TEST

static void io_access(uint16_t port, bool meets)
{
	v->dr[6] = 0xffff0ff0;
	v->regs.rdx = port;
	GP("\x66\xed");			/* in %dx, %ax */
	expect(meets ? VEC_DB : NO_TRAP, CODE_VA + 2);
	ck_assert_uint_eq(v->dr[6], meets ? 0xffff0ff1 : 0xffff0ff0);
}

START_TEST(io_breakpoints)
{
	v->iopl = 1UL << 12;
	v->cr4 = CR4_DE;
	ck_assert_int_eq(debugreg_set(v, 0, 0x60), 0);
	ck_assert_int_eq(debugreg_set(v, 7, 0xe0602), 0);	/* 0x60-0x63 */
	io_access(0x5e, false);
	io_access(0x5f, true);
	io_access(0x63, true);
	io_access(0x64, false);
	v->regs.rflags |= RFLAGS_TF;	/* both: one #DB */
	GP("\xe6\x60");
	expect(VEC_DB, CODE_VA + 2);
	ck_assert_uint_eq(v->dr[6], 0xffff4ff1);
	v->regs.rflags &= ~RFLAGS_TF;
	/* another is in the CPU */
	ck_assert_int_eq(debugreg_set(v, 7, 0xe0602 | 4), 0);
	io_access(0x60, true);
	ck_assert_uint_eq(fake_pv.hw_dr[6], 0xffff0ff1);
	v->cr4 = 0;
	io_access(0x60, false);
}
END_TEST

/* Ports 0-15 count; 3 and 9 are allowed. */
START_TEST(io_bitmap)
{
	uint8_t bits[2] = { (uint8_t)~8, (uint8_t)~2 };

	fake_memory_add(0x500000, bits, sizeof(bits), false);
	v->iobitmap_va = 0x500000;
	v->iobitmap_ports = 16;
	v->kernel_mode = false;
	GP("\xe4\x04");
	expect(VEC_GP, CODE_VA);
	bits[0] = 0xe7;			/* 3 and 4 */
	GP("\xe4\x03");
	expect(NO_TRAP, CODE_VA + 2);
	ck_assert_uint_eq(fake_pv.mode_changes, 4);	/* read as the kernel */
	ck_assert(!v->kernel_mode);
	GP("\x66\xe5\x03");
	expect(NO_TRAP, CODE_VA + 3);
	GP("\xe5\x03");			/* 5, 6 too */
	expect(VEC_GP, CODE_VA);
	GP("\xe4\x10");
	expect(VEC_GP, CODE_VA);
	GP("\xfa");			/* cli is not a port */
	expect(VEC_GP, CODE_VA);
	v->iobitmap_va = 0x600000;	/* nothing there */
	GP("\xe4\x03");
	expect(VEC_GP, CODE_VA);
	/* the second byte is not there: not asked for */
	v->iobitmap_va = 0x500001;
	GP("\xe4\x01");
	expect(NO_TRAP, CODE_VA + 2);
	GP("\x66\xe5\x07");
	expect(VEC_GP, CODE_VA);
}
END_TEST

static long call(hypercall_fn fn, uint64_t a0, uint64_t a1)
{
	struct hypercall_args args = { .a = { a0, a1 } };

	return fn(&args);
}

START_TEST(trap_table)
{
	static struct trap_info table[4];
	struct hypercall_args args = { .a = { 0x700000 } };

	table[0] = (struct trap_info){ 14, 4, 0xe033, 0xffffffff81234567 };
	table[1] = (struct trap_info){ 0x80, 3, 0xe033, 0xffffffff81234568 };
	table[2] = (struct trap_info){ 13, 0, 0xe033, 0 };
	fake_memory_add(0x700000, table, sizeof(table), false);
	for (unsigned int rounds = 0;; rounds++) {
		fake_pv.preempt_after = 0;	/* cut after each entry */
		if (op_set_trap_table(&args) != -ERESTART)
			break;
		ck_assert_uint_lt(rounds, 3);
	}
	ck_assert_uint_eq(v->traps[14].address, 0xffffffff81234567);
	ck_assert_uint_eq(v->traps[0x80].address, 0xffffffff81234568);
	ck_assert_uint_eq(v->traps[13].address, FAKE_HANDLER(13));
	ck_assert_int_eq(call(op_set_trap_table, 0x6fffff, 0), -EFAULT);
	ck_assert_int_eq(call(op_set_trap_table, HV_VIRT_START, 0), -EFAULT);
	table[0].address = HV_VIRT_START;
	ck_assert_int_eq(call(op_set_trap_table, 0x700000, 0), -EINVAL);
	table[0].address = 0x1000000000000000;
	ck_assert_int_eq(call(op_set_trap_table, 0x700000, 0), -EINVAL);
	ck_assert_int_eq(call(op_set_trap_table, 0, 0), 0);
	ck_assert_uint_eq(v->traps[14].address, 0);
}
END_TEST

START_TEST(segment_bases)
{
	fake_pv.gs_base = 0x9000;
	ck_assert_int_eq(call(op_set_segment_base, 0, 0x1000), 0);
	ck_assert_uint_eq(fake_pv.fs_base, 0x1000);
	ck_assert_int_eq(call(op_set_segment_base, 1, 0x2000), 0);
	ck_assert_uint_eq(v->gs_base_user, 0x2000);
	ck_assert_uint_eq(fake_pv.gs_base, 0x9000);
	ck_assert_int_eq(call(op_set_segment_base, 2, 0x3000), 0);
	ck_assert_uint_eq(fake_pv.gs_base, 0x3000);
	fake_pv.gs_user_base = 0x4000;
	ck_assert_int_eq(call(op_set_segment_base, 3, 0x2b), 0);
	ck_assert_uint_eq(fake_pv.gs_base, 0x3000);	/* the kernel's stays */
	ck_assert_uint_eq(v->gs_base_user, 0x4000);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(call(op_set_segment_base, i, 0x800000000000),
				 -EINVAL);
	ck_assert_int_eq(call(op_set_segment_base, 4, 0), -EINVAL);
}
END_TEST

START_TEST(callbacks)
{
	static struct { uint16_t type, flags, pad[2]; uint64_t address; } reg;

	fake_memory_add(0x700000, &reg, sizeof(reg), false);
	reg.type = 2;
	reg.flags = 1;
	reg.address = 0xffffffff81111110;
	ck_assert_int_eq(call(op_callback, 0, 0x700000), 0);
	ck_assert_uint_eq(v->syscall_cb.address, 0xffffffff81111110);
	ck_assert(v->syscall_cb.mask_events);
	reg.address = HV_VIRT_START + 5;
	ck_assert_int_eq(call(op_callback, 0, 0x700000), -EINVAL);
	reg.address = 0x8000000000000000;
	ck_assert_int_eq(call(op_callback, 0, 0x700000), -EINVAL);
	ck_assert_int_eq(call(op_callback, 1, 0x700000), -EINVAL);
	reg.type = 4;
	reg.address = 0x8000000000000000;
	ck_assert_int_eq(call(op_callback, 0, 0x700000), -EINVAL);
	reg.address = 0x5550;
	ck_assert_int_eq(call(op_callback, 0, 0x700000), 0);
	ck_assert_uint_eq(v->traps[VEC_NMI].address, 0x5550);
	ck_assert(TI_GET_IF(&v->traps[VEC_NMI]));
	ck_assert_int_eq(call(op_callback, 1, 0x700000), 0);
	ck_assert_uint_eq(v->traps[VEC_NMI].address, 0);
	reg.type = 99;
	ck_assert_int_eq(call(op_callback, 0, 0x700000), -ENOSYS);
	ck_assert_int_eq(call(op_callback, 1, 0x700000), -ENOSYS);
	ck_assert_int_eq(call(op_callback, 2, 0x700000), -ENOSYS);
	ck_assert_int_eq(call(op_callback, 0, 0x700001 + sizeof(reg)), -EFAULT);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("traps");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, ports);
	tcase_add_test(tc, ports_of_devices);
	tcase_add_test(tc, ports_of_32_bit_code);
	tcase_add_test(tc, io_breakpoints_need_de);
	tcase_add_test(tc, io_breakpoints);
	tcase_add_test(tc, io_bitmap);
	tcase_add_test(tc, interrupt_flag);
	tcase_add_test(tc, control_registers);
	tcase_add_test(tc, msrs);
	tcase_add_test(tc, forced_cpuid);
	tcase_add_test(tc, single_step);
	tcase_add_test(tc, software_interrupts);
	tcase_add_loop_test(tc, open_gates, 0, 2);
	tcase_add_test(tc, breakpoints);
	tcase_add_test(tc, debug);
	tcase_add_test(tc, no_fpu);
	tcase_add_test(tc, page_faults);
	tcase_add_test(tc, others);
	tcase_add_test(tc, other_code_segments);
	tcase_add_test(tc, any_bytes);
	tcase_add_test(tc, debug_registers);
	tcase_add_test(tc, tcg_iretq);
	tcase_add_test(tc, tcg_iretq_bad_frame);
	tcase_add_test(tc, trap_table);
	tcase_add_test(tc, segment_bases);
	tcase_add_test(tc, callbacks);
	return suite_run();
}
