/* SPDX-License-Identifier: MIT */
/*
 * The operator's control channel: lines on the second serial port (ctl=com2),
 * and in the first domain (abi/control.h).  docs/control.md is the protocol.
 * control.c is the channel, sessions.c the first domain's end of it, commands.c
 * what can be asked for, figures.c what it answers about the machine and its
 * guests.
 */
#ifndef HV_CTL_CONTROL_H
#define HV_CTL_CONTROL_H

#include "lib/types.h"

struct channel;			/* channel.h */

/* Of the protocol; docs/control.md says when it changes. */
#define CONTROL_PROTOCOL	1
/* of a line that is asked, its end included */
#define CONTROL_LINE_MAX	2048
/* of a line that is answered */
#define CONTROL_ANSWER_MAX	768
/* words that a command may want, itself not counted */
#define CONTROL_WORDS_MAX	2

/*
 * Once, before the frames that must be free at the end are counted: open the
 * channels that are wanted, and look after them from now on.  Boot CPU.
 */
void control_start(bool on_serial, bool in_first_domain);
/* One look at each channel; from the timer, boot CPU. */
void control_poll(void);
/* The machine ends: say so, and wait for the client for a moment. */
void control_end(void);

/* --- for commands.c and figures.c --- */

/* What a command wants: so many words, or the whole rest of its line. */
#define CONTROL_REST	(-1)

/*
 * What a bounded step of an answer leaves: nothing; more, at once; or more
 * later, because it waits for something.  A step says five lines at most.
 */
enum control_next { CONTROL_DONE, CONTROL_MORE, CONTROL_LATER };
typedef enum control_next (*control_step)(void);

/* One line, without its newline. */
void control_say(const char *fmt, ...) printf_like(1, 2);
/* The line that ends the answer to `command`. */
void control_ok(const char *command, const char *fmt, ...) printf_like(2, 3);
void control_error(const char *command, int error, const char *fmt, ...)
	printf_like(3, 4);
/* The command's work goes on with these steps; it says the last line. */
void control_go_on(control_step step);
/* Say figures again each `seconds`, whenever nothing else is asked; 0: never */
void control_watch(uint64_t seconds);
/* of control_watch(): updates that were left out so far */
uint64_t control_missed(void);
/* How long the channel has worked, and what went over it. */
struct control_usage {
	uint64_t ns, lines, bytes;
};
void control_used(struct control_usage *usage);

/*
 * commands.c: one line that was asked, no blank one; it may be changed.  Says
 * exactly one line that ends the answer, now or with control_go_on().
 */
void commands_run(char *line);
/* figures.c */
bool figures_init(struct channel *c);	/* false: no memory */
void figures_list(void);
void figures_stats(void);
void figures_groups(void);
void figures_update_begin(bool all);	/* of control_watch() */
extern uint32_t figures_update_bytes;	/* WATCH2; tests set it */
enum control_next figures_update(void);

#endif
