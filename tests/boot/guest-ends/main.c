/* SPDX-License-Identifier: MIT */
/*
 * Guests that end in every way a kernel can (how=): each must end alone.  Those
 * with expect=CRASH must be stopped by the hypervisor with a line that says
 * why.
 */
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/timer.h>

#include "../gl_test.h"

static void no_traps(void)
{
	gl_hypercall(__HYPERVISOR_set_trap_table, 0, 0, 0, 0, 0);
}

static void how_ud(void)
{
	no_traps();
	__asm__ volatile("ud2");
}

static void how_jump(void)
{
	no_traps();
	__asm__ volatile("jmp *%0" : : "r"(0x1234567890UL));
}

/* An exception with nowhere to put its frame. */
static void how_stack(void)
{
	__asm__ volatile("mov $0x5a5a00000000, %%rsp; ud2" : : : "memory");
}

static void how_hvstack(void)
{
	__asm__ volatile("mov $0xffff830000100000, %%rsp; ud2" : : : "memory");
}

/* Every entry of its own L4, through the hypervisor, as the ABI allows. */
static void how_wipe(void)
{
	uint64_t l4 = gl_virt_to_mfn(gl_start_info->pt_base) << GL_PAGE_SHIFT;
	struct mmu_update req;

	for (unsigned int slot = 0; slot < 512; slot++) {
		req = (struct mmu_update){ .ptr = l4 + slot * 8 };
		hypercall_mmu_update(&req, 1, NULL, DOMID_SELF);
	}
}

static void how_iret(void)
{
	no_traps();
	gl_hypercall(__HYPERVISOR_iret, 0, 0, 0, 0, 0);
}

/*
 * An iret frame that no ring 3 may have; flags 0x100 asks for the fast way
 * back.
 */
static void bad_frame(uint64_t rip, uint64_t cs, uint64_t ss, uint64_t flags)
{
	uint64_t frame[] = { 0, 0, 0, flags, rip, cs, 0x202, 0x1000, ss };

	no_traps();
	__asm__ volatile("mov %0, %%rsp; mov $23, %%eax; syscall"
			 : : "r"(frame) : "memory");
}

/* TR1: sysret to an address that faults in ring 0 on some processors. */
static void how_sysret(void)
{
	bad_frame(1UL << 47, 0xe030, 0xe02b, 0x100);
}

/* TR3: the hypervisor's own segments. */
static void how_segment(void)
{
	bad_frame(0x1000, 0xe008, 0xe010, 0);
}

static void how_int(void)
{
	no_traps();
	__asm__ volatile("int $0x42");
}

/* A stack in the hypervisor's range, told to it. */
static void how_switch(void)
{
	gl_hypercall(__HYPERVISOR_stack_switch, 0, 0xffff830000100000, 0, 0, 0);
	how_stack();
}

static void how_spin(void)
{
	uint64_t end = gl_now_ns() + gl_cmdline_u64("ms", 1000) * 1000000;

	while (gl_now_ns() < end)
		__asm__ volatile("pause");
	gl_test_done();
}

static void how_crash(void)
{
	gl_shutdown(SHUTDOWN_crash);
}

static const struct {
	const char *name;
	void (*fn)(void);
} ways[] = {
	{ "ud", how_ud }, { "jump", how_jump }, { "stack", how_stack },
	{ "hvstack", how_hvstack }, { "wipe", how_wipe }, { "iret", how_iret },
	{ "int", how_int }, { "switch", how_switch }, { "spin", how_spin },
	{ "crash", how_crash }, { "sysret", how_sysret },
	{ "segment", how_segment },
};

void gl_main(void)
{
	char how[16] = "";

	gl_cmdline_text("how", how, sizeof(how));
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(how, ways[i].name))
			ways[i].fn();
	gl_test_fail("still here after how=%s", how);
	gl_test_done();
}
