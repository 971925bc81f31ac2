/* SPDX-License-Identifier: MIT */
/* See progress.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/progress.h"
#include "tools/screen.h"

#define GUESTS_SHOWN	16
#define BAR_CELLS	12
#define MEMORY_CELLS	20
#define DRAW_SECONDS	1.0
#define PLAIN_SECONDS	2.0

void progress_init(struct progress *p, const struct run *r)
{
	char *path;

	*p = (struct progress){
		.terminal = isatty(1) && !r->options->verbose,
		.guests = r->count <= GUESTS_SHOWN,
		.phases = xcalloc(r->count, sizeof(p->phases[0])),
	};
	path = xasprintf("%s/%s", r->plan->dir, CONTROL_SOCKET);
	live_init(&p->live, path, p->guests);
	free(path);
}

static const char *guest_phase(const struct guest *g)
{
	if (g->dead)
		return g->reason[0] ? g->reason : "dead";
	if (!g->domid)
		return "waits";
	return g->phase[0] ? g->phase : "starts";
}

static void phase_bar(char bar[BAR_CELLS + 1], const struct guest *g)
{
	uint64_t cells = g->total ? g->done * BAR_CELLS / g->total : 0;

	if (g->settled || cells > BAR_CELLS)
		cells = BAR_CELLS;
	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', cells);
	bar[BAR_CELLS] = '\0';
}

/* How far it is; and its memory, if the machine has told. */
static void draw_guest(const struct guest *g, const struct model_guest *m)
{
	char bar[BAR_CELLS + 1], memory[MEMORY_CELLS + 1];
	struct model_pages p;

	phase_bar(bar, g);
	if (!m || g->dead) {
		screen_line("  %-6s %-5s %-9s [%s]", g->name, g->group,
			    guest_phase(g), bar);
		return;
	}
	p = model_pages_of(m);
	screen_guest_bar(memory, MEMORY_CELLS, m);
	screen_line("  %-6s %-5s %-9s [%s] [%s] own %.1f shared %.1f back %.1f MiB  breaks %llu",
		    g->name, g->group, guest_phase(g), bar, memory,
		    (double)p.own * PAGE_BYTES / MIB,
		    (double)p.shared * PAGE_BYTES / MIB,
		    (double)p.back * PAGE_BYTES / MIB,
		    (unsigned long long)pairs_number(&m->said, "breaks"));
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
	const struct model *m = &p->live.model;
	bool guests = p->guests && screen_fits(r->count + 1);
	size_t lines = (guests ? r->count : 0) + 1;
	bool machine = m->updates && screen_fits(lines + SCREEN_MACHINE);
	char *text = totals(r);

	if (p->drawn)
		printf("\033[%zuA", p->drawn);
	if (machine)
		screen_machine(m);
	for (uint64_t i = 0; guests && i < r->count; i++)
		draw_guest(&r->guests[i], model_named(m, r->guests[i].name));
	screen_line("%s", text);
	printf("\033[J");
	free(text);
	p->drawn = lines + (machine ? SCREEN_MACHINE : 0);
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

	if (p->terminal)
		(void)live_poll(&p->live);
	else
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
	live_fini(&p->live);
	free(p->phases);
}
