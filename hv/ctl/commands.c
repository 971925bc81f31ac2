/* SPDX-License-Identifier: MIT */
/*
 * What the operator can ask for on the control channel; docs/control.md has
 * each command with its answers.
 *
 * A command does what the first domain's call of the same name does, by the
 * same functions, and has the same errors.  There is no privilege to check: who
 * holds the machine's serial port is its operator, and for the first domain it
 * was checked (op_sysctl.c).  There xl rules: what would be done behind its
 * back is refused with its name.
 *
 * A domain is named, or numbered as `id=N`.  While a command waits for it, it
 * is known by its number and not held: a reference would keep it from going.
 */
#include <port.h>
#include <errno.h>

#include "ctl/channel.h"
#include "ctl/create.h"
#include "ctl/follow.h"
#include "ctl/snapshot.h"
#include "ctl/starting.h"
#include "dom/console.h"
#include "dom/die.h"
#include "dom/pause.h"
#include "dom/promise.h"
#include "x86/cpu.h"

#define NS_PER_S	1000000000UL
/* a domain that is still ending then is said to be */
#define END_WAIT_NS	(10 * NS_PER_S)
#define WATCH_MOST	3600

struct command {
	const char *name;
	int words_least, words_most;	/* or CONTROL_REST */
	void (*run)(const struct command *c, char *const words[]);
	const char *usage;
	/* beside xl: who does it there, and does more; or NULL */
	const char *by_xl;
};

/* --- words --- */

/* The word at *at, cut off there; *at goes behind it.  NULL: there is none. */
static char *next_word(char **at)
{
	char *word;

	while (**at == ' ')
		++*at;
	word = **at ? *at : NULL;
	while (**at && **at != ' ')
		++*at;
	if (**at)
		*(*at)++ = '\0';
	return word;
}

/* --- domains --- */

struct name_search {
	const char *name;
	domid_hv_t id;
	bool found;
};

static void compare_name(struct domain *d, void *arg)
{
	struct name_search *s = arg;

	if (domain_is_building(d) || strcmp(s->name, d->name))
		return;
	s->found = true;
	s->id = d->id;
}

static bool take_number(const char *text, domid_hv_t *id)
{
	uint64_t n;

	if (!str_to_u64(text, &n) || n >= DOMID_ORPHAN)
		return false;
	*id = (domid_hv_t)n;
	return true;
}

/* With a reference.  NULL: there is none, which was answered. */
static struct domain *named(const struct command *c, const char *who)
{
	struct name_search s = { .name = who };
	struct domain *d;

	if (!strncmp(who, "id=", 3))
		s.found = take_number(who + 3, &s.id);
	else
		domain_for_each(compare_name, &s);
	d = s.found ? domain_find(s.id) : NULL;
	if (!d)
		control_error(c->name, -ESRCH, "no domain is called %.64s", who);
	return d;
}

/* --- commands --- */

static void run_version(const struct command *c, char *const words[])
{
	control_ok(c->name, "protocol=%u tag=%.64s", CONTROL_PROTOCOL,
		   words[0] ?: "-");
}

static void run_list(const struct command *c, char *const words[])
{
	figures_list();
}

/* A domain's group is constant while it runs (dom/domain.h). */
static void run_group(const struct command *c, char *const words[])
{
	if (words[0])
		control_error(c->name, -EPERM, "a guest keeps its group: end it, and start it with group=");
	else
		figures_groups();
}

static void run_stats(const struct command *c, char *const words[])
{
	figures_stats();
}

static void run_watch(const struct command *c, char *const words[])
{
	uint64_t seconds = 1;

	if (words[0] && !strcmp(words[0], "off")) {
		seconds = 0;
	} else if (words[0] && (!str_to_u64(words[0], &seconds) || !seconds ||
				seconds > WATCH_MOST)) {
		control_error(c->name, -EINVAL, "SECONDS is 1 to %u, or off",
			      WATCH_MOST);
		return;
	}
	control_watch(seconds);
	control_ok(c->name, "seconds=%lu", seconds);
}

static enum control_next pause_step(void)
{
	struct domain *d = domain_find(channel->waits.id);
	bool whole = !d || pause_whole(d) || !READ_ONCE(d->paused);

	if (d)
		domain_put(d);
	if (!whole)
		return CONTROL_LATER;
	control_ok(channel->waits.command, "id=%u", channel->waits.id);
	return CONTROL_DONE;
}

static void wait_for(const struct command *c, const struct domain *d,
		     control_step step)
{
	channel->waits.command = c->name;
	channel->waits.id = d->id;
	channel->waits.until_ns = now_ns() + END_WAIT_NS;
	control_go_on(step);
}

/* It would wait for its own vCPUs to stand, and nobody could let it go on. */
static bool asks_itself(const struct domain *d)
{
	return channel->port->beside_xl && d->id == DOMID_FIRST;
}

static void run_pause(const struct command *c, char *const words[])
{
	struct domain *d = named(c, words[0]);

	if (!d)
		return;
	if (asks_itself(d))
		control_error(c->name, -EINVAL, "%s is where that was asked", d->name);
	else if (pause_begin(d))
		control_error(c->name, -E2BIG, "%s is paused %u times", d->name,
			      PAUSES_MAX);
	else
		wait_for(c, d, pause_step);
	domain_put(d);
}

static void run_unpause(const struct command *c, char *const words[])
{
	struct domain *d = named(c, words[0]);

	if (!d)
		return;
	if (pause_end(d))
		control_error(c->name, -EINVAL, "%s is not paused", d->name);
	else
		control_ok(c->name, "id=%u", d->id);
	domain_put(d);
}

/* Gone; or another one has the number by now. */
static bool is_gone(domid_hv_t id)
{
	struct domain *d = domain_find(id);
	bool gone = !d || !atomic_load(&d->destroyed);

	if (d)
		domain_put(d);
	return gone;
}

static enum control_next destroy_step(void)
{
	bool gone = is_gone(channel->waits.id);

	if (!gone && now_ns() < channel->waits.until_ns)
		return CONTROL_LATER;
	control_ok(channel->waits.command, "id=%u state=%s", channel->waits.id,
		   gone ? "gone" : "dying");
	return CONTROL_DONE;
}

static void run_destroy(const struct command *c, char *const words[])
{
	struct domain *d = named(c, words[0]);

	if (!d)
		return;
	domain_destroy(d);
	wait_for(c, d, destroy_step);
	domain_put(d);
}

static enum control_next start_step(void)
{
	struct starting_result r;

	if (!starting_over(&r))
		return CONTROL_LATER;
	if (r.error)
		control_error("start", r.error, "%s%s", r.why,
			      r.started ? "; those before it run" : "");
	else
		control_ok("start", "n=%u", r.started);
	return CONTROL_DONE;
}

static void run_start(const struct command *c, char *const words[])
{
	struct starting_result r;

	if (!words[0][0])
		control_error(c->name, -EINVAL, "usage: %s %s", c->name, c->usage);
	else if (!starting_begin(words[0], &r))
		control_error(c->name, r.error, "%s", r.why);
	else
		control_go_on(start_step);
}

/* As XEN_DOMCTL_max_mem. */
static void run_limit(const struct command *c, char *const words[])
{
	uint64_t bytes;
	struct domain *d;

	if (!str_to_u64(words[1], &bytes) || bytes < PAGE_SIZE) {
		control_error(c->name, -EINVAL, "SIZE is a number of bytes, as 64M");
		return;
	}
	d = named(c, words[0]);
	if (!d)
		return;
	if (create_limit(d, bytes / 1024))
		control_error(c->name, -ENOMEM, "%lu pages are more than can be promised: %lu are left",
			      bytes / PAGE_SIZE, domain_promise_left());
	else
		control_ok(c->name, "id=%u max=%lu", d->id, READ_ONCE(d->pages.limit));
	domain_put(d);
}

static enum control_next snapshot_step(void)
{
	const struct audit_result *a;
	uint64_t at;

	if (snapshot_count() == channel->audits_before)
		return CONTROL_LATER;
	a = snapshot_last(&at);
	control_ok("snapshot", "errors=%lu cross_group=%lu stopped_us=%lu longest_us=%lu",
		   a->errors, a->cross_group, a->stopped_ns / 1000,
		   a->longest_ns / 1000);
	return CONTROL_DONE;
}

static void run_snapshot(const struct command *c, char *const words[])
{
	channel->audits_before = snapshot_count();
	snapshot_start();
	control_go_on(snapshot_step);
}

static void run_console(const struct command *c, char *const words[])
{
	struct domain *d;

	if (!strcmp(words[0], "off")) {
		follow_end();
		control_ok(c->name, "off");
		return;
	}
	d = named(c, words[0]);
	if (!d)
		return;
	follow_begin(d);
	control_ok(c->name, "id=%u", d->id);
	domain_put(d);
}

/* The text is the rest of the line, blanks and all. */
static void run_type(const struct command *c, char *const words[])
{
	char *text = words[0], *name = next_word(&text);
	size_t n = strlen(text);
	struct domain *d;

	if (!name) {
		control_error(c->name, -EINVAL, "usage: %s %s", c->name, c->usage);
		return;
	}
	d = named(c, name);
	if (!d)
		return;
	text[n] = '\n';		/* in place of the NUL */
	if (console_type(d, text, n + 1))
		control_ok(c->name, "id=%u", d->id);
	else
		control_error(c->name, -ENOSYS, "%s takes no input here", d->name);
	domain_put(d);
}

static void run_quit(const struct command *c, char *const words[])
{
	control_watch(0);
	follow_end();
	control_ok(c->name, "watch=off console=off");
}

static void run_help(const struct command *c, char *const words[]);

static const struct command commands[] = {
	{ "help", 0, 0, run_help, "", NULL },
	{ "version", 0, 1, run_version, "[TAG]", NULL },
	{ "list", 0, 0, run_list, "", NULL },
	{ "stats", 0, 0, run_stats, "", NULL },
	{ "watch", 0, 1, run_watch, "[SECONDS|off]", NULL },
	{ "pause", 1, 1, run_pause, "NAME", NULL },
	{ "unpause", 1, 1, run_unpause, "NAME", NULL },
	{ "destroy", 1, 1, run_destroy, "NAME", "xl destroy" },
	{ "start", 0, CONTROL_REST, run_start,
	  "NAME|domain name=NAME kernel=MODULE memory=SIZE ...", "xl create" },
	{ "limit", 2, 2, run_limit, "NAME SIZE", NULL },
	{ "console", 1, 1, run_console, "NAME|off", "xl console" },
	{ "type", 0, CONTROL_REST, run_type, "NAME TEXT", "xl console" },
	{ "group", 0, 2, run_group, "", NULL },
	{ "snapshot", 0, 0, run_snapshot, "", NULL },
	{ "quit", 0, 0, run_quit, "", NULL },
};

static bool is_here(const struct command *c)
{
	return !c->by_xl || !channel->port->beside_xl;
}

static enum control_next help_step(void)
{
	const struct command *c = &commands[channel->helped++];

	if (is_here(c)) {
		control_say("command %s%s%s", c->name, c->usage[0] ? " " : "", c->usage);
		channel->helped_said++;
	}
	if (channel->helped < ARRAY_COUNT(commands))
		return CONTROL_MORE;
	control_ok("help", "n=%u", channel->helped_said);
	return CONTROL_DONE;
}

static void run_help(const struct command *c, char *const words[])
{
	channel->helped = channel->helped_said = 0;
	control_go_on(help_step);
}

/* --- lines --- */

/* How many words there are, those that have no room in words[] counted. */
static int split(char *at, char *words[])
{
	char *word;
	int n;

	for (n = 0; (word = next_word(&at)); n++)
		if (n < CONTROL_WORDS_MAX)
			words[n] = word;
	return n;
}

static char *trim(char *text)
{
	size_t n;

	while (*text == ' ')
		text++;
	for (n = strlen(text); n && text[n - 1] == ' '; n--)
		text[n - 1] = '\0';
	return text;
}

static void run_one(const struct command *c, char *rest)
{
	char *words[CONTROL_WORDS_MAX] = { NULL };
	int n;

	if (!is_here(c)) {
		control_error(c->name, -ENOSYS, "in the first domain %s does that", c->by_xl);
		return;
	}
	if (c->words_most == CONTROL_REST) {
		words[0] = trim(rest);
		c->run(c, words);
		return;
	}
	n = split(rest, words);
	if (n < c->words_least || n > c->words_most)
		control_error(c->name, -EINVAL, "usage: %s%s%s", c->name,
			      c->usage[0] ? " " : "", c->usage);
	else
		c->run(c, words);
}

void commands_run(char *line)
{
	char *name = next_word(&line);
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(commands); i++)
		if (!strcmp(commands[i].name, name)) {
			run_one(&commands[i], line);
			return;
		}
	control_error("-", -ENOSYS, "no command is called %.32s; help lists them",
		      name);
}
