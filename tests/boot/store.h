/* SPDX-License-Identifier: MIT */
/*
 * For test kernels that xl starts: xenstore, one request at a time and waited
 * for; no watches, no transactions.  A request that the store refuses ends the
 * test.
 */
#ifndef STORE_H
#define STORE_H

#include <gl/event.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/timer.h>

#include <xen/io/xs_wire.h>

#include "gl_test.h"

#define STORE_VALUE	128
#define STORE_POLL_NS	1000000UL

static struct xenstore_domain_interface *store;

static void store_event(evtchn_port_t p, void *data)
{
}

static void store_init(void)
{
	store = (void *)gl_pfn_to_virt(gl_mfn_to_pfn(gl_start_info->store_mfn));
	gl_event_handler_set(gl_start_info->store_evtchn, store_event, NULL);
}

static void store_put(const void *from, uint32_t bytes)
{
	const char *p = from;

	for (; bytes; bytes--) {
		uint32_t at = store->req_prod;

		while (at - __atomic_load_n(&store->req_cons, __ATOMIC_ACQUIRE) ==
		       XENSTORE_RING_SIZE)
			gl_sleep_ns(STORE_POLL_NS);
		store->req[MASK_XENSTORE_IDX(at)] = *p++;
		__atomic_store_n(&store->req_prod, at + 1, __ATOMIC_RELEASE);
	}
}

static void store_get(void *to, uint32_t bytes)
{
	char *p = to;

	for (; bytes; bytes--) {
		uint32_t at = store->rsp_cons;

		while (__atomic_load_n(&store->rsp_prod, __ATOMIC_ACQUIRE) == at)
			gl_sleep_ns(STORE_POLL_NS);
		*p++ = store->rsp[MASK_XENSTORE_IDX(at)];
		__atomic_store_n(&store->rsp_cons, at + 1, __ATOMIC_RELEASE);
	}
}

/* `answer`: STORE_VALUE bytes; it ends in a NUL. */
static void store_call(uint32_t type, const char *path, const char *value,
		       char *answer)
{
	uint32_t bytes = (uint32_t)strlen(path) + 1, more = (uint32_t)strlen(value);
	struct xsd_sockmsg head = { .type = type, .len = bytes + more };

	store_put(&head, sizeof(head));
	store_put(path, bytes);
	store_put(value, more);
	gl_event_send(gl_start_info->store_evtchn);
	store_get(&head, sizeof(head));
	if (head.len >= STORE_VALUE)
		gl_test_error("a long answer of xenstore");
	store_get(answer, head.len);
	answer[head.len] = 0;
	gl_event_send(gl_start_info->store_evtchn);
	if (head.type != type) {
		gl_printf("xenstore: %s: %s\n", path, answer);
		gl_test_error("xenstore refuses");
	}
}

static void store_read(const char *path, char *answer)
{
	store_call(XS_READ, path, "", answer);
}

static void store_write(const char *path, const char *value)
{
	char answer[STORE_VALUE];

	store_call(XS_WRITE, path, value, answer);
}

static void store_write_number(const char *path, uint64_t n)
{
	char text[24];

	gl_snprintf(text, sizeof(text), "%lu", n);
	store_write(path, text);
}

#endif
