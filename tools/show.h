/* SPDX-License-Identifier: MIT */
/* A model as a table, as JSON, and as a text file for node_exporter. */
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include <stdio.h>

#include "tools/model.h"

void show_list(FILE *f, const struct model *m);
void show_stats(FILE *f, const struct model *m);
void show_json(FILE *f, const struct model *m, bool one_line);
void show_prometheus(FILE *f, const struct model *m);

#endif
