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

enum client_got { CLIENT_LINE, CLIENT_NOTHING, CLIENT_CLOSED };
struct client;

/* What bytes go and come by, where it is no file: tools/first.h. */
struct client_way {
	bool (*send)(struct client *c, const char *text);
	/* LINE: something came, within so many seconds */
	enum client_got (*read)(struct client *c, double seconds);
	void (*close)(struct client *c);
};

struct client {
	const struct client_way *way;	/* NULL: fd */
	int fd;			/* -1: closed */
	bool has_line;		/* the one that was given last is in `text` */
	char text[4096];
	size_t bytes;		/* of text */
};

extern const char client_nobody[];	/* why: others have it */

/* Open it, and no more; false: errno says why not. */
bool client_open(struct client *c, const char *path);
void client_close(struct client *c);
/* Never waits long: what is not taken in a second never will be; false then. */
bool client_send(struct client *c, const char *text);

/*
 * The next line, without its newline and good until the next call; waits for it
 * so long.
 */
enum client_got client_line(struct client *c, double seconds, const char **line);
/* Bytes that came by the client_way. */
void client_came(struct client *c, const char *bytes, size_t n);

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
