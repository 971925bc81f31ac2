/* SPDX-License-Identifier: MIT */
/* See screen.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/util.h"
#include "tools/screen.h"

#define BAR_MOST	60
#define GUEST_BAR	24

typedef unsigned long long ull;

void screen_init(struct screen *s)
{
	*s = (struct screen){ .terminal = isatty(1) };
}

size_t screen_columns(void)
{
	struct winsize w;

	return ioctl(1, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col;
}

size_t screen_rows(void)
{
	struct winsize w;

	return ioctl(1, TIOCGWINSZ, &w) || !w.ws_row ? 24 : w.ws_row;
}

bool screen_fits(size_t lines)
{
	return lines < screen_rows();
}

void screen_line(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%.*s\033[K\n", (int)screen_columns() - 1, text);
}

/* Parts of a whole, each with its letter; what is left over is blank. */
struct bar_part {
	uint64_t value;
	char letter;
};

static void bar(char *text, size_t cells, const struct bar_part *part,
		size_t parts, uint64_t whole)
{
	uint64_t sum = 0;
	size_t at = 0;

	memset(text, ' ', cells);
	for (size_t i = 0; i < parts; i++) {
		size_t end;

		sum += part[i].value;
		end = whole ? sum * cells / whole : 0;
		for (; at < end && at < cells; at++)
			text[at] = part[i].letter;
	}
	text[cells] = '\0';
}

static double mib(uint64_t pages)
{
	return (double)pages * PAGE_BYTES / MIB;
}

/* The machine's frames: guests' own, shared, the hypervisor's, free. */
struct frames {
	uint64_t total, own, shared, free, other;
};

static struct frames frames_of(const struct model *m)
{
	const struct pairs *p = &m->part[MODEL_MACHINE];
	struct frames f = {
		.total = pairs_number(p, "total"),
		.own = pairs_number(p, "owned"),
		.free = pairs_number(p, "free"),
		.shared = pairs_number(&m->part[MODEL_SHARING], "pages_shared"),
	};

	if (f.total > f.own + f.shared + f.free)
		f.other = f.total - f.own - f.shared - f.free;
	return f;
}

/* "none", or the reasons with their numbers, the most first. */
static void refusals(char *text, size_t bytes, const struct model *m)
{
	const struct pairs *p = &m->part[MODEL_REFUSED];
	uint64_t least = UINT64_MAX;
	size_t n = 0;

	snprintf(text, bytes, "%llu", (ull)pairs_number(&m->part[MODEL_SHARING],
							"refusals"));
	for (size_t shown = 0; shown < 3; shown++) {
		uint64_t best = 0, v;
		size_t which = 0;

		for (size_t i = 0; i < p->count; i++) {
			v = strtoull(p->value[i], NULL, 10);
			if (v > best && v < least) {
				best = v;
				which = i;
			}
		}
		if (!best)
			return;
		least = best;
		n = strlen(text);
		snprintf(text + n, bytes - n, "%s%s %llu", shown ? ", " : ": ",
			 p->key[which], (ull)best);
	}
}

static void audit_words(char *text, size_t bytes, const struct model *m)
{
	const struct pairs *p = &m->part[MODEL_AUDIT];

	if (!pairs_number(p, "done"))
		snprintf(text, bytes, "none yet");
	else
		snprintf(text, bytes, "%llu s ago, %llu errors",
			 (ull)pairs_number(p, "age_ms") / 1000,
			 (ull)pairs_number(p, "errors"));
}

char *screen_totals(const struct model *m)
{
	struct frames f = frames_of(m);
	char refused[128], audit[64];

	refusals(refused, sizeof(refused), m);
	audit_words(audit, sizeof(audit), m);
	return xasprintf("%5.0f s  %zu guests  memory %.0f MiB: own %.0f shared %.0f free %.0f  saved %.0f MiB  offers/s %.0f  breaks/s %.0f  refused %s  audit %s",
			 (double)pairs_number(&m->part[MODEL_MACHINE], "t_ms") / 1000,
			 m->count, mib(f.total), mib(f.own), mib(f.shared),
			 mib(f.free),
			 mib(pairs_number(&m->part[MODEL_SHARING], "pages_sharing")),
			 m->offers_rate, m->breaks_rate, refused, audit);
}

void screen_machine(const struct model *m)
{
	struct frames f = frames_of(m);
	const struct bar_part parts[] = {
		{ f.other, '+' }, { f.own, '#' }, { f.shared, '=' }, { f.free, '.' },
	};
	size_t columns = screen_columns(), cells;
	char text[BAR_MOST + 1], refused[128], audit[64];

	cells = columns > 30 ? columns - 30 : 1;
	cells = cells > BAR_MOST ? BAR_MOST : cells;
	bar(text, cells, parts, 4, f.total);
	refusals(refused, sizeof(refused), m);
	audit_words(audit, sizeof(audit), m);
	screen_line("  memory [%s] %.0f MiB", text, mib(f.total));
	screen_line("  # own %.0f  = shared %.0f  + hypervisor %.0f  . free %.0f MiB;  saved %.1f MiB",
		    mib(f.own), mib(f.shared), mib(f.other), mib(f.free),
		    mib(pairs_number(&m->part[MODEL_SHARING], "pages_sharing")));
	screen_line("  offers %.0f/s  breaks %.0f/s  refused %s  audit %s",
		    m->offers_rate, m->breaks_rate, refused, audit);
}

void screen_guest_bar(char *text, size_t cells, const struct model_guest *g)
{
	struct model_pages p = model_pages_of(g);
	const struct bar_part parts[] = {
		{ p.own, '#' }, { p.shared, '=' }, { p.back, '.' },
	};

	bar(text, cells, parts, 3, p.own + p.shared + p.back);
}

static void draw_guest(const struct model_guest *g)
{
	struct model_pages p = model_pages_of(g);
	char text[GUEST_BAR + 1];

	screen_guest_bar(text, GUEST_BAR, g);
	screen_line("  %-8.16s %-8s [%s] own %.1f shared %.1f back %.1f MiB  breaks %s",
		    pairs_text(&g->said, "name"), pairs_text(&g->said, "state"), text,
		    mib(p.own), mib(p.shared), mib(p.back),
		    pairs_text(&g->said, "breaks"));
}

/*
 * What has scrolled off cannot be drawn again: so no more lines than there are
 * rows, less the one of the cursor.
 */
static void draw(struct screen *s, const struct model *m, const char *foot)
{
	size_t rows = screen_rows(), fixed = SCREEN_MACHINE + (foot != NULL), shown = 0;
	size_t room = rows > fixed + 2 ? rows - fixed - 2 : 0;

	if (s->drawn)
		printf("\033[%zuA", s->drawn);
	s->drawn = 0;
	if (rows > fixed) {
		screen_machine(m);
		s->drawn = SCREEN_MACHINE;
	}
	for (; shown < m->count && shown < room; shown++)
		draw_guest(&m->guests[shown]);
	s->drawn += shown;
	if (shown < m->count && rows > fixed + 1) {
		screen_line("  and %zu guests more", m->count - shown);
		s->drawn++;
	}
	if (foot) {
		screen_line("%s", foot);
		s->drawn++;
	}
	printf("\033[J");
	fflush(stdout);
}

void screen_show(struct screen *s, const struct model *m, const char *foot)
{
	char *totals;

	if (s->terminal) {
		draw(s, m, foot);
		return;
	}
	totals = screen_totals(m);
	printf("%s\n", totals);
	free(totals);
	fflush(stdout);
}
