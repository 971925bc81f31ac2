/* SPDX-License-Identifier: MIT */
/*
 * Guest consoles: the hypervisor is the backend of each domain's console ring
 * (xencons_interface).  Output is drained when the guest notifies the port,
 * yields or blocks, and from a timer; whole lines go to the log.  Input from
 * the serial line goes to the domain with the focus, or to all
 * (`console=all|NAME|none`), in lines or key by key (`input=keys`); nothing is
 * echoed.  Ctrl-] begins a line for the operator: "focus NAME|all|none", or
 * what console_operator_line knows.  Lines without it are offered to that, too,
 * but their keys have reached the domains with input=keys by then.
 */
#ifndef HV_DOM_CONSOLE_H
#define HV_DOM_CONSOLE_H

#include "dom/domain.h"

/*
 * ring_frame: the domain's console page, on which a writable reference is
 * taken. -ENOMEM, -EPERM, -EBUSY.
 */
int console_init(struct domain *d, struct frame *ring_frame, uint32_t port);
/* That of the first domain, which has no ring; it takes keys.  -ENOMEM. */
int console_init_first(struct domain *d);
void console_fini(struct domain *d);	/* drains and flushes first */
/* on which it has its reference; NULL: none; for recounts */
struct frame *console_ring_frame(const struct domain *d);
void console_drain(struct domain *d);	/* any CPU */
/* read the serial line, feed rings; boot CPU's timer */
void console_poll_input(void);
/* poll, and feed the serial line, on the calling CPU from now on */
void console_input_start(void);
void console_set_raw(struct domain *d);	/* input=keys */
/*
 * Offered each line typed before the guests are; true: it was for the operator.
 * Set by boot/report.c.
 */
extern bool (*console_operator_line)(const char *line);
void console_set_focus(const char *who);
/*
 * What each guest may print, in bytes a second (0: anything); who writes more
 * waits.  Once, at boot.
 */
void console_set_rate(uint64_t bytes);
/* console_io(CONSOLEIO_write/read): the same line assembly, no ring. */
long op_console_io(unsigned long cmd, uint64_t count, uint64_t va);

#endif
