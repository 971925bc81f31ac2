// SPDX-License-Identifier: MIT
// links: @machine hv/pv/ptwrite.c hv/pv/configwrite.c hv/pv/decode.c hv/io/pciconf.c hv/io/msi.c tests/fake/fake_breaks.c
/*
 * Stores to configuration space in memory (CFGW1, CFGW2): which are done, and
 * what is left to the guest's own handler.
 */
#include <check.h>
#include <port.h>
#include <string.h>

#include "dom/reclaim.h"
#include "fake/fake_breaks.h"
#include "fake/fake_bus.h"
#include "io/pci.h"
#include "pv/configwrite.h"
#include "pv/emulate.h"
#include "pv/hypercall.h"
#include "unit/stores.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"

#define CONFIG	0xb0000UL	/* its first frame: function 0:0.0 */
#define HOST	0x0000
#define NET	0x0010
#define WRITE_PROTECTED 3u
#define PF_USER	4u

static struct domain *first;
static struct vcpu *v;
static uint64_t code_pfn, config_va, host_va, ram_va;
static struct fake_function *net, *host;

/* tests/unit/io_pirq.c */
int pirq_restore(struct domain *d, uint16_t bdf)
{
	return 0;
}

static void map_at(uint64_t pfn, pte_t e)
{
	fake_run(first);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0), 0);
	reclaim_flush();
}

static void setup_first(void)
{
	setup();
	first = fake_domain_first("first", 0);
	v = first->vcpu[0];
	code_pfn = fake_free_pfn(first);
	config_va = fake_va(code_pfn + 1);
	host_va = fake_va(code_pfn + 2);
	ram_va = fake_va(code_pfn + 3);
	fake_bus_reset();
	bus_config_memory_set(MFN(CONFIG), MFN(CONFIG + 0x100), 0);
	host = fake_bus_add(HOST, 0x0600);
	net = fake_bus_add(NET, 0x0200);
	memset(net->writable, 0xff, sizeof(net->writable));
	memset(host->writable, 0xff, sizeof(host->writable));
	pci_scan();
	map_at(code_pfn + 1, pte_make(MFN(CONFIG + NET), RW | PTE_PCD | PTE_PWT));
	map_at(code_pfn + 2, pte_make(MFN(CONFIG + HOST), RW | PTE_PCD | PTE_PWT));
	map_at(code_pfn + 3, pte_make(fake_mfn(first, code_pfn + 3), RO));
	v->kernel_mode = true;
	v->regs.rip = fake_va(code_pfn);
}

static void end_all(void)
{
	fake_check();
	fake_end(first);
	teardown();
}

#define STORE(va, s) store(va, WRITE_PROTECTED, s, sizeof(s) - 1)

static bool store(uint64_t va, uint32_t error, const char *code, size_t bytes)
{
	struct regs before;
	bool done = store_by(configwrite_fault, v, code_pfn, va, error, code, bytes, &before);

	/* no other register, either way */
	ck_assert(!memcmp(&before, &v->regs, sizeof(before)));
	return done;
}

/* The entry is never writable; and each width that Linux uses. */
START_TEST(done)
{
	ck_assert_uint_eq(*fake_pte(first, code_pfn + 1) & PTE_RW, 0);
	v->regs.rax = 0x1122334455667788;
	ck_assert(STORE(config_va + 0x110, "\x89\x02"));
	ck_assert_uint_eq(fake_bus_config(net, 0x110, 4), 0x55667788);
	ck_assert(STORE(config_va + 0x114, "\x66\x89\x02"));
	ck_assert(STORE(config_va + 0xfff, "\x88\x02"));
	ck_assert_uint_eq(fake_bus_config(net, 0x114, 4), 0x7788);
	ck_assert_uint_eq(fake_bus_config(net, 0xffc, 4), 0x88000000);
	/* below 256, too, by the same rules */
	ck_assert(STORE(config_va + 0x40, "\xc7\x02\x21\x43\x65\x87"));
	ck_assert_uint_eq(fake_bus_config(net, 0x40, 4), 0x87654321);
}
END_TEST

/* CONF2: behind the board's own function is nobody. */
START_TEST(of_the_board)
{
	unsigned int before = fake_bus.config_writes;

	v->regs.rax = ~0UL;
	ck_assert(STORE(host_va + 0x110, "\x89\x02"));
	ck_assert(STORE(host_va + 0x04, "\x66\x89\x02"));
	ck_assert_uint_eq(fake_bus.config_writes, before);
}
END_TEST

/* CFGW2, and what is no store to it at all */
START_TEST(left_to_the_guest)
{
	unsigned int before = fake_bus.config_writes;

	ck_assert(!STORE(config_va + 0x110, "\x48\x89\x02"));
	ck_assert(!STORE(config_va + 0x112, "\x89\x02"));
	ck_assert(!STORE(config_va + 0x111, "\x66\x89\x02"));
	ck_assert(!STORE(config_va + 0xfff, "\x66\x89\x02"));
	ck_assert(!STORE(config_va + 0x110, "\x87\x02"));
	ck_assert(!STORE(config_va + 0x110, "\x09\x02"));
	ck_assert(!STORE(config_va + 0x110, "\x8b\x02"));
	ck_assert(!STORE(ram_va + 0x110, "\x89\x02"));
	ck_assert(!STORE(0, "\x89\x02"));
	/* an entry that is gone by now may hold anything */
	map_at(code_pfn + 3, pte_make(MFN(CONFIG + NET), PTE_AVL_DEVICE));
	ck_assert(!STORE(ram_va + 0x110, "\x89\x02"));
	ck_assert(!STORE(0xffff800000000110, "\x89\x02"));
	/* what is another fault */
	ck_assert(!store(config_va + 0x110, 2, "\x89\x02", 2));
	ck_assert(!store(config_va + 0x110, 1, "\x89\x02", 2));
	v->kernel_mode = false;
	ck_assert(!store(config_va + 0x110, WRITE_PROTECTED | PF_USER, "\x89\x02", 2));
	v->kernel_mode = true;
	in_long_mode = false;
	ck_assert(!STORE(config_va + 0x110, "\x89\x02"));
	ck_assert_uint_eq(fake_bus.config_writes, before);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("pv");

	tcase_add_checked_fixture(tc, setup_first, end_all);
	tcase_add_test(tc, done);
	tcase_add_test(tc, of_the_board);
	tcase_add_test(tc, left_to_the_guest);
	return suite_run();
}
