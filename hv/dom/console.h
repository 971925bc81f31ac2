/* SPDX-License-Identifier: MIT */
/*
 * Guest consoles: the hypervisor is the backend of each domain's console ring
 * (xencons_interface).  Output is drained when the guest notifies the port and
 * whenever one of its vCPUs leaves its CPU; whole lines go to the log.  Input
 * from the serial line goes to the domain with the focus, or to all
 * (`console=all|NAME|none`), in lines or key by key (`input=keys`); nothing is
 * echoed.  Ctrl-] begins a line for the operator: "focus NAME|all|none", or a
 * command that console_operator_line() knows.  Lines without Ctrl-] are offered
 * to that function, too, but domains with input=keys have seen their keys by
 * then.
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
/*
 * That of a domain whose ring is served by another one: what it prints by
 * console_io.  -ENOMEM.
 */
int console_init_served(struct domain *d);
void console_fini(struct domain *d);	/* drains and flushes first */
/* the page that the console references, NULL: none; for recounts */
struct frame *console_ring_frame(const struct domain *d);
void console_drain(struct domain *d);	/* any CPU */
/* read the serial line, feed rings; boot CPU's timer */
void console_poll_input(void);
/* poll, and feed the serial line, on the calling CPU from now on */
void console_input_start(void);
void console_set_raw(struct domain *d);	/* input=keys */
/*
 * Gets each typed line before the guests do; true: the line was for the
 * operator.  Set by boot/report.c.
 */
extern bool (*console_operator_line)(const char *line);
/*
 * Gets each whole line that a domain prints, when the log has it; LOCK_DOMAIN.
 * NULL: nobody.  Set by ctl/follow.c.
 */
extern void (*console_printed)(const struct domain *d, const char *text,
			       size_t bytes);
/*
 * Give d what the operator types for it, focus or not; false: it takes no
 * input.  What does not fit is lost, as the log says.
 */
bool console_type(struct domain *d, const char *text, uint32_t bytes);
void console_set_focus(const char *who);
/*
 * How many bytes a second each guest may print (0: any number); a guest that
 * writes more waits.  Once, at boot.
 */
void console_set_rate(uint64_t bytes);
/*
 * console_io(CONSOLEIO_write/read): the same line assembly, no ring.
 * -ERESTART: *count and *va say what is left.
 */
long op_console_io(unsigned long cmd, uint64_t *count, uint64_t *va);

#endif
