// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/control.c hv/ctl/sessions.c hv/ctl/commands.c hv/ctl/figures.c hv/ctl/snapshot.c hv/ctl/follow.c hv/ctl/create.c hv/ctl/starting.c hv/ctl/domlist.c hv/ctl/config.c hv/ctl/first.c hv/lib/printable.c
/*
 * The control channel from the first domain: its calls beside the boot CPU's
 * looks, several clients, those that end without a word, and bad arguments.
 */
#include <check.h>

#include "ctl/sessions.h"
#include "unit/control_client.h"

#define SESSIONS	4	/* as many as there are */

static struct domain *dom0;
static uint64_t page;		/* pfn of the client's buffer */

static void setup_first(void)
{
	beside_xl = true;
	setup();
	dom0 = fake_domain_first("", 0);
	strcpy(dom0->name, "Domain-0");
	fake_run(dom0);
	page = fake_free_pfn(dom0);
}

static void teardown_first(void)
{
	fake_end(dom0);
	teardown();
}

static char *buffer(void)
{
	return (char *)fake_page(dom0, page);
}

/* One call; `text` goes from the buffer, what comes is in it. */
static long call(uint64_t *session, const char *text, uint32_t room, uint32_t flags)
{
	struct pasture_control op = {
		.session = *session, .give = fake_va(page), .take = fake_va(page),
		.give_bytes = strlen(text), .take_bytes = room, .flags = flags,
	};
	long rc;

	memcpy(buffer(), text, strlen(text));
	rc = sessions_call(&op);
	if (rc)
		return rc;
	*session = op.session;
	ck_assert_uint_le(op.take_bytes, room);
	buffer()[op.take_bytes] = '\0';
	return op.give_bytes;
}

/* Asks all of it, and gives what is said after some looks. */
static const char *heard(uint64_t *session, const char *text)
{
	ck_assert_int_eq(call(session, text, 0, 0), strlen(text));
	polls(100);
	ck_assert_int_eq(call(session, "", PAGE_SIZE - 1, 0), 0);
	return buffer();
}

#define HELLO "hello pasture protocol=1\n"

START_TEST(one_client)
{
	uint64_t s = 0;
	char want[100];

	ck_assert_str_eq(heard(&s, "version x\n"), HELLO "ok version protocol=1 tag=x\n");
	ck_assert_uint_ne(s, 0);
	ck_assert_ptr_nonnull(strstr(heard(&s, "list\n"), " name=Domain-0 "));
	ck_assert_ptr_nonnull(strstr(buffer(), "\nok list n=3\n"));
	snprintf(want, sizeof(want), "ok pause id=%u\n", a->id);
	ck_assert_str_eq(heard(&s, "pause a\n"), want);
	heard(&s, "unpause a\n");
	/* The serial line's client had no part in it. */
	ck_assert_str_eq(ask(""), "");
	ck_assert_int_eq(call(&s, "", 0, PASTURE_CONTROL_END), 0);
	ck_assert_int_eq(call(&s, "list\n", 0, 0), -ESRCH);
}
END_TEST

/* What xl does, and does more than we would; nothing is done. */
static const struct {
	const char *line, *answer;
} not_here[] = {
	{ "destroy a\n", "error ENOSYS destroy in the first domain xl destroy does that\n" },
	{ "destroy\n", "error ENOSYS destroy in the first domain xl destroy does that\n" },
	{ "start z1\n", "error ENOSYS start in the first domain xl create does that\n" },
	{ "start domain name=x kernel=fake memory=4M\n",
	  "error ENOSYS start in the first domain xl create does that\n" },
	{ "console a\n", "error ENOSYS console in the first domain xl console does that\n" },
	{ "type a x\n", "error ENOSYS type in the first domain xl console does that\n" },
	{ "pause id=0\n", "error EINVAL pause Domain-0 is where that was asked\n" },
	{ "pause Domain-0\n", "error EINVAL pause Domain-0 is where that was asked\n" },
	{ "group a two\n", "error EPERM group a guest keeps its group: end it, and start it with group=\n" },
};

START_TEST(xl_does_that)
{
	uint64_t s = 0;

	heard(&s, "");
	ck_assert_str_eq(heard(&s, not_here[_i].line), not_here[_i].answer);
	ck_assert_uint_eq(dom0->paused, 0);
	ck_assert_ptr_null(strstr(heard(&s, "help\n"), "command destroy"));
	ck_assert_ptr_nonnull(strstr(buffer(), "command pause NAME\n"));
	ck_assert_ptr_nonnull(strstr(buffer(), "ok help n=11\n"));
	/* It does on the serial line. */
	ck_assert_ptr_nonnull(strstr(ask("help\n"), "command destroy NAME\n"));
}
END_TEST

/* Each has his own answers, his own watch, and his own changes. */
START_TEST(several_clients)
{
	uint64_t s[SESSIONS] = { 0 }, one_more = 0;
	unsigned int i;
	char tag[40];

	for (i = 0; i < SESSIONS; i++)
		ck_assert_str_eq(heard(&s[i], ""), HELLO);
	ck_assert_int_eq(call(&one_more, "", 0, 0), -EBUSY);
	ck_assert_uint_eq(one_more, 0);
	heard(&s[0], "watch\n");
	ck_assert_ptr_nonnull(strstr(heard(&s[1], "watch 2\n"), "\nguest id="));
	for (i = 0; i < SESSIONS; i++) {
		snprintf(tag, sizeof(tag), "version tag%u\n", i);
		ck_assert_ptr_nonnull(strstr(heard(&s[i], tag), strchr(tag, 't')));
	}
	a->account.weight = 77;
	fake_machine.skip_ns += 2 * SECOND;
	ck_assert_ptr_nonnull(strstr(heard(&s[0], ""), " weight=77\n"));
	ck_assert_ptr_nonnull(strstr(heard(&s[1], ""), " weight=77\n"));
	ck_assert_str_eq(heard(&s[2], ""), "");
	/* One ends: another one has his place, and none of his bytes. */
	call(&s[0], "list\n", 0, 0);
	polls(100);
	ck_assert_int_eq(call(&s[0], "lis", 0, PASTURE_CONTROL_END), 3);
	ck_assert_str_eq(heard(&one_more, "version\n"), HELLO "ok version protocol=1 tag=-\n");
	ck_assert_int_eq(call(&s[0], "", 0, 0), -ESRCH);
	fake_machine.skip_ns += 2 * SECOND;
	ck_assert_str_eq(heard(&one_more, ""), "");
}
END_TEST

/* SESS4 */
START_TEST(clients_that_are_gone)
{
	uint64_t s[SESSIONS] = { 0 }, next = 0;
	unsigned int i;

	for (i = 0; i < SESSIONS; i++) {
		heard(&s[i], "watch\n");
		fake_machine.skip_ns += SECOND;
	}
	call(&s[0], "", 0, 0);		/* s[1] is the oldest */
	ck_assert_int_eq(call(&next, "", 0, 0), -EBUSY);
	fake_machine.skip_ns += 8 * SECOND;
	ck_assert_str_eq(heard(&next, ""), HELLO);
	ck_assert_int_eq(call(&s[1], "", 0, 0), -ESRCH);
	for (i = 0; i < SESSIONS; i++)
		if (i != 1)
			ck_assert_int_eq(call(&s[i], "", 1, 0), 0);
	next = 0;
	ck_assert_int_eq(call(&next, "", 0, 0), -EBUSY);
}
END_TEST

/* His answers wait, in order and whole; the others' do not. */
START_TEST(client_that_does_not_read)
{
	static char all[1 << 20], want[2000];
	uint64_t deaf = 0, other = 0;
	unsigned int i, given = 0;
	size_t n;

	heard(&deaf, "");
	strcpy(want, heard(&deaf, "list\n"));
	for (i = 0; i < 3000; i++) {
		given += call(&deaf, "list\n", 0, 0) == 5;
		polls(1);
	}
	ck_assert_uint_lt(given, 1500);	/* the ring is full */
	heard(&other, "");
	ck_assert_str_eq(heard(&other, "version\n"), "ok version protocol=1 tag=-\n");
	for (i = 0; i < 20000 && strlen(all) < given * strlen(want); i++) {
		call(&deaf, "", 1 + i % 700, 0);
		strcat(all, buffer());
		polls(1);
	}
	n = strlen(want);
	ck_assert_uint_ge(strlen(all), given * n);
	for (i = 0; i < given; i++)
		ck_assert_int_eq(strncmp(all + i * n, want, n), 0);
}
END_TEST

static long bad_call(struct pasture_control op)
{
	long rc = sessions_call(&op);

	polls(3);
	return rc;
}

START_TEST(bad_calls)
{
	uint64_t s = 0, far = 0xffff800000000000;

	heard(&s, "");
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s + 1 }), -ESRCH);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = ~0UL }), -ESRCH);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .flags = 2 }), -EINVAL);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .reserved = 1 }), -EINVAL);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .give = 8, .give_bytes = 1 }), -EFAULT);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .give = far, .give_bytes = ~0u }), -EFAULT);
	heard(&s, "\003");
	ck_assert_int_eq(call(&s, "list\n", 0, 0), 5);
	polls(50);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .take = 8, .take_bytes = 1 }), -EFAULT);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .take = far, .take_bytes = ~0u }), -EFAULT);
	/* A call is short, whatever it asks for. */
	heard(&s, "\003");
	memset(buffer(), 'x', PAGE_SIZE);
	ck_assert_int_eq(bad_call((struct pasture_control){ .session = s, .give = fake_va(page),
			 .give_bytes = PAGE_SIZE }), 0);
	ck_assert_ptr_nonnull(strstr(heard(&s, "\003version\n"), "\nok version"));
}
END_TEST

/* SESS3: between the call and the boot CPU's next look. */
START_TEST(taken_over_while_it_answers)
{
	uint64_t s[SESSIONS + 1] = { 0 };
	unsigned int i;

	for (i = 0; i < SESSIONS; i++)
		heard(&s[i], "");
	call(&s[0], "help\nlist\nhelp\n", 0, 0);
	polls(1);			/* half an answer */
	call(&s[0], "", 0, PASTURE_CONTROL_END);
	ck_assert_int_eq(call(&s[SESSIONS], "version\n", 0, 0), 8);
	ck_assert_str_eq(heard(&s[SESSIONS], ""), HELLO "ok version protocol=1 tag=-\n");
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("sessions");

	tcase_add_checked_fixture(tc, setup_first, teardown_first);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, one_client);
	tcase_add_loop_test(tc, xl_does_that, 0, ARRAY_COUNT(not_here));
	tcase_add_test(tc, several_clients);
	tcase_add_test(tc, clients_that_are_gone);
	tcase_add_test(tc, client_that_does_not_read);
	tcase_add_test(tc, bad_calls);
	tcase_add_test(tc, taken_over_while_it_answers);
	return suite_run();
}
