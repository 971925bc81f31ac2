/* SPDX-License-Identifier: MIT */
/* See live.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/live.h"
#include "harness/util.h"

#define EVERY_SECONDS	1.0
/* An answer that is not there by then will not be: ask anew. */
#define GIVE_UP_SECONDS	3.0

void live_init(struct live *l, const char *path, bool guests)
{
	*l = (struct live){ .path = xstrdup(path), .guests = guests };
}

static void hang_up(struct live *l)
{
	if (l->open)
		client_close(&l->client);
	l->open = l->hailed = false;
}

static void ask(struct live *l, double now)
{
	l->next = now + EVERY_SECONDS;
	if (!client_open(&l->client, l->path))
		return;
	l->open = true;
	l->asked = now;
	l->tag++;
	model_free(&l->coming);
	if (!client_hail(&l->client, l->tag) ||
	    !client_send(&l->client, l->guests ? "list\nstats\n" : "stats\n"))
		hang_up(l);
}

/* One line; true: it is the last one. */
static bool take(struct live *l, const char *line)
{
	char *why;

	if (!l->hailed) {
		l->hailed = client_hailed(l->tag, line, &why);
		l->useless = l->hailed && why;
		if (l->hailed)
			free(why);
		return l->useless;
	}
	model_line(&l->coming, line);
	return !strncmp(line, "ok stats", 8) || !strncmp(line, "error ", 6);
}

static void replace(struct live *l)
{
	struct model old = l->model;

	l->model = l->coming;
	l->coming = (struct model){ 0 };
	model_follows(&l->model, &old);
	model_free(&old);
}

bool live_poll(struct live *l)
{
	double now = now_seconds();
	enum client_got got = CLIENT_NOTHING;
	const char *line;
	bool last = false;

	if (l->useless)
		return false;
	if (!l->open && now >= l->next)
		ask(l, now);
	while (l->open && !last &&
	       (got = client_line(&l->client, 0, &line)) == CLIENT_LINE)
		last = take(l, line);
	if (last || got == CLIENT_CLOSED ||
	    (l->open && now - l->asked > GIVE_UP_SECONDS))
		hang_up(l);
	if (!last || l->useless)
		return false;
	replace(l);
	return true;
}

void live_fini(struct live *l)
{
	hang_up(l);
	free(l->path);
	model_free(&l->model);
	model_free(&l->coming);
}
