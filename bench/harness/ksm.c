/* SPDX-License-Identifier: MIT */
/* KSM's settings; see ksm.h. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/ksm.h"
#include "harness/util.h"

#define FOLDER	"/sys/kernel/mm/ksm/"

/* In this order; back in the reverse one.  Older kernels lack some. */
static const struct setting {
	const char *name, *wanted;
} settings[] = {
	{ "sleep_millisecs", "0" },
	{ "advisor_mode", "none" },
	{ "pages_to_scan", "1000000" },
	{ "smart_scan", "0" },
	{ "use_zero_pages", "1" },
	{ "run", "1" },
};

#define SETTINGS	(sizeof(settings) / sizeof(settings[0]))

static char before[SETTINGS][64];
static int alive = -1;		/* our end of the keeper's pipe */
static pid_t keeper;

static bool setting_read(const char *name, char *value, int bytes)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(value, bytes, f))
		value[0] = '\0';
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
	return value[0];
}

static void setting_write(const char *name, const char *value)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	f = fopen(path, "we");
	if (!f)
		return;
	fputs(value, f);
	fclose(f);
}

/* "[none] scan-time": the word that is chosen. */
static void keep_chosen(char *value)
{
	char *from = strchr(value, '['), *to = strchr(value, ']');

	if (!from || !to || to < from)
		return;
	*to = '\0';
	memmove(value, from + 1, (size_t)(to - from));
}

static void restore(void)
{
	for (size_t i = SETTINGS; i--; )
		if (before[i][0])
			setting_write(settings[i].name, before[i]);
}

uint64_t ksm_scans(void)
{
	char text[64] = "";
	uint64_t n = 0;

	if (setting_read("full_scans", text, sizeof(text)))
		parse_number(text, 0, UINT64_MAX, &n);
	return n;
}

const char *ksm_unusable(void)
{
	char run[64] = "";

	if (!setting_read("run", run, sizeof(run)))
		return "this host's kernel has no KSM";
	if (!strcmp(run, "1"))
		return "KSM runs already, for others";
	if (geteuid())
		return "KSM's settings, and whose a frame is, need root";
	return access(FOLDER "run", W_OK) ? "KSM's settings cannot be written" : NULL;
}

/* What is typed at the terminal is not for it. */
__attribute__((noreturn))
static void keep(int gone)
{
	char byte;
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	while (read(gone, &byte, 1) > 0)
		;
	restore();
	_exit(0);
}

void ksm_begin(void)
{
	int ends[2];

	for (size_t i = 0; i < SETTINGS; i++)
		if (setting_read(settings[i].name, before[i], sizeof(before[i])))
			keep_chosen(before[i]);
	if (pipe2(ends, O_CLOEXEC))
		die("no pipe to watch over KSM's settings");
	fflush(stdout);
	keeper = fork();
	if (keeper < 0)
		die("nobody can be started to watch over KSM's settings");
	if (!keeper) {
		close(ends[1]);
		keep(ends[0]);
	}
	close(ends[0]);
	alive = ends[1];
	for (size_t i = 0; i < SETTINGS; i++)
		if (before[i][0])
			setting_write(settings[i].name, settings[i].wanted);
}

void ksm_end(void)
{
	close(alive);
	alive = -1;
	waitpid(keeper, NULL, 0);
}
