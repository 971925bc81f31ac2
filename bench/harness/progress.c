/* SPDX-License-Identifier: MIT */
/* See progress.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/progress.h"

#define GUESTS_SHOWN	16
#define BAR_CELLS	24
#define DRAW_SECONDS	0.2
#define PLAIN_SECONDS	2.0

void progress_init(struct progress *p, const struct run *r)
{
	*p = (struct progress){
		.terminal = isatty(1) && !r->options->verbose,
		.guests = r->count <= GUESTS_SHOWN,
		.phases = xcalloc(r->count, sizeof(p->phases[0])),
	};
}

static const char *guest_phase(const struct guest *g)
{
	if (g->dead)
		return g->reason[0] ? g->reason : "dead";
	if (!g->domid)
		return "waits";
	return g->phase[0] ? g->phase : "starts";
}

static int terminal_columns(void)
{
	struct winsize w;

	return ioctl(1, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col;
}

static size_t terminal_rows(void)
{
	struct winsize w;

	return ioctl(1, TIOCGWINSZ, &w) || !w.ws_row ? 24 : w.ws_row;
}

void progress_line(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%.*s\033[K\n", terminal_columns() - 1, text);
}

bool progress_fits(size_t lines)
{
	return lines < terminal_rows();
}

static void draw_guest(const struct guest *g)
{
	uint64_t cells = g->total ? g->done * BAR_CELLS / g->total : 0;
	char bar[BAR_CELLS + 1];

	if (g->settled || cells > BAR_CELLS)
		cells = BAR_CELLS;
	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', cells);
	bar[BAR_CELLS] = '\0';
	progress_line("  %-6s %-5s %-9s [%s]", g->name, g->group,
		      guest_phase(g), bar);
}

/* To be freed. */
static char *totals(const struct run *r)
{
	return xasprintf("  %4.0f s  %llu of %llu guests done   shared frames %llu   "
			 "frames saved %llu   CoW breaks %llu",
			 now_seconds() - r->machine.started,
			 (unsigned long long)run_settled(r),
			 (unsigned long long)r->count,
			 (unsigned long long)r->now.pages_shared,
			 (unsigned long long)r->now.pages_sharing,
			 (unsigned long long)r->now.cow_breaks);
}

static void draw(struct progress *p, const struct run *r)
{
	char *text = totals(r);
	bool guests;

	if (p->drawn)
		printf("\033[%zuA", p->drawn);
	guests = p->guests && progress_fits(r->count + 1);
	for (uint64_t i = 0; guests && i < r->count; i++)
		draw_guest(&r->guests[i]);
	progress_line("%s", text);
	free(text);
	p->drawn = (guests ? r->count : 0) + 1;
	fflush(stdout);
}

static void say_phases(struct progress *p, const struct run *r)
{
	for (uint64_t i = 0; p->guests && i < r->count; i++) {
		const char *phase = guest_phase(&r->guests[i]);

		if (!strcmp(p->phases[i], phase))
			continue;
		snprintf(p->phases[i], sizeof(p->phases[i]), "%s", phase);
		printf("  %-6s %s\n", r->guests[i].name, phase);
	}
}

void progress_show(struct progress *p, const struct run *r)
{
	double now = now_seconds();
	char *text;

	if (!p->terminal)
		say_phases(p, r);
	if (now - p->last < (p->terminal ? DRAW_SECONDS : PLAIN_SECONDS))
		return;
	p->last = now;
	if (p->terminal) {
		draw(p, r);
		return;
	}
	text = totals(r);
	printf("%s\n", text);
	free(text);
	fflush(stdout);
}

void progress_fini(struct progress *p, const struct run *r)
{
	p->last = 0;
	progress_show(p, r);
	free(p->phases);
}
