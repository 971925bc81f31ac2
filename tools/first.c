/* SPDX-License-Identifier: MIT */
/*
 * See first.h.  A session of ours in the hypervisor; a call of it never waits,
 * so we look again and again, as the hypervisor does at its end.
 *
 * The hypervisor has few sessions.  One whose client ends without a word is in
 * use for ten seconds more; so a signal ends the program in order.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/sysctl.h>
#include <xencall.h>

#include "harness/util.h"
#include "hv/abi/control.h"
#include "tools/first.h"

#define DEVICE		"/dev/xen/privcmd"
#define BUFFER_BYTES	4096u
#define SEND_SECONDS	1.0
#define LOOK_US		3000

static struct {
	xencall_handle *xen;
	struct xen_sysctl *op;
	char *bytes;
	uint64_t session;	/* 0: none */
} first;
static volatile sig_atomic_t signalled;

bool first_is_here(void)
{
	return !access(DEVICE, F_OK);
}

/* Both ways through the one buffer: what is given is read before. */
static int call(size_t *give, size_t *take, uint32_t flags)
{
	struct pasture_control c = {
		.session = first.session, .flags = flags,
		.give = (uintptr_t)first.bytes, .give_bytes = (uint32_t)*give,
		.take = (uintptr_t)first.bytes, .take_bytes = (uint32_t)*take,
	};

	*first.op = (struct xen_sysctl){
		.cmd = PASTURE_SYSCTL_control,
		.interface_version = XEN_SYSCTL_INTERFACE_VERSION,
	};
	memcpy(&first.op->u, &c, sizeof(c));
	if (xencall1(first.xen, __HYPERVISOR_sysctl, (uintptr_t)first.op))
		return errno;
	memcpy(&c, &first.op->u, sizeof(c));
	first.session = c.session;
	*give = c.give_bytes;
	*take = c.take_bytes;
	return 0;
}

static void end(void)
{
	size_t none = 0;

	if (first.session)
		(void)call(&none, &none, PASTURE_CONTROL_END);
	first.session = 0;
}

static void note(int sig)
{
	signalled = sig;
}

/* Some of both; false: the session is another client's by now. */
static bool move(size_t *give, size_t *take)
{
	int error;

	if (signalled)
		exit(128 + signalled);
	error = call(give, take, 0);
	if (error == ESRCH) {
		first.session = 0;
		die("another client has this session: nothing was asked in it for ten seconds");
	}
	return !error;
}

static bool first_send(struct client *c, const char *text)
{
	double end = now_seconds() + SEND_SECONDS;
	size_t left = strlen(text), n, none;

	while (left) {
		n = left < BUFFER_BYTES ? left : BUFFER_BYTES;
		memcpy(first.bytes, text, n);
		none = 0;
		if (!move(&n, &none) || (!n && now_seconds() > end))
			return false;
		text += n;
		left -= n;
		if (!n)
			usleep(LOOK_US);
	}
	return true;
}

static enum client_got first_read(struct client *c, double seconds)
{
	double end = now_seconds() + seconds;
	size_t none = 0, n, room = sizeof(c->text) - c->bytes;

	for (;;) {
		n = room < BUFFER_BYTES ? room : BUFFER_BYTES;
		if (!move(&none, &n))
			return CLIENT_CLOSED;
		if (n)
			break;
		if (now_seconds() >= end)
			return CLIENT_NOTHING;
		usleep(LOOK_US);
	}
	client_came(c, first.bytes, n);
	return CLIENT_LINE;
}

static void first_close(struct client *c)
{
	end();
}

static char *why_not(int error)
{
	switch (error) {
	case EPERM:
		return xstrdup("this system is a guest; only the first domain may ask the hypervisor");
	case ENOSYS:
	case EACCES:
		return xstrdup("the hypervisor of this system is not Pasture, or another version of it");
	case EBUSY:
		return xstrdup("all sessions are in use; end a client, or try again in ten seconds");
	default:
		return xstrdup(strerror(error));
	}
}

char *first_open(struct client *c)
{
	static const struct client_way way = { first_send, first_read, first_close };
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	const struct sigaction act = { .sa_handler = note };
	size_t none = 0, i;
	int error;

	*c = (struct client){ .fd = -1, .way = &way };
	if (access(DEVICE, R_OK | W_OK))
		return xasprintf("%s: %s", DEVICE, strerror(errno));
	first.xen = xencall_open(NULL, XENCALL_OPENFLAG_NON_REENTRANT);
	if (!first.xen)
		return xasprintf("cannot open %s", DEVICE);
	first.op = xencall_alloc_buffer(first.xen, sizeof(*first.op));
	first.bytes = xencall_alloc_buffer(first.xen, BUFFER_BYTES);
	if (!first.op || !first.bytes)
		return xstrdup("no memory for calls of the hypervisor");
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &act, NULL);
	error = call(&none, &none, 0);
	if (error)
		return why_not(error);
	atexit(end);
	return NULL;
}
