// SPDX-License-Identifier: MIT
// links: @machine hv/ctl/unpack.c
/*
 * A bzImage as the first domain's kernel: what is refused, and what comes of
 * whatever the domain that unpacks it leaves (UNPACK1, UNPACK2).
 */
#include <check.h>
#include <port.h>
#include <string.h>

#include <xen/sched.h>

#include "ctl/unpack.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/pages.h"
#include "fake/fake_machine.h"
#include "unit/suite.h"

#define BZIMAGE		(FAKE_MODULES + 0x20)	/* frame */
#define PAYLOAD		0x1000u			/* in the file */
#define PAYLOAD_BYTES	300u
#define CONTENT		9000u			/* bytes: 3 pages */

static struct boot_module file = { .name = "vmlinuz", .start = MADDR((uint64_t)BZIMAGE << PAGE_SHIFT),
				   .bytes = PAYLOAD + PAYLOAD_BYTES };
static struct domain_config first;
static uint64_t bytes;
static char err[200];
static unsigned int calls;
static const char *reason;
static uint8_t seen[CONTENT];

static uint8_t *at(unsigned int offset)
{
	return (uint8_t *)mfn_to_virt(MFN(BZIMAGE)) + offset;
}

static void put(unsigned int offset, uint32_t v)
{
	memcpy(at(offset), &v, sizeof(v));
}

static bool plan(void)
{
	first = (struct domain_config){ .name = "dom0", .count = 1, .kernel = &file };
	return unpack_plan(&first, &bytes, err, sizeof(err));
}

static void make(void)
{
	memset(at(0), 0, PAYLOAD + PAYLOAD_BYTES);
	*at(0x1f1) = 3;
	put(0x1fe, 0xaa55);
	memcpy(at(0x202), "HdrS", 4);
	put(0x206, 0x20f);
	put(0x248, PAYLOAD - 4 * 512);
	put(0x24c, PAYLOAD_BYTES);
	put(PAYLOAD + PAYLOAD_BYTES - 4, CONTENT);
}

START_TEST(refused)
{
	make();
	memcpy(at(0x202), "none", 4);
	ck_assert(!plan());
	ck_assert_str_eq(err, "");	/* an ELF file, may be */
	make();
	*at(0x1fe) = 0;
	ck_assert(!plan());
	ck_assert_str_eq(err, "");
	make();
	put(0x206, 0x207);
	ck_assert(!plan());
	ck_assert_ptr_nonnull(strstr(err, "too old"));
	make();
	put(0x24c, PAYLOAD_BYTES + 1);
	ck_assert(!plan());
	ck_assert_ptr_nonnull(strstr(err, "not whole"));
	put(0x248, 0xfffffff0);
	ck_assert(!plan());
	ck_assert_ptr_nonnull(strstr(err, "not whole"));
	make();
	put(0x24c, 7);
	ck_assert(!plan());
	ck_assert_ptr_nonnull(strstr(err, "damaged"));
	make();
	put(PAYLOAD + PAYLOAD_BYTES - 4, 0);
	ck_assert(!plan());
	ck_assert_ptr_nonnull(strstr(err, "damaged"));
	put(PAYLOAD + PAYLOAD_BYTES - 4, (512u << 20) + 1);
	ck_assert(!plan());
	ck_assert_ptr_nonnull(strstr(err, "damaged"));
	ck_assert(!unpack_begin(fake_kernel(), NULL));
}
END_TEST

static void then(const char *why)
{
	calls++;
	reason = why;
	if (!why && first.kernel->bytes == CONTENT)
		memcpy(seen, maddr_to_virt(first.kernel->start), CONTENT);
}

static struct domain *found;

static void find(struct domain *d, void *arg)
{
	found = unpack_is(d->origin.config) ? d : found;
}

static struct domain *begin(void)
{
	make();
	ck_assert(plan());
	ck_assert_str_eq(err, "");
	ck_assert_uint_eq(bytes, 3 * PAGE_SIZE);
	calls = 0;
	reason = "none";
	memset(seen, 0, sizeof(seen));
	ck_assert(unpack_begin(fake_kernel(), then));
	found = NULL;
	domain_for_each(find, NULL);
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(calls, 0);
	return found;
}

/* Byte i of the content is i / 7; in the last pages of the domain. */
static void work(struct domain *d)
{
	uint64_t end = d->origin.config->memory_bytes / PAGE_SIZE;
	struct frame *f = NULL;

	while ((f = domain_page_after(d, f))) {
		mfn_t mfn = frame_to_mfn(f);
		uint64_t n = pfn_n(m2p_get(&d->m2p, mfn)) + 3 - end;
		uint8_t *page = mfn_to_virt(mfn);
		unsigned int i;

		for (i = 0; n < 3 && i < PAGE_SIZE; i++)
			page[i] = (n * PAGE_SIZE + i) / 7;
	}
}

static void ends(struct domain *d, uint32_t code)
{
	unsigned int shut = fake_machine.shut;

	fake_run(NULL);
	domain_shutdown(d, code);
	while (fake_machine.shut == shut)
		ck_assert(reaper_step());
	unpack_take(d);
	fake_end(d);
	ck_assert_uint_eq(calls, 0);
	unpack_over();
	ck_assert_uint_eq(calls, 1);
	domain_keep_shut(false);
	fake_check();
}

START_TEST(unpacked)
{
	struct domain *d = begin();
	unsigned int i;

	ck_assert(!unpack_is(NULL) && !unpack_is(&first));
	work(d);
	ends(d, SHUTDOWN_poweroff);
	ck_assert_ptr_null(reason);
	ck_assert_ptr_ne(first.kernel, &file);
	for (i = 0; i < CONTENT; i++)
		ck_assert_uint_eq(seen[i], (uint8_t)(i / 7));
}
END_TEST

START_TEST(crashed)
{
	struct domain *d = begin();

	work(d);
	ends(d, SHUTDOWN_crash);
	ck_assert_ptr_nonnull(reason);
	ck_assert_ptr_eq(first.kernel, &file);
}
END_TEST

/* By the operator, before it has shut down. */
START_TEST(destroyed)
{
	struct domain *d = begin();

	fake_end(d);
	unpack_over();
	ck_assert_uint_eq(calls, 1);
	ck_assert_ptr_nonnull(reason);
	ck_assert_ptr_eq(first.kernel, &file);
	domain_keep_shut(false);
	fake_check();
}
END_TEST

START_TEST(no_memory)
{
	make();
	ck_assert(plan());
	fake_memory_take(2);
	calls = 0;
	reason = NULL;
	ck_assert(unpack_begin(fake_kernel(), then));
	ck_assert_uint_ge(calls, 1);
	ck_assert_ptr_nonnull(reason);
	fake_memory_give();
	domain_keep_shut(false);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ctl_unpack");

	tcase_add_test(tc, refused);
	tcase_add_test(tc, unpacked);
	tcase_add_test(tc, crashed);
	tcase_add_test(tc, destroyed);
	tcase_add_test(tc, no_memory);
	return suite_run();
}
