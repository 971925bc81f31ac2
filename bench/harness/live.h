/* SPDX-License-Identifier: MIT */
/*
 * The machine's figures by its control channel, once a second: asked for and
 * taken without waiting, and the channel is given back at once, so that
 * pasturectl can be used beside a run.  A machine without a channel, or whose
 * channel another client has, gives none; nothing else is missed then.
 */
#ifndef HARNESS_LIVE_H
#define HARNESS_LIVE_H

#include "tools/client.h"
#include "tools/model.h"

struct live {
	char *path;
	bool guests;		/* each of them is asked for, too */
	bool useless;		/* it speaks another protocol */
	bool open, hailed;
	uint64_t tag;
	double asked, next;	/* when */
	struct client client;
	struct model model;	/* valid if updates > 0 */
	struct model coming;	/* what was said of the next one so far */
};

void live_init(struct live *l, const char *path, bool guests);
/* Call often.  True: there are new figures in l->model. */
bool live_poll(struct live *l);
void live_fini(struct live *l);

#endif
