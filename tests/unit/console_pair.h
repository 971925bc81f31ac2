/* SPDX-License-Identifier: MIT */
/* Two domains with consoles, and what they write: for units of console.c. */
#ifndef TESTS_UNIT_CONSOLE_PAIR_H
#define TESTS_UNIT_CONSOLE_PAIR_H

#include <check.h>
#include <string.h>

#include <port.h>

#include <xen/io/console.h>

#include "dom/console.h"
#include "dom/evtchn.h"
#include "fake/fake_dom.h"
#include "mm/pagetype.h"

#define PORT 5

static struct domain *a, *b;
static struct xencons_interface *ring, *ring_b;

static struct xencons_interface *connect(struct domain *d, mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);

	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(console_init(d, f, PORT), 0);
	ck_assert_uint_eq(f->state, 1);
	ck_assert_uint_eq(type_count(f->type), 1);
	ck_assert_int_eq(type_class(f->type), CLASS_WRITABLE);
	return mfn_to_virt(mfn);
}

static void setup(void)
{
	fake_reset();
	fake_ram_init(8 * PAGE_SIZE);
	a = fake_domain(0);
	b = fake_domain(1);
	ring = connect(a, MFN(1));
	ring_b = connect(b, MFN(2));
	fake_current(a);
	console_set_focus("all");
	console_operator_line = NULL;
	console_set_rate(0);
}

static void teardown(void)
{
	console_fini(a);
	console_fini(b);
	console_fini(b);	/* twice is harmless */
	ck_assert_int_eq(fake.allocs, 0);
	for (mfn_t mfn = MFN(1); mfn_n(mfn) <= 2; mfn = mfn_add(mfn, 1)) {
		ck_assert_uint_eq(mfn_to_frame(mfn)->state, 0);
		ck_assert_uint_eq(type_count(mfn_to_frame(mfn)->type), 0);
	}
	fake_ram_fini();
}

/* As a guest writes, up to the room there is. */
static size_t put(const char *text, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes && ring->out_prod - ring->out_cons <
				 sizeof(ring->out); i++)
		ring->out[MASK_XENCONS_IDX(ring->out_prod++, ring->out)] =
			text[i];
	return i;
}

static void puts_ring(const char *text)
{
	ck_assert_uint_eq(put(text, strlen(text)), strlen(text));
}

static bool told(const struct domain *d)
{
	return evtchn_port_pending(d, PORT);
}

static long call(unsigned long cmd, uint64_t bytes, uint64_t va)
{
	return op_console_io(cmd, &bytes, &va);
}

static long write_call(const char *text, uint64_t bytes)
{
	return call(CONSOLEIO_write, bytes, fake_va(text));
}

/* CONSOLE6: who takes call_waits back comes later. */
void sched_block(struct vcpu *v)
{
	ck_assert(spin_is_locked(&v->domain->lock));
	fake.blocks++;
}

#endif
