/* SPDX-License-Identifier: MIT */
/*
 * DD1, DD2: a guest that offers, breaks, pins, gives memory back and takes it
 * again in a random order, and dies at a random point: by poweroff, by a crash,
 * or in the middle of a fault.  With repeat= it is created again and again; at
 * the end every frame must be back and the audit clean.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/string.h>

#include "../gl_test.h"

#define PAGES	200

static uint64_t page[PAGES], state;
static int32_t status[PAGES];
static struct gl_share *share;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void write_one(void)
{
	uint64_t i = draw(PAGES);

	for (unsigned int k = 0; k < 512; k++)
		((volatile uint64_t *)page[i])[k] = draw(3);
	memset((void *)page[i], (int)draw(5), GL_PAGE_BYTES);
}

static void give_and_take(void)
{
	uint64_t va = gl_page_alloc();

	if (!va)
		return;
	if (gl_frame_return(va) == 0 && draw(2))
		gl_frame_regain(va);
}

/* A page as L1 table and back, or left pinned. */
static void pin_one(void)
{
	uint64_t va = gl_page_alloc();
	struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE };

	if (!va)
		return;
	memset((void *)va, 0, GL_PAGE_BYTES);
	op.arg1.mfn = gl_virt_to_mfn(va);
	gl_map_page(va, op.arg1.mfn, GL_PTE_KERNEL_RO);
	gl_test_equal(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
	if (draw(3))
		return;
	op.cmd = MMUEXT_UNPIN_TABLE;
	gl_test_equal(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
}

static void die(void)
{
	switch (draw(4)) {
	case 0:
		gl_share_pages(share, page, PAGES, status);
		gl_shutdown(SHUTDOWN_poweroff);
	case 1:
		gl_shutdown(SHUTDOWN_crash);
	case 2:
		__asm__ volatile("mov $0x5a5a00000000, %%rsp; ud2"
				 : : : "memory");
		break;
	default:
		gl_shutdown(SHUTDOWN_reboot);
	}
}

void gl_main(void)
{
	unsigned int steps;

	__asm__ volatile("rdtsc; shl $32, %%rdx; or %%rdx, %%rax"
			 : "=a"(state) : : "rdx");
	state |= 1;
	steps = (unsigned int)draw(60);
	share = gl_share_setup(16);
	if (!share)
		gl_shutdown(SHUTDOWN_poweroff);
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = gl_page_alloc();
		memset((void *)page[i], (int)draw(5), GL_PAGE_BYTES);
	}
	while (steps-- > 0) {
		switch (draw(5)) {
		case 0:
			gl_share_pages(share, page, draw(PAGES) + 1, status);
			break;
		case 1:
			gl_share_unshare(share, page[draw(PAGES)]);
			break;
		case 2:
			give_and_take();
			break;
		case 3:
			pin_one();
			break;
		default:
			write_one();
		}
		gl_share_refill(share);
	}
	die();
}
