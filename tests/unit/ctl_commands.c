// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/control.c hv/ctl/sessions.c hv/ctl/commands.c hv/ctl/figures.c hv/ctl/snapshot.c hv/ctl/follow.c hv/ctl/create.c hv/ctl/starting.c hv/ctl/domlist.c hv/ctl/config.c hv/ctl/first.c hv/lib/printable.c
/*
 * What is asked for on the control channel: figures, and what changes guests,
 * makes and ends them.
 */
#include <check.h>

#include "unit/control_client.h"

/* --- figures --- */

START_TEST(lists_guests)
{
	char want[1000];

	a->account.ran_ns = 12345678;
	a->account.weight = 256;
	snprintf(want, sizeof(want),
		 "guest id=%u name=a group=one state=running vcpus=1 paused=0 pages=%u max=%u held=0 mappings=0 budget=100 offered=0 refused=0 zero=0 breaks=0 cpu_ms=12 weight=256 cap=0\n"
		 "guest id=%u name=b group=alone%u state=running vcpus=1 paused=0 pages=%u max=%u held=0 mappings=0 budget=100 offered=0 refused=0 zero=0 breaks=0 cpu_ms=0 weight=0 cap=0\n"
		 "ok list n=2\n", a->id, FAKE_PAGES, FAKE_PAGES, b->id, b->id,
		 FAKE_PAGES, FAKE_PAGES);
	ck_assert_str_eq(ask("list\n"), want);
}
END_TEST

START_TEST(machine_figures)
{
	char want[200];

	ask("stats\n");
	ck_assert_int_eq(strncmp(said, "machine t_ms=", 13), 0);
	snprintf(want, sizeof(want), " free=%lu ", palloc_free_count());
	ck_assert_ptr_nonnull(strstr(said, want));
	snprintf(want, sizeof(want), " domains=2 owned=%u given_up=2 crashed=3 ",
		 2 * FAKE_PAGES);
	ck_assert_ptr_nonnull(strstr(said, want));
	ck_assert_ptr_nonnull(strstr(said, "\nsharing pages_shared=0 "));
	ck_assert_ptr_nonnull(strstr(said, "\nrefused\naudit done=0\nok stats n=4\n"));
}
END_TEST

START_TEST(groups)
{
	struct domain *c = guest("c", "one");
	char want[300];

	ck_assert_ptr_nonnull(c);
	snprintf(want, sizeof(want), "group name=one guests=2 pages=%u held=0 mappings=0\ngroup name=alone%u guests=1 pages=%u held=0 mappings=0\nok group n=2\n",
		 2 * FAKE_PAGES, b->id, FAKE_PAGES);
	ck_assert_str_eq(ask("group\n"), want);
	fake_end(c);
	ck_assert_str_eq(ask("group a two\n"),
			 "error EPERM group a guest keeps its group: end it, and start it with group=\n");
	ck_assert_str_eq(ask("group a b c\n"), "error EINVAL group usage: group\n");
}
END_TEST

/* The audit, in slices that a timer gives it; the last one says so. */
START_TEST(audits)
{
	unsigned int done = 0;

	ck_assert_str_eq(ask("snapshot\nversion\n"), "");
	fake_machine.slow = true;	/* a slice has a few parts */
	for (; !said[0]; done++) {
		ck_assert_uint_lt(done, 10000);
		armed_last->fn(armed_last->arg);
		polls(1);
	}
	fake_machine.slow = false;
	ck_assert_uint_gt(done, 1);
	polls(2);
	ck_assert_int_eq(strncmp(said, "ok snapshot errors=0 cross_group=0 ", 35), 0);
	ck_assert_ptr_nonnull(strstr(said, "\nok version "));
	fake_machine.skip_ns = 5 * SECOND;
	ask("stats\n");
	ck_assert_ptr_nonnull(strstr(said, "\naudit done=1 age_ms=50"));
	ck_assert_ptr_nonnull(strstr(said, " errors=0 cross_group=0 "));
}
END_TEST

START_TEST(says_why_offers_were_refused)
{
	fake_run(a);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, 0x1000, 0, 0), -ENOENT);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, 0x2000, 0, 0), -ENOENT);
	/* Not refused, and not an offer: these are not counted. */
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(fake_free_pfn(a) + 1), 0, 0), 0);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare, fake_va(fake_free_pfn(a)), 1, 0), 0);
	ask("stats\n");
	ck_assert_ptr_nonnull(strstr(said, "\nrefused not-mapped=2\n"));
}
END_TEST

/* What an update says behind the machine's two lines. */
static const char *update(void)
{
	const char *p;

	hear_nothing();
	polls(20);
	ck_assert_str_eq(said, "");
	fake_machine.skip_ns = SECOND;
	polls(60);
	ck_assert_int_eq(strncmp(said, "update missed=0\nmachine ", 24), 0);
	p = strstr(said, "\naudit ");
	ck_assert_ptr_nonnull(p);
	return strchr(p + 1, '\n') + 1;
}

/* WATCH1 */
START_TEST(watch_says_what_changed)
{
	char want[200];
	uint16_t id = b->id;

	ask("watch\n");
	ck_assert_int_eq(strncmp(said, "ok watch seconds=1\nupdate missed=0\nmachine ", 43), 0);
	ck_assert_ptr_nonnull(strstr(said, " name=a group=one state=running "));
	ck_assert_ptr_nonnull(strstr(said, " name=b "));
	ck_assert_ptr_nonnull(strstr(said, "\nend n=2\n"));
	ck_assert_str_eq(update(), "end n=0\n");
	a->account.ran_ns = 7000000;
	b->account.cap = 50;
	snprintf(want, sizeof(want), "guest id=%u cpu_ms=7\nguest id=%u cap=50\nend n=2\n",
		 a->id, b->id);
	ck_assert_str_eq(update(), want);
	fake_end(b);
	snprintf(want, sizeof(want), "gone id=%u\nend n=1\n", id);
	ck_assert_str_eq(update(), want);
	ck_assert_str_eq(update(), "end n=0\n");
	b = guest("c", "");
	ck_assert_ptr_nonnull(strstr(update(), " name=c "));
	/* Another one with that place in the table is not taken for it,
	 * and the one before is said to be gone. */
	ck_assert_str_eq(update(), "end n=0\n");
	snprintf(want, sizeof(want), "gone id=%u\nguest id=%u name=c ", b->id, b->id + MAX_DOMAINS);
	b->id += MAX_DOMAINS;
	ck_assert_ptr_nonnull(strstr(update(), want));
	b->id -= MAX_DOMAINS;
	/* Anew: all of it is said again. */
	ask("watch 2\n");
	ck_assert_ptr_nonnull(strstr(said, " name=a "));
	ask("watch off\n");
	fake_machine.skip_ns = 10 * SECOND;
	ck_assert_str_eq(ask(""), "");
}
END_TEST

/* WATCH2: with room for one guest and a bit, all have their turn. */
START_TEST(watch_takes_turns)
{
	unsigned int i, k, had[4] = { 0 };
	struct domain *all[4] = { a, b };
	char line[30];

	for (i = 2; i < ARRAY_COUNT(all); i++)
		all[i] = guest("more", "");
	ask("watch\n");
	ck_assert_ptr_nonnull(strstr(said, "\nend n=4\n"));
	figures_update_bytes = 30;
	for (i = 0; i < 12; i++) {
		const char *text;

		for (k = 0; k < ARRAY_COUNT(all); k++)
			all[k]->account.ran_ns += 1000000;
		text = update();
		ck_assert_ptr_nonnull(strstr(text, "end n=2\n"));
		for (k = 0; k < ARRAY_COUNT(all); k++) {
			snprintf(line, sizeof(line), "guest id=%u ", all[k]->id);
			had[k] += strstr(text, line) != NULL;
		}
	}
	for (k = 0; k < ARRAY_COUNT(all); k++)
		ck_assert_uint_eq(had[k], 6);
	for (k = 2; k < ARRAY_COUNT(all); k++)
		fake_end(all[k]);
}
END_TEST

START_TEST(reset_and_quit_end_a_watch)
{
	ask("watch\n");
	ask(_i ? "quit\n" : "\003");
	fake_machine.skip_ns = 10 * SECOND;
	ck_assert_str_eq(ask(""), "");
}
END_TEST

/* CONTROL3 */
START_TEST(watch_that_nobody_reads)
{
	unsigned int i;

	ask("watch\n");
	taken_most = 0;
	for (i = 0; i < 1000; i++) {
		fake_machine.skip_ns = SECOND;
		polls(20);
	}
	hear_nothing();
	taken_most = SIZE_MAX;
	polls(200);
	/* What there was room for, whole lines, and one that tells the rest. */
	ck_assert_int_eq(strncmp(said, "update missed=0\n", 16), 0);
	ck_assert_int_eq(said[said_bytes - 1], '\n');
	fake_machine.skip_ns = SECOND;
	hear_nothing();
	polls(60);
	ck_assert_int_eq(strncmp(said, "update missed=9", 15), 0);
}
END_TEST

/* --- what changes guests --- */

START_TEST(limits_memory)
{
	char want[100];

	snprintf(want, sizeof(want), "ok limit id=%u max=1025\n", a->id);
	ck_assert_str_eq(ask("limit a 4100K\n"), want);
	ck_assert_uint_eq(a->pages.max, 1025);
	/* Less than it has: it keeps them, and gets no more. */
	snprintf(want, sizeof(want), "ok limit id=%u max=512\n", a->id);
	ck_assert_str_eq(ask("limit a 2M\n"), want);
	ck_assert_uint_ge(a->pages.max, FAKE_PAGES);
	ck_assert_uint_eq(a->pages.limit, 512);
	ck_assert_uint_eq(b->pages.limit, FAKE_PAGES);
	snprintf(want, sizeof(want), "error ENOMEM limit 262144 pages are more than can be promised: %lu are left\n",
		 domain_promise_left());
	ck_assert_str_eq(ask("limit a 1G\n"), want);
	ck_assert_ptr_nonnull(strstr(ask("limit a 17592186044415M\n"), "error ENOMEM limit "));
	ck_assert_uint_eq(a->pages.limit, 512);
}
END_TEST

START_TEST(pauses_and_goes_on)
{
	char want[100];

	snprintf(want, sizeof(want), "ok pause id=%u\n", a->id);
	ck_assert_str_eq(ask("pause a\n"), want);
	ck_assert_uint_eq(a->paused, 1);
	ck_assert_str_eq(ask("pause a\n"), want);
	ck_assert_uint_eq(a->paused, 2);
	ck_assert_ptr_nonnull(strstr(ask("list\n"), "name=a group=one state=paused vcpus=1 paused=2 "));
	snprintf(want, sizeof(want), "unpause id=%u\n", a->id);
	ck_assert_ptr_nonnull(strstr(ask(want), "ok unpause id="));
	ck_assert_uint_eq(a->paused, 1);
	a->paused = PAUSES_MAX;
	ck_assert_str_eq(ask("pause a\n"), "error E2BIG pause a is paused 255 times\n");
	a->paused = 1;
	ask("unpause a\n");
	ck_assert_uint_eq(a->paused, 0);
	ck_assert_uint_eq(b->paused, 0);
}
END_TEST

/* It is answered when no vCPU is on a CPU; and what comes then, after it. */
START_TEST(pause_waits)
{
	a->vcpu[0]->run = RUN_RUNNING;
	ck_assert_str_eq(ask("pause a\nversion\n"), "");
	ck_assert_uint_eq(a->paused, 1);
	a->vcpu[0]->run = RUN_PAUSED;
	polls(2);
	ck_assert_ptr_nonnull(strstr(said, "ok pause id="));
	ck_assert_ptr_nonnull(strstr(said, "\nok version "));
	ask("unpause a\n");
}
END_TEST

START_TEST(pause_of_one_that_dies)
{
	a->vcpu[0]->run = RUN_RUNNING;
	ck_assert_str_eq(ask("pause a\n"), "");
	fake_end(a);
	a = NULL;
	polls(2);
	ck_assert_ptr_nonnull(strstr(said, "ok pause id="));
}
END_TEST

static void reap(void)
{
	while (reaper_step() == MORE)
		;
}

START_TEST(destroys)
{
	unsigned int rebuilds = fake_machine.rebuilds;
	char want[100];

	snprintf(want, sizeof(want), "ok destroy id=%u state=gone\n", a->id);
	ck_assert_str_eq(ask("destroy a\nversion\n"), "");
	ck_assert(atomic_load(&a->destroyed));
	ck_assert_int_eq(a->state, DOM_DYING);
	ck_assert_ptr_eq(strstr(said, "version"), NULL);
	reap();
	fake_forget(a);
	a = NULL;
	hear_nothing();
	polls(2);
	strcat(want, "ok version protocol=1 tag=-\n");
	ck_assert_str_eq(said, want);
	ck_assert_str_eq(ask("destroy a\n"), "error ESRCH destroy no domain is called a\n");
	ck_assert_uint_eq(fake_machine.rebuilds, rebuilds);
}
END_TEST

/* The machine ends with it. */
START_TEST(destroys_the_last)
{
	char want[100];

	snprintf(want, sizeof(want), "ok destroy id=%u state=gone\nbye\n", a->id);
	ck_assert_str_eq(ask("destroy a\n"), "");
	reap();
	fake_forget(a);
	a = NULL;
	control_end();
	ck_assert_str_eq(said, want);
}
END_TEST

/* Somebody keeps it: the client is told, and can go on. */
START_TEST(destroy_takes_long)
{
	struct domain *held = domain_find(a->id);
	char want[100];

	snprintf(want, sizeof(want), "ok destroy id=%u state=dying\n", a->id);
	ask("destroy a\n");
	ck_assert_str_eq(said, "");
	fake_machine.skip_ns = 11 * SECOND;
	polls(2);
	ck_assert_str_eq(said, want);
	ck_assert_ptr_nonnull(strstr(ask("list\n"), "name=a group=one state=dying "));
	/* Again: it is the same death. */
	ask("destroy a\n");
	domain_put(held);
	reap();
	fake_forget(a);
	a = NULL;
	polls(2);
	ck_assert_ptr_nonnull(strstr(said, "state=gone\n"));
}
END_TEST

/* --- consoles --- */

static void prints(struct domain *d, const char *text)
{
	spin_lock(&d->lock);
	console_printed(d, text, strlen(text));
	spin_unlock(&d->lock);
}

START_TEST(follows_a_console)
{
	char want[200];

	snprintf(want, sizeof(want), "ok console id=%u\n", a->id);
	ck_assert_str_eq(ask("console a\n"), want);
	prints(b, "not this");
	prints(a, "one = two  ");
	prints(a, "");
	hear_nothing();
	polls(3);
	snprintf(want, sizeof(want), "console id=%u text=one = two  \nconsole id=%u text=\n",
		 a->id, a->id);
	ck_assert_str_eq(said, want);
	/* The other one in its place, and nobody. */
	ask("console b\n");
	prints(a, "no more");
	ck_assert_str_eq(ask(""), "");
	prints(b, "heard");
	ck_assert_ptr_nonnull(strstr(ask(""), " text=heard\n"));
	ck_assert_str_eq(ask(_i ? "console off\n" : "quit\n"),
			 _i ? "ok console off\n" : "ok quit watch=off console=off\n");
	prints(b, "nobody hears");
	ck_assert_str_eq(ask(""), "");
	ask("console b\n");
	ask("\003");
	prints(b, "nobody hears");
	ck_assert_str_eq(ask(""), "");
}
END_TEST

/* FOLLOW1, FOLLOW2: whole lines, and how many there were no room for. */
START_TEST(prints_more_than_is_read)
{
	unsigned int i, heard = 0;
	char line[100], want[200];
	const char *at;

	ask("console a\n");
	taken_most = 0;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < 1000; i++) {
		prints(a, line);
		polls(1);
	}
	hear_nothing();
	taken_most = SIZE_MAX;
	polls(400);
	for (at = said; (at = strstr(at, " text=")); at += 6)
		heard += !strncmp(at + 6, line, 99) && at[6 + 99] == '\n';
	ck_assert_uint_gt(heard, 80);
	snprintf(want, sizeof(want), "lost id=%u lines=%u\n", a->id, 1000 - heard);
	ck_assert_ptr_nonnull(strstr(said, want));
	prints(a, "again");
	ck_assert_ptr_nonnull(strstr(ask(""), " text=again\n"));
	ask("console off\n");
}
END_TEST

START_TEST(console_of_one_that_goes)
{
	char want[200];
	uint16_t id = a->id;

	ask("console a\n");
	prints(a, "last words");
	fake_end(a);
	a = NULL;
	hear_nothing();
	polls(5);
	snprintf(want, sizeof(want), "console id=%u text=last words\nclosed id=%u\n", id, id);
	ck_assert_str_eq(said, want);
	ck_assert_str_eq(ask(""), "");
}
END_TEST

START_TEST(types)
{
	ck_assert_ptr_nonnull(strstr(ask("type a  ls  -l \n"), "ok type id="));
	ck_assert_str_eq(typed, "a:  ls  -l\n");
	ck_assert_ptr_nonnull(strstr(ask("type a\n"), "ok type id="));
	ck_assert_str_eq(typed, "a: \n");
	ck_assert_str_eq(ask("type\n"), "error EINVAL type usage: type NAME TEXT\n");
	ck_assert_str_eq(ask("type c x\n"), "error ESRCH type no domain is called c\n");
	strcpy(b->name, "deaf");
	ck_assert_str_eq(ask("type deaf x\n"), "error ENOSYS type deaf takes no input here\n");
	ck_assert_str_eq(ask("console\n"), "error EINVAL console usage: console NAME|off\n");
	ck_assert_str_eq(ask("console c\n"), "error ESRCH console no domain is called c\n");
}
END_TEST

/* --- births --- */

static struct domain *called(const char *name)
{
	struct domain *d;
	uint32_t id;

	for (id = 0; (d = domain_from_id((domid_hv_t)id)); id = d->id + 1u) {
		domain_put(d);
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

/* The boot CPU's loop, until nothing is left to do there. */
static void between(unsigned int n)
{
	while (n--)
		sched_between_guests();
	polls(2);
}

START_TEST(starts_one_of_the_list)
{
	uint32_t count = domain_count();
	struct domain *d;

	ck_assert_str_eq(ask("start z2\nversion\n"), "");
	ck_assert_uint_eq(domain_count(), count + 1);	/* START3 */
	ck_assert(this_cpu()->need_resched);
	between(2);
	ck_assert_str_eq(said, "ok start n=1\nok version protocol=1 tag=-\n");
	ck_assert_uint_eq(domain_count(), count + 1);
	d = called("z2");
	ck_assert_ptr_nonnull(d);
	ck_assert_ptr_eq(d->origin.config, domlist_at(0));
	ck_assert_uint_eq(d->origin.instance, 1);
	ck_assert(!d->origin.again);
	ck_assert_str_eq(ask("start z2\n"), "error EEXIST start there is a domain z2\n");
	fake_end(d);
	ask("start z2\n");
	between(2);
	ck_assert_str_eq(said, "ok start n=1\n");
	fake_end(called("z2"));
	ck_assert_uint_eq(domain_count(), count);
}
END_TEST

/* START1: the second line has a slot of its own. */
START_TEST(starts_lines)
{
	struct domain *m, *n;

	ask("start domain name=m kernel=fake memory=4M share=0 cap=50\n");
	between(2);
	ck_assert_str_eq(said, "ok start n=1\n");
	m = called("m");
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->account.cap, 50);
	ask("start domain name=n kernel=fake memory=4M share=0 group=g\n");
	between(2);
	ck_assert_str_eq(said, "ok start n=1\n");
	n = called("n");
	ck_assert_ptr_nonnull(n);
	ck_assert_str_eq(n->sharing.group_name, "g");
	ck_assert_str_eq(m->origin.config->name, "m");
	ck_assert_str_eq(n->origin.config->name, "n");
	ck_assert_str_eq(ask("start domain name=n kernel=fake memory=4M\n"),
			 "error EEXIST start there is a domain n\n");
	fake_end(m);
	fake_end(n);
}
END_TEST

START_TEST(starts_as_many_as_fit)
{
	struct domain *d;
	char name[8];
	unsigned int i;

	ask("start domain name=n kernel=fake memory=4M count=9 share=0\n");
	between(12);
	ck_assert_int_eq(strncmp(said, "error ENOMEM start 4 MiB, with share budget and tables ", 55), 0);
	ck_assert_ptr_nonnull(strstr(said, "; those before it run\n"));
	ck_assert_ptr_nonnull(called("n1"));
	/* A name of a line that has several. */
	ck_assert_str_eq(ask("start domain name=n kernel=fake memory=4M count=2\n"),
			 "error EEXIST start there is a domain n1\n");
	for (i = 1; i <= 9; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		d = called(name);
		if (d)
			fake_end(d);
	}
	fake_machine.ending = true;
	ck_assert_str_eq(ask("start z1\n"), "error EPERM start the machine ends\n");
	fake_machine.ending = false;
}
END_TEST

/* START4 */
START_TEST(starts_what_fits_beside_others)
{
	domain_set_overcommit(true);
	fits = false;
	ask("start domain name=m kernel=fake memory=4M share=0\n");
	between(2);
	ck_assert_int_eq(strncmp(said, "error ENOMEM start too little memory is free: ", 46), 0);
	ck_assert_ptr_null(called("m"));
	domain_set_overcommit(false);
	/* Where they are promised the promise says it. */
	ask("start domain name=m kernel=fake memory=4M share=0\n");
	between(2);
	ck_assert_str_eq(said, "ok start n=1\n");
	fake_end(called("m"));
	fits = true;
	ck_assert_str_eq(ask("start domain name=m kernel=fake memory=4096G\n"),
			 "error ENOMEM start memory= or share= is more than the machine has\n");
	ck_assert_str_eq(ask("start domain name=m kernel=fake memory=4M share=1099511627776\n"),
			 "error ENOMEM start memory= or share= is more than the machine has\n");
	ck_assert_str_eq(ask("start domain name=m kernel=fake memory=4M share=18446744073709543424\n"),
			 "error EINVAL start domain list line 1: share=18446744073709543424 is more pages than any machine has\n");
}
END_TEST

static void print_more(void)
{
	for (unsigned int i = 0; i < 4; i++)
		console_printed(a, "a line of a guest that prints for ever", 38);
}

/* CONTROL5: its lines keep no command out, nor the end of hearing them. */
START_TEST(hears_commands_beside_a_flood)
{
	ask("console a\n");
	print_more();
	taken = print_more;
	ck_assert_ptr_nonnull(strstr(ask("version\n"), "ok version protocol=1"));
	ck_assert_ptr_nonnull(strstr(ask("console off\n"), "ok console"));
	taken = NULL;
	ck_assert_str_eq(ask(""), "");
}
END_TEST

/* A domain that was given up while it was made has no place in a group. */
START_TEST(half_made)
{
	struct share_dom *dom = b->sharing.dom;

	b->sharing.dom = NULL;
	ck_assert_ptr_nonnull(strstr(ask("list\n"), "name=b group=alone"));
	ck_assert_ptr_nonnull(strstr(said, "ok list n=2\n"));
	ck_assert_ptr_nonnull(strstr(ask("limit b 4M\n"), "ok limit "));
	b->sharing.dom = dom;
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("commands");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, lists_guests);
	tcase_add_test(tc, starts_what_fits_beside_others);
	tcase_add_test(tc, half_made);
	tcase_add_test(tc, hears_commands_beside_a_flood);
	tcase_add_test(tc, machine_figures);
	tcase_add_test(tc, groups);
	tcase_add_test(tc, audits);
	tcase_add_test(tc, says_why_offers_were_refused);
	tcase_add_test(tc, limits_memory);
	tcase_add_loop_test(tc, follows_a_console, 0, 2);
	tcase_add_test(tc, prints_more_than_is_read);
	tcase_add_test(tc, console_of_one_that_goes);
	tcase_add_test(tc, types);
	tcase_add_test(tc, starts_one_of_the_list);
	tcase_add_test(tc, starts_lines);
	tcase_add_test(tc, starts_as_many_as_fit);
	tcase_add_test(tc, watch_says_what_changed);
	tcase_add_test(tc, watch_takes_turns);
	tcase_add_loop_test(tc, reset_and_quit_end_a_watch, 0, 2);
	tcase_add_test(tc, watch_that_nobody_reads);
	tcase_add_test(tc, pauses_and_goes_on);
	tcase_add_test(tc, pause_waits);
	tcase_add_test(tc, pause_of_one_that_dies);
	tcase_add_test(tc, destroys);
	tcase_add_test(tc, destroys_the_last);
	tcase_add_test(tc, destroy_takes_long);
	return suite_run();
}
