/* SPDX-License-Identifier: MIT */
/*
 * What the control channel's lines say, put together: the machine, and each
 * guest, of which an update says only what has changed.
 */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_KEYS	40

/* key=value, in the order in which they came; a further key is dropped. */
struct pairs {
	size_t count;
	char key[MODEL_KEYS][24], value[MODEL_KEYS][40];
};

const char *pairs_text(const struct pairs *p, const char *key);	/* or "" */
uint64_t pairs_number(const struct pairs *p, const char *key);	/* or 0 */

struct model_guest {
	uint64_t id;
	struct pairs said;
};

/* Lines of the machine as a whole, by the word that they begin with. */
enum model_part { MODEL_MACHINE, MODEL_SHARING, MODEL_REFUSED, MODEL_AUDIT,
		  MODEL_PARTS };
extern const char *const model_parts[MODEL_PARTS];

struct model {
	struct pairs part[MODEL_PARTS];
	struct model_guest *guests;	/* by number */
	size_t count, room;
	uint64_t missed, updates;
	/* as it was when it was whole */
	uint64_t t_ms, offers, breaks;
	double offers_rate, breaks_rate; /* a second */
};

/* True: the line ended an update. */
bool model_line(struct model *m, const char *line);
void model_free(struct model *m);
/* m is whole, and comes after `old`: what happened a second between. */
void model_follows(struct model *m, const struct model *old);
/* By name, or NULL. */
const struct model_guest *model_named(const struct model *m, const char *name);

/* Pages of a guest: its own, shared, and given back of what it may have. */
struct model_pages {
	uint64_t own, shared, back;
};
struct model_pages model_pages_of(const struct model_guest *g);

#endif
