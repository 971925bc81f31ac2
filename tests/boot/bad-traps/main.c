/* SPDX-License-Identifier: MIT */
/*
 * A guest kernel that tries to get out, or others into trouble, by its traps,
 * its iret frames and its privileged instructions: TR3, TR8, TR10, TR11.  It
 * must survive all of it.
 */
#include <gl/event.h>
#include <gl/trap.h>
#include <gl/vcpu.h>
#include <xen/memory.h>
#include <xen/physdev.h>

#include "../attack.h"

#define RFLAGS_TF	(1UL << 8)
#define RFLAGS_IF	(1UL << 9)
#define RFLAGS_IOPL	(3UL << 12)
#define RFLAGS_NT	(1UL << 14)
#define RFLAGS_VM	(1UL << 17)
#define RFLAGS_VIF	(3UL << 19)
#define CS		0xe030UL
#define SS		0xe02bUL

static unsigned int faults;
static uint64_t last_error;

static bool skip_two(struct gl_regs *regs)
{
	faults++;
	last_error = regs->error_code;
	regs->rip += 2;
	return true;
}

/* What rflags are after an iret that asks for these, with that flags word. */
static uint64_t iret_with(uint64_t rflags, uint64_t vgcf)
{
	uint64_t got;

	__asm__ volatile("mov %%rsp, %%r10\n\t"
			 "push %[ss]\n\tpush %%r10\n\tpush %[rflags]\n\t"
			 "push %[cs]\n\tlea 1f(%%rip), %%rax\n\tpush %%rax\n\t"
			 "push %[vgcf]\n\tpush $0\n\tpush $0\n\tpush $0\n\t"
			 "mov $23, %%eax\n\tsyscall\n"
			 "1: pushf\n\tpop %[got]"
			 : [got] "=&r"(got)
			 : [ss] "r"(SS), [cs] "r"(CS), [rflags] "r"(rflags),
			   [vgcf] "r"(vgcf)
			 : "rax", "rcx", "r10", "r11", "memory");
	return got;
}

/*
 * TR3: neither IOPL nor VM nor interrupts off; IF becomes the upcall mask.
 * (0x100: in a syscall.)
 */
static void test_iret_frames(void)
{
	const uint64_t bad = RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF;

	for (uint64_t vgcf = 0; vgcf <= 0x100; vgcf += 0x100) {
		uint64_t got = iret_with(bad | RFLAGS_NT | 2, vgcf);

		gl_test_equal(got & bad, 0);
		gl_test_check(got & RFLAGS_IF);
		gl_test_equal(gl_vcpu_info()->evtchn_upcall_mask, 1);
		got = iret_with(RFLAGS_IF, vgcf);
		gl_test_equal(got & (bad | RFLAGS_NT), 0);
		gl_test_equal(gl_vcpu_info()->evtchn_upcall_mask, 0);
	}
}

static void read_msr(uint32_t msr)
{
	uint32_t lo = 0, hi = 0;

	__asm__ volatile("rdmsr" : "+a"(lo), "+d"(hi) : "c"(msr) : "memory");
}

/* All ones: what a register could refuse. */
static void write_msr(uint32_t msr)
{
	__asm__ volatile("wrmsr" : : "a"(~0u), "d"(~0u), "c"(msr) : "memory");
}

/*
 * TR10: each is done, or gives this guest one #GP (TR8); the segment bases
 * refuse all ones only if not canonical.
 */
static void test_msrs(void)
{
	static const uint32_t ranges[] = { 0, 0xc0000000, 0xc0010000,
					   0x40000000, 0xfffff000 };
	unsigned int before;

	for (unsigned int r = 0; r < 5; r++)
		for (uint32_t i = 0; i < 0x1000; i++) {
			uint32_t msr = ranges[r] + i;

			before = faults;
			read_msr(msr);
			gl_test_check(faults - before <= 1);
			/*
			 * 0xc0000100-102: bases; they are ours to ruin, not now
			 */
			if (msr >= 0xc0000100 && msr <= 0xc0000102)
				continue;
			before = faults;
			write_msr(msr);
			gl_test_check(faults - before <= 1);
		}
	gl_test_check(faults > 0x4000);
}

static void write_base(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "a"((uint32_t)value),
			 "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

/* TR5 by wrmsr. */
static void test_bases(void)
{
	for (uint32_t msr = 0xc0000100; msr <= 0xc0000102; msr++) {
		faults = 0;
		write_base(msr, 1UL << 47);
		gl_test_equal(faults, 1);
		write_base(msr, 0x7fff000000000000);
		gl_test_equal(faults, 2);
	}
}

static void set_iopl(uint32_t iopl)
{
	struct physdev_set_iopl set = { .iopl = iopl };

	gl_test_equal(raw_call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl,
			       (uint64_t)&set, 0, 0, 0), 0);
}

/*
 * TR10: ports need IOPL; with it there is no device behind them (0xf4 would end
 * the machine).
 */
static void test_ports(void)
{
	uint64_t in = 0;

	set_iopl(1);
	faults = 0;
	__asm__ volatile("inb $0x60, %%al" : "+a"(in));
	gl_test_equal(in, 0xff);
	__asm__ volatile("outb %%al, $0xf4" : : "a"(0));
	gl_test_equal(faults, 0);
	set_iopl(0);
	__asm__ volatile("inb $0x60, %%al; nop" : : : "rax");
	__asm__ volatile("outb %%al, $0xf4" : : "a"(0));
	gl_test_equal(faults, 2);
	gl_test_equal(last_error, 0);
}

static uint64_t steps;

static bool count_step(struct gl_regs *regs)
{
	steps++;
	return true;
}

/*
 * TR11: single steps over each way in; the flag is the guest's and ends with
 * its popf.
 */
static void test_steps(void)
{
	uint64_t before;

	gl_trap_handler_set(TRAP_debug, count_step);
	gl_trap_handler_set(TRAP_int3, count_step);
	faults = 0;
	__asm__ volatile("pushf\n\torq $0x100, (%%rsp)\n\tpopf\n\t"
			 "nop\n\t"
			 "mov $17, %%eax\n\txor %%edi, %%edi\n\tsyscall\n\t"
			 "mov $0x10, %%ecx\n\trdmsr\n\t"
			 "mov $0x12345, %%ecx\n\trdmsr\n\t"
			 ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2\n\t"
			 "int3\n\t"
			 "pushf\n\tandq $~0x100, (%%rsp)\n\tpopf\n\t"
			 "nop"
			 : : : "rax", "rbx", "rcx", "rdx", "rdi", "r11", "memory",
			   "cc");
	gl_test_equal(faults, 1);
	gl_test_check(steps >= 8);
	before = steps;
	__asm__ volatile("nop; nop");
	(void)hypercall_xen_version(XENVER_version, NULL);
	gl_test_equal(steps, before);
	gl_trap_handler_set(TRAP_debug, NULL);
}

/* TR8: a bad pointer in a hypercall is its error, no exception. */
static void test_no_exception(void)
{
	faults = 0;
	gl_trap_handler_set(TRAP_page_fault, skip_two);
	gl_test_equal(hypercall_sched_op(SCHEDOP_poll, (void *)FAR_VA),
		      -XEN_EFAULT);
	gl_test_equal(raw_call(__HYPERVISOR_memory_op,
			       XENMEM_machphys_mapping, HV_BASE, 0, 0, 0),
		      -XEN_EFAULT);
	gl_test_equal(faults, 0);
	gl_trap_handler_set(TRAP_page_fault, NULL);
}

void gl_main(void)
{
	gl_trap_handler_set(TRAP_gp_fault, skip_two);
	test_iret_frames();
	test_bases();
	test_ports();
	test_msrs();
	test_steps();
	test_no_exception();
	gl_test_done();
}
