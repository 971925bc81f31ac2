/* SPDX-License-Identifier: MIT */
/* A run as a picture: memory, offers and breaks over time. */
#ifndef HARNESS_SAVED_H
#define HARNESS_SAVED_H

#include "harness/run.h"

/* One of the machine's `@stat` lines. */
void saved_sample(struct run *r);
/*
 * DIR/saved.tsv and DIR/saved.svg, and a line that names the picture; without
 * gnuplot, or with less than two samples, one line that says why there is none.
 */
void saved_picture(const struct run *r, const char *dir);

#endif
