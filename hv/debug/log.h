/* SPDX-License-Identifier: MIT */
/*
 * The log: one line, one call; a line never mixes with another CPU's.
 * Levels 0 error, 1 warning, 2 info, 3 debug (`loglevel=`, default 2).
 * log_stat() prints a machine line for the harness ("@topic key=value ..."),
 * whatever the level.
 *
 * Once guests run, no CPU waits for the serial line: lines wait in a buffer.  A
 * line that finds no room there is lost, and a note in its place says so
 * (outbuf.c).
 */
#ifndef HV_DEBUG_LOG_H
#define HV_DEBUG_LOG_H

#include "lib/types.h"

extern unsigned int log_level;	/* set once at boot */

void log_at(unsigned int level, const char *fmt, ...) printf_like(2, 3);
#define log_error(...)	log_at(0, __VA_ARGS__)
#define log_warn(...)	log_at(1, __VA_ARGS__)
#define log_info(...)	log_at(2, __VA_ARGS__)
#define log_debug(...)	log_at(3, __VA_ARGS__)

void log_stat(const char *fmt, ...) printf_like(1, 2);

/*
 * `bytes` of a guest's console output, already a whole line without its
 * newline; printed as "(d<id> <name>) text".
 */
void log_guest(unsigned int domid, const char *name, const char *text,
	       size_t bytes);

/* false: guests should keep what they have to print */
bool log_has_room(void);
/* feed the serial line; true: more waits.  From a timer */
bool log_pump(void);
void log_start_async(void);	/* log_pump() is called from now on */
/* wait, within bounds, until all is out; no guest runs */
void log_drain(void);

/*
 * The log's own text, as far as it is kept: up to `most` bytes from place *at
 * on (any that is not kept: the first that is), which goes behind them.  How
 * many; 0: there are no more.
 */
uint32_t log_read(uint32_t *at, char *to, uint32_t most);

#endif
