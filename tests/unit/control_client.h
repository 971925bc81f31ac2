/* SPDX-License-Identifier: MIT */
/*
 * A machine with two guests and a domain list, its control channel, and the
 * client at the other end: ask(), and what was said.
 */
#ifndef TESTS_UNIT_CONTROL_CLIENT_H
#define TESTS_UNIT_CONTROL_CLIENT_H

#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "audit/audit.h"
#include "ctl/config.h"
#include "ctl/control.h"
#include "ctl/domlist.h"
#include "ctl/lives.h"
#include "ctl/snapshot.h"
#include "ctl/waiting.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/pause.h"
#include "dom/promise.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "fake/fake_machine.h"
#include "mm/palloc.h"
#include "abi/share.h"
#include "pv/above.h"
#include "unit/suite.h"
#include "x86/cpu.h"

#define SECOND 1000000000UL

/* --- the port, and what else the machine has not --- */

static bool is_there;
static const char *asked;	/* what uart_read() still gives, */
static size_t asked_left;	/* and how much of it */
static char said[1 << 20];	/* what the client has read */
static size_t said_bytes, taken_most;

static void (*taken)(void);	/* while the client reads; NULL: nothing */

bool uart_open(enum uart_port port)
{
	ck_assert_int_eq(port, UART_CONTROL);
	return is_there;
}

size_t uart_put(enum uart_port port, const char *bytes, size_t count)
{
	size_t n = MIN(MIN(count, (size_t)16), taken_most);

	ck_assert_int_eq(port, UART_CONTROL);
	ck_assert_uint_lt(said_bytes + n, sizeof(said));
	memcpy(said + said_bytes, bytes, n);
	said_bytes += n;
	said[said_bytes] = '\0';
	taken_most -= n;
	if (taken)
		taken();
	return n;
}

int uart_read(enum uart_port port)
{
	ck_assert_int_eq(port, UART_CONTROL);
	if (!asked_left)
		return -1;
	asked_left--;
	return (unsigned char)*asked++;
}

static struct timer *armed_last;
static unsigned int armed;

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	t->fn = fn;
	t->arg = arg;
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
	armed++;
	armed_last = t;
}

uint32_t lives_crashed(void) { return 3; }
uint32_t waiting_given_up(void) { return 2; }
static bool fits = true;	/* what waiting_fits() says */
bool waiting_fits(const struct domain_config *config)
{
	return fits;
}

bool waiting_waits(const struct domain_config *config, uint32_t instance)
{
	return config->cap == 77;	/* that of the line "w" below */
}
void (*sched_between_guests)(void);
void (*console_printed)(const struct domain *d, const char *text, size_t bytes);

/* What was typed for whom; the guest named "deaf" takes nothing. */
static char typed[200];

bool console_type(struct domain *d, const char *text, uint32_t bytes)
{
	snprintf(typed, sizeof(typed), "%s: %.*s", d->name, (int)bytes, text);
	return strcmp(d->name, "deaf");
}

/* --- the client --- */

static struct domain *a, *b;
static bool beside_xl;		/* there is a first domain, too */
static uint64_t free_before;

static struct domain *guest(const char *name, const char *group)
{
	struct domain *d = fake_domain(group, 100);

	strcpy(d->name, name);
	return d;
}

static void polls(unsigned int n)
{
	while (n--)
		control_poll();
}

static inline void hear_nothing(void)
{
	said_bytes = 0;
	said[0] = '\0';
}

static inline const char *ask_bytes(const char *text, size_t bytes)
{
	hear_nothing();
	asked = text;
	asked_left = bytes;
	polls(60);
	return said;
}

static inline const char *ask(const char *text)
{
	return ask_bytes(text, strlen(text));
}

/* A domain list. */
static void list_line(const char *name, uint32_t count, uint32_t repeat,
		      uint32_t cap)
{
	struct domain_config *c = domlist_new();

	*c = (struct domain_config){
		.count = count, .repeat = repeat, .cap = cap, .vcpus = 1,
		.memory_bytes = FAKE_PAGES * PAGE_SIZE, .kernel = fake_kernel(),
	};
	strcpy(c->name, name);
}

static void list_of_four(void)
{
	boot_modules[0] = *fake_kernel();
	boot_module_count = 1;
	ck_assert(domlist_init());
	list_line("z", 2, 0, 0);
	list_line("r", 1, 3, 0);
	list_line("w", 1, 0, 77);
	list_line("dom0", 1, 0, 0);
	((struct domain_config *)(uintptr_t)domlist_at(3))->first = true;
}

static void setup(void)
{
	fake_machine_start();
	is_there = true;
	taken_most = SIZE_MAX;
	armed = 0;
	snapshot_init();
	list_of_four();
	control_start(true, beside_xl);
	ck_assert_uint_eq(armed, 1);
	free_before = palloc_free_count();
	a = guest("a", "one");
	b = guest("b", "");
	polls(1);
	ck_assert_str_eq(said, "hello pasture protocol=1\n");
}

static inline void teardown(void)
{
	uint64_t cross;

	if (a)
		fake_end(a);
	if (b)
		fake_end(b);
	fake_recount();
	ck_assert_uint_eq(audit_machine(&cross), 0);
	ck_assert_uint_eq(palloc_free_count(), free_before);
}

#endif
