/* SPDX-License-Identifier: MIT */
/*
 * The machine on a terminal: its memory as a bar, what goes on in it, and a
 * line with a bar for each guest; drawn in place, no wider and no higher than
 * the terminal is.  On anything else: one line of totals.
 */
#ifndef TOOLS_SCREEN_H
#define TOOLS_SCREEN_H

#include "tools/model.h"

struct screen {
	bool terminal;
	size_t drawn;		/* lines to go up before drawing again */
};

void screen_init(struct screen *s);
/*
 * Draw it, or print the line; `foot` is a last line of the caller's, or NULL.
 */
void screen_show(struct screen *s, const struct model *m, const char *foot);
/* The totals as one line, to be freed. */
char *screen_totals(const struct model *m);

/* --- for other drawings --- */

/* The machine in SCREEN_MACHINE lines; a guest's bar of so many cells. */
#define SCREEN_MACHINE	3
void screen_machine(const struct model *m);
void screen_guest_bar(char *text, size_t cells, const struct model_guest *g);
/* Is the terminal so high?  What has scrolled off cannot be drawn again. */
bool screen_fits(size_t lines);

size_t screen_columns(void);
size_t screen_rows(void);
/* One line of a drawing: cut, where the terminal is narrow. */
__attribute__((format(printf, 1, 2)))
void screen_line(const char *fmt, ...);

#endif
