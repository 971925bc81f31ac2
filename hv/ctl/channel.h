/* SPDX-License-Identifier: MIT */
/*
 * What one conversation on a control channel is made of: control.c's bytes and
 * lines, and what commands.c and figures.c remember between the steps of an
 * answer.
 *
 * CHAN1  One channel at a time has its turn, on the boot CPU, and `channel` is
 *        that one: whatever is said goes there.
 */
#ifndef HV_CTL_CHANNEL_H
#define HV_CTL_CHANNEL_H

#include "ctl/control.h"
#include "dom/domain.h"

#define OUT_BYTES	16384u	/* a power of two */

struct channel;
struct seen;			/* figures.c */

/* The client's end.  Neither waits. */
struct channel_port {
	/* how many of the bytes it takes now */
	size_t (*put)(struct channel *c, const char *bytes, size_t count);
	int (*read)(struct channel *c);	/* a byte; -1: there is none */
	/* The client is in the first domain, where xl rules. */
	bool beside_xl;
};

/* All of it: boot CPU. */
struct channel {
	const struct channel_port *port;	/* constant */
	struct {
		char text[CONTROL_LINE_MAX];
		uint32_t bytes;
		bool too_long, bad_byte;	/* CONTROL4 */
	} in;
	struct {
		char text[OUT_BYTES];
		uint32_t head, tail;		/* run freely */
	} out;
	control_step step;	/* NULL: no answer is under way */
	struct {
		uint64_t period_ns;	/* 0: none */
		uint64_t due_ns, missed;
		bool begun;		/* its first update was said */
	} watch;
	/* --- commands.c --- */
	struct {
		const char *command;
		domid_hv_t id;
		uint64_t until_ns;
	} waits;		/* what a command waits for */
	uint64_t audits_before;
	uint32_t helped;	/* commands that help has come past, */
	uint32_t helped_said;	/* and those that it said */
	/* --- figures.c --- */
	struct seen *seen;	/* constant */
	struct {
		uint32_t next;		/* number, or slot of seen[] */
		uint32_t said;
		uint32_t begin;		/* number: of an update's first */
		bool around;		/* it has been at the last number */
		uint32_t room;		/* WATCH2: bytes */
		enum { SAY_HEAD, SAY_GUESTS, SAY_GONE } part;
	} walk;
};

extern struct channel *channel;		/* CHAN1 */

/* Once for each; false: no memory. */
bool channel_init(struct channel *c, const struct channel_port *port) must_check;
/*
 * Whatever it was about is dropped, and its client greeted.  It has its turn.
 */
void channel_restart(struct channel *c);
/* Its turn: a bounded look. */
void channel_look(struct channel *c);

#endif
