/* SPDX-License-Identifier: MIT */
/*
 * The client's end of the control channel (docs/control.md): a socket of
 * QEMU's, or a serial line of this host that leads to a machine.
 */
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_PROTOCOL	1	/* the one that is understood here */
#define CLIENT_LINE_MAX	1024

struct client {
	int fd;			/* -1: closed */
	bool has_line;		/* the one that was given last is in `text` */
	char text[4096];
	size_t bytes;		/* of text */
};

/* Open it, and no more; false: errno says why not. */
bool client_open(struct client *c, const char *path);
void client_close(struct client *c);
/* Never waits long: what is not taken in a second never will be; false then. */
bool client_send(struct client *c, const char *text);

enum client_got { CLIENT_LINE, CLIENT_NOTHING, CLIENT_CLOSED };
/*
 * The next line, without its newline and good until the next call; waits for it
 * so long.
 */
enum client_got client_line(struct client *c, double seconds, const char **line);

/*
 * A new conversation, whatever another client left behind: NULL when the
 * machine has answered and speaks our protocol, or what is wrong, to be freed.
 */
char *client_greet(struct client *c, double seconds);
/* What client_greet() sends; `tag` for client_greets(). */
bool client_hail(struct client *c, uint64_t tag);
/* Is this the answer?  Then *why is as client_greet()'s. */
bool client_hailed(uint64_t tag, const char *line, char **why);

#endif
