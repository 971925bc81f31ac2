/* SPDX-License-Identifier: MIT */
/*
 * pasturectl: the operator's command, over the control channel of a machine
 * that runs Pasture (docs/control.md).  A mistake is one line and exit status
 * 2; a command that the machine refuses is one line and 1.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util.h"
#include "tools/client.h"
#include "tools/first.h"
#include "tools/screen.h"
#include "tools/show.h"

#define DEFAULT_PATH	"build/run/control.sock"
#define GREET_SECONDS	5.0
#define ANSWER_SECONDS	30.0
/* beyond the period of a watch */
#define LATE_SECONDS	10.0

static const char usage[] =
"usage: pasturectl [-s SOCKET] [--json | --prometheus] [-o FILE] COMMAND [WORDS]\n"
"\n"
"  list                  guests\n"
"  stats                 the machine\n"
"  top [SECONDS]         both, drawn again and again; no terminal: a line each time\n"
"  watch [SECONDS]       a line of totals each time; with --json an object a line\n"
"  console NAME          what the guest prints; lines typed here go to it\n"
"  raw                   lines from standard input to the machine, answers to standard output\n"
"  any other             as the machine knows it: `pasturectl help` lists them\n"
"\n"
"  -s, --socket PATH     QEMU's socket, a serial line, or 'xen': this system is the first domain;\n"
"                        default: what PASTURE_CONTROL says, build/run/control.sock if there\n"
"                        is one, xen where that is so\n"
"      --json            of list, stats and watch\n"
"      --prometheus      list and stats for node_exporter's textfile collector\n"
"  -o, --output FILE     there, in one piece, and not to standard output\n";

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_PROMETHEUS };

static struct {
	const char *path, *output;
	enum format format;
	struct client client;
} ctl;

/* NULL, or why not. */
static char *open_machine(void)
{
	if (!strcmp(ctl.path, FIRST_PATH))
		return first_open(&ctl.client);
	if (client_open(&ctl.client, ctl.path))
		return NULL;
	if (errno == EAGAIN)		/* QEMU serves one, and others wait */
		return xstrdup(client_nobody);
	die("no machine at %s: %s; 'make run' makes one, -s names another",
	    ctl.path, strerror(errno));
}

static void connect_machine(void)
{
	char *why = open_machine();

	if (!why)
		why = client_greet(&ctl.client, GREET_SECONDS);
	if (why)
		die("%s: %s", ctl.path, why);
}

/* The next line; one that does not come ends the program. */
static const char *next_line(double seconds)
{
	const char *line;

	switch (client_line(&ctl.client, seconds, &line)) {
	case CLIENT_LINE:
		break;
	case CLIENT_NOTHING:
		die("%s: the machine does not answer any more", ctl.path);
	case CLIENT_CLOSED:
		die("%s: the machine is gone", ctl.path);
	}
	if (!strcmp(line, "bye"))
		die("%s: the machine ends", ctl.path);
	return line;
}

static bool starts(const char *line, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(line, word, n) && line[n] == ' ';
}

/*
 * Ask, and give each line of the answer to the model, or, NULL, to standard
 * output.  The last line is as good as that: 0, or EXIT_BAD after `error`.
 */
static int ask(const char *command, struct model *m)
{
	char *text = xasprintf("%s\n", command);
	const char *line;

	if (!client_send(&ctl.client, text))
		die("%s: the machine does not take commands", ctl.path);
	free(text);
	for (;;) {
		line = next_line(ANSWER_SECONDS);
		if (starts(line, "error")) {
			fprintf(stderr, "pasture: %s\n", line + strlen("error "));
			return EXIT_BAD;
		}
		if (starts(line, "ok")) {
			if (!m)
				printf("%s\n", line);
			return 0;
		}
		if (m)
			model_line(m, line);
		else
			printf("%s\n", line);
	}
}

/* Standard output, or a file beside the one that is wanted. */
static FILE *output_open(char **beside)
{
	FILE *f;

	*beside = NULL;
	if (!ctl.output)
		return stdout;
	*beside = xasprintf("%s.%ld", ctl.output, (long)getpid());
	f = fopen(*beside, "w");
	if (!f)
		die("cannot write %s: %s", *beside, strerror(errno));
	return f;
}

static void output_close(FILE *f, char *beside)
{
	if (f == stdout ? fflush(f) : fclose(f))
		die("cannot write %s: %s", beside ? beside : "standard output",
		    strerror(errno));
	if (beside && rename(beside, ctl.output))
		die("cannot write %s: %s", ctl.output, strerror(errno));
	free(beside);
}

static void show(const struct model *m, bool list)
{
	char *beside;
	FILE *f = output_open(&beside);

	if (ctl.format == FORMAT_JSON)
		show_json(f, m, false);
	else if (ctl.format == FORMAT_PROMETHEUS)
		show_prometheus(f, m);
	else if (list)
		show_list(f, m);
	else
		show_stats(f, m);
	output_close(f, beside);
}

/* Formats other than the table are of both. */
static int figures(bool list)
{
	bool all = ctl.format != FORMAT_TABLE;
	struct model m = { 0 };
	int status = 0;

	if (all || !list)
		status = ask("stats", &m);
	if (!status && (all || list))
		status = ask("list", &m);
	if (!status)
		show(&m, list);
	model_free(&m);
	return status;
}

static int follow(bool top, const char *seconds)
{
	char *command = xasprintf("watch %s", seconds);
	double patience = strtod(seconds, NULL) + LATE_SECONDS;
	struct model m = { 0 };
	struct screen s;
	int status = ask(command, &m);

	free(command);
	screen_init(&s);
	s.terminal = s.terminal && top;
	while (!status) {
		if (!model_line(&m, next_line(patience)))
			continue;
		if (ctl.format == FORMAT_JSON)
			show_json(stdout, &m, true);
		else
			screen_show(&s, &m, NULL);
		if (fflush(stdout))
			break;
	}
	model_free(&m);
	return status;
}

/* One line at a time, each after the answer to the one before. */
static int raw(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[strspn(line, " \t\r")])
			(void)ask(line, NULL);
	}
	free(line);
	/* a signal, too */
	return ferror(stdin) ? 1 : 0;
}

/* What was typed here goes to the guest; false: nothing more will be. */
static bool pass_line(const char *name)
{
	char *line = NULL, *text;
	size_t room = 0;
	ssize_t n = getline(&line, &room, stdin);

	if (n > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		text = xasprintf("type %s %s\n", name, line);
		if (!client_send(&ctl.client, text))
			die("%s: the machine does not take commands", ctl.path);
		free(text);
	}
	free(line);
	return n > 0;
}

static bool input_waits(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* A line of the machine's while a console is followed; false: the last one. */
static bool console_line(const char *line)
{
	const char *text = strstr(line, " text=");

	if (starts(line, "error"))
		fprintf(stderr, "pasture: %s\n", line + strlen("error "));
	else if (starts(line, "console") && text)
		printf("%s\n", text + strlen(" text="));
	else if (starts(line, "lost"))
		printf("[%s]\n", line);
	return !starts(line, "closed") && strcmp(line, "bye");
}

static int console(const char *name)
{
	char *command = xasprintf("console %s", name);
	struct model none = { 0 };
	int status = ask(command, &none);
	bool more = !status, open = true;
	const char *line;

	free(command);
	setvbuf(stdin, NULL, _IONBF, 0);	/* input_waits() sees all */
	while (more) {
		switch (client_line(&ctl.client, 0.1, &line)) {
		case CLIENT_LINE:
			more = console_line(line);
			break;
		case CLIENT_NOTHING:
			fflush(stdout);
			break;
		case CLIENT_CLOSED:
			more = false;
			break;
		}
		if (open && input_waits())
			open = pass_line(name);
	}
	return status;
}

static int run(int argc, char **argv)
{
	const char *command = argc ? argv[0] : "list";
	char *line;
	int status;

	connect_machine();
	if (!strcmp(command, "list") && argc <= 1)
		return figures(true);
	if (!strcmp(command, "stats") && argc == 1)
		return figures(false);
	if ((!strcmp(command, "top") || !strcmp(command, "watch")) && argc <= 2)
		return follow(!strcmp(command, "top"), argc == 2 ? argv[1] : "1");
	if (!strcmp(command, "console") && argc == 2 && strcmp(argv[1], "off"))
		return console(argv[1]);
	if (!strcmp(command, "raw") && argc == 1)
		return raw();
	line = xstrdup(command);
	for (int i = 1; i < argc; i++) {
		char *longer = xasprintf("%s %s", line, argv[i]);

		free(line);
		line = longer;
	}
	status = ask(line, NULL);
	free(line);
	return status;
}

static void options(int *argc, char ***argv)
{
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "prometheus", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	ctl.path = getenv("PASTURE_CONTROL");
	if (!ctl.path || !ctl.path[0])
		ctl.path = access(DEFAULT_PATH, F_OK) && first_is_here() ? FIRST_PATH : DEFAULT_PATH;
	opterr = 0;
	while ((c = getopt_long(*argc, *argv, "+s:o:h", known, NULL)) >= 0) {
		if (c == 's') {
			ctl.path = optarg;
		} else if (c == 'o') {
			ctl.output = optarg;
		} else if (c == 'j' || c == 'p') {
			ctl.format = c == 'j' ? FORMAT_JSON : FORMAT_PROMETHEUS;
		} else if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		} else {
			die("pasturectl does not know '%s'; --help lists what it does",
			    (*argv)[optind - 1]);
		}
	}
	*argc -= optind;
	*argv += optind;
}

/* What is said to one who means nothing by a format. */
static void check(int argc, char **argv)
{
	const char *command = argc ? argv[0] : "list";
	bool both = !strcmp(command, "list") || !strcmp(command, "stats");

	if (ctl.format == FORMAT_PROMETHEUS && !both)
		die("--prometheus is for list and stats");
	if (ctl.format == FORMAT_JSON && !both && strcmp(command, "watch"))
		die("--json is for list, stats and watch");
	if (ctl.output && !both)
		die("--output is for list and stats");
	for (int i = 0; i < argc; i++)
		if (strpbrk(argv[i], "\r\n\003"))
			die("a word of a command has a line end in it");
}

int main(int argc, char **argv)
{
	int status;

	signal(SIGPIPE, SIG_DFL);
	options(&argc, &argv);
	check(argc, argv);
	status = run(argc, argv);
	client_close(&ctl.client);
	if (fflush(stdout))
		die("cannot write to standard output: %s", strerror(errno));
	return status;
}
