/* SPDX-License-Identifier: MIT */
/* The lines that wait for the serial line; only debug/log.c calls this. */
#ifndef HV_DEBUG_OUTBUF_H
#define HV_DEBUG_OUTBUF_H

#include "lib/types.h"

/*
 * Whose line it is; each kind may fill the buffer further than the one before.
 */
enum out_kind { OUT_GUEST, OUT_OWN, OUT_PANIC, OUT_KINDS };

/*
 * Append a line, its newline included, or count it as lost.  LOCK_LOG, or a
 * panic.
 */
void outbuf_put(enum out_kind kind, const char *line, size_t bytes);
/* Say what was lost, if there is room again.  LOCK_LOG, or a panic. */
void outbuf_say_lost(void);
/*
 * What was appended, also what has gone out by now, as far as it is kept: up to
 * `most` bytes from *at on, and *at goes behind them.  A place that is not kept
 * stands for the first that is.  How many; 0: there are no more.  LOCK_LOG.
 */
uint32_t outbuf_read(uint32_t *at, char *to, uint32_t most);
/* were lines lost, and is there room to say so? */
bool outbuf_lost(void);
/*
 * Give the device what it takes now, at most `most` bytes; returns how many it
 * took.  Waits for nothing.
 */
size_t outbuf_pump(size_t most);
bool outbuf_waiting(void);			/* is something left? */
bool outbuf_has_room(void);		/* may guests go on printing? */
/* Wait for the device until all is out, or it has taken nothing for seconds. */
void outbuf_drain(void);

#endif
