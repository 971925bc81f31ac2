// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/control.c hv/ctl/sessions.c hv/ctl/commands.c hv/ctl/figures.c hv/ctl/snapshot.c hv/ctl/follow.c hv/ctl/create.c hv/ctl/starting.c hv/ctl/domlist.c hv/ctl/config.c hv/ctl/first.c hv/lib/printable.c
/*
 * The control channels: lines of commands with words of any type, size and
 * name, and bytes that are no lines, on the serial port and in a session of the
 * first domain; births and deaths that they ask for, guests' prints, time that
 * passes.  Each line has one answer, in its turn; audits in between.
 */
#include <check.h>	/* before port.h: both define noreturn */

#include "ctl/sessions.h"
#include "fuzz/fuzz.h"
#include "unit/control_client.h"

#define PATIENCE	3000u	/* looks, for one answer */
#define LINE_BYTES	400u

static const char *const commands[] = {
	"help", "version", "list", "stats", "watch", "pause", "unpause", "destroy",
	"start", "limit", "console", "type", "group", "quit", "", "LIST", "\003list",
};
static const char *const words[] = {
	"a", "b", "x", "x1", "z1", "z2", "r", "w", "id=1", "id=2", "id=3", "id=",
	"id=-1", "id=65536", "id=18446744073709551616", "off", "0", "1", "3600", "3601",
	"-1", "4K", "4M", "9999T", "1.5", "%s%n", "\"", "domain", "name=x", "name=y",
	"kernel=fake", "memory=4M", "count=2", "count=4000000000", "group=one", "share=0",
	"repeat=1", "cmdline=\"x y\"", "#", "\xff", "\001",
};

static struct domain *dom0;
static uint64_t page, session, answers;

static void random_line(char *line)
{
	unsigned int n = fuzz_below(7), i;

	strcpy(line, commands[fuzz_below(ARRAY_COUNT(commands))]);
	if (!fuzz_below(8))
		strcpy(line, "start domain name=x kernel=fake memory=4M share=0");
	if (!fuzz_below(200))
		strcpy(line, "snapshot");
	while (n--) {
		strcat(line, fuzz_below(8) ? " " : "\t");
		if (fuzz_below(8)) {
			strcat(line, words[fuzz_below(ARRAY_COUNT(words))]);
			continue;
		}
		for (i = fuzz_below(30); i; i--)
			strncat(line, &(char){ 1 + fuzz_below(255) }, 1);
	}
	for (; *line; line++)
		if (*line == '\n' || *line == '\r')
			*line = '.';
}

/* Is there nothing behind the last key that drops what was typed? */
static bool is_blank(const char *line)
{
	const char *last = strrchr(line, '\003');

	line = last ? last + 1 : line;
	return !line[strspn(line, " \t")];
}

/* What the boot CPU does beside: births, ends, audits. */
static void beside(void)
{
	/* timers that were set and ran; the channels' own is polls() */
	static unsigned int run = 1;

	polls(1);
	if (sched_between_guests)
		sched_between_guests();
	(void)reaper_step();
	if (armed == run)
		return;
	run = armed;
	armed_last->fn(armed_last->arg);
}

static bool ended(const char *text)
{
	return !strncmp(text, "ok ", 3) || !strncmp(text, "error ", 6) ||
	       strstr(text, "\nok ") || strstr(text, "\nerror ");
}

static void ask_serial(const char *text, bool blank)
{
	unsigned int i;

	hear_nothing();
	asked = text;
	asked_left = strlen(text);
	for (i = 0; i < PATIENCE && (asked_left || (!blank && !ended(said))); i++)
		beside();
	if (i == PATIENCE)
		ck_abort_msg("no answer to '%s': %s", text, said);
}

static long call(uint32_t give, uint32_t take, uint32_t flags)
{
	struct pasture_control op = {
		.session = session, .give = fake_va(page), .take = fake_va(page + 1),
		.give_bytes = give, .take_bytes = take, .flags = flags,
	};
	long rc;

	fake_run(dom0);
	rc = sessions_call(&op);
	FUZZ_REQUIRE(rc || (op.give_bytes <= give && op.take_bytes <= take));
	session = op.session;
	fake_page(dom0, page + 1)[rc ? 0 : op.take_bytes] = '\0';
	return rc ?: op.give_bytes;
}

/* The session is ours alone, and gets its answers whatever the port's asks. */
static void ask_session(const char *text, bool blank)
{
	const char *got = (const char *)fake_page(dom0, page + 1);
	static char all[1 << 20];
	unsigned int i;

	all[0] = '\0';
	memcpy(fake_page(dom0, page), text, strlen(text));
	FUZZ_REQUIRE(call(strlen(text), 0, 0) == (long)strlen(text));
	for (i = 0; i < PATIENCE && !blank; i++) {
		beside();
		FUZZ_REQUIRE(call(0, PAGE_SIZE - 1, 0) == 0);
		FUZZ_REQUIRE(strlen(all) + strlen(got) < sizeof(all));
		if (ended(strcat(all, got)))
			return;
	}
	if (!blank)
		ck_abort_msg("no answer in the session to '%s': %s", text, all);
	for (i = 0; i < 20; i++) {
		beside();
		FUZZ_REQUIRE(call(0, PAGE_SIZE - 1, 0) == 0);
	}
}

static void ask_one(void)
{
	char line[LINE_BYTES * 2];
	bool blank;

	random_line(line);
	blank = is_blank(line);
	answers += !blank;
	strcat(line, fuzz_below(3) ? "\n" : "\r\n");
	if (fuzz_below(3))
		ask_serial(line, blank);
	else
		ask_session(line, blank);
}

/* Calls with wrong numbers; what they left of a line is dropped. */
static void bad_calls(void)
{
	uint64_t was = session;

	session = fuzz_below(2) ? was : fuzz_random();
	(void)call(fuzz_below(6000), fuzz_below(4096), fuzz_below(16) ? 0 : fuzz_random());
	session = was;
	if (call(0, 0, 0) < 0)
		session = 0;
	memcpy(fake_page(dom0, page), "\003", 1);
	(void)call(1, 0, 0);
	for (unsigned int i = 0; i < PATIENCE / 10; i++) {
		beside();
		(void)call(0, PAGE_SIZE - 1, 0);
	}
}

static void prints(void)
{
	struct domain *d = domain_from_id(fuzz_below(8));

	if (!d)
		return;
	spin_lock(&d->lock);
	if (console_printed)
		console_printed(d, "text", 1 + fuzz_below(4));
	spin_unlock(&d->lock);
	domain_put(d);
}

static void check_all(void)
{
	uint64_t cross;

	fake_recount();
	ck_assert_uint_eq(audit_machine(&cross), 0);
}

static void end_all(void)
{
	struct domain *d;

	while ((d = domain_from_id(0))) {
		domain_put(d);
		fake_end(d);
	}
}

const uint64_t fuzz_default_operations = 1000000;

void fuzz_target(void)
{
	beside_xl = true;
	setup();
	dom0 = fake_domain_first("", 0);
	fake_run(dom0);
	page = fake_free_pfn(dom0);
	fuzz_ready();
	while (fuzz_more()) {
		switch (fuzz_below(40)) {
		case 0: fake_machine.skip_ns += fuzz_below(3 * SECOND); break;
		case 1: bad_calls(); break;
		case 2: prints(); break;
		default: ask_one(); break;
		}
		if (fuzz_operations % 5000 == 0)
			check_all();
	}
	ask_serial("\003quit\n", false);
	end_all();
	check_all();
	printf("%lu operations, %lu answers, one to each line\n",
	       (unsigned long)fuzz_operations, (unsigned long)answers);
}
